# SPDX-License-Identifier: Apache-2.0
"""Clients of all seven protocols on one hub at once, each reaching each."""
import ether_peer
import guest as guests
import ipsec_peer
import openvpn_peer
import polyether
import softether
import traffic
from netlab import SRV, need
from registry import scenario
from softether import HUB, PASSWORD, USER

NEEDS = ("softether-client", "openvpn", "tun", "sstpc", *ipsec_peer.NEEDS, *ether_peer.NEEDS)


@scenario("seven_protocols", needs=("server", *NEEDS), limit=900, takes=45)
def _(t):
    lab = t.lab
    with t.must("server, hub, bridge, DHCP server"):
        server = polyether.Server(lab)
        server.make_hub()
        server.bridge()
        traffic.dnsmasq(lab)
        server.openvpn("--enable", "--udp-ports", "1194", "--default-hub", HUB, "--no-client-cert",
                       "--no-redirect-gateway")
        server.ipsec("--l2tp", "on", "--ethernet", "on", "--default-hub", HUB, psk=ipsec_peer.PSK)
        server.ctl("router", "add", "*", HUB, USER)
        ca = lab.tmp / "server-ca.crt"
        ca.write_text(server.certificate_pem())
    with t.must("the guest boots"):
        guest = guests.Guest(lab)
    hosts = {}  # name: (where, its address)

    def se_vpn():
        client = softether.Client(lab)
        client.connect("one", f"{SRV}:443")
        return lab.cli, traffic.dhcp(lab, lab.cli, client.device)

    def openvpn(dev):
        ns = lab.add_client()
        client = openvpn_peer.Client(lab, ns, ns.server, 1194, "udp", dev, ca, (USER, PASSWORD))
        return ns, client.lease()

    def sstp():
        client = guests.Sstp(guest, f"{USER}@{HUB}", PASSWORD)
        guest.run("ip", "route", "replace", "10.99.3.0/24", "dev", "ppp0")
        return guest, client.address

    def l2tp():
        client = ipsec_peer.Client(guest.space(), USER)
        return client.space, client.address

    def router(kind):
        client = ether_peer.Router(guest.space(), kind)
        return client.space, client.lease()

    for name, connect in (("SE-VPN", se_vpn), ("OpenVPN tap", lambda: openvpn("tap")),
                          ("OpenVPN tun", lambda: openvpn("tun")), ("SSTP", sstp), ("L2TP/IPsec", l2tp),
                          ("L2TPv3/IPsec", lambda: router("l2tpv3")), ("EtherIP/IPsec", lambda: router("etherip"))):
        with t.check(f"{name}: a session and an address"):
            hosts[name] = connect()
    with t.check("each reaches each"):
        lost = matrix(hosts)
        need(len(hosts) == 7 and not lost, f"of {len(hosts)}: {lost}")
    with t.check("the server is well, and ends when told to"):
        server.healthy()
        server.stop()


def matrix(hosts):
    """Prints who reaches whom; returns the pairs that do not."""
    lost = []
    width = max(map(len, hosts))
    print(f"     | {'':{width}}  " + "  ".join(hosts), flush=True)
    for name, (where, _) in hosts.items():
        row = []
        for other, (_, address) in hosts.items():
            good = name == other or traffic.answers(where, address) or traffic.answers(where, address)
            row.append(f"{'.' if name == other else 'yes' if good else 'NO':{len(other)}}")
            lost += [] if good else [f"{name} to {other}"]
        print(f"     | {name:{width}}  " + "  ".join(row), flush=True)
    return lost
