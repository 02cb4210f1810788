# SPDX-License-Identifier: Apache-2.0
"""SSTP beside SE-VPN over TLS: our server with a client of either, and SoftEther's own pair.

The real sstpc passes each octet through a pseudo terminal and is the limit of whatever it measures,
so that the client here is tests/bench/sstp-load.c, with a TUN adapter that takes super-frames. The
fair peer is our own client without super-frames: as with SSTP, every packet then is a piece of its
own in the TLS stream. With super-frames one such piece is up to 64 KiB, which no PPP can be.
"""
import polyether
import sevpn_bench
import sstp_peer
import traffic
from netlab import LAN, SRV
from softether import HUB, PASSWORD, USER


class Program(sevpn_bench.Program):
    """Our server with the load client."""

    def __init__(self, name):
        super().__init__(name, polyether.Server, None)

    def measure(self, seconds, lock):
        lab = self.lab()
        try:
            server = self.start_server(lab)
            server.bridge()
            traffic.dnsmasq(lab)
            client = sstp_peer.Load(lab.cli, SRV, f"{HUB}\\{USER}", PASSWORD)
            lab.cli.run("ip", "route", "replace", "10.99.3.0/24", "dev", client.device)
            traffic.wait_answer(lab.cli, LAN)
            traffic.iperf_server(lab)
            with lock():
                return sevpn_bench.figures(lab, server, client, seconds, LAN, sevpn_bench.BOTH_WAYS)
        finally:
            lab.close()


OURS = Program("ours, SSTP")
WAYS = ("server CPU s/GB", "server CPU s/GB back")


def bench(text, peer, limit, what):
    return sevpn_bench.Bench(text, OURS, [peer], [
        (f"{way} against {what}, at most {limit}", "ratios", way, "less", limit) for way in WAYS])


BENCHES = {
    "sstp/plain-frames": bench("SSTP beside our SE-VPN without super-frames", sevpn_bench.PLAIN, 1.3,
                               "our SE-VPN"),
    "sstp/super-frames": sevpn_bench.Bench("SSTP beside our SE-VPN with super-frames: no target", OURS,
                                           [sevpn_bench.SUPER], []),
    "sstp/softether": bench("SSTP beside SoftEther's SE-VPN and client", sevpn_bench.SOFTETHER, 0.4,
                            "SoftEther"),
}
