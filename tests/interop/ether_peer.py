# SPDX-License-Identifier: Apache-2.0
"""Routers that bring Ethernet by IPsec, in the guest: EtherIP, L2TPv3 with a control connection (programs
of tests/guest), and Linux's own static L2TPv3."""
import guest as guests
import traffic
from ipsec_peer import Ike
from netlab import Failed, need, wait_until

ETHERIP = "local_ts = dynamic[97]\n        remote_ts = dynamic[97]"
L2TPV3 = "local_ts = dynamic[115]\n        remote_ts = dynamic[115]"
NEEDS = ("dhclient",)


class Router:
    """An IPsec connection and, on top of it, a device that is Ethernet."""
    device = "ether0"

    def __init__(self, space, kind, ike=None, options=()):
        """kind: etherip, l2tpv3 or l2tpv3-udp."""
        self.space = space
        selectors = {"etherip": {"selectors": ETHERIP}, "l2tpv3": {"selectors": L2TPV3}}.get(kind, {})
        self.ike = Ike(space, **{**selectors, **(ike or {})})
        words = ["etherip.py"] if kind == "etherip" else ["l2tpv3.py"]
        words += [space.outer, space.server, self.device, *(["--udp"] if kind == "l2tpv3-udp" else []), *options]
        self.process = space.start("python3", "-B", guests.FOLDER / words[0], *words[1:], log="router")
        try:
            wait_until(kind, self.is_ready, 20, 0.1)
        except Failed as e:
            raise Failed(f"{e}\n{self.process.log()[-2000:]}") from None

    def is_ready(self):
        need(self.process.running(), "it has ended")
        return "ready" in self.process.log()

    def lease(self):
        return lease(self.space, self.device)

    def stop(self):
        self.process.stop()
        self.ike.stop()


class Static(Router):
    """A pseudowire of Linux's kernel, in a guest that has it, without a control connection."""

    def __init__(self, space, encap, theirs, ours, their_cookie, our_cookie, ike):
        """theirs, their_cookie: what we put into packets."""
        self.space, self.ike = space, Ike(space, **ike)
        ports = ("udp_sport", "1701", "udp_dport", "1701") if encap == "udp" else ()
        space.run("ip", "l2tp", "add", "tunnel", "tunnel_id", "1", "peer_tunnel_id", "1", "encap", encap,
                  "local", space.outer, "remote", space.server, *ports)
        space.run("ip", "l2tp", "add", "session", "name", self.device, "tunnel_id", "1", "session_id", ours,
                  "peer_session_id", theirs, "cookie", their_cookie, "peer_cookie", our_cookie,
                  "l2spec_type", "none")
        space.run("ip", "link", "set", self.device, "up", "mtu", "1500")

    def stop(self):
        self.space.run("ip", "l2tp", "del", "tunnel", "tunnel_id", "1")
        self.ike.stop()


def lease(space, device, seconds=20):
    """An address of the hub's DHCP."""
    space.write("/run/dhcp-script", traffic.DHCP_SCRIPT)
    space.run("chmod", "+x", "/run/dhcp-script")
    p = space.start("dhclient", "-d", "-1", "-sf", "/run/dhcp-script", "-lf", "/run/leases", "-cf", "/dev/null",
                    "-pf", "/run/dhclient.pid", device, log="dhclient")
    try:
        return wait_until("a lease", lambda: traffic.address_of(space, device), seconds, 0.1)
    except Failed as e:
        raise Failed(f"{e}\n{p.log()[-1500:]}") from None
    finally:
        p.kill()
