# SPDX-License-Identifier: Apache-2.0
"""SE-VPN: throughput and cost of one connection, and memory of idle sessions, beside SoftEther.

The path is cli -> VPN client -> server -> local bridge -> lan, all on one machine. The bridged
network has its offloads for our server, which takes frames as the kernel makes them; for SoftEther
they are off, since its packet socket loses frames that are longer than the MTU.
"""
import time

import polyether
import registry
import sevpn
import softether
import traffic
from netlab import LAN, SRV, Failed, Lab, wait_until

ADDRESS = "10.99.3.80"
IDLE = 100


BOTH_WAYS = (("", ()), (" back", ("-R",)))


def figures(lab, server, client, seconds, address, ways, ns=None):
    """What iperf3 and the CPU time of server and client tell, for each way: (suffix, options). ns is
    where iperf3's client runs, the namespace cli if it is not said."""
    found = {}
    for suffix, options in ways:
        before = server.process.cpu_seconds(), client.process.cpu_seconds()
        mbps, size = traffic.iperf(ns or lab.cli, address, seconds, *options)
        after = server.process.cpu_seconds(), client.process.cpu_seconds()
        for key, value in (("Mbit/s", mbps), ("server CPU s/GB", (after[0] - before[0]) / size * 1e9),
                           ("client CPU s/GB", (after[1] - before[1]) / size * 1e9)):
            found[key + suffix] = value
    found["server RSS, MiB"] = server.process.rss_kib() / 1024
    return found


class Program:
    """A pair of server and client that is measured."""

    def __init__(self, name, server, client, options=()):
        self.name, self.server, self.client, self.options = name, server, client, options

    def lab(self):
        lab = Lab(registry.BUILD / "bench-logs", capture=False)
        if self.server is polyether.Server:
            for ns, device in ((lab.srv, "lan1"), (lab.lan, "eth1")):
                ns.run("ethtool", "-K", device, "tx", "on", "tso", "on", "gso", "on", "gro", "on")
        return lab

    def start_server(self, lab):
        server = self.server(lab, **({"level": "warning"} if self.server is polyether.Server else {}))
        server.make_hub()
        return server

    def measure(self, seconds, lock):
        lab = self.lab()
        try:
            server = self.start_server(lab)
            server.bridge()
            client = self.client(lab)
            options = {}
            if self.client is polyether.Client:
                options = {"trust": server.certificate_sha256(), "options": self.options}
            client.connect("a", f"{SRV}:443", **options)
            lab.cli.address(client.device, ADDRESS + "/24")
            traffic.wait_answer(lab.cli, LAN)
            traffic.iperf_server(lab)
            with lock():
                return figures(lab, server, client, seconds, LAN, BOTH_WAYS)
        finally:
            lab.close()


class IdleProgram(Program):
    """The memory and idle CPU time of a server with so many sessions that do nothing."""

    def measure(self, seconds, lock):
        lab = self.lab()
        try:
            server = self.start_server(lab)

            def login():
                return sevpn.Session(lab.cli, SRV, softether.HUB, softether.USER, softether.PASSWORD)

            sessions = [login() for _ in range(5)]  # what is allocated once is not a session's
            before = self.settled(server)
            start = time.monotonic()
            sessions += [login() for _ in range(IDLE)]
            took = time.monotonic() - start
            after = self.settled(server, sessions)
            with lock():
                cpu = server.process.cpu_seconds()
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    for s in sessions:
                        s.keepalive()
                    time.sleep(0.5)
                cpu = server.process.cpu_seconds() - cpu
            for s in sessions:
                s.close()
            return {"KiB a session": (after - before) / IDLE, "logins/s": IDLE / took,
                    "idle CPU, %": cpu / 5 * 100}
        finally:
            lab.close()

    @staticmethod
    def settled(server, sessions=()):
        """RSS once it does not change any more."""
        seen = []

        def steady():
            for s in sessions:
                s.keepalive()
            seen.append(server.process.rss_kib())
            return len(seen) >= 5 and max(seen[-5:]) - min(seen[-5:]) <= 64

        try:
            wait_until("the memory to settle", steady, 10, 0.3)
        except Failed:
            pass
        return seen[-1]


class Bench:
    """targets: (text, "ratios" or "ours", figure, "more" or "less", limit)."""

    def __init__(self, text, ours, peers, targets):
        self.text, self.ours, self.peers, self.targets = text, ours, peers, targets

    def programs(self):
        return [self.ours, *self.peers]


SOFTETHER = Program("SoftEther", softether.Server, softether.Client)
SUPER = Program("ours, super-frames", polyether.Server, polyether.Client)
PLAIN = Program("ours, plain frames", polyether.Server, polyether.Client, ("--no-super-frames",))
MIXED = Program("our server, SoftEther's client", polyether.Server, softether.Client)


def ratio(throughput, cpu):
    targets = [("server CPU per GB against SoftEther, at most " + str(cpu), "ratios",
                "server CPU s/GB", "less", cpu)]
    if throughput:
        targets.insert(0, ("throughput against SoftEther, at least " + str(throughput), "ratios",
                           "Mbit/s", "more", throughput))
    return targets


BENCHES = {
    "sevpn/super-frames": Bench("1 connection, our server and client, super-frames", SUPER,
                                [SOFTETHER], ratio(2.5, 0.35)),
    "sevpn/plain-frames": Bench("1 connection, our server and client, no super-frames", PLAIN,
                                [SOFTETHER], ratio(1.3, 0.6)),
    "sevpn/debian-client": Bench("1 connection, our server, SoftEther's client", MIXED, [SOFTETHER],
                                 ratio(None, 0.5)),
    "sevpn/idle-sessions": Bench(f"{IDLE} sessions that do nothing",
                                 IdleProgram("ours, idle", polyether.Server, None),
                                 [IdleProgram("SoftEther, idle", softether.Server, None)],
                                 [("KiB a session, at most 64", "ours", "KiB a session", "less", 64)]),
}
