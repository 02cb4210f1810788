# SPDX-License-Identifier: Apache-2.0
"""The virtual host's NAT: our server and client beside SoftEther's, to a host outside of the VPN."""
import polyether
import registry
import sevpn_bench
import softether
import traffic
from netlab import OUT, SRV, Lab
from softether import HUB

HOST = "10.30.0.1"
WAYS = (*sevpn_bench.BOTH_WAYS, (", 4 streams", ("-P", "4")), (", 4 streams back", ("-P", "4", "-R")))


class Program:
    """start(lab): server and client, connected."""

    def __init__(self, name, start):
        self.name, self.start = name, start

    def measure(self, seconds, lock):
        lab = Lab(registry.BUILD / "bench-logs", capture=False)
        try:
            lab.add_outside()
            server, client = self.start(lab)
            traffic.dhcp(lab, lab.cli, client.device)
            lab.cli.run("ip", "route", "replace", "10.99.2.0/24", "via", HOST)
            traffic.wait_answer(lab.cli, OUT)
            traffic.iperf_server(lab)
            with lock():
                return sevpn_bench.figures(lab, server, client, seconds, OUT, WAYS)
        finally:
            lab.close()


def ours(lab):
    server = polyether.Server(lab, level="warning")
    server.make_hub()
    server.securenat("set", "--ip", HOST + "/16", "--pool", "10.30.1.0-10.30.1.255", "--gateway", HOST,
                     "--dns", HOST, "--nat", "--dhcp", "--nat-mode", "user", "--no-ip6")
    server.securenat("enable")
    client = polyether.Client(lab)
    client.connect("a", f"{SRV}:443", trust=server.certificate_sha256())
    return server, client


def softether_pair(connections):
    def start(lab):
        server = softether.Server(lab)
        server.make_hub()
        server.admin("DhcpSet /START:10.30.1.0 /END:10.30.1.255 /MASK:255.255.0.0 /EXPIRE:7200 "
                     f"/GW:{HOST} /DNS:{HOST} /DNS2:none /DOMAIN:none /LOG:no",
                     f"SecureNatHostSet /MAC:none /IP:{HOST} /MASK:255.255.0.0", "SecureNatEnable",
                     hub=HUB)
        client = softether.Client(lab)
        client.connect("a", f"{SRV}:443", connections=connections)
        return server, client
    return start


BENCHES = {
    "securenat/sevpn": sevpn_bench.Bench(
        "NAT of the virtual host in user mode, SE-VPN", Program("ours", ours),
        [Program("SoftEther, 1 connection", softether_pair(1)),
         Program("SoftEther, 8 connections", softether_pair(8))],
        [("1 stream against the better peer, at least 4", "ratios", "Mbit/s", "more", 4),
         ("4 streams against the better peer, at least 2", "ratios", "Mbit/s, 4 streams", "more", 2)]),
}
