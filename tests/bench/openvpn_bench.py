# SPDX-License-Identifier: Apache-2.0
"""OpenVPN: our server beside openvpn's own and SoftEther's, with the same openvpn as client.

Our server and SoftEther's have the tunnel's traffic on a hub and bridge it to the network behind;
openvpn's own is routed by the kernel, which costs its process nothing.
"""
import certs
import openvpn_peer
import polyether
import registry
import sevpn_bench
import softether
import traffic
from netlab import LAN, OUT, OUT_SRV, SRV, Lab
from softether import HUB, PASSWORD, USER

CIPHER = "AES-256-GCM"


class Program:
    """start(lab, proto): the server and what is told to the client."""

    def __init__(self, name, start, proto, offloads, target):
        self.name, self.start, self.proto = f"{name}, {proto}", start, proto
        self.offloads, self.target = offloads, target

    def measure(self, seconds, lock):
        lab = Lab(registry.BUILD / "bench-logs", capture=False)
        try:
            if self.offloads:
                for ns, device in ((lab.srv, "lan1"), (lab.lan, "eth1")):
                    ns.run("ethtool", "-K", device, "tx", "on", "tso", "on", "gso", "on", "gro", "on")
            server, options = self.start(lab, self.proto)
            client = openvpn_peer.Client(lab, lab.cli, SRV, proto=self.proto, ciphers=(CIPHER,),
                                         **{"port": 1194, **options})
            traffic.wait_answer(lab.cli, self.target)
            traffic.iperf_server(lab)
            with lock():
                return sevpn_bench.figures(lab, server, client, seconds, self.target,
                                           sevpn_bench.BOTH_WAYS)
        finally:
            lab.close()


def ours(lab, proto):
    server = polyether.Server(lab, level="warning")
    server.make_hub()
    server.bridge()
    server.openvpn("--enable", "--udp-ports", "1194", "--default-hub", HUB, "--control", "plain",
                   "--ciphers", CIPHER, "--no-client-cert", "--no-redirect-gateway")
    ca = lab.tmp / "server.crt"
    ca.write_text(server.certificate_pem())
    traffic.dnsmasq(lab)
    return server, {"ca": ca, "login": (USER, PASSWORD), "port": 443 if proto == "tcp" else 1194}


def openvpn(lab, proto):
    lab.add_outside()
    lab.srv.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    lab.lan.run("ip", "route", "add", openvpn_peer.Server.network + "/24", "via", OUT_SRV)
    authority = certs.Authority(lab.tmp)
    server = openvpn_peer.Server(lab, authority, authority.issue("server", "server"), proto,
                                 ciphers=(CIPHER,), options=('push "route 10.99.2.0 255.255.255.0"',))
    return server, {"ca": authority.cert, "certificate": authority.issue("client")}


def softether_server(lab, proto):
    server = softether.Server(lab)
    server.make_hub()
    server.bridge()
    traffic.dnsmasq(lab)
    return server, {"ca": server.openvpn(), "login": (f"{HUB}\\{USER}", PASSWORD),
                    "port": 443 if proto == "tcp" else 1194}


def bench(proto):
    return sevpn_bench.Bench(
        f"tun, {proto.upper()}, {CIPHER}, one TCP stream", Program("ours", ours, proto, True, LAN),
        [Program("openvpn", openvpn, proto, True, OUT),
         Program("SoftEther", softether_server, proto, False, LAN)],
        [("throughput against the better peer, at least 1.0", "ratios", "Mbit/s", "more", 1.0),
         ("throughput back against the better peer, at least 1.0", "ratios", "Mbit/s back", "more", 1.0),
         ("server CPU per GB against the better peer, at most 0.5", "ratios", "server CPU s/GB", "less",
          0.5),
         ("the same back", "ratios", "server CPU s/GB back", "less", 0.5)])


BENCHES = {f"openvpn/{proto}": bench(proto) for proto in ("udp", "tcp")}
