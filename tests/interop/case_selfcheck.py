# SPDX-License-Identifier: Apache-2.0
"""The lab itself, proven with SoftEther on both ends: what fails here is not our programs' fault."""
import sevpn
import softether
import traffic
from netlab import LAN, SRV, Failed, need, wait_until
from registry import scenario


@scenario("selfcheck/softether", needs=("softether-server", "softether-client", "tun", "dnsmasq",
                                        "dhclient", "iperf3"), takes=15)
def _(t):
    lab = t.lab
    with t.must("server, hub, bridge"):
        server = softether.Server(lab)
        server.make_hub()
        server.bridge()
        traffic.dnsmasq(lab)
    with t.must("client connects"):
        client = softether.Client(lab)
        client.connect("a", "10.99.1.1:443")
    with t.must("DHCP lease from behind the bridge"):
        address = traffic.dhcp(lab, lab.cli, client.device)
        need(address.startswith("10.99.3.1"), f"got {address}")
    with t.check("pings"):
        traffic.wait_answer(lab.cli, LAN)
        traffic.pings(lab.cli, LAN)
    with t.must("8 connections"):
        client.disconnect("a")
        client.connect("b", "10.99.1.1:443", connections=8)
        client.wait_connections("b", 8)
        lab.cli.address(client.device, "10.99.3.80/24")
        traffic.wait_answer(lab.cli, LAN)
    with t.check("20 MB each way, equal hashes"):
        traffic.transfer(lab.cli, lab.lan, LAN, 20_000_000)
        traffic.transfer(lab.lan, lab.cli, "10.99.3.80", 20_000_000)
    with t.check("iperf3 both ways"):
        traffic.iperf_server(lab)
        for options in ((), ("-R",)):
            mbps, _ = traffic.iperf(lab.cli, LAN, 1, *options)
            need(mbps > 10, f"{mbps:.0f} Mbit/s")
    with t.check("wrong password is refused"):
        client.disconnect("b")
        client.connect("c", "10.99.1.1:443", password="wrong", wait=False)
        wait_until("code 9", lambda: "authentication failed. (code 9)" in client.logs(), 10)


@scenario("selfcheck/own-client", needs=("softether-server",))
def _(t):
    with t.must("server, hub"):
        server = softether.Server(t.lab)
        server.make_hub()
    with t.must("two sessions of the small client"):
        a, b = (sevpn.Session(t.lab.cli, SRV, softether.HUB, softether.USER, softether.PASSWORD)
                for _ in range(2))
    with t.check("a frame goes from one to the other"):
        frame = sevpn.ethernet(sevpn.BROADCAST, sevpn.mac(1), b"from a" + bytes(60))
        sevpn.until_delivered(a, b, frame)
    with t.check("a wrong password is refused"):
        try:
            sevpn.Session(t.lab.cli, SRV, softether.HUB, softether.USER, "wrong")
            raise Failed("it was not refused")
        except sevpn.Refused as e:
            need(e.code == 9, str(e))
