# SPDX-License-Identifier: Apache-2.0
"""SSTP with a client of our own: logins, the crypto binding, addresses and packets at a hub with its
virtual host; and what a relay or a wrong password gets.

    cli (no PPP needed) --- TLS --- srv: hub, virtual host 192.168.30.1
"""
import struct

import polyether
import sstp_peer
from netlab import SRV, Failed, need, wait_until
from registry import built_with_asan, scenario
from softether import HUB, PASSWORD, USER

HOST = bytes([192, 168, 30, 1])
PORT = 443


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
    with t.check("somebody in between, with another certificate"):
        fails("message 5 with status 7", certificate=b"another one")
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
