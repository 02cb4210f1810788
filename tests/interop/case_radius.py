# SPDX-License-Identifier: Apache-2.0
"""RADIUS with Debian's freeradius: passwords and MS-CHAPv2 by three protocols, what a reply gives a
session, accounting, Disconnect and CoA; and servers that are down, or lie.

    cli: clients --- srv: our server, and the RADIUS servers at its loopback
"""
import contextlib
import time

import openvpn_peer
import polyether
import radius_peer
import sstp_peer
from netlab import SRV, Failed, need, wait_until
from radius_peer import SECRET, FreeRadius, Rogue
from registry import scenario
from softether import HUB

USERS = """
otto Cleartext-Password := "geheim"
\tReply-Message = "Hello Otto"

o.tto Cleartext-Password := "external"

fritz Cleartext-Password := "template"
\tFramed-IP-Address = 192.168.30.177, Framed-IP-Netmask = 255.255.255.0, Filter-Id = "guests",
\tTunnel-Private-Group-Id = "7", Session-Timeout = 600, Class = "c1a55", Idle-Timeout = 500,
\tMS-Primary-DNS-Server = 192.168.30.1

short Cleartext-Password := "template"
\tSession-Timeout = 4, Acct-Interim-Interval = 60
"""


def server_with_users(t, *options):
    server = polyether.Server(t.lab)
    server.ctl("hub", "create", HUB)
    server.securenat("enable")
    server.ctl("user", "create", HUB, "otto", "--radius")
    server.ctl("user", "create", HUB, "ext", "--radius", "--external-name", "o.tto")
    set_radius(server, "--servers", "127.0.0.1", *options)
    return server


def set_radius(server, *options, secret=SECRET):
    server.ctl("radius", "set", HUB, "--secret-stdin", *options, text=secret + "\n")


def by_sstp(t, user, password, **how):
    return sstp_peer.Client(t.lab.cli, SRV, f"{HUB}\\{user}", password, **how)


def refused(t, user, password, **how):
    try:
        client = by_sstp(t, user, password, **how)
    except Failed:
        return
    client.close()
    raise Failed(f"{user} got in with {password}")


def sessions(server):
    return server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]


def session_of(server, user):
    found = [s for s in sessions(server) if s["Username_str"] == user]
    need(len(found) == 1, f"sessions: {sessions(server)}")
    return found[0]


def gone(server, user):
    return not [s for s in sessions(server) if s["Username_str"] == user]


def status(server, i=0):
    return server.rpc().call("GetHubRadius", HubName_str=HUB)["ServerList"][i]


@contextlib.contextmanager
def sstp(t, *login, **how):
    client = by_sstp(t, *login, **how)
    try:
        yield client
    finally:
        client.close()


@scenario("radius/logins", needs=("server", "client", "tun", "openvpn", "freeradius"), asan=True,
          limit=180)
def _(t):
    with t.must("servers"):
        radius = FreeRadius(t, t.lab.srv, USERS)
        server = server_with_users(t)
    with t.check("the secret is told to nobody"):
        said = server.ctl("--json", "radius", "show", HUB)
        need(SECRET not in said and "127.0.0.1" in said, said)
        need(SECRET not in server.logs(), "it is in the log")
    with t.check("a test of the server"):
        need("it answers" in server.ctl("radius", "test", HUB), "it does not")
    for how in ({"pap": True}, {}):
        name = "PAP" if how else "MS-CHAPv2"
        with t.check(f"SSTP, {name}"), sstp(t, "otto", "geheim", **how):
            session_of(server, "otto")
        with t.check(f"SSTP, {name}, wrong password"):
            refused(t, "otto", "falsch", **how)
        with t.check(f"SSTP, {name}, unknown user"):
            refused(t, "nobody", "geheim", **how)
    with t.check("another name at the server"), sstp(t, "ext", "external", pap=True):
        session_of(server, "ext")
    with t.check("the requests are as they should be"):
        log = radius.log()
        for word in ('Called-Station-Id = "' + HUB, 'Calling-Station-Id = "10.99.1.2"',
                     'NAS-Identifier = "' + HUB, "NAS-Port-Type = Virtual", "Acct-Session-Id = "):
            need(word in log, f"no {word}")
    with t.check("OpenVPN"):
        ca = t.lab.tmp / "ca.pem"
        ca.write_text(server.certificate_pem())
        with openvpn_peer.Client(t.lab, t.lab.cli, SRV, ca=ca, login=(f"otto@{HUB}", "geheim")):
            session_of(server, "otto")
    with t.check("OpenVPN, wrong password"):
        client = openvpn_peer.Client(t.lab, t.lab.cli, SRV, ca=ca, login=(f"otto@{HUB}", "x"),
                                     wait=0)
        client.wait_log("AUTH_FAILED")
    with t.check("SE-VPN with the plain password"):
        ours = polyether.Client(t.lab)
        ours.connect("a", f"{SRV}:443", user="otto", password="geheim",
                     trust=server.certificate_sha256(), options=("--plain-password",))
        session_of(server, "otto")
        ours.disconnect("a")
        # A session without connections lasts until its timeout of 20 s.
        wait_until("the end of the session", lambda: gone(server, "otto"), seconds=40)
    with t.check("SE-VPN with a hash is refused, and the log says why"):
        ours.connect("a", f"{SRV}:443", user="otto", password="geheim",
                     trust=server.certificate_sha256(), wait=False)
        wait_until("a reason", lambda: "plain password" in server.logs())
        need(gone(server, "otto"), "it got in")
    server.healthy()


@scenario("radius/replies", needs=("server", "freeradius"), asan=True, limit=120)
def _(t):
    with t.must("servers, the user * and a group"):
        radius = FreeRadius(t, t.lab.srv, USERS)
        server = server_with_users(t, "--accounting", "on")
        server.ctl("user", "create", HUB, "*", "--radius")
        server.ctl("group", "create", HUB, "guests")
    with t.check("address, group, VLAN and time of the reply"), sstp(t, "fritz", "template") as c:
        need(c.address == bytes([192, 168, 30, 177]), f"the address is {c.address}")
        need(c.dns == bytes([192, 168, 30, 1]), f"the resolver is {c.dns}")
        s = session_of(server, "fritz")
        policy = server.rpc().call("GetSessionStatus", HubName_str=HUB, Name_str=s["Name_str"])
        need(policy.get("policy:VLanId_u32", 7) == 7, f"{policy}")
        need(policy.get("GroupName_str", "guests") == "guests", f"{policy}")
        need(policy.get("policy:AutoDisconnect_u32", 600) == 600, f"{policy}")
    with t.check("the user * counts the login"):
        user = server.rpc().call("GetUser", HubName_str=HUB, Name_str="*")
        need(user["NumLogin_u32"] == 1, f"{user['NumLogin_u32']}")
    with t.check("nobody logs in as *"):
        refused(t, "*", "template", pap=True)
    with t.check("Class comes back with the accounting"):
        stop = wait_until("a report", lambda: radius.reports("Stop"))[0]
        need(stop["Class"] == "0x6331613535", f"{stop}")
        need(stop["User-Name"] == "fritz", f"{stop}")
    with t.check("Session-Timeout ends the session"), sstp(t, "short", "template"):
        begun = time.monotonic()
        wait_until("the end", lambda: gone(server, "short"), 10)
        need(2 < time.monotonic() - begun < 8, "not after four seconds")
        stop = wait_until("a report", lambda: radius.reports("Stop")[1:])[0]
        need(stop["Acct-Terminate-Cause"] == "Session-Timeout", f"{stop}")
    server.healthy()
