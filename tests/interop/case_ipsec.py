# SPDX-License-Identifier: Apache-2.0
"""Linux's L2TP/IPsec client (strongSwan, xl2tpd, pppd) at our server; and at SoftEther's, by the same
steps, which proves the steps."""
import concurrent.futures
import re
import time

import certs
import guest as guests
import ike_flood
import polyether
import softether
import traffic
from ipsec_peer import NEEDS, PSK, Client, Ike, L2tp
from netlab import LAN, LAN6, need, wait_until
from registry import built_with_asan, scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
NAME = f"{USER}@{HUB}"
STRONG = "none"
ALL_WEAK = "sha1,modp1024,3des,md5"
# What clients of the world propose, beside the default of ours: IKE, ESP, a word of the kernel's state.
PROPOSALS = (
    ("Windows'", "aes256-sha1-ecp384,aes128-sha1-ecp256,aes256-sha1-modp2048", "aes256-sha1,aes128-sha1",
     "cbc(aes)"),
    ("Apple's", "aes256-sha256-modp2048,aes256-sha1-modp2048", "aes256-sha256,aes256-sha1", "cbc(aes)"),
    ("GCM", "aes128-sha384-ecp256", "aes256gcm16", "gcm(aes)"),
    ("large", "aes256-sha512-modp4096", "aes128-sha512", "hmac(sha512)"),
)
OLD = {"ike": "3des-sha1-modp1024", "esp": "3des-sha1"}


def sessions(server, user=USER):
    return [r for r in server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]
            if r.get("Username_str") == user]


def no_session(server, seconds=10):
    wait_until("the end of the sessions", lambda: not sessions(server), seconds, 0.1)


class Ours:
    """Our server with a hub, a bridge to a DHCP server and routers; a guest."""

    def __init__(self, t, *words, full=False):
        self.lab = lab = t.lab
        with t.must("server, hub, bridge, DHCP server"):
            self.server = polyether.Server(lab)
            self.server.make_hub()
            self.server.bridge()
            traffic.dnsmasq(lab, options=("--enable-ra", "--dhcp-range=fd99:3::,ra-stateless,64"))
            self.set("--l2tp", "on", "--default-hub", HUB, *words, psk=PSK)
        with t.must("the guest boots"):
            self.guest = (guests.FullGuest if full else guests.Guest)(lab, delay_ms=0)

    def set(self, *words, **options):
        self.server.ipsec(*words, **options)

    def logged(self, pattern):
        return re.search(pattern, self.server.logs(), re.IGNORECASE)

    def wait_log(self, pattern, seconds=5):
        wait_until(f"'{pattern}' in the server's log", lambda: self.logged(pattern), seconds)

    def end(self, t):
        with t.check("the server is well, and ends when told to"):
            self.server.healthy()
            self.server.stop()


# -- steps that know nothing of who the server is --

def reaches(lab, client):
    """Pings of all sizes both ways."""
    need(client.address.startswith("10.99.3.1"), f"{client.address} is not of the hub's DHCP")
    traffic.wait_answer(client.space, LAN)
    traffic.pings(client.space, LAN)
    # What is longer than the client's MTU costs a message to the sender first.
    traffic.pings(lab.lan, client.address, 1300)


def both_ways(lab, client, size, port=7001):
    for back in (False, True):
        guests.transfer(client.space, lab.lan, LAN, size, back, port)


@scenario("selfcheck/l2tp", needs=("softether-server", *NEEDS), limit=600, long=True, takes=90)
def _(t):
    lab = t.lab
    with t.must("SoftEther's server, the guest"):
        server = softether.Server(lab)
        server.make_hub()
        server.bridge()
        server.ipsec(PSK)
        traffic.dnsmasq(lab)
        guest = guests.Guest(lab, delay_ms=0)
    with t.check("a lease, pings, 5 MB by hash each way"):
        client = Client(guest.space(), USER, ike={"ike": "aes256-sha1-modp2048", "esp": "aes256-sha1"})
        reaches(lab, client)
        both_ways(lab, client, 5 * MB)
        client.stop()


# -- our server --

@scenario("ipsec/l2tp", needs=("server", "openssl", *NEEDS), asan_long=True, limit=900, takes=200)
def _(t):
    ours = Ours(t, "--raw-esp", "off")
    in_udp(t, ours)
    bare(t, ours)
    proposals(t, ours, PROPOSALS if t.long else PROPOSALS[:1])
    weak(t, ours)
    certificates(t, ours)
    refusals(t, ours)
    ours.end(t)


def in_udp(t, ours):
    lab, guest = t.lab, ours.guest
    with t.must("ESP in UDP, MS-CHAPv2: a lease, pings"):
        client = Client(guest.space(), NAME)
        need(client.ike.encapsulated(), "ESP is not in UDP")
        reaches(lab, client)
    with t.check("20 MB by hash each way"):
        both_ways(lab, client, 20 * MB)
    with t.check("iperf3 both ways"):
        traffic.iperf_server(lab)
        for way in ((), ("-R",)):
            rate = traffic.iperf(client.space, LAN, 2, *way)[0]
            need(rate > 5, f"{rate} Mbit/s")
    with t.check("IPv6 inside"):
        wait_until("an IPv6 address", lambda: traffic.address6_of(client.space, "ppp0", "fd99:3:"), 20)
        client.space.run("ip", "-6", "route", "replace", "fd99:3::/64", "dev", "ppp0")
        traffic.wait_answer(client.space, LAN6)
        traffic.pings(client.space, LAN6, 1200)
        guests.transfer(client.space, lab.lan, LAN6, 2 * MB)
    with t.check("the client ends it, and nothing is left"):
        client.l2tp.stop()
        no_session(ours.server)
        client.ike.stop()
        no_peer(ours.server)
        ours.wait_log(r"session ended.*ended by the user")
        ours.wait_log(r"IPsec peer ended.*reason=left")


def no_peer(server):
    wait_until("the end of the peer", lambda: "10.99.4." not in server.ctl("ipsec", "peers"), 5, 0.1)


def bare(t, ours):
    with t.check("bare ESP, PAP: a lease, pings, 5 MB by hash each way"):
        ours.set("--raw-esp", "on")
        client = Client(ours.guest.space(), NAME, auth="pap")
        need(not client.ike.encapsulated(), "ESP is in UDP")
        reaches(t.lab, client)
        both_ways(t.lab, client, 5 * MB)
        client.stop()
        no_session(ours.server)


def proposals(t, ours, which):
    for name, ike, esp, word in which:
        with t.check(f"proposals: {name}"):
            client = Client(ours.guest.space(), USER, ike={"ike": ike, "esp": esp})
            state = client.space.run("ip", "xfrm", "state")
            need(word in state, f"no {word} in\n{state}")
            reaches(t.lab, client)
            client.stop()


def weak(t, ours):
    with t.check("old proposals are refused, with what to do in the log"):
        ours.set("--weak", STRONG)
        ike = Ike(ours.guest.space(), up=False, **OLD)
        ok, said = ike.initiate(10)
        need(not ok and "NO_PROPOSAL" in said + ike.log(), said)
        ours.wait_log("3des.*modp1024")
    with t.check("and taken when allowed"):
        ours.set("--weak", ALL_WEAK)
        ike.up()
        l2tp = L2tp(ike.space, USER)
        l2tp.stop()
        ike.stop()


def certificates(t, ours):
    """RSA signatures instead of a key that all share."""
    server, folder = ours.server, t.lab.tmp
    root, foreign = certs.Authority(folder, "root"), certs.Authority(folder, "foreign")
    between = certs.Authority(folder, "between", root)

    def client(authority, name, **options):
        return (*authority.issue(name, algorithm=certs.RSA, **options), root.cert)

    with t.check("a certificate by an authority of a hub; the server's comes with its chain"):
        cert, key = between.issue("vpn.example", "server", algorithm=certs.RSA)
        chain = folder / "chain.pem"
        chain.write_text(cert.read_text() + between.cert.read_text())
        server.ctl("server", "cert", "set", "--cert", chain, "--key", key)
        server.ctl("ca", "add", HUB, root.cert)
        c = Client(ours.guest.space(), NAME, ike={"certificates": client(root, "notebook")})
        reaches(t.lab, c)
        need("CN=notebook" in server.ctl("ipsec", "peers"), server.ctl("ipsec", "peers"))
        c.stop()
    for name, certificates_, reason in (
            ("of an authority that no hub trusts", client(foreign, "stranger"), "no hub trusts who signed"),
            ("that has expired", client(root, "late", expired=True), "certificate has expired")):
        with t.check(f"a certificate {name}"):
            ike = Ike(ours.guest.space(), up=False, certificates=certificates_)
            ok, said = ike.initiate(15)
            need(not ok and "AUTHENTICATION_FAILED" in said + ike.log(), said)
            ours.wait_log(reason)
            ike.process.stop()
    with t.check("no certificate is good once the authority is taken from the hub"):
        key = next(r["Key_u32"] for r in server.rpc().call("EnumCa", HubName_str=HUB)["CAList"])
        server.ctl("ca", "delete", HUB, key)
        ike = Ike(ours.guest.space(), up=False, certificates=client(root, "notebook2"))
        ok, said = ike.initiate(15)
        need(not ok, said)
        ours.wait_log("no proposal in common.*RSA")
        ike.process.stop()


def refusals(t, ours):
    guest, server = ours.guest, ours.server
    with t.check("a wrong pre-shared key"):
        ike = Ike(guest.space(), up=False, psk="another", tries=2)
        ok, said = ike.initiate(15)
        need(not ok, said)
        ours.wait_log("pre-shared key")
        ike.process.stop()
    for auth in ("mschap-v2", "pap"):
        with t.check(f"a wrong password is refused: {auth}"):
            before = server.logs().count('reason="wrong password"')
            space = guest.space()
            ike = Ike(space)
            client = L2tp(space, NAME, "wrong", auth, wait=0)
            wait_until("the refusal", lambda c=client: "authentication failed" in c.log().lower(), 20, 0.2)
            wait_until("a word in the server's log", lambda b=before: server.logs().count(
                'reason="wrong password"') > b, 5)
            client.process.stop()
            ike.stop()
    with t.check("a user and a hub that are not there"):
        space = guest.space()
        ike = Ike(space)
        for name in (f"nobody@{HUB}", f"{USER}@NOWHERE"):
            client = L2tp(space, name, wait=0)
            wait_until("the refusal", lambda c=client: "authentication failed" in c.log().lower(), 20, 0.2)
            client.process.stop()
        ike.stop()
    with t.check("nothing of them is left"):
        no_session(server)


@scenario("ipsec/nat", needs=("server", "iptables-legacy", *NEEDS), limit=900, long=True, takes=120)
def _(t):
    lab, ours = t.lab, Ours(t)
    nat = guests.Nat(ours.guest)
    with t.must("two clients behind one address"):
        clients = [Client(nat.host(), NAME), Client(nat.host(), NAME)]
        for c in clients:
            need(c.ike.encapsulated(), "ESP is not in UDP")
            reaches(lab, c)
    with t.check("10 MB by hash each way, both at once"):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda c, port: both_ways(lab, c, 10 * MB, port), clients, (7001, 7002)))
    for step, address, ports in (("other ports", None, "20000-24999"),
                                 ("another address", "10.99.4.99", "30000-34999"),
                                 ("and ports again", None, "40000-44999")):
        with t.check(f"the NAT changes: {step}"):
            nat.change(address, ports)
            for c in clients:
                traffic.wait_answer(c.space, LAN, 5)
                traffic.pings(c.space, LAN)
                traffic.pings(lab.lan, c.address, 1300)
    with t.check("both are the same sessions still, and end"):
        need(len(sessions(ours.server)) == 2, f"{len(sessions(ours.server))} sessions")
        for c in clients:
            c.stop()
        no_session(ours.server)
    ours.end(t)


@scenario("ipsec/rekey", needs=("server", *NEEDS), limit=900, long=True, takes=700)
def _(t):
    """Keys of IKE and ESP change all the time, one client in UDP and one without."""
    lab, ours = t.lab, Ours(t, "--raw-esp", "on")
    seconds, every = (600, 30) if t.long else (90, 30)
    times = {"ike_rekey": f"{every}s", "esp_rekey": f"{every - 4}s"}
    with t.must("two clients"):
        clients = [Client(ours.guest.space(), NAME, ike={**times, "encap": "yes"}),
                   Client(ours.guest.space(), NAME, ike={**times, "esp": "aes256-sha256-modp2048"})]
        need([c.ike.encapsulated() for c in clients] == [True, False], "one of them is not as it should be")
        for c in clients:
            reaches(lab, c)
    before = {r["Name_str"] for r in sessions(ours.server)}
    # One namespace can have one log of pings.
    streams = [traffic.Pings(ns, c.address, 0.01) for ns, c in zip((lab.lan, ours.server.ns), clients[:1])]
    streams.append(traffic.Pings(renamed(lab.lan, "lan2"), clients[1].address, 0.01))
    with t.check(f"{seconds} s of traffic, new keys every {every} s"):
        time.sleep(seconds)
        for stream in streams:
            sent, lost = stream.lost()
            need(sent > seconds * 50, f"only {sent} pings")
            print(f"     | {lost} of {sent} pings were lost", flush=True)
            need(lost <= sent / 1000, f"{lost} of {sent} pings were lost")
        for c in clients:
            log = c.ike.log()
            ike, esp = log.count("IKE_SA lab["), len(re.findall(r"CHILD_SA lab\{\d+\} established", log))
            ike = len(re.findall(r"IKE_SA lab\[\d+\] established", log))
            wanted = seconds // every
            need(ike >= wanted and esp >= wanted, f"only {ike} ISAKMP SAs, {esp} of ESP")
    with t.check("the sessions are the same, and no old keys are kept"):
        need({r["Name_str"] for r in sessions(ours.server)} == before, "there were new sessions")
        for c in clients:
            states = c.space.run("ip", "xfrm", "state").count("proto esp")
            need(states <= 6, f"{states} states in the client's kernel")
            c.stop()
        no_session(ours.server)
    ours.end(t)


def renamed(ns, name):
    """The same namespace, with another name for its logs."""
    return type("Renamed", (), {"start": staticmethod(ns.start), "lab": ns.lab, "name": name})


@scenario("ipsec/dead", needs=("server", *NEEDS), limit=900, long=True, takes=250)
def _(t):
    ours = Ours(t, "--dpd", "10")
    server = ours.server
    ike = {"dpd": "3s", "dpd_timeout": "9s", "dead": "restart", "keyingtries": 0, "local": "%any"}
    redial = {"more": "redial = yes\nredial timeout = 2\nmax redials = 100\nautodial = yes",
              "ppp": "lcp-echo-interval 2\nlcp-echo-failure 3"}
    with t.must("two clients"):
        lives, dies = (Client(ours.guest.space(), NAME, ike=i, **l) for i, l in ((ike, redial), ({}, {})))
        for c in (lives, dies):
            reaches(t.lab, c)
    with t.check("the session of a client that is gone without a word ends"):
        before = len(sessions(server))
        start = time.monotonic()
        dies.space.run("ip", "link", "set", "eth0", "down")
        wait_until("the end of its session", lambda: len(sessions(server)) == before - 1, 100, 0.2)
        print(f"     | after {time.monotonic() - start:.0f} s", flush=True)
        traffic.pings(lives.space, LAN)
    with t.check("a client finds that the server is gone, and is back when it is"):
        server.process.kill()
        wait_until("the end of ppp0", lambda: not lives.l2tp.device_is_there(), 60, 0.3)
        server.start()
        back(t, server, lives)
    with t.check("one that is there again at once is no secret to a client with an old tunnel"):
        server.process.kill()
        server.start()
        wait_until("the end of ppp0", lambda: not lives.l2tp.device_is_there(), 60, 0.3)
        back(t, server, lives)
        need("Connection closed to" in lives.l2tp.process.log(), "xl2tpd was not told")
        need(0 < server.logs().count("an L2TP tunnel that is no more") <= 2, "the log tells of it more than once")
    with t.check("a server that ends says goodbye, and clients are back when it is"):
        server.stop()
        wait_until("the end of ppp0", lambda: not lives.l2tp.device_is_there(), 10, 0.2)
        server.start()
        back(t, server, lives)
    roams(t, server, lives)
    ours.end(t)


def roams(t, server, client):
    """IKEv1 knows no moving: the client finds by DPD that its old way is dead, and begins anew from where
    it is; so does xl2tpd."""
    old, new = client.space.outer, "10.99.4.90"
    with t.check("a client whose own address changes is back from the new one"):
        before = sessions(server)[0]["Name_str"]
        start = time.monotonic()
        client.space.run("sh", "-c", f"ip addr del {old}/24 dev eth0 && ip addr add {new}/24 dev eth0")
        wait_until("a session of the new address", lambda: any(
            r["Name_str"] != before for r in sessions(server)), 90, 0.3)
        back(t, server, client, 2)
        print(f"     | {time.monotonic() - start:.0f} s after the change", flush=True)
        need(new in server.ctl("ipsec", "peers"), server.ctl("ipsec", "peers"))
    with t.check("and its old session ends"):
        wait_until("the end of the old session", lambda: before not in [
            r["Name_str"] for r in sessions(server)], 60, 0.3)
        print(f"     | {time.monotonic() - start:.0f} s after the change", flush=True)
        need(len(sessions(server)) == 1 and old not in server.ctl("ipsec", "peers"), "it is there still")
        traffic.pings(client.space, LAN)


def back(t, server, client, most=1):
    """Without any help. The client's redial alone would take it more than a minute, when its tunnel
    was known to nobody any more."""
    start = time.monotonic()
    wait_until("ppp0", client.l2tp.device_is_there, 60, 0.3)
    client.l2tp.wait_address()
    print(f"     | back after {time.monotonic() - start:.0f} s", flush=True)
    client.route()
    reaches(t.lab, client)
    need(1 <= len(sessions(server)) <= most, f"{len(sessions(server))} sessions")


@scenario("ipsec/flood", needs=("server", *NEEDS), limit=600, capture=False, takes=90, quiet=True)
def _(t):
    """First packets of IKE from 65,536 addresses."""
    lab, ours = t.lab, Ours(t)
    ns = lab.cli
    server = ours.server

    def connect():
        space = ours.guest.space()
        start = time.monotonic()
        client = Client(space, NAME)
        seconds = time.monotonic() - start
        reaches(lab, client)
        return client, seconds

    with t.must("a client connects"):
        first, usual = connect()
    with t.check("100,000 first packets: memory, answers"):
        ike_flood.run(ns, ns.server, 20_000, seed=1)  # what half-open ones may take, is taken
        before = server.process.rss_kib()
        count = 20_000 if built_with_asan() else 100_000
        seen = ike_flood.run(ns, ns.server, count, seed=2)
        after = server.process.rss_kib()
        server.healthy()
        print(f"     | {seen}; {before} KiB, then {after} KiB", flush=True)
        need(seen.lost < count / 20, f"the kernel dropped {seen.lost} of the requests")
        need(not seen.longer, f"{seen.longer} answers are longer than what they answer")
        need(built_with_asan() or after <= before + 2048, f"{before} KiB became {after} KiB")
    with t.check("who was there stays, and others get in while it goes on"):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            flood = pool.submit(ike_flood.run, ns, ns.server, 30_000, seed=3, pause=0.05)
            traffic.pings(first.space, LAN)
            second, seconds = connect()
            flood.result()
        need(seconds < 1.5 * usual + 2, f"{seconds:.1f} s, without a flood {usual:.1f} s")
        for c in (first, second):
            traffic.pings(c.space, LAN)
            c.stop()
        no_session(server)
    ours.end(t)
