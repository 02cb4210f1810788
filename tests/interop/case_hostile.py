# SPDX-License-Identifier: Apache-2.0
"""Strangers in great numbers: the sessions that are there go on, and nothing stays behind."""
import concurrent.futures
import contextlib
import os
import random
import resource
import selectors
import socket
import threading
import time

import polyether
import sevpn
import softether
import traffic
from netlab import LAN, SRV, Failed, need, wait_until
from registry import scenario
from softether import HUB, PASSWORD, USER

ADDRESSES = 100  # in 10.99.9.0/24, all of them the client's
CONNECTIONS = 10_000


def many_addresses(lab):
    """Source addresses for the strangers; returns them."""
    own = [f"10.99.9.{i + 1}" for i in range(ADDRESSES)]
    lab.cli.run("ip", "-batch", "-", text="".join(f"addr add {a}/32 dev eth0\n" for a in own))
    lab.srv.run("ip", "route", "add", "10.99.9.0/24", "dev", "wan")
    lab.srv.run("sysctl", "-qw", "net.ipv4.neigh.default.gc_thresh3=8192", check=False)
    return own


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Crowd:
    """Many connections at once, each of which says something and then waits to be cut off."""

    def __init__(self, ns, sources, says):
        self.ns, self.sources, self.says = ns, sources, says
        self.selector = selectors.DefaultSelector()
        self.opened = self.cut = self.refused = 0

    def open(self, count, at_once):
        with self.ns.inside():
            for i in range(count):
                while self.opened - self.cut >= at_once:
                    self.turn(0.05)
                s = socket.socket()
                s.setblocking(False)
                s.bind((self.sources[i % len(self.sources)], 0))
                with contextlib.suppress(BlockingIOError):
                    s.connect((SRV, 443))
                self.selector.register(s, selectors.EVENT_WRITE, self.says(i))
                self.opened += 1
                if i % 50 == 0:
                    self.turn(0)

    def turn(self, seconds):
        for key, _ in self.selector.select(seconds):
            try:
                if key.data is not None:
                    if key.data:
                        key.fileobj.send(key.data)
                    self.selector.modify(key.fileobj, selectors.EVENT_READ, None)
                elif not key.fileobj.recv(65536):
                    self.close(key.fileobj)
            except BlockingIOError:
                pass
            except OSError:
                self.close(key.fileobj)

    def close(self, s):
        self.cut += 1
        self.selector.unregister(s)
        s.close()

    def leave(self):
        for key in list(self.selector.get_map().values()):
            self.close(key.fileobj)


class Pinger(threading.Thread):
    """A ping through the tunnel for as long as the test lasts."""

    def __init__(self, ns, address):
        super().__init__(daemon=True)
        self.ns, self.address = ns, address
        self.stop, self.sent, self.lost = threading.Event(), 0, 0
        self.start()

    def run(self):
        while not self.stop.is_set():
            self.sent += 20
            self.lost += round(traffic.ping_loss(self.ns, self.address, 20, 0.05) / 5)

    def result(self):
        self.stop.set()
        self.join(30)
        return self.lost * 100 / max(1, self.sent)


def client_hello():
    """The first bytes of a real handshake, cut short."""
    import ssl
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


# 2048 connections before login, some 35 KiB each in the middle of a TLS handshake, and what the server had.
MEMORY_BOUND_KIB = 100 * 1024


def half_open(hello):
    """Nothing at all, half a handshake, or a whole first message, then silence."""
    return lambda i: (b"", hello[:40], hello)[i % 3]


def garbage(seed):
    chance = random.Random(seed)
    heads = (b"", b"\x16\x03\x01", b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n",
             b"\x00\x0e\x38", b"POST /vpnsvc/connect.cgi HTTP/1.1\r\n", b"\x80\x2e\x01\x00\x02")
    return lambda i: heads[i % len(heads)] + chance.randbytes(chance.randrange(1, 600))


def storm(t, server, client, start_kib, crowd_of, seed=""):
    """One crowd; the session's pings and the server's memory and descriptors are watched."""
    step, says = crowd_of
    fds = descriptors(server)
    pinger = Pinger(client.ns, LAN)
    crowd = Crowd(t.lab.cli, t.sources, says)
    count = CONNECTIONS * (3 if t.long else 1) // (5 if sanitized() else 1)
    try:
        with t.check(f"{count} {step} connections are made{seed}"):
            crowd.open(count, 4000)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                crowd.turn(0.1)
            server.healthy()
        with t.check(f"a session goes on during {step} connections"):
            loss = pinger.result()
            need(pinger.sent >= 40, f"{pinger.sent} pings only")
            need(loss <= 1, f"{loss:.1f}% of {pinger.sent} pings were lost")
        with t.check(f"a new login succeeds beside {step} connections"):
            sevpn.Session(t.lab.cli, SRV, HUB, USER, PASSWORD).close()
        with t.check(f"all {step} connections are cut off in time"):
            end = time.monotonic() + 40
            while crowd.cut < crowd.opened:
                need(time.monotonic() < end, f"{crowd.opened - crowd.cut} of {crowd.opened} still open")
                crowd.turn(0.2)
    finally:
        pinger.stop.set()
        crowd.leave()
    with t.check(f"no descriptor stays behind {step} connections"):
        wait_until("the descriptors", lambda: descriptors(server) <= fds + 2, 20, 0.2)
    if not sanitized():
        with t.check(f"memory is back within a tenth of its start after {step} connections"):
            wait_until("the memory", lambda: server.process.rss_kib() <= start_kib * 1.1, 30, 1)
            print(f"     | {start_kib} KiB at the start, {server.process.rss_kib()} KiB after", flush=True)


def sanitized():
    import registry
    return b"__asan_init" in registry.program("polyether-server").read_bytes()


@scenario("hostile/crowds", needs=("server", "softether-client", "tun"), asan=True, limit=400,
          capture=False, takes=40, quiet=True)
def _(t):
    lab = t.lab
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with t.must("server, bridge, a session"):
        server = polyether.Server(lab, options=("--log-level", "warning"))
        server.make_hub()
        server.bridge()
        t.sources = many_addresses(lab)
        client = softether.Client(lab)
        client.connect("a", f"{SRV}:443")
        lab.cli.address(client.device, "10.99.3.80/24")
        traffic.wait_answer(lab.cli, LAN)
        traffic.pings(lab.cli, LAN)
    start_kib = server.process.rss_kib()
    storm(t, server, client, start_kib, ("half-open", half_open(client_hello())))
    seed = random.randrange(10**9)
    storm(t, server, client, start_kib, ("garbage", garbage(seed)), f" (seed {seed})")
    with t.check("no UDP port is open but OpenVPN's, which does not amplify (openvpn/flood)"):
        ours = [line for line in lab.srv.run("ss", "-Hnlup").splitlines()
                if f"pid={server.process.pid}," in line]
        need(all(line.split()[3].endswith(":1194") for line in ours), "\n".join(ours))
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()


def drip(c, data, until):
    """Sends one octet at a time until the server has enough of it; returns the seconds."""
    start = time.monotonic()
    c.socket.settimeout(0.5)
    for i in range(10**6):
        if time.monotonic() > until:
            raise Failed("still open")
        try:
            c.socket.send(data[i:i + 1] or b"x")
            if not c.socket.recv(1):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - start


def until_cut(s, seconds, may_talk=True):
    """Listens in the background; the result is how long it took until the peer hung up."""
    start, answer = time.monotonic(), concurrent.futures.Future()

    def listen():
        try:
            while time.monotonic() < start + seconds:
                s.settimeout(start + seconds - time.monotonic() + 0.1)
                if not s.recv(65536):
                    break
                need(may_talk, "it said something")
        except Failed as e:
            return answer.set_exception(e)
        except OSError:
            pass  # cut off, or nothing came: the time tells
        return answer.set_result(time.monotonic() - start)

    threading.Thread(target=listen, daemon=True).start()
    return answer


@scenario("hostile/slow", needs=("server",), asan=True, limit=120, takes=25, waits=True)
def _(t):
    lab = t.lab
    with t.must("server, hub"):
        server = polyether.Server(lab)
        server.make_hub()
        sources = many_addresses(lab)
        half = sevpn.Connection(lab.cli, SRV)
        half.hello()
        session = sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD)
        timeout = session.welcome["timeout"] / 1000
    # All that has to be waited for goes on at once.
    silent, quiet = until_cut(half.socket, 45, False), until_cut(session.socket, timeout + 20)
    head = b"POST /vpnsvc/connect.cgi HTTP/1.1\r\nX: "
    ends = {}

    def one(i):
        try:
            c = sevpn.Connection(lab.cli, SRV, source=sources[i])
            ends[i] = drip(c, head, time.monotonic() + 40)
        except Exception as e:
            ends[i] = e

    threads = [threading.Thread(target=one, args=(i,), daemon=True) for i in range(40)]
    for thread in threads:
        thread.start()
    with t.check("a login succeeds beside 40 peers that send an octet at a time"):
        time.sleep(1)
        sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD).close()
    with t.check("each of them is cut off within 40 s"):
        for thread in threads:
            thread.join(60)
        wrong = [e for e in ends.values() if isinstance(e, Exception)]
        need(len(ends) == 40 and not wrong, f"{len(wrong)} of {len(ends)}: {wrong[:3]}")
    with t.check("a peer that stops in the middle of a login is cut off"):
        need(silent.result() < 40, f"after {silent.result():.1f} s")
    with t.check("a session that falls silent ends after its timeout"):
        need(timeout - 2 < quiet.result() < timeout + 15, f"after {quiet.result():.1f} s of {timeout}")
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()


@scenario("hostile/passwords", needs=("server",), asan=True, limit=120)
def _(t):
    lab = t.lab
    with t.must("server, hub"):
        server = polyether.Server(lab)
        server.make_hub()
        attacker = many_addresses(lab)[0]
    codes = {}
    with t.check("an unknown user and a wrong password look the same"):
        for user, password in ((USER, "wrong"), ("nobody", "wrong")):
            try:
                sevpn.Session(lab.cli, SRV, HUB, user, password)
                raise Failed(f"{user} was let in")
            except sevpn.Refused as e:
                codes[user] = e.code
        need(codes[USER] == codes["nobody"] == 9, f"{codes}")
    with t.check("guessing is stopped"):
        tries = 0
        while tries < 300:
            tries += 1
            try:
                sevpn.Session(lab.cli, SRV, HUB, USER, f"guess{tries}", source=attacker)
                raise Failed("let in")
            except sevpn.Refused as e:
                if e.code != 9:
                    break
            except OSError:
                break
            except Failed as e:
                if "let in" in str(e):
                    raise
                break  # cut off before it could ask
        else:
            try:
                sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD, source=attacker)
                raise Failed(f"after {tries} wrong passwords the right one is still taken at once")
            except sevpn.Refused:
                pass
        print(f"     stopped after {tries} tries", flush=True)
    with t.check("others can still log in"):
        sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD).close()
    with t.check("internal kinds of login are refused from the network"):
        for kind in (96, 97, 98, 99, 12345):
            try:
                sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD, authtype=kind)
                raise Failed(f"authtype {kind} was let in")
            except sevpn.Refused:
                pass
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()


@scenario("hostile/sessions", needs=("server",), asan=True, limit=120)
def _(t):
    """A user who is logged in sends what no client would."""
    lab = t.lab
    with t.must("server, hub, a peaceful pair"):
        server = polyether.Server(lab)
        server.make_hub()
        a, b = (sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD) for _ in range(2))
        sevpn.until_delivered(a, b, sevpn.ethernet(sevpn.BROADCAST, sevpn.mac(1), bytes(60)))
    seed = random.randrange(10**9)
    chance = random.Random(seed)
    with t.check(f"200 sessions of random octets (seed {seed})"):
        for _ in range(200):
            s = sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD)
            with contextlib.suppress(OSError):
                s.socket.sendall(chance.randbytes(chance.randrange(1, 5000)))
            s.close()
        server.healthy()
    with t.check(f"2000 random frames from one session (seed {seed})"):
        s = sevpn.Session(lab.cli, SRV, HUB, USER, PASSWORD)
        for _ in range(100):
            s.send(*[chance.randbytes(6) + sevpn.mac(chance.randrange(60000)) +
                     chance.choice((b"\x08\x00", b"\x08\x06", b"\x86\xdd", b"\x81\x00", b"")) +
                     chance.randbytes(chance.randrange(100)) for _ in range(20)])
        server.healthy()
        s.close()
    with t.check("random bodies instead of a login"):
        for i in range(100):
            with contextlib.suppress(Failed, OSError, ValueError, StopIteration):
                c = sevpn.Connection(lab.cli, SRV, timeout=5)
                c.hello()
                good = sevpn.pack(method="login", hubname=HUB, username=USER, authtype=1)
                body = bytearray(good if i % 2 else chance.randbytes(chance.randrange(1, 3000)))
                for _ in range(i % 7):
                    body[chance.randrange(len(body))] = chance.randrange(256)
                c.post("/vpnsvc/vpn.cgi", bytes(body), "application/octet-stream")
                c.close()
        server.healthy()
    with t.check("additional connections with a wrong key are refused"):
        for key in (bytes(20), b"", bytes(200), a.welcome["session_key"][:19] + b"x"):
            c = sevpn.Connection(lab.cli, SRV)
            c.hello()
            try:
                c.call(method="additional_connect", session_key=key)
                raise Failed("let in")
            except sevpn.Refused:
                pass
            finally:
                c.close()
    with t.check("the peaceful pair still talks"):
        sevpn.until_delivered(a, b, sevpn.ethernet(sevpn.BROADCAST, sevpn.mac(1), b"still" + bytes(60)))
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()
