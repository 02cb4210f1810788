# SPDX-License-Identifier: Apache-2.0
"""L2TP/IPsec: our server beside SoftEther's, with the same client: Linux's kernel (ESP, L2TP, PPP),
strongSwan, xl2tpd and pppd in a guest. The guest has no AES instructions, so that it limits the
throughput; the server's CPU time is what counts."""
import guest as guests
import ipsec_peer
import polyether
import sevpn_bench
import softether
import traffic
from netlab import LAN
from softether import HUB, PASSWORD, USER

# What both servers take, and most clients of the world use.
IKE = {"ike": "aes256-sha1-modp2048", "esp": "aes256-sha1"}


class Program(sevpn_bench.Program):
    def __init__(self, name, server):
        super().__init__(name, server, None)

    def measure(self, seconds, lock):
        lab = self.lab()
        try:
            server = self.start_server(lab)
            server.bridge()
            if self.server is polyether.Server:
                server.ipsec("--l2tp", "on", "--default-hub", HUB, "--raw-esp", "off", psk=ipsec_peer.PSK)
            else:
                server.ipsec(ipsec_peer.PSK)
            traffic.dnsmasq(lab)
            guest = guests.Guest(lab, delay_ms=0)
            client = ipsec_peer.Client(guest.space(), USER, PASSWORD, ike=IKE)
            traffic.wait_answer(client.space, LAN)
            traffic.iperf_server(lab)
            with lock():
                return sevpn_bench.figures(lab, server, guest, seconds, LAN, sevpn_bench.BOTH_WAYS,
                                           client.space)
        finally:
            lab.close()


BENCHES = {"l2tp": sevpn_bench.Bench(
    "L2TP/IPsec, ESP in UDP, AES-256-CBC and SHA-1, one TCP stream", Program("ours, L2TP/IPsec", polyether.Server),
    [Program("SoftEther, L2TP/IPsec", softether.Server)],
    [(f"server CPU per GB{way} against SoftEther, at most 0.4", "ratios", f"server CPU s/GB{way}", "less", 0.4)
     for way in ("", " back")])}
