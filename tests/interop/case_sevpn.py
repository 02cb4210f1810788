# SPDX-License-Identifier: Apache-2.0
"""SE-VPN between our programs and Debian's SoftEther, in each direction, and among ourselves."""
import certs
import polyether
import softether
import traffic
from netlab import LAN, LAN6, SRV, need, wait_until
from registry import scenario

MB = 1_000_000
OWN_ADDRESS = "10.99.3.80"
TUNNEL = ("tun", "dnsmasq", "dhclient", "iperf3", "openssl")


def connect(t, client, name, trust, port=443, lease=False, **options):
    """A session whose adapter has an address on the network behind the bridge."""
    if trust and isinstance(client, polyether.Client):
        options["trust"] = trust
    client.connect(name, f"{SRV}:{port}", **options)
    if lease:
        address = traffic.dhcp(t.lab, client.ns, client.device)
        need(address.startswith("10.99.3.1"), f"leased {address}")
    else:
        address = OWN_ADDRESS
        client.ns.run("ip", "addr", "replace", address + "/24", "dev", client.device)
        client.ns.run("ip", "link", "set", client.device, "up")
    traffic.wait_answer(client.ns, LAN)
    return address


def both_ways(t, client, address, size):
    traffic.transfer(client.ns, t.lab.lan, LAN, size)
    traffic.transfer(t.lab.lan, client.ns, address, size)


def basic(t, server, client, trust):
    """One connection: lease, pings, throughput, and a lot of octets."""
    with t.must("1 connection, DHCP lease"):
        address = connect(t, client, "one", trust, lease=True)
    with t.check("pings"):
        traffic.pings(client.ns, LAN)
    with t.check("IPv6 pings"):
        client.ns.run("ip", "addr", "replace", "fd99:3::80/64", "dev", client.device, "nodad")
        traffic.wait_answer(client.ns, LAN6)
        traffic.pings(client.ns, LAN6)
    with t.check("iperf3 both ways"):
        traffic.iperf_server(t.lab)
        for options in ((), ("-R",)):
            mbps, _ = traffic.iperf(client.ns, LAN, 1, *options)
            need(mbps > 5, f"{mbps:.1f} Mbit/s")
    with t.check("200 MB each way, equal hashes"):
        both_ways(t, client, address, 200 * MB)
    with t.must("disconnect"):
        client.disconnect("one")


def variants(t, server, client, trust, extra=()):
    """The ways to connect; each carries data both ways."""
    certificate = certs.self_signed(t.lab.tmp, "user2")
    server.add_certificate_user("user2", certificate[0])
    for step, options in (
            ("8 connections", {"connections": 8}),
            ("compression", {"compress": True}),
            ("half-duplex, 4 connections", {"connections": 4, "half": True}),
            ("half-duplex, compression, 8 connections",
             {"connections": 8, "half": True, "compress": True}),
            ("certificate login", {"user": "user2", "certificate": certificate}), *extra):
        with t.check(step):
            try:
                address = connect(t, client, "v", trust, **options)
                if options.get("connections", 1) > 1 and hasattr(client, "wait_connections"):
                    client.wait_connections("v", options["connections"])
                both_ways(t, client, address, 20 * MB)
                traffic.pings(client.ns, LAN)
            finally:
                client.disconnect("v")


def reconnects(t, server, client, trust):
    with t.must("session before the server restarts"):
        connect(t, client, "again", trust)
    if isinstance(client, softether.Client):
        # Its adapter is dead after that, with every server, until the client's service is restarted:
        # it closes the new connection 0.1 s after the welcome.
        with t.check("the server restarts, the client logs in again by itself"):
            server.stop()
            server.start()
            wait_until("another session", lambda: client.status("again").get(
                "Number of Established Sessions") == "2 Times", 60, 0.5)
        return
    with t.check("the server restarts, the session comes back by itself"):
        server.stop()
        need(not traffic.answers(client.ns, LAN), "traffic flows without a server")
        server.start()
        traffic.wait_answer(client.ns, LAN, 60)
        traffic.pings(client.ns, LAN)


@scenario("selfcheck/full-list", needs=("softether-server", "softether-client", *TUNNEL), long=True,
          takes=60)
def _(t):
    """The list of this file with SoftEther on both ends: the list itself is what is tested."""
    run_list(t, softether.Server, softether.Client)


def refusal(t, client, trust):
    with t.check("wrong password is refused, and said so"):
        options = {"trust": trust} if isinstance(client, polyether.Client) else {}
        if isinstance(client, softether.Client):
            client.connect("no", f"{SRV}:443", password="wrong", wait=False)
            wait_until("code 9", lambda: "authentication failed. (code 9)" in client.logs())
        else:
            client.connect("no", f"{SRV}:443", password="wrong", wait=False, **options)
            code, out = client.cli("up", "no", "--wait", 10, check=False)
            need(code != 0, "'up' with a wrong password succeeds")
            said = out + client.cli("status", "no", check=False)[1]
            need("password" in said.lower() or "authentication" in said.lower(),
                 f"neither 'up' nor 'status' tells why:\n{said}")
        client.disconnect("no")


def run_list(t, server_kind, client_kind, extra=()):
    with t.must("server, hub, bridge"):
        server = server_kind(t.lab)
        server.make_hub()
        server.bridge()
        traffic.dnsmasq(t.lab)
        trust = server.certificate_sha256()
    with t.must("client starts"):
        client = client_kind(t.lab)
    refusal(t, client, trust)
    basic(t, server, client, trust)
    variants(t, server, client, trust, extra)
    reconnects(t, server, client, trust)
    for end in (server, client):
        if isinstance(end, polyether.Server):
            with t.check("the server ends when told to"):
                end.healthy()
                end.stop()


@scenario("sevpn/debian-client", needs=("server", "softether-client", *TUNNEL), asan=True, limit=300,
          takes=52)
def _(t):
    run_list(t, polyether.Server, softether.Client)


@scenario("sevpn/our-client", needs=("client", "softether-server", *TUNNEL), asan=True, limit=300, takes=31)
def _(t):
    run_list(t, softether.Server, polyether.Client)


@scenario("sevpn/ours", needs=("server", "client", *TUNNEL), asan=True, limit=300, takes=33)
def _(t):
    run_list(t, polyether.Server, polyether.Client,
             (("no super-frames", {"options": ("--no-super-frames",)}),
              ("plain password", {"options": ("--plain-password",)})))


@scenario("sevpn/proxies", needs=("server", "client", "tinyproxy", "microsocks", *TUNNEL))
def _(t):
    """Through proxies that run beside the server, which sees their address only."""
    lab = t.lab
    with t.must("server, hub, bridge, client"):
        server = polyether.Server(lab)
        server.make_hub()
        server.bridge()
        trust = server.certificate_sha256()
        client = polyether.Client(lab)
    (lab.tmp / "tinyproxy.conf").write_text(
        f"Port 8888\nListen {SRV}\nTimeout 600\nMaxClients 50\nConnectPort 443\nBasicAuth joe secret\n")
    lab.srv.start("tinyproxy", "-d", "-c", lab.tmp / "tinyproxy.conf")
    lab.srv.start("microsocks", "-i", SRV, "-p", "1080")
    lab.srv.start("microsocks", "-i", SRV, "-p", "1081", "-u", "joe", "-P", "secret",
                  log="microsocks-password")
    wait_until("the proxies", lambda: all(lab.srv.listens(p) for p in (8888, 1080, 1081)))
    secret = lab.tmp / "proxy-password"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    with_password = ("--proxy-password-file", secret)
    for step, options in (
            ("HTTP proxy with a password", ("--proxy", f"http://joe@{SRV}:8888", *with_password)),
            ("SOCKS5 proxy", ("--proxy", f"socks5://{SRV}:1080")),
            ("SOCKS5 proxy with a password", ("--proxy", f"socks5://joe@{SRV}:1081", *with_password))):
        with t.check(step):
            try:
                # Only the proxy may reach the server: the straight way is closed.
                address = connect(t, client, "p", trust, options=options)
                need(not straight(lab), "the client has a connection to the server itself")
                both_ways(t, client, address, 5 * MB)
            finally:
                client.disconnect("p")
    with t.check("a wrong proxy password is told apart from a wrong user password"):
        secret.write_text("wrong\n")
        client.connect("w", f"{SRV}:443", trust=trust, wait=False,
                       options=("--proxy", f"http://joe@{SRV}:8888", *with_password))
        _, out = client.cli("up", "w", "--wait", 8, check=False)
        said = (out + client.cli("status", "w", check=False)[1]).lower()
        need("proxy" in said, f"no word of the proxy:\n{said}")


def straight(lab):
    return lab.cli.run("ss", "-Hnt", "state", "established", f"dport = :443").strip()
