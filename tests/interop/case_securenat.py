# SPDX-License-Identifier: Apache-2.0
"""A hub's virtual host: leases, DNS and the way outside, with our server that has no rights at all;
and SoftEther's by the same steps, which proves the steps.

    cli --- VPN --- srv  out 10.99.2.1 ------ eth2 10.99.2.2  lan: all kinds of services
"""
import ipaddress
import json
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import sys

import dhcp_swarm
import openvpn_peer
import polyether
import sevpn
import softether
import traffic
from netlab import OUT, OUT6, OUT_SRV, OUT_SRV6, SRV, SRV6, Failed, need, wait_until
from registry import scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
PORT = 5555  # one that needs no rights
HOST, LEN, MASK = "10.30.0.1", 16, "255.255.0.0"
FIRST, LAST = "10.30.1.0", "10.30.8.255"
PREFIX = "fd30::"
HOST6 = "fd30::1"
NEEDS = ("tun", "dnsmasq", "dhclient", "iperf3", "openssl")
RIGHTS = ("setpriv", "unshare")
FLOWS = pathlib.Path(__file__).with_name("flows.py")
ECHO = 9000
# A user who may send as many broadcasts as five hundred computers do.
CROWD = "crowd"
A_RECORD, AAAA_RECORD, TXT = "192.0.2.7", "2001:db8::7", "x" * 200


# -- what is outside --

def outside(lab):
    """Echo services and a resolver that knows a few names."""
    lab.add_outside()
    lab.lan.start(sys.executable, "-B", FLOWS, "serve", ECHO, log="echo")
    lab.lan.start("dnsmasq", "-d", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
                  "-i", "eth2", "--pid-file=", "--log-facility=-", "--log-queries",
                  f"--address=/host.test/{A_RECORD}", f"--address=/host.test/{AAAA_RECORD}",
                  *(f"--txt-record=big.test,{n}{TXT}" for n in range(8)), log="dns")
    traffic.iperf_server(lab)
    wait_until("the services", lambda: lab.lan.listens(ECHO) and lab.lan.listens(53, udp=True))


def query(name, kind):
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return struct.pack(">HHHHHH", random.getrandbits(16), 0x0100, 1, 0, 0, 0) + labels + \
        struct.pack(">BHH", 0, kind, 1)


def resolve(ns, server, name, kind, tcp=False):
    """The whole answer to a question, repeated like a resolver would."""
    ask = query(name, kind)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with ns.inside():
        s = socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    with s:
        s.settimeout(3)
        s.connect((server, 53))
        if tcp:
            s.sendall(struct.pack(">H", len(ask)) + ask)
            got = b""
            while len(got) < 2 or len(got) < 2 + struct.unpack_from(">H", got)[0]:
                data = s.recv(65536)
                need(data, f"DNS over TCP ended after {len(got)} octets")
                got += data
            got = got[2:]
        else:
            for turn in range(3):
                s.send(ask)
                try:
                    got = s.recv(65536)
                    break
                except TimeoutError:
                    need(turn < 2, f"no answer of {server} to a question for {name}")
    need(got[:2] == ask[:2] and got[2] & 0x80, f"not an answer: {got[:12].hex()}")
    return got


def dns(ns, server):
    a, aaaa = (resolve(ns, server, "host.test", kind) for kind in (1, 28))
    need(socket.inet_aton(A_RECORD) in a, f"no {A_RECORD} in {a.hex()}")
    need(socket.inet_pton(socket.AF_INET6, AAAA_RECORD) in aaaa, f"no {AAAA_RECORD} in {aaaa.hex()}")
    unknown = resolve(ns, server, "nowhere.test", 1)
    need(unknown[3] & 15 in (3, 5), f"a name that is not there: code {unknown[3] & 15}")


def big_dns(ns, server):
    """An answer of 1.7 KB: truncated over UDP, whole over TCP."""
    need(resolve(ns, server, "big.test", 16)[2] & 2, "not said to be truncated")
    whole = resolve(ns, server, "big.test", 16, True)
    need(all(b"%d" % n + TXT.encode() in whole for n in range(8)), f"{len(whole)} octets, not all of it")


# -- steps that know nothing of who the server is --

def echoes(ns, address, *sizes):
    """UDP with payloads of these sizes; each gets its own octets back."""
    with ns.inside():
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with s:
        s.settimeout(2)
        s.connect((address, ECHO))
        for size in sizes:
            data = os.urandom(size)
            for turn in range(3):
                s.send(data)
                try:
                    got = s.recv(65536)
                    break
                except TimeoutError:
                    need(turn < 2, f"no echo of {size} octets from {address}")
            need(got == data, f"another echo of {size} octets")


def refused_port(ns, address):
    """A port where nobody listens says so, at once."""
    with ns.inside():
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    with s:
        s.settimeout(5)
        try:
            s.connect((address, 9999))
        except ConnectionRefusedError:
            return
        except OSError as e:
            raise Failed(f"a closed port: {type(e).__name__}: {e}") from None
    raise Failed("a closed port is open")


def services(t, ns, address, text=""):
    with t.check(f"ICMP echo{text}"):
        traffic.wait_answer(ns, address)
        traffic.pings(ns, address)
    with t.check(f"UDP{text}"):
        echoes(ns, address, 1, 512, 1300)
    with t.check(f"UDP in fragments{text}"):
        echoes(ns, address, 3000, 8000)
    with t.check(f"TCP, 5 MB by hash each way{text}"):
        traffic.transfer(ns, t.lab.lan, address, 5 * MB)
        traffic.fetch(ns, t.lab.lan, address, 5 * MB)
    with t.check(f"a port where nobody listens{text}"):
        refused_port(ns, address)


def large(ns, lab, address, size):
    traffic.transfer(ns, lab.lan, address, size)
    traffic.fetch(ns, lab.lan, address, size)


def many_flows(ns, address, tcp, udp, look=None, sources=(), seconds=150):
    """So many at a time, from these addresses; look() is called while all are open."""
    command = [sys.executable, "-B", str(FLOWS), "load", address, str(ECHO), str(tcp), str(udp)]
    with ns.inside():
        p = subprocess.Popen(command + ([",".join(sources)] if sources else []),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        ready = []
        wait_until("the end of the load", lambda: ready.append(p.stdout.readline()) or ready[0]
                   if readable(p.stdout) else p.poll() is not None, seconds, 0.1)
        seen = json.loads(ready[0]) if ready else {}
        need(seen.get("tcp") == tcp and seen.get("udp") == udp and not seen["mixed_up"] and
             not seen["errors"], f"of {tcp} TCP and {udp} UDP flows: {seen}")
        need(seen["udp_repeats"] <= udp / 10, f"{seen['udp_repeats']} UDP requests were lost")
        if look:
            look()
    finally:
        p.kill()
        p.wait()
    return seen


def readable(f):
    return bool(select.select([f], [], [], 0)[0])


def fast_over_a_long_way(ns, address, wanted):
    """One flow each way over 50 ms, once it is at speed. What else the machine does may spoil a try."""
    rtt = float(ns.run("ping", "-c3", "-q", address).rsplit("=", 1)[1].split("/")[1])
    need(rtt > 45, f"the way takes only {rtt} ms")
    for options, text in (((), "out"), (("-R",), "back")):
        seen = []
        while len(seen) < 4 and max(seen, default=0) < wanted:
            seen.append(traffic.iperf(ns, address, 4, "-O", "1", *options)[0])
        need(max(seen) >= wanted, f"{text}: {[round(m) for m in seen]} Mbit/s at {rtt:.0f} ms")


def syn(to_mac, mac, source, address, port, from_port=40000):
    """A frame that opens a TCP connection."""
    a, b = socket.inet_aton(source), socket.inet_aton(address)
    tcp = struct.pack(">HHIIBBHHH", from_port, port, 1, 0, 0x50, 2, 65535, 0, 0)
    total = dhcp_swarm.checksum(a + b + struct.pack(">HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:]
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, a, b)
    head = head[:10] + struct.pack(">H", dhcp_swarm.checksum(head)) + head[12:]
    return sevpn.ethernet(to_mac, mac, head + tcp, 0x0800)


def is_let_in(session, frame, seconds):
    """Whether a SYN with ACK comes back for it."""
    address, port = frame[30:34], frame[36:38]
    session.send(frame)
    return any(f[12:14] == b"\x08\0" and f[23] == 6 and f[26:30] == address and f[34:36] == port and
               f[47] & 0x12 == 0x12 for f in session.frames(seconds))


def network(ns, device):
    """The address by DHCP, and the way outside through the virtual host."""
    address = traffic.dhcp(ns.lab, ns, device)
    need(in_pool(address), f"leased {address}")
    ns.run("ip", "route", "replace", "10.99.2.0/24", "via", HOST, "dev", device)
    traffic.wait_answer(ns, HOST)
    return address


def in_pool(address):
    return ipaddress.IPv4Address(FIRST) <= ipaddress.IPv4Address(address) <= ipaddress.IPv4Address(LAST)


def crowd(ns, port=443):
    """A session that bridges: it may have as many addresses as it likes."""
    return sevpn.Session(ns, SRV, HUB, CROWD, PASSWORD, port, require_bridge_routing_mode=1)


def swarm(session, count, first=1):
    s = dhcp_swarm.Swarm(session, count, first)
    s.lease()
    s.check(FIRST, LAST, HOST, MASK)
    return s


# -- our server --

class Ours:
    """Our server, without any rights if not said otherwise, and a hub with a virtual host of both
    families."""

    def __init__(self, t, rights=polyether.NO_RIGHTS):
        self.lab = lab = t.lab
        outside(lab)
        # What a host has to allow for pings by people without rights; Debian does it by default.
        lab.srv.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647" if
                    polyether.has_nobody() else "net.ipv4.ping_group_range=0 0")
        self.server = server = polyether.Server(lab, options=("--listen", PORT), port=PORT,
                                                resolver=OUT, rights=rights)
        server.make_hub()
        server.add_user(CROWD, PASSWORD, HUB, "--policy", "NoBroadcastLimiter=yes")
        server.securenat("set", "--ip", f"{HOST}/{LEN}", "--pool", f"{FIRST}-{LAST}", "--lease", 7200,
                         "--gateway", HOST, "--dns", HOST, "--domain", "lab.test", "--nat", "--dhcp",
                         "--nat-mode", "auto", "--ip6", PREFIX + "/64")
        server.securenat("enable")

    def no_rights(self):
        """Not a single capability, and somebody else's user id where there is one."""
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        need(int(fields["CapEff"], 16) == 0, f"it has capabilities: {fields['CapEff']}")
        need(not polyether.has_nobody() or fields["Uid"].split()[0] == str(polyether.NOBODY),
             f"it runs as {fields['Uid']}")

    def client(self, address=f"{SRV}:{PORT}", name="own"):
        """Our client in cli, with an address and the way outside."""
        client = polyether.Client(self.lab)
        client.connect(name, address, trust=self.server.certificate_sha256())
        network(self.lab.cli, client.device)
        return client

    def status(self):
        return self.server.rpc().call("GetSecureNATStatus", HubName_str=HUB)

    def end(self, t):
        with t.check("the server is well, and ends when told to"):
            self.server.healthy()
            self.server.stop()


def second_family(t, ns, device):
    with t.must("an IPv6 address and a router"):
        wait_until("an address of the hub", lambda: traffic.address6_of(ns, device, "fd30:"), 20)
        traffic.wait_answer(ns, HOST6)
    services(t, ns, OUT6, ", IPv6")
    with t.check("DNS of the virtual host, IPv6"):
        dns(ns, HOST6)


@scenario("securenat/services", needs=("server", "client", *RIGHTS, *NEEDS), asan=True, limit=200)
def _(t):
    lab = t.lab
    with t.must("server without rights, virtual host, our client"):
        ours = Ours(t)
        client = ours.client()
        ours.no_rights()
    services(t, lab.cli, OUT)
    with t.check("DNS of the virtual host"):
        dns(lab.cli, HOST)
    with t.check("a long answer: truncated over UDP, whole over TCP"):
        big_dns(lab.cli, HOST)
    with t.check("DNS, asked past the virtual host"):
        dns(lab.cli, OUT)
    second_family(t, lab.cli, client.device)
    with t.check("the flows are listed"):
        with lab.cli.inside():
            s = socket.create_connection((OUT, ECHO), 5)
        with s:
            listed = ours.server.ctl("--json", "securenat", "flows", HUB)
            need(OUT in listed and str(ECHO) in listed, f"not there: {listed[:600]}")
    ours.end(t)


@scenario("securenat/openvpn", needs=("server", "openvpn", *RIGHTS, *NEEDS), asan=True, limit=200)
def _(t):
    """The same for an openvpn with a tun: the virtual host gives the address that is pushed."""
    lab = t.lab
    with t.must("server without rights, virtual host"):
        ours = Ours(t)
        ours.server.openvpn("--enable", "--udp-ports", "1194", "--default-hub", HUB, "--control",
                            "plain", "--no-client-cert", "--no-redirect-gateway")
        wait_until("OpenVPN's UDP port", lambda: ours.server.ns.listens(1194, udp=True))
        ca = lab.tmp / "server-ca.crt"
        ca.write_text(ours.server.certificate_pem())
    for proto, port in (("udp", 1194), ("tcp", PORT)):
        with t.must(f"connected, {proto}"):
            ns = lab.add_client()
            client = openvpn_peer.Client(
                lab, ns, ns.server, port, proto, ca=ca, login=(USER, PASSWORD),
                options=("route 10.99.2.0 255.255.255.0", "route-ipv6 fd99:2::/64"))
            need(in_pool(client.lease()), f"the address is {client.lease()}")
            need(f"dhcp-option DNS {HOST}" in client.log(), "the resolver is not pushed")
        services(t, ns, OUT, f", {proto}")
        with t.check(f"DNS of the virtual host, {proto}"):
            dns(ns, HOST)
        with t.check(f"IPv6, {proto}"):
            need(traffic.address6_of(ns, client.device, "fd30:"), "no IPv6 address was pushed")
            traffic.wait_answer(ns, OUT6)
            traffic.pings(ns, OUT6)
            traffic.transfer(ns, lab.lan, OUT6, 5 * MB)
            traffic.fetch(ns, lab.lan, OUT6, 5 * MB)
            dns(ns, HOST6)
        client.stop()
    ours.end(t)


@scenario("securenat/leases", needs=("server", *RIGHTS, *NEEDS), asan=True, limit=120)
def _(t):
    lab = t.lab
    reserved = "10.30.8.77"
    with t.must("server without rights, virtual host"):
        ours = Ours(t)
        server = ours.server
    with t.must("500 clients get addresses at once"):
        session = crowd(lab.cli, PORT)
        clients = swarm(session, 500)
        leases = dict(clients.leases)
    with t.check("the leases are listed"):
        rows = ours.server.rpc().call("EnumDHCP", HubName_str=HUB)["DhcpTable"]
        listed = {r["IpAddress_ip"] for r in rows}
        missing = {lease.address for lease in leases.values()} - listed
        need(not missing, f"{len(missing)} of them are not: {sorted(missing)[:5]}")
        need(ours.status()["NumDhcpClients_u32"] == 500, f"{ours.status()}")
    with t.check("each gets its own again, when it asks for it and when it has forgotten"):
        clients.reboot()
        need(clients.leases == leases, "an address changed after INIT-REBOOT")
        clients.lease()
        need(clients.leases == leases, "an address changed after DISCOVER")
    with t.must("the server restarts"):
        session.close()
        server.stop()
        server.start()
        session = crowd(lab.cli, PORT)
    with t.check("the leases are there still"):
        clients.session = session
        clients.reboot()
        need(clients.leases == leases, "an address changed")
    with t.check("who is new gets none of them"):
        new = swarm(session, 100, 1001)
        taken = {lease.address for lease in leases.values()}
        need(not taken & {lease.address for lease in new.leases.values()}, "an address was given twice")
    with t.check("a reserved address"):
        server.securenat("set", "--reserve", f"{sevpn.mac(2001).hex(':')}={reserved}")
        one = swarm(session, 1, 2001)
        need(one.leases[sevpn.mac(2001)].address == reserved, f"{one.leases}")
    session.close()
    ours.end(t)


@scenario("securenat/guard", needs=("server", *RIGHTS, *NEEDS), asan=True, limit=60)
def _(t):
    """A client that asks for what is only for the server's own machine."""
    lab = t.lab
    with t.must("server without rights, virtual host, a client that is let outside"):
        ours = Ours(t)
        lab.srv.run("ip", "addr", "add", "169.254.169.254/32", "dev", "lo")
        lab.srv.start(sys.executable, "-B", FLOWS, "serve", ECHO, log="echo-within")
        wait_until("a service within", lambda: lab.srv.listens(ECHO))
        session = crowd(lab.cli, PORT)
        mine = sevpn.mac(1)
        source = swarm(session, 1).leases[mine].address
        session.send(sevpn.ethernet(sevpn.BROADCAST, mine, struct.pack(
            ">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mine, socket.inet_aton(source), bytes(6),
            socket.inet_aton(HOST)), 0x0806))
        host = session.wait_frame("an ARP reply", lambda f: f[12:14] == b"\x08\x06" and f[21] == 2)[6:12]
        need(is_let_in(session, syn(host, mine, source, OUT, ECHO), 5), "no way outside")
    for address in ("127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254"):
        with t.check(f"{address} of the server's machine is out of reach"):
            need(not is_let_in(session, syn(host, mine, source, address, ECHO), 1), "it is not")
    with t.check("who is asked properly still answers"):
        need(is_let_in(session, syn(host, mine, source, OUT, ECHO, 40001), 5), "it does not")
    session.close()
    ours.end(t)


@scenario("securenat/load", needs=("server", "client", *RIGHTS, *NEEDS), limit=300, takes=32, quiet=True)
def _(t):
    lab = t.lab
    with t.must("server without rights, virtual host, our client"):
        ours = Ours(t)
        # The client is no bridge, and its computer will have the addresses of ten.
        ours.server.ctl("hub", "option", "set", HUB, "NoIpTable", "1")
        client = ours.client()
    with t.check("200 MB by hash each way"):
        large(lab.cli, lab, OUT, 200 * MB)
    with t.check("10,000 flows at a time, of ten clients"):
        # One alone may have no more than a part of what the host can take.
        sources = [f"10.30.100.{n}" for n in range(1, 11)]
        lab.cli.address(client.device, *(f"{a}/{LEN}" for a in sources))

        def look():
            status = ours.status()
            need(status["NumTcpSessions_u32"] >= 5000 and status["NumUdpSessions_u32"] >= 5000,
                 f"not listed: {status}")
        many_flows(lab.cli, OUT, 5000, 5000, look, sources)
    with t.check("nothing of them is left behind, and pings and transfers go on"):
        wait_until("the end of the TCP flows", lambda: ours.status()["NumTcpSessions_u32"] < 100, 30, 0.5)
        traffic.pings(lab.cli, OUT)
        large(lab.cli, lab, OUT, 5 * MB)
    client.disconnect("own")
    with t.must("the same client from far away"):
        relay = openvpn_peer.Relay(lab, lab.cli, "tcp", SRV, PORT, 25)
        far = f"{relay.address}:{relay.port}"
        client.connect("far", far, trust=ours.server.certificate_sha256())
        network(lab.cli, client.device)
        traffic.wait_answer(lab.cli, OUT)
    with t.check("one flow at 50 ms: at least 300 Mbit/s each way"):
        fast_over_a_long_way(lab.cli, OUT, 300)
    ours.end(t)


def forwarding(ns, on):
    ns.run("sysctl", "-qw", f"net.ipv4.ip_forward={on}", f"net.ipv6.conf.all.forwarding={on}")


def tables(ns):
    return ns.run("nft", "list", "tables").splitlines()


def adapters(ns):
    return [d["ifname"] for d in json.loads(ns.run("ip", "-j", "link")) if d["ifname"].startswith("penat")]


def unasked(ns, to, seconds=2):
    """Whether a datagram of a stranger reaches a port of the client."""
    client, address = to
    with client.inside():
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with ns.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with listener, sender:
        listener.bind((address, 7777))
        sender.bind(("0.0.0.0", 7778))
        sender.sendto(b"unasked", (address, 7777))
        return bool(select.select([listener], [], [], seconds)[0])


@scenario("securenat/kernel", needs=("server", "client", "nft", *RIGHTS, *NEEDS), asan=True, limit=240)
def _(t):
    """A host that forwards, and a server with the rights of the service."""
    lab = t.lab
    srv = lab.srv
    with t.must("server with rights on a host that forwards, virtual host, our client"):
        forwarding(srv, 1)
        srv.run("nft", "add table inet other; add chain inet other mine; add rule inet other mine counter")
        srv.run("nft", "add table inet polyether_penat0; add chain inet polyether_penat0 stale")
        other = srv.run("nft", "list", "table", "inet", "other")
        ours = Ours(t, polyether.SERVICE_RIGHTS)
        client = ours.client()
    with t.must("the kernel translates, and says so"):
        status = ours.status()
        need(status["IsKernelMode_bool"], f"{status}")
        need(adapters(srv) == ["penat0"], f"adapters: {adapters(srv)}")
        need("stale" not in srv.run("nft", "list", "table", "inet", "polyether_penat0"),
             "what an earlier run left is still there")
    services(t, lab.cli, OUT)
    with t.check("DNS of the virtual host"):
        dns(lab.cli, HOST)
    with t.check("DNS, asked past the virtual host"):
        dns(lab.cli, OUT)
    second_family(t, lab.cli, client.device)
    with t.check("200 flows"):
        many_flows(lab.cli, OUT, 100, 100)
    with t.check("it was the kernel that did it"):
        status = ours.status()
        need(status["IsKernelMode_bool"] and not status["NumUdpSessions_u32"] and
             "10.30." not in ours.server.ctl("--json", "securenat", "flows", HUB), f"{status}")
    with t.check("who was not asked does not get in, though the host would forward it"):
        address = traffic.address_of(lab.cli, client.device)
        lab.lan.run("ip", "route", "add", "10.30.0.0/16", "via", OUT_SRV)
        # OUT was asked before, so it is a stranger by another address.
        lab.lan.run("ip", "addr", "add", "10.99.2.77/24", "dev", "eth2")
        lab.lan.run("ip", "route", "replace", "10.30.0.0/16", "via", OUT_SRV, "src", "10.99.2.77")
        need(not unasked(lab.lan, (lab.cli, address)), "it does")
        lab.lan.run("ip", "route", "del", "10.30.0.0/16")
    with t.check("other sources than the hub's are not given to the host"):
        lab.cli.address(client.device, "10.77.0.9/32")
        before = srv.run("ip", "-j", "-s", "link", "show", "penat0")
        lab.cli.run("ping", "-c1", "-W1", "-I", "10.77.0.9", OUT, check=False)
        need(json.loads(before)[0]["stats64"]["rx"]["packets"] ==
             json.loads(srv.run("ip", "-j", "-s", "link", "show", "penat0"))[0]["stats64"]["rx"]["packets"],
             "the kernel got it")
    with t.check("the adapter is switched off: by sockets then, with the reason"):
        srv.run("ip", "link", "set", "penat0", "down")
        lab.cli.run("ping", "-c1", "-W1", OUT, check=False)
        wait_until("the other mode", lambda: not ours.status()["IsKernelMode_bool"])
        need("penat0" in ours.status()["Reason_str"], f"{ours.status()}")
        traffic.wait_answer(lab.cli, OUT)
        echoes(lab.cli, OUT, 512)
    with t.check("forwarding off, and the server starts again: by sockets, with the reason"):
        ours.server.stop()
        need(not adapters(srv) and tables(srv) == ["table inet other"], f"{adapters(srv)} {tables(srv)}")
        forwarding(srv, 0)
        ours.server.start()
        status = ours.status()
        need(not status["IsKernelMode_bool"] and "ip_forward" in status["Reason_str"], f"{status}")
        try:
            ours.server.securenat("set", "--nat-mode", "kernel")
        except Failed as e:
            need("ip_forward" in str(e), f"the reason is not told: {e}")
        else:
            raise Failed("what is not possible was accepted")
    with t.check("forwarding on, a route in the way"):
        forwarding(srv, 1)
        srv.run("ip", "route", "add", "10.30.7.0/24", "dev", "lo")
        ours.server.stop()
        ours.server.start()
        status = ours.status()
        need(not status["IsKernelMode_bool"] and "'lo'" in status["Reason_str"], f"{status}")
        srv.run("ip", "route", "del", "10.30.7.0/24", "dev", "lo")
    with t.check("asked for while it runs, and given back"):
        ours.server.securenat("set", "--nat-mode", "kernel")
        need(ours.status()["IsKernelMode_bool"] and adapters(srv), f"{ours.status()}")
        ours.server.securenat("set", "--nat-mode", "user")
        need(not ours.status()["IsKernelMode_bool"] and not adapters(srv), f"{ours.status()}")
        ours.server.securenat("set", "--nat-mode", "kernel")
        ours.server.securenat("disable")
        need(not adapters(srv) and tables(srv) == ["table inet other"], f"{adapters(srv)} {tables(srv)}")
    ours.end(t)
    with t.check("nothing is left, and what is not ours was not touched"):
        need(not adapters(srv) and tables(srv) == ["table inet other"], f"{adapters(srv)} {tables(srv)}")
        need(srv.run("nft", "list", "table", "inet", "other") == other, "the other table changed")


# -- the lab, with SoftEther --

@scenario("selfcheck/outside", needs=NEEDS, limit=120)
def _(t):
    """The same services with plain routing in the place of a virtual host."""
    lab = t.lab
    outside(lab)
    lab.srv.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    for ns, to, via in ((lab.cli, "10.99.2.0/24", SRV), (lab.cli, "fd99:2::/64", SRV6),
                        (lab.lan, "10.99.1.0/24", OUT_SRV), (lab.lan, "fd99:1::/64", OUT_SRV6)):
        ns.run("ip", "route", "add", to, "via", via)
    services(t, lab.cli, OUT)
    services(t, lab.cli, OUT6, ", IPv6")
    with t.check("DNS"):
        for address in (OUT, OUT6):
            dns(lab.cli, address)
            big_dns(lab.cli, address)
    with t.check("2,000 flows"):
        many_flows(lab.cli, OUT, 1000, 1000)


@scenario("selfcheck/securenat", needs=("softether-server", "softether-client", *NEEDS), limit=240)
def _(t):
    lab = t.lab
    with t.must("server, hub, SecureNAT, services outside"):
        outside(lab)
        server = softether.Server(lab)
        server.make_hub()
        server.admin(f"DhcpSet /START:{FIRST} /END:{LAST} /MASK:{MASK} /EXPIRE:7200 /GW:{HOST} "
                     f"/DNS:{HOST} /DNS2:none /DOMAIN:lab.test /LOG:no",
                     f"SecureNatHostSet /MAC:none /IP:{HOST} /MASK:{MASK}", "SecureNatEnable", hub=HUB)
        client = softether.Client(lab)
        client.connect("a", f"{SRV}:443")
        network(lab.cli, client.device)
    with t.check("ICMP echo"):
        traffic.wait_answer(lab.cli, OUT)
        traffic.pings(lab.cli, OUT)
    with t.check("UDP"):
        echoes(lab.cli, OUT, 1, 512, 1300)
    with t.check("TCP, 20 MB by hash each way"):
        large(lab.cli, lab, OUT, 20 * MB)
    with t.check("200 flows"):
        many_flows(lab.cli, OUT, 100, 100)
    with t.check("DNS, asked directly"):
        dns(lab.cli, OUT)
    with t.check("500 leases at once, and again"):
        server.admin(f"UserCreate {CROWD} /GROUP:none /REALNAME:none /NOTE:none",
                     f"UserPasswordSet {CROWD} /PASSWORD:{PASSWORD}",
                     f"UserPolicySet {CROWD} /NAME:NoBroadcastLimiter /VALUE:yes", hub=HUB)
        clients = swarm(crowd(lab.cli), 500)
        before = dict(clients.leases)
        clients.reboot()
        need(clients.leases == before, "an address changed")
