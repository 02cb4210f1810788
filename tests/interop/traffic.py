# SPDX-License-Identifier: Apache-2.0
"""What goes through a tunnel: pings, DHCP, iperf3, and bulk data compared by its hash."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import threading
import time

from netlab import LAN, Failed, need, wait_until

DHCP_SCRIPT = """#!/bin/sh
case $reason in
  BOUND | RENEW | REBIND | REBOOT)
    ip addr replace "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
  PREINIT) ip link set dev "$interface" up ;;
esac
exit 0
"""


def answers(ns, address, *options):
    return ns.run("ping", "-c1", "-W1", *options, address, check=False)[0] == 0


def wait_answer(ns, address, seconds=15):
    wait_until(f"an answer of {address}", lambda: answers(ns, address), seconds)


def ping_loss(ns, address, count, interval=0.05, size=56):
    """Lost, in per cent. ping ends before late answers to its last packets come: there are more of
    them than are counted."""
    more = int(0.4 / interval) + 1
    _, out = ns.run("ping", "-c", count + more, "-i", interval, "-s", size, address, check=False,
                    timeout=(count + more) * interval + 20)
    if " packets transmitted" not in out:
        raise Failed(f"ping {address}: {out}")
    got = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", out)}
    return 100 * len(set(range(1, count + 1)) - got) / count


def pings(ns, address, large=1400):
    """Small and full-size packets side by side, none lost."""
    sizes = (56, large)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        lost = list(pool.map(lambda size: ping_loss(ns, address, 10, 0.02, size), sizes))
    for size, loss in zip(sizes, lost):
        need(loss == 0, f"{loss}% of the pings with {size} octets to {address} were lost")


def each_reaches_each(hosts):
    """hosts: {where: its address}; all ask at once, one address after another."""
    def ask(ns):
        for other, address in hosts.items():
            if other is not ns:
                wait_answer(ns, address)
                pings(ns, address)

    with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(ask, hosts))


def dnsmasq(lab, ns=None, device="eth1", first="10.99.3.100", last="10.99.3.150", options=()):
    """A DHCP server; it hands out addresses and nothing else, but by more options."""
    ns = ns or lab.lan
    p = ns.start("dnsmasq", "-d", "-C", "/dev/null", "-p", "0", "-i", device, "--bind-interfaces",
                 f"--dhcp-range={first},{last},1h", f"--dhcp-leasefile={lab.tmp}/dnsmasq.leases",
                 "--dhcp-authoritative", "--no-ping", "--pid-file=", "--log-dhcp",
                 "--log-facility=-", "--dhcp-option=3", "--dhcp-option=6", *options, log="dnsmasq")
    wait_until("dnsmasq", lambda: ns.listens(67, udp=True))
    return p


def dhcp(lab, ns, device, seconds=20):
    """Leases an address by dhclient and sets it, without a route or resolver; returns it."""
    script = lab.tmp / "dhcp-script"
    script.write_text(DHCP_SCRIPT)
    script.chmod(0o755)
    p = ns.start("dhclient", "-d", "-1", "-sf", script, "-lf", lab.tmp / f"{device}.leases", "-cf",
                 "/dev/null", "-pf", lab.tmp / f"{device}.pid", device, log="dhclient")
    try:
        return wait_until("a lease", lambda: address_of(ns, device), seconds)
    finally:
        p.kill()


def address_of(ns, device):
    m = re.search(r"inet ([\d.]+)", ns.run("ip", "-4", "addr", "show", "dev", device, check=False)[1])
    return m and m[1]


def address6_of(ns, device, prefix):
    """The first global one that begins like this, when it can be used."""
    out = ns.run("ip", "-6", "addr", "show", "dev", device, "scope", "global", "-tentative", check=False)[1]
    m = re.search(rf"inet6 ({prefix}[\da-f:]+)/", out)
    return m and m[1]


class Pings:
    """Pings in the background, until they are asked for what was lost."""

    def __init__(self, ns, address, interval=0.02):
        log = f"ping-{ns.name}"
        path = ns.lab.logs / f"{log}.log"
        self.old = len(path.read_text()) if path.exists() else 0
        self.process = ns.start("ping", "-i", interval, address, log=log)

    def lost(self):
        """(sent, lost), up to the last answer: what is under way at the end is neither."""
        self.process.signal(signal.SIGINT)
        self.process.popen.wait(10)
        got = {int(n) for n in re.findall(r"icmp_seq=(\d+) ttl", self.process.log()[self.old:])}
        need(got, f"not one ping was answered: {self.process.log()[-500:]}")
        return max(got), max(got) - len(got)


def iperf_server(lab, ns=None):
    ns = ns or lab.lan
    if not ns.listens(5201):
        ns.start("iperf3", "-s", log="iperf3")
        wait_until("iperf3", lambda: ns.listens(5201))


def iperf(ns, address=LAN, seconds=2, *options):
    """(Mbit/s as received, octets received)."""
    for turn in range(4):
        code, out = ns.run("iperf3", "-c", address, "-t", seconds, "-J", *options, check=False,
                           timeout=seconds + 30)
        try:
            e = json.loads(out[out.index("{"):])
        except ValueError:
            raise Failed(f"iperf3: status {code}\n{out}") from None
        # Its server has no listener for a moment after a test.
        if turn == 3 or "Connection re" not in e.get("error", ""):
            break
        time.sleep(0.3)
    need("error" not in e, f"iperf3: {e.get('error')}")
    s = e["end"].get("sum_received") or e["end"]["sum"]
    return s["bits_per_second"] / 1e6, s["bytes"]


def transfer(sender, receiver, address, size, port=7001, seconds=120):
    """Sends random octets over TCP from one namespace to another; Failed if the hashes differ."""
    bulk(sender, receiver, address, size, False, port, seconds)


def fetch(client, sender, address, size, port=7001, seconds=120):
    """The same the other way over a connection of the client's: through a NAT."""
    bulk(client, sender, address, size, True, port, seconds)


def put(s, size):
    """Sends so many random octets; their hash."""
    sent, left = hashlib.sha256(), size
    block = os.urandom(1 << 20)
    while left:
        # No two blocks are alike, at no cost.
        block = sent.digest() + block[32:]
        data = memoryview(block)[:left]
        sent.update(data)
        s.sendall(data)
        left -= len(data)
    s.shutdown(socket.SHUT_WR)
    return sent.digest()


def take(s):
    """(number, hash) of all the octets that come."""
    got, total = hashlib.sha256(), 0
    while data := s.recv(1 << 20):
        got.update(data)
        total += len(data)
    return total, got.digest()


def bulk(client, server, address, size, back, port, seconds):
    """A connection from client to server with octets one way; the sender is the server if back."""
    with server.inside():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server(("", port), family=family)
    result = []

    def serve():
        listener.settimeout(seconds)
        try:
            s, _ = listener.accept()
            with s:
                s.settimeout(seconds)
                result.append((size, put(s, size)) if back else take(s))
                if not back:
                    s.sendall(b"+")
                s.recv(1)
        except OSError as e:
            result.append(e)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        with client.inside():
            s = socket.create_connection((address, port), 15)
        with s:
            s.settimeout(seconds)
            if back:
                mine = take(s)
            else:
                mine = size, put(s, size)
                s.recv(1)
    except OSError as e:
        raise Failed(f"{size} octets {'from' if back else 'to'} {address}: {e}; the other side: "
                     f"{result}") from None
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # who waits in accept() is to know
        listener.close()
    thread.join(5)
    need(result == [mine], f"{size} octets {'from' if back else 'to'} {address}: here {mine}, "
         f"there {result}")
