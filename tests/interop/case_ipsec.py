# SPDX-License-Identifier: Apache-2.0
"""strongSwan, xl2tpd and pppd."""
import guest as guests
import ipsec_peer
import softether
import traffic
from netlab import LAN, need
from registry import scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000


@scenario("selfcheck/l2tp", needs=("softether-server", *ipsec_peer.NEEDS), limit=240)
def _(t):
    lab = t.lab
    with t.must("SoftEther's server, the guest"):
        server = softether.Server(lab)
        server.make_hub()
        server.bridge()
        server.ipsec(ipsec_peer.PSK)
        traffic.dnsmasq(lab)
        guest = guests.Guest(lab, delay_ms=0)
    for auth in ("mschap-v2", "pap"):
        with t.check(auth):
            space = guest.space()
            client = ipsec_peer.Client(space, USER, auth=auth, ike={"ike": "aes256-sha1-modp2048", "esp": "aes256-sha1"})
            traffic.wait_answer(space, LAN)
            traffic.pings(space, LAN)
            traffic.pings(lab.lan, client.address)
            guests.transfer(space, lab.lan, LAN, 5 * MB)
            guests.transfer(space, lab.lan, LAN, 5 * MB, back=True)
            client.stop()
