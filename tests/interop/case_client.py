# SPDX-License-Identifier: Apache-2.0
"""What our client does to its machine's network, against Debian's SoftEther and a DHCP server that
offers more than it is asked for; and that it takes all of it back."""
import json

import polyether
import softether
import traffic
from netlab import LAN, SRV, need, wait_until
from registry import scenario

NAMED, OFFERED, OUTSIDE = "10.77.0.1", "10.55.0.1", "198.51.100.1"
GREEDY = f"10.55.0.0/16,{LAN},0.0.0.0/1,{LAN},128.0.0.0/1,{LAN}"


def rules(client):
    return [r for family in ("-4", "-6") for r in client.ns.run("ip", family, "rule").splitlines()
            if "lookup local" not in r and "32766:" not in r and "32767:" not in r]


def addresses(client):
    return client.status("office").get("addresses", [])


def way_to(client, address, *options):
    return client.ns.run("ip", "route", "get", address, *options)


def prepare(t):
    lab = t.lab
    server = softether.Server(lab)
    server.make_hub()
    server.bridge()
    for address in (NAMED, OFFERED, OUTSIDE):
        lab.lan.run("ip", "addr", "add", address + "/32", "dev", "lo")
    lab.lan.start("dnsmasq", "-d", "-C", "/dev/null", "-p", "0", "-i", "eth1", "--bind-interfaces",
                  "--dhcp-range=10.99.3.100,10.99.3.150,2m", f"--dhcp-leasefile={lab.tmp}/leases",
                  "--dhcp-authoritative", "--no-ping", "--pid-file=", "--log-dhcp",
                  "--log-facility=-", f"--dhcp-option=3,{LAN}", f"--dhcp-option=6,{LAN}",
                  f"--dhcp-option=121,{GREEDY}", log="dnsmasq")
    wait_until("dnsmasq", lambda: lab.lan.listens(67, udp=True))
    lab.cli.run("ip", "route", "add", "default", "via", SRV)
    client = polyether.Client(lab)
    client.cli("account", "add", "office", "--server", SRV, "--hub", softether.HUB, "--user",
               softether.USER, "--password-stdin", "--route", "10.77.0.0/16",
               text=softether.PASSWORD + "\n")
    return server, client


def dhcp_log(lab, word):
    return (lab.logs / "dnsmasq.log").read_text().count(word)


def trust(server, client):
    code, out = client.cli("up", "office", check=False)
    seen = json.loads(client.cli("--json", "status", "office"))["fingerprint"]
    need(code == 1 and seen in out, f"{code} {out}")
    need(seen.replace(":", "").lower() == server.certificate_sha256(), f"it shows {seen}")
    need(not rules(client), f"rules without a session: {rules(client)}")
    client.cli("up", "office", "--yes")
    client.cli("down", "office")
    client.cli("account", "set", "office", "--trust", "sha256:" + "00" * 32)
    code, out = client.cli("up", "office", "--yes", check=False)
    need(code == 1 and "HAS CHANGED" in out, f"a changed certificate: {code} {out}")
    client.cli("account", "set", "office", "--trust", "sha256:" + seen)


def named_routes(client):
    client.cli("up", "office")
    for address in (LAN, NAMED):
        traffic.wait_answer(client.ns, address)
        need("dev pe0" in way_to(client, address), way_to(client, address))
    for address in (OFFERED, OUTSIDE, "200.1.1.1"):
        need("dev eth0" in way_to(client, address), f"taken: {way_to(client, address)}")


def all_traffic(client):
    client.cli("down", "office")
    need(not rules(client), f"left after down: {rules(client)}")
    client.cli("account", "set", "office", "--all-traffic", "--accept-routes")
    client.cli("up", "office")
    for address in (LAN, NAMED, OFFERED, OUTSIDE):
        traffic.wait_answer(client.ns, address)
        need("dev pe0" in way_to(client, address), way_to(client, address))
    need("dev pe0" in way_to(client, "2001:db8::1"), way_to(client, "2001:db8::1"))
    marked = way_to(client, OUTSIDE, "mark", "0x7065")
    need("dev eth0" in marked, f"the tunnel's own packets: {marked}")


def strict_origin(client):
    """rp_filter 1: the server's answers come by another way than all else goes."""
    client.cli("down", "office")
    client.ns.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    client.cli("up", "office")
    traffic.wait_answer(client.ns, OUTSIDE)
    traffic.pings(client.ns, OUTSIDE)
    client.cli("down", "office")
    need(not rules(client), f"left after down: {rules(client)}")
    client.ns.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0")
    client.cli("up", "office")


def outage(lab, server, client):
    device = client.ns.run("ip", "-o", "link", "show", "pe0").split(":")[0]
    leased, discovers = addresses(client), dhcp_log(lab, "DHCPDISCOVER(")
    server.stop()
    wait_until("the end of the session", lambda: not client.is_up("office"), 30)
    need("dev pe0" in way_to(client, OUTSIDE), "traffic leaves around a tunnel that is away")
    server.start()
    client.wait_session("office", 60)
    wait_until("the address is asked for again", lambda: traffic.answers(client.ns, OUTSIDE), 20)
    need(device == client.ns.run("ip", "-o", "link", "show", "pe0").split(":")[0], "a new adapter")
    need(addresses(client) == leased, f"{leased} became {addresses(client)}")
    need(dhcp_log(lab, "DHCPDISCOVER(") == discovers, "the lease was forgotten")


def crash(client):
    client.process.kill()
    need(rules(client), "the test has nothing to find")
    client.start()
    need(not rules(client), f"left by a daemon that died: {rules(client)}")


def startup(client):
    client.cli("account", "set", "office", "--startup")
    need(client.process.stop() and client.process.popen.returncode == 0, "no clean end")
    client.start()
    client.wait_session("office")
    wait_until("an address", lambda: addresses(client))


def clean_end(lab, client):
    before = dhcp_log(lab, "DHCPRELEASE(")
    need(client.process.stop() and client.process.popen.returncode == 0, "no clean end")
    need(not rules(client), f"left at the end: {rules(client)}")
    wait_until("the address is given back", lambda: dhcp_log(lab, "DHCPRELEASE(") > before, 5)


@scenario("client/network", needs=("client", "softether-server", "tun", "dnsmasq", "openssl"),
          asan=True, limit=200, takes=30)
def network(t):
    with t.must("server, DHCP server, client"):
        server, client = prepare(t)
    with t.must("a certificate is trusted once asked, and no other"):
        trust(server, client)
    with t.check("the network and the routes of the account, and nothing that is only offered"):
        named_routes(client)
    with t.check("all traffic, both families, but the tunnel's own"):
        all_traffic(client)
    with t.check("strict reverse-path filter"):
        strict_origin(client)
    with t.check("an outage: same adapter, same lease, nothing around the tunnel"):
        outage(t.lab, server, client)
    with t.check("a crash leaves nothing behind after the next start"):
        crash(client)
    with t.check("an account is connected at start"):
        startup(client)
    with t.check("the end takes everything back"):
        clean_end(t.lab, client)
