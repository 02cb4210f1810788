# SPDX-License-Identifier: Apache-2.0
"""SSTP with a client of our own: logins, the crypto binding, addresses and packets at a hub with its
virtual host; and what a relay or a wrong password gets.

    cli (no PPP needed) --- TLS --- srv: hub, virtual host 192.168.30.1
"""
import hmac
import struct
import time

import polyether
import sstp_peer
import traffic
from netlab import LAN, SRV, Failed, need, wait_until
from registry import built_with_asan, scenario
from softether import HUB, PASSWORD, USER

HOST = bytes([192, 168, 30, 1])
PORT = 443
CROWD = 1000


def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def echo(source, number, size=56):
    """An ICMP echo request to the virtual host."""
    body = struct.pack(">BBHHH", 8, 0, 0, 77, number) + bytes(size)
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), number, 0, 64, 1, 0) + source + HOST
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def pings(client, count, size=56):
    """All at once, and all answers."""
    client.packets([echo(client.address, n, size) for n in range(count)])
    seen = set()
    while len(seen) < count:
        p = client.next_packet()
        if p[9] == 1 and p[20] == 0 and p[12:16] == HOST:
            need(p[16:20] == client.address and len(p) == 28 + size, "the answer is not ours")
            seen.add(struct.unpack_from(">H", p, 26)[0])


def server_with_host(t):
    server = polyether.Server(t.lab)
    server.make_hub()
    server.securenat("enable")
    return server


def sessions(server):
    return [s for s in server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]
            if "SSTP" in s["Name_str"]]


def connect(t, password=PASSWORD, **how):
    return sstp_peer.Client(t.lab.cli, SRV, f"{HUB}\\{USER}", password, PORT, **how)


def told(server, reason):
    """The log tells an administrator why the last call was refused."""
    line = wait_until("a word in the server's log", lambda: [
        x for x in server.logs().splitlines() if "SSTP call refused" in x and reason in x])[-1]
    need(f"user={USER}" in line and "peer=10.99.1.2:" in line, f"it says: {line}")


def hmac_of(hlak, message):
    """The MAC of a login that makes no keys, by SHA-256."""
    key = hmac.digest(hlak, b"SSTP inner method derived CMK\x20\0\1", "sha256")
    return hmac.digest(key, message + bytes(32), "sha256")


@scenario("sstp/logins", needs=("server", "openssl"), asan=True, limit=120)
def _(t):
    with t.must("server with a virtual host"):
        server = server_with_host(t)
    ways = {"MS-CHAPv2": {}, "MS-CHAPv2, SHA-1": {"sha1": True}, "PAP": {"pap": True},
            "MS-CHAPv2, bound before it is told": {"early": True}}
    for name, how in ways.items():
        with t.check(f"{name}: address, resolver, packets, goodbye"):
            client = connect(t, **how)
            need(client.address[:3] == HOST[:3] and client.gateway == HOST, "no address of the hub")
            need(client.dns == HOST, f"the resolver is {client.dns}")
            pings(client, 1)
            pings(client, 60)
            pings(client, 20, 1372)
            need(len(sessions(server)) == 1, "the session is not listed")
            client.leave()
            wait_until("the end of the session", lambda: not sessions(server))
    with t.check("the same address again"):
        client = connect(t)
        first = client.address
        client.close()
        wait_until("the end of the session", lambda: not sessions(server))
        client = connect(t)
        need(client.address == first, "it is another one")
        client.close()
    with t.check("an administrator ends it"):
        client = connect(t)
        server.ctl("session", "disconnect", HUB, sessions(server)[0]["Name_str"])
        try:
            while True:
                client.next_packet()
        except Failed:
            pass
    with t.check("the server ends with a client on it"):
        client = connect(t)
        server.stop()


@scenario("sstp/refused", needs=("server", "openssl"), asan=True, limit=120)
def _(t):
    with t.must("server with a virtual host"):
        server = server_with_host(t)

    def fails(text, **how):
        try:
            client = connect(t, **how)
            pings(client, 1)
        except (Failed, ConnectionError, TimeoutError) as e:
            need(text in str(e), f"it says: {e}")
            return
        raise Failed("it got in")

    with t.check("a wrong password, MS-CHAPv2"):
        fails("E=691 R=0", password="wrong")
    with t.check("a wrong password, PAP"):
        fails("Access denied", password="wrong", pap=True)
    aborted = "message 5 with status 7"
    with t.check("somebody in between, with another certificate"):
        fails(aborted, certificate=b"another one")
        told(server, "the client sees another certificate")
    for what, at, why in (("its nonce", 20, "another call's"), ("its certificate", 50, "another certificate"),
                          ("its MAC", 111, "does not belong to this login"),
                          ("its head", 9, "malformed")):
        with t.check(f"a crypto binding that was tampered with: {what}"):
            fails(aborted, tamper=lambda m, at=at: m[:at] + bytes([m[at] ^ 1]) + m[at + 1:])
            told(server, why)
    with t.check("a crypto binding without the keys of the login"):
        fails(aborted, tamper=lambda m: m[:80] + hmac_of(bytes(32), m[:80]))
        told(server, "does not belong to this login")
    with t.check("a crypto binding by a hash that does not exist"):
        fails(aborted, tamper=lambda m: m[:12] + b"\0\0\0\4" + m[16:])
        told(server, "uses a hash that was not offered")
    with t.check("a nonce that was used before"):
        old = connect(t)
        old.leave()
        fails(aborted, tamper=lambda _: old.bound)
        told(server, "another call's: a replay")
    with t.check("the crypto binding of another client that is on"):
        other = connect(t)
        fails(aborted, tamper=lambda _: other.bound)
        told(server, "another call's: a replay")
        pings(other, 1)
        other.leave()
    with t.check("packets before the crypto binding"):
        client = connect(t, late=True)
        client.packets([echo(client.address, n) for n in range(20)])
        try:
            client.next_packet(1)
            raise Failed("an answer came")
        except TimeoutError:
            pass
        need("IP of a PPP client dropped" in server.logs(), "the log does not tell")
        client.bind()
        pings(client, 5)
        client.leave()
    with t.check("nobody is left"):
        wait_until("the end of the sessions", lambda: not sessions(server))
    with t.check("a client that asks without end and does not listen"):
        client = connect(t)
        before = server.process.rss_kib()
        ask = client.frame(sstp_peer.LCP, struct.pack(">BBHI", 9, 1, 1008, 0) + bytes(1000))
        client.tls.settimeout(30)
        for _ in range(400):
            client.tls.sendall(ask * 100)
        grown = server.process.rss_kib() - before
        need(built_with_asan() or grown < 8192, f"the server has grown by {grown} KiB")
        client.close()
        wait_until("the end of the session", lambda: not sessions(server), 10)
    with t.check("a client that is gone without a word"):
        client = connect(t)
        client.close()
        wait_until("the end of the session", lambda: not sessions(server), 10)
    server.healthy()


@scenario("sstp/unbound", needs=("server", "openssl"), limit=120, takes=62, waits=True)
def _(t):
    with t.must("server with a virtual host, a client that does not bind its call"):
        server = server_with_host(t)
        unbound = connect(t, late=True)
        begin = time.monotonic()
    with t.check("no crypto binding within 60 s"):
        try:
            while True:
                unbound.next_packet(70)
        except Failed as e:
            need("message 5 with status 8" in str(e), f"it says: {e}")
        after = time.monotonic() - begin
        need(59 < after < 64, f"that was after {after:.1f} s")
        told(server, "no crypto binding of it within 60 s")
        unbound.close()
        wait_until("the end of the session", lambda: not sessions(server), 10)
    server.healthy()


@scenario("sstp/certificate", needs=("server", "openssl"), asan=True, limit=120)
def _(t):
    """Another certificate while clients are on."""
    with t.must("server with a virtual host"):
        server = server_with_host(t)
    before = connect(t)
    pings(before, 1)
    old, first = server.certificate_sha256(), before.certificate
    with t.must("another certificate"):
        server.ctl("server", "cert", "regenerate", "--cn", "new.example")
        wait_until("the new certificate", lambda: server.certificate_sha256() != old)
    with t.check("who was there stays"):
        pings(before, 60)
        need(len(sessions(server)) == 1, "the session is gone")
    with t.check("who comes is bound to the new one"):
        after = connect(t)
        pings(after, 1)
        need(after.certificate != first, "the server shows the old one")
        pings(after, 60)
        pings(before, 60)
    with t.check("who comes with the old one is refused"):
        try:
            connect(t, certificate=first)
            raise Failed("it got in")
        except Failed as e:
            need("message 5 with status 7" in str(e), f"it says: {e}")
        told(server, "the client sees another certificate")
    with t.check("all end well"):
        before.leave()
        after.leave()
        wait_until("the end of the sessions", lambda: not sessions(server))
    server.healthy()


@scenario("sstp/bulk", needs=("server", "sstp-load", "tun", "dnsmasq", "iperf3"), asan=True, limit=150,
          capture=False, quiet=True)
def _(t):
    """What sstpc is too slow for: a lot of octets, through the adapter of a client of our own."""
    lab, size = t.lab, (20 if built_with_asan() else 200) * 1_000_000
    with t.must("server, bridge, DHCP server, client"):
        server = polyether.Server(lab, level="info")
        server.make_hub()
        server.bridge()
        traffic.dnsmasq(lab)
        client = sstp_peer.Load(lab.cli, SRV, f"{HUB}\\{USER}", PASSWORD)
        lab.cli.run("ip", "route", "replace", "10.99.3.0/24", "dev", client.device)
        traffic.wait_answer(lab.cli, LAN)
    with t.check("pings both ways"):
        traffic.pings(lab.cli, LAN)
        traffic.pings(lab.lan, client.address)
    with t.check(f"{size // 1_000_000} MB from the client, equal hashes"):
        traffic.transfer(lab.cli, lab.lan, LAN, size)
    with t.check(f"{size // 1_000_000} MB to the client, equal hashes"):
        traffic.transfer(lab.lan, lab.cli, client.address, size)
    with t.check("UDP both ways, no more than the way takes"):
        traffic.iperf_server(lab)
        for way in ((), ("-R",)):
            rate = traffic.iperf(lab.cli, LAN, 2, "-u", "-b", "20M", "-l", "1400", *way)[0]
            need(rate > 19, f"{rate} Mbit/s of 20")
    with t.check("the end"):
        client.stop()
        wait_until("the end of the session", lambda: not sessions(server))
    server.healthy()


def leases(server):
    return server.rpc().call("EnumDHCP", HubName_str=HUB)["DhcpTable"]


@scenario("sstp/crowd", needs=("server", "sstp-load"), limit=150, capture=False, takes=15, quiet=True)
def _(t):
    """A thousand sessions on one server, twice; memory is counted once it has all been used."""
    with t.must("server with a virtual host"):
        server = polyether.Server(t.lab, level="info")
        server.make_hub()
        server.securenat("set", "--ip", "10.30.0.1/16", "--pool", "10.30.1.0-10.30.9.255", "--gateway",
                         "10.30.0.1", "--dns", "10.30.0.1")
        server.securenat("enable")

    def on(number, **how):
        return sstp_peer.Load(t.lab.cli, SRV, f"{HUB}\\{USER}", PASSWORD, sessions=number, **how)

    on(20).stop()  # what is made once is not a session's
    before = wait_until("no session", lambda: not sessions(server) and server.process.rss_kib())
    for turn in ("first", "second"):
        with t.must(f"{turn} time: {CROWD} sessions, each with an address of its own"):
            crowd = on(CROWD, seconds=90)
            need(crowd.addresses == CROWD, f"{crowd.addresses} addresses")
            need(len(sessions(server)) == CROWD, f"{len(sessions(server))} sessions are listed")
            need(len(leases(server)) >= CROWD, f"{len(leases(server))} leases are listed")
        each = (server.process.rss_kib() - before) / CROWD
        text = f"{each:.1f} KiB a session, {CROWD / crowd.seconds:.0f} logins a second"
        with t.check(f"{turn} time: memory, at most 64 KiB a session: {text}"):
            need(each <= 64, text)
        with t.check(f"{turn} time: all go, and what they had comes back"):
            crowd.stop()
            wait_until("the end of the sessions", lambda: not sessions(server))
            wait_until("the leases", lambda: not leases(server))
            left = wait_until("the memory", lambda: (server.process.rss_kib() - before) / CROWD < 8 and
                              server.process.rss_kib() - before, 20)
            print(f"     | {left} KiB more than before", flush=True)
    server.healthy()
