# SPDX-License-Identifier: Apache-2.0
"""Debian's openvpn as a client of our server; and of its own and of SoftEther's server, by the same
steps, which proves the steps."""
import collections
import contextlib
import time

import certs
import flood
import openvpn_peer
import polyether
import softether
import traffic
from netlab import LAN, LAN6, SRV, need, wait_until
from openvpn_peer import CIPHERS, CONTROLS
from registry import built_with_asan, scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
NEEDS = ("openvpn", "tun", "dnsmasq", "dhclient")
LOGINS = ("password", "certificate", "both")
Combo = collections.namedtuple("Combo", "proto dev cipher login control")
MATRIX = [Combo(*row) for row in openvpn_peer.pairwise(
    ("udp", "tcp"), ("tun", "tap"), CIPHERS, LOGINS, CONTROLS)]
# Logs in without a name: the certificate tells it, and the hub is the default one.
CERTIFICATE_USER = "carol"
# SoftEther tells clients with a tap an address that is none of the hub's.
NO_IFCONFIG = ('pull-filter ignore "ifconfig "',)


def name_of(combo):
    return ", ".join(combo)


# -- steps that know nothing of who the server is --

def carries(client, ns, address, size=20 * MB):
    """Pings and octets both ways between the client and a host behind the server."""
    mine = client.lease()
    traffic.wait_answer(client.ns, address)
    traffic.pings(client.ns, address)
    traffic.transfer(client.ns, ns, address, size)
    traffic.transfer(ns, client.ns, mine, size)
    return mine


def one_combination(lab, combo, connect, ns, address):
    """connect(combo) makes the client."""
    client = connect(combo)
    try:
        need(client.cipher() == combo.cipher, f"the cipher is {client.cipher()}")
        mine = carries(client, ns, address)
    finally:
        client.stop()
    return mine


class Renegotiation:
    """Pings while the keys change; none may be lost."""

    def __init__(self, client, address, seconds, every):
        """The client was told to change its keys so often."""
        traffic.wait_answer(client.ns, address)
        self.client, self.address, self.seconds, self.every = client, address, seconds, every
        self.start, self.pings = time.monotonic(), traffic.Pings(client.ns, address)

    def finish(self):
        client, wanted = self.client, int(self.seconds / self.every) - 1
        left = self.start + self.seconds - time.monotonic()
        try:
            wait_until(f"{wanted} renegotiations and {self.seconds} s", lambda: soft_resets(client) >=
                       wanted and time.monotonic() > self.start + self.seconds, left + self.every, 0.2)
            traffic.pings(client.ns, self.address)
        finally:
            sent, lost = self.pings.lost()
        need(client.process.running(), client.log()[-1500:])
        need(lost == 0, f"{lost} of {sent} pings were lost in {soft_resets(client)} renegotiations")
        need(sent > self.seconds * 20, f"only {sent} pings in {self.seconds} s")
        need(client.log().count(openvpn_peer.DONE) == 1, "the tunnel was set up again")


def soft_resets(client):
    """Renegotiations that came to their end: the first handshake is not one."""
    return client.log().count("Control Channel: TLS") - 1


def floats(lab, ns, relay, client, address):
    """The client's port changes, then its address; the tunnel goes on."""
    link = "10.99." + ns.server.split(".")[2]
    pings = traffic.Pings(ns, address)
    try:
        for change in (relay.move,
                       lambda: swap_address(ns, f"{link}.2/24", f"{link}.3/24"),
                       relay.move):
            change()
            # An answer to a ping that was sent after the change.
            traffic.wait_answer(ns, address, 5)
            traffic.pings(ns, address)
    finally:
        sent, lost = pings.lost()
    need(lost <= 6, f"{lost} of {sent} pings were lost in three changes")
    need(client.log().count(openvpn_peer.DONE) == 1 and "SIGUSR1" not in client.log(),
         "the client started again:\n" + client.log()[-1500:])


def swap_address(ns, old, new):
    """At once: as long as there is none, pings are lost. The old one goes first: the kernel takes what
    is second on the network along with it."""
    ns.run("ip", "-batch", "-", text=f"addr del {old} dev eth0\naddr add {new} dev eth0\n")


def is_refused(lab, ns, say, **options):
    """AUTH_FAILED in the client's log; say: what the log of the server must add."""
    client = openvpn_peer.Client(lab, ns, ns.server, wait=0, **options)
    try:
        client.wait_log("AUTH_FAILED", 20)
        need(openvpn_peer.DONE not in client.log(), "it was let in before it was refused")
    finally:
        client.process.kill()
    if say:
        wait_until("a word in the server's log", say, 5)


def survives_flood(server_process, ns, address, largest, count=100_000):
    """First packets from many ports: the memory stays as it is, and answers are no amplifier."""
    first = flood.first_packets(ns, address, 1194, 5000)
    before = server_process.rss_kib()
    seen = flood.first_packets(ns, address, 1194, count)
    after = server_process.rss_kib()
    need(seen.lost < count / 50, f"the kernel dropped {seen.lost} of the requests")
    need(first.replies > 0, "not one of the first requests was answered")
    need(seen.reply_octets <= seen.request_octets and
         max(first.largest, seen.largest) <= largest,
         f"{seen.replies} replies of {seen.reply_octets} octets, the largest of {seen.largest}, "
         f"to {count} requests of {seen.request_octets} octets")
    need(after <= before + 1024 + before / 100, f"{before} KiB became {after} KiB")


# -- our server --

class Ours:
    """Our server with a hub, users of each kind, a bridge to a DHCP server; OpenVPN is on."""

    def __init__(self, t, dnsmasq_options=()):
        self.lab = lab = t.lab
        self.authority = certs.Authority(lab.tmp)
        self.certificate = self.authority.issue(CERTIFICATE_USER)
        self.server = server = polyether.Server(lab)
        server.make_hub()
        server.ctl("ca", "add", HUB, self.authority.cert)
        server.ctl("user", "create", HUB, CERTIFICATE_USER, "--signed-cert", "--cn", CERTIFICATE_USER)
        server.bridge()
        server.openvpn("--enable", "--udp-ports", "1194", "--default-hub", HUB, "--control",
                       "plain,tls-auth,tls-crypt,tls-crypt-v2", "--tls-auth-digest", "SHA256",
                       "--ciphers", ":".join(CIPHERS[:3]), "--allow-cbc", "--no-client-cert",
                       "--no-redirect-gateway")
        wait_until("OpenVPN's UDP port", lambda: server.ns.listens(1194, udp=True))
        self.ca = lab.tmp / "server-ca.crt"
        self.ca.write_text(server.certificate_pem())
        self.controls = {}
        traffic.dnsmasq(lab, options=dnsmasq_options)

    def control(self, kind):
        if kind not in self.controls:
            self.controls[kind] = self.server.openvpn_control(kind)
        return self.controls[kind]

    def client(self, ns, proto="udp", dev="tun", login="password", control="none", server=None,
               user=USER, password=PASSWORD, **options):
        name = None if login == "certificate" else (user, password)
        return openvpn_peer.Client(
            self.lab, ns, server or ns.server, options.pop("port", None) or (1194 if proto == "udp" else 443),
            proto, dev, self.ca, name, None if login == "password" else self.certificate, control=self.control(control),
            **{"options": ("remote-cert-tls server",), **options})

    def combination(self, combo, **options):
        return self.client(self.lab.cli, combo.proto, combo.dev, combo.login, combo.control,
                           ciphers=(combo.cipher,), **options)

    def refusal(self, word):
        """Whether the log of the server tells a refusal with this in its reason."""
        return any("login refused" in line and word in line.partition("reason=")[2].lower()
                   for line in self.server.logs().splitlines())

    def end(self, t):
        with t.check("the server is well, and ends when told to"):
            self.server.healthy()
            self.server.stop()


@scenario("openvpn/matrix", needs=("server", *NEEDS), asan=True, limit=300, takes=75)
def _(t):
    """Each pair of protocol, device, cipher, login and control channel."""
    with t.must("server, hub, bridge, DHCP server"):
        ours = Ours(t)

    def run(combo):
        with t.check(name_of(combo)):
            mine = one_combination(t.lab, combo, ours.combination, t.lab.lan, LAN)
            need(mine.startswith("10.99.3.1"), f"the address {mine} is not of the hub's DHCP")

    for combo in (c for c in MATRIX if c.login != "both"):
        run(combo)
    ours.server.openvpn("--require-client-cert")
    for combo in (c for c in MATRIX if c.login == "both"):
        run(combo)
    with t.check("a password without the certificate is not enough"):
        is_refused(t.lab, t.lab.cli, lambda: ours.refusal("certificate"), ca=ours.ca,
                   login=(USER, PASSWORD))
    ours.end(t)


def refusals(t, ours):
    lab = t.lab
    for step, word, options in (
            ("a wrong password", "password", {"login": (USER, "wrong")}),
            ("a user who is not there", "", {"login": ("nobody", PASSWORD)}),
            ("a hub that is not there", "hub", {"login": (f"{USER}@NOWHERE", PASSWORD)}),
            ("an expired certificate", "expired",
             {"certificate": ours.authority.issue(CERTIFICATE_USER, expired=True)}),
            ("a certificate of a stranger", "certificate",
             {"certificate": certs.Authority(lab.tmp, "stranger").issue("mallory")})):
        with t.check(f"refused: {step}"):
            before = ours.server.logs().count("login refused")
            is_refused(lab, lab.cli, lambda w=word, b=before: ours.refusal(w) and
                       ours.server.logs().count("login refused") > b, ca=ours.ca, **options)


def names(t, ours):
    for user in (f"{USER}@{HUB}", f"{HUB}\\{USER}"):
        with t.check(f"the hub in the user's name: {user}"):
            with ours.client(t.lab.cli, user=user):
                traffic.wait_answer(t.lab.cli, LAN)
    with t.check("a user with this very certificate, signed by nobody"):
        own = certs.self_signed(t.lab.tmp, "erin")
        ours.server.add_certificate_user("erin", own[0])
        with openvpn_peer.Client(t.lab, t.lab.cli, SRV, ca=ours.ca, certificate=own):
            traffic.wait_answer(t.lab.cli, LAN)


def fixed_address(t, ours):
    with t.check("an address that is the user's own"):
        ours.server.add_user("frank", PASSWORD, HUB, "--address4", "10.99.3.77/24")
        for proto in ("udp", "tcp"):
            with ours.client(t.lab.cli, proto, user="frank") as client:
                need(client.lease() == "10.99.3.77", f"the address is {client.lease()}")
                traffic.wait_answer(t.lab.cli, LAN)


def families(t, ours):
    lab = t.lab
    ns = lab.add_client()
    for proto in ("udp", "tcp"):
        with t.check(f"IPv6 outside, {proto}"):
            with ours.client(ns, proto, server=ns.server6) as client:
                carries(client, lab.lan, LAN, 5 * MB)
    for dev in ("tun", "tap"):
        with t.check(f"IPv6 inside, {dev}"):
            with ours.client(ns, dev=dev) as client:
                client.lease()
                mine = wait_until("an IPv6 address", lambda c=client: traffic.address6_of(
                    ns, c.device, "fd99:3:"), 15)
                traffic.wait_answer(ns, LAN6)
                traffic.pings(ns, LAN6)
                traffic.transfer(ns, lab.lan, LAN6, 5 * MB)
                traffic.transfer(lab.lan, ns, mine, 5 * MB)


@contextlib.contextmanager
def closed_udp(ns):
    """Drops what comes to OpenVPN's port, as a firewall does."""
    ns.run("nft", "add table inet closed; add chain inet closed in { type filter hook input priority 0; }; "
           "add rule inet closed in udp dport 1194 drop")
    try:
        yield
    finally:
        ns.run("nft", "delete table inet closed")


def profiles(t, ours):
    """What our command line writes is all that openvpn needs, but the password."""
    lab, server, profile = t.lab, ours.server, t.lab.tmp / "export.ovpn"
    ns = lab.add_client()
    login = (f"{USER}@{HUB}", PASSWORD)

    def export(*options):
        profile.unlink(missing_ok=True)
        server.ctl("openvpn", "export", HUB, "--output", profile, "--host", ns.server, *options)
        return profile

    variants = [("", (), login), ("tap", ("--tap",), login)]
    variants += [(kind, ("--control", kind), login) for kind in CONTROLS[1:]]
    variants.append(("certificate", ("--user-cert", ours.certificate[0], "--user-key",
                                     ours.certificate[1]), None))
    for text, options, name in variants:
        with t.check(f"exported profile{': ' * bool(text)}{text}"):
            with openvpn_peer.Client.from_profile(lab, ns, export(*options), name) as client:
                need(client.dev == ("tap" if text == "tap" else "tun"), f"it has {client.dev}")
                need(client.cipher() == "AES-256-GCM", f"the cipher is {client.cipher()}")
                client.lease()
                traffic.wait_answer(ns, LAN)
    with t.check("a profile is for its owner alone"):
        export("--control", "tls-crypt")
        need(profile.stat().st_mode & 0o077 == 0, f"its mode is {profile.stat().st_mode:o}")
    with t.check("the profile goes by TCP when UDP is closed"), closed_udp(lab.srv):
        client = openvpn_peer.Client.from_profile(
            lab, ns, export(), login, ("--server-poll-timeout", "3"))
        traffic.wait_answer(ns, LAN)
        need("TCPv4_CLIENT link remote" in client.log(), client.log()[-1500:])
        client.stop()


def one_hub(t, ours):
    """A tap, a tun and our own client are neighbours."""
    lab = t.lab
    with t.must("a tap, a tun and our client, leases of one pool"):
        clients = [ours.client(lab.add_client(), dev=dev) for dev in ("tap", "tun")]
        hosts = {c.ns: c.lease() for c in clients}
        own = polyether.Client(lab)
        own.connect("own", f"{SRV}:443", trust=ours.server.certificate_sha256())
        hosts[lab.cli] = traffic.dhcp(lab, lab.cli, own.device)
        for address in hosts.values():
            need(address.startswith("10.99.3.1"), f"{address} is not of the hub's DHCP")
        need(len(set(hosts.values())) == 3, f"leased twice: {hosts.values()}")
    hosts[lab.lan] = LAN
    with t.check("each reaches each"):
        traffic.each_reaches_each(hosts)
    with t.check("10 MB by hash between each two"):
        for ns in hosts:
            for other, address in hosts.items():
                if other is not ns:
                    traffic.transfer(ns, other, address, 10 * MB)
    with t.check("three sessions, told as what they are"):
        rows = ours.server.ctl_json("session", "list", HUB)
        text = str(rows)
        need(text.count("OpenVPN") >= 2 or text.count("OPENVPN") >= 2, f"no OpenVPN there: {text}")
    for c in clients:
        c.stop()
    own.disconnect("own")


@scenario("openvpn/cases", needs=("server", "client", "nft", *NEEDS), asan=True, limit=300, takes=70)
def _(t):
    with t.must("server, hub, bridge, DHCP server"):
        ours = Ours(t, ("--enable-ra", "--dhcp-range=fd99:3::,ra-stateless,64"))
    refusals(t, ours)
    names(t, ours)
    fixed_address(t, ours)
    families(t, ours)
    profiles(t, ours)
    one_hub(t, ours)
    ours.end(t)


def session_of(ours, client):
    """The name of a client's session, by the address that it comes from."""
    source = client.ns.server.rsplit(".", 1)[0] + ".2"
    rows = ours.server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]
    found = [r["Name_str"] for r in rows if r.get("ClientIP_ip") == source]
    need(len(found) == 1, f"{found} of {source} in {rows}")
    return found[0]


def comes_back(ours, client, end):
    before, first = client.log().count(openvpn_peer.DONE), session_of(ours, client)
    end()
    wait_until("a new tunnel", lambda: client.log().count(openvpn_peer.DONE) > before, 40, 0.2)
    traffic.wait_answer(client.ns, LAN)
    need(session_of(ours, client) != first, "it is the same session")


@scenario("openvpn/changes", needs=("server", *NEEDS), asan=True, limit=200, takes=80, waits=True)
def _(t):
    """Keys, ports and addresses change while traffic flows."""
    lab = t.lab
    with t.must("server, hub, bridge, DHCP server"):
        ours = Ours(t)
        renewing = {p: ours.client(lab.add_client(), p, options=("reneg-sec 10",))
                    for p in ("udp", "tcp")}
        watch = {p: Renegotiation(c, LAN, 65, 10) for p, c in renewing.items()}
    with t.check("port and address of the client change"):
        ns = lab.add_client()
        relay = openvpn_peer.Relay(lab, ns, "udp", ns.server, 1194)
        client = ours.client(ns, server=relay.address, port=relay.port)
        floats(lab, ns, relay, client, LAN)
    with t.check("20 MB by hash each way after that"):
        carries(client, lab.lan, LAN)
        client.stop()
    for proto, w in watch.items():
        with t.check(f"65 s with a renegotiation every 10 s, {proto}: no ping lost"):
            w.finish()
    with t.check("20 MB by hash each way after that, udp"):
        carries(renewing["udp"], lab.lan, LAN)
    with t.check("an administrator ends a session: the client comes again, as a new one"):
        comes_back(ours, renewing["udp"], lambda: ours.server.ctl(
            "session", "disconnect", HUB, session_of(ours, renewing["udp"])))
    with t.check("the server restarts: both clients come back by themselves"):
        ours.server.stop()
        ours.server.start()
        for c in renewing.values():
            wait_until("the tunnel", lambda c=c: traffic.answers(c.ns, LAN), 40, 0.3)
    ours.end(t)


@scenario("openvpn/flood", needs=("server", *NEEDS), limit=120, takes=15, quiet=True)
def _(t):
    with t.must("server, hub, bridge, DHCP server, a client"):
        ours = Ours(t)
        client = ours.client(t.lab.add_client())
        traffic.wait_answer(client.ns, LAN)
    with t.check("100,000 first packets: memory stays, answers are no amplifier"):
        survives_flood(ours.server.process, t.lab.cli, SRV, flood.PLAIN)
    with t.check("who was there before is there still, and who comes gets in"):
        traffic.wait_answer(client.ns, LAN)
        need(client.log().count(openvpn_peer.DONE) == 1, "the tunnel was set up again")
        other = ours.client(t.lab.add_client())
        carries(other, t.lab.lan, LAN, 5 * MB)
    ours.end(t)


@scenario("openvpn/crowd", needs=("server", *NEEDS), asan=True, limit=120, takes=12, quiet=True)
def _(t):
    """Handshakes that are begun and left alone: others still get in, and memory has a bound."""
    lab = t.lab
    with t.must("server, hub, bridge, DHCP server"):
        ours = Ours(t)
        other = lab.add_client()
        ours.client(other).stop()
    before = ours.server.process.rss_kib()
    for proto, crowd in (("udp", lambda: flood.half_open_udp(lab.cli, SRV, 1194, 400)),
                         ("tcp", lambda: (flood.half_open_tcp(lab.cli, SRV, 443, 400), 400))):
        with t.check(f"400 half-open handshakes of one address, {proto}, and another's login"):
            sockets, answered = crowd()
            need(answered > 300, f"only {answered} were answered at all")
            with ours.client(other, proto) as client:
                carries(client, lab.lan, LAN, 2 * MB)
            for s in sockets:
                s.close()
    if not built_with_asan():
        with t.check("memory has a bound"):
            grown = ours.server.process.rss_kib() - before
            need(grown < 32 * 1024, f"{grown} KiB more")
    ours.end(t)


# -- the lab, with other servers --

@scenario("selfcheck/openvpn", needs=NEEDS, limit=200, takes=40)
def _(t):
    """openvpn at both ends."""
    lab = t.lab
    with t.must("keys, certificates, DHCP server"):
        authority = certs.Authority(lab.tmp)
        own, users = authority.issue("server", "server"), authority.issue(CERTIFICATE_USER)
        keys = openvpn_peer.Keys(lab.tmp)
        traffic.dnsmasq(lab)

    def serve(combo, **options):
        return openvpn_peer.Server(
            lab, authority, own, combo.proto, combo.dev, (combo.cipher,),
            keys.server(combo.control), (USER, PASSWORD) if combo.login != "certificate" else None,
            combo.login != "password", **options)

    def connect(combo, ns=lab.cli, **options):
        return openvpn_peer.Client(
            lab, ns, ns.server, proto=combo.proto, dev=combo.dev, ca=authority.cert,
            login=(USER, PASSWORD) if combo.login != "certificate" else None,
            certificate=users if combo.login != "password" else None, ciphers=(combo.cipher,),
            control=keys.client(combo.control), **options)

    for combo in MATRIX[:4]:
        with t.check(name_of(combo)):
            server = serve(combo)
            try:
                peer = (lab.srv, server.own) if combo.dev == "tun" else (lab.lan, LAN)
                one_combination(lab, combo, connect, *peer)
            finally:
                server.stop()
    with t.must("a server for the rest"):
        combo = Combo("udp", "tun", "AES-256-GCM", "both", "none")
        server = serve(combo, options=("keepalive 1 10",))
    with t.check("renegotiation under traffic"):
        ns = lab.add_client()
        client = connect(combo, ns, options=("reneg-sec 3",))
        Renegotiation(client, server.own, 10, 3).finish()
        client.stop()
    with t.check("port and address of the client change"):
        relay = openvpn_peer.Relay(lab, ns, "udp", ns.server, 1194)
        client = openvpn_peer.Client(lab, ns, relay.address, relay.port, ca=authority.cert,
                                     certificate=users, login=(USER, PASSWORD))
        floats(lab, ns, relay, client, server.own)
        client.stop()
    with t.check("a wrong password is refused"):
        is_refused(lab, lab.cli, lambda: "verification failed for peer" in server.logs(),
                   ca=authority.cert, certificate=users, login=(USER, "wrong"))


@scenario("selfcheck/openvpn-flood", needs=NEEDS, limit=120, quiet=True)
def _(t):
    with t.must("openvpn's own server"):
        authority = certs.Authority(t.lab.tmp)
        server = openvpn_peer.Server(t.lab, authority, authority.issue("server", "server"),
                                     login=(USER, PASSWORD))
    with t.check("100,000 first packets"):
        survives_flood(server.process, t.lab.cli, SRV, flood.PLAIN_ANSWER)


@scenario("selfcheck/softether-openvpn", needs=("softether-server", *NEEDS), limit=200, takes=25)
def _(t):
    """Like our server, SoftEther's has the clients on a hub, and their addresses from there."""
    lab = t.lab
    with t.must("server, hub, bridge"):
        server = softether.Server(lab)
        server.make_hub()
        server.bridge()
        authority = server.openvpn()
        traffic.dnsmasq(lab)

    def connect(combo, **options):
        return openvpn_peer.Client(
            lab, lab.cli, SRV, 1194 if combo.proto == "udp" else 443, combo.proto, combo.dev,
            authority, (f"{HUB}\\{USER}", options.pop("password", PASSWORD)),
            ciphers=(combo.cipher,), options=NO_IFCONFIG if combo.dev == "tap" else (), **options)

    for proto, dev in (("udp", "tun"), ("tcp", "tun"), ("udp", "tap"), ("tcp", "tap")):
        combo = Combo(proto, dev, "AES-256-GCM", "password", "none")
        with t.check(f"{proto}, {dev}"):
            mine = one_combination(lab, combo, connect, lab.lan, LAN)
            need(mine.startswith("10.99.3.1"), f"the address {mine} is not of the hub's DHCP")
    with t.check("a wrong password is refused"):
        is_refused(lab, lab.cli, None, ca=authority, login=(f"{HUB}\\{USER}", "wrong"),
                   ciphers=("AES-256-GCM",))
