# SPDX-License-Identifier: Apache-2.0
"""Linux's own L2TP/IPsec client in a guest: strongSwan (IKEv1), ESP of the kernel, xl2tpd, pppd.

Every client has a host of its own in the guest (Guest.space()).
"""
import re
import shutil

import guest as guests
import traffic
from netlab import Failed, need, wait_until
from softether import PASSWORD

PSK = "a shared secret of the lab"
IKE, ESP = "aes256-sha256-modp2048", "aes256-sha256"
CHARON = "/usr/lib/ipsec/charon"
NEEDS = ("linux.uml", "busybox", CHARON, "swanctl", "xl2tpd", "pppd", "dnsmasq", "iperf3")

# Only plugins that are of use: each takes the guest time to load.
STRONGSWAN = """
charon {
  load = random nonce aes sha1 sha2 md5 hmac kdf openssl pem gcm kernel-netlink socket-default vici
  install_routes = no
  install_virtual_ip = no
  retransmit_timeout = %(retransmit)s
  retransmit_base = 1.3
  retransmit_tries = %(tries)s
  plugins { vici { socket = unix:///run/charon.vici } }
  filelog {
    log { path = /run/charon.log
      flush_line = yes
      time_format = %%T
      default = 1
      ike = 2
      cfg = 2 } }
}
swanctl { load = random nonce openssl pem
  plugins { vici { socket = unix:///run/charon.vici } } }
"""
CONNECTION = """
connections {
  lab {
    version = 1
    local_addrs = %(local)s
    remote_addrs = %(remote)s
    proposals = %(ike)s
    dpd_delay = %(dpd)s
    dpd_timeout = %(dpd_timeout)s
    encap = %(encap)s
    rekey_time = %(ike_rekey)s
    aggressive = %(aggressive)s
    keyingtries = %(keyingtries)s
    local { auth = %(auth)s
      %(id)s
      %(cert)s }
    remote { auth = %(auth)s
      id = %%any }
    children {
      lab {
        mode = %(mode)s
        %(selectors)s
        esp_proposals = %(esp)s
        rekey_time = %(esp_rekey)s
        dpd_action = %(dead)s
        close_action = %(dead)s
      }
    }
  }
}
secrets { ike-lab { secret = "%(psk)s" } }
"""
DEFAULTS = {"ike": IKE, "esp": ESP, "dpd": "0s", "dpd_timeout": "15s", "encap": "no", "ike_rekey": "4h", "esp_rekey": "1h",
            "aggressive": "no", "keyingtries": 1, "id": "", "mode": "transport", "psk": PSK, "auth": "psk", "cert": "",
            "dead": "none", "retransmit": 1, "tries": 4,
            "selectors": "local_ts = dynamic[udp/1701]\n        remote_ts = dynamic[udp/1701]"}

XL2TPD = """
[global]
port = 1701
[lac lab]
lns = %(lns)s
pppoptfile = /run/ppp-options
length bit = yes
ppp debug = yes
require authentication = no
%(more)s
"""
PPP = """noauth
noipdefault
nodefaultroute
noccp
ipcp-accept-local
ipcp-accept-remote
+ipv6
mtu 1400
mru 1400
debug
logfile /run/pppd.log
"""


def keep_certificates(folder, cert, key, authority):
    """As swanctl wants them: our own, its key, and whom we trust."""
    for kind, file in (("x509", cert), ("private", key), ("x509ca", authority)):
        (folder / kind).mkdir(parents=True)
        shutil.copy(file, folder / kind)


class Ike:
    """charon with one connection, "lab". options: fields of CONNECTION that differ; certificates: (ours,
    its key, whom we trust), files."""

    def __init__(self, space, server=None, up=True, certificates=None, **options):
        self.space = space
        fields = {**DEFAULTS, "local": space.outer, "remote": server or space.server, **options}
        if fields["id"]:
            fields["id"] = f"id = {fields['id']}"
        # The guest sees our files.
        folder = space.lab.tmp / f"swanctl-{space.name}"
        if certificates:
            keep_certificates(folder, *certificates)
            fields |= {"auth": "pubkey", "cert": f"certs = {certificates[0].name}"}
        self.swanctl = ("env", "STRONGSWAN_CONF=/run/strongswan.conf", "swanctl")
        out = space.run("bash", guests.FOLDER / "ike.sh", folder, timeout=60,
                        text=f"{STRONGSWAN % fields}----\n{CONNECTION % fields}")
        self.process = guests.Process(space, out.split()[0], "charon-out")
        space.lab.at_close(self.keep_log)
        if up:
            self.up()

    def keep_log(self):
        (self.space.lab.logs / f"{self.space.name}-charon.log").write_text(self.log())

    def log(self):
        return self.space.read("/run/charon.log")

    def initiate(self, seconds=20):
        """(whether it was set up, what was said)."""
        code, out = self.space.run(*self.swanctl, "--initiate", "--child", "lab", "--timeout", seconds,
                                   check=False, timeout=seconds + 15)
        return code == 0 and "initiate completed successfully" in out, out

    def up(self, seconds=60):
        ok, out = self.initiate(seconds)
        need(ok, f"{self.space.name}: IKE failed\n{out[-2500:]}")

    def down(self):
        return self.space.run(*self.swanctl, "--terminate", "--ike", "lab", "--timeout", 5, check=False,
                              timeout=15)[1]

    def sas(self):
        return self.space.run(*self.swanctl, "--list-sas")

    def stop(self):
        self.down()
        self.process.stop()

    def encapsulated(self):
        """Whether the kernel has ESP in UDP."""
        out = self.space.run("ip", "xfrm", "state")
        need("proto esp" in out, f"no ESP in the kernel:\n{out}")
        return "espinudp" in out


class L2tp:
    """xl2tpd and its pppd in a space, with the device ppp0."""

    def __init__(self, space, user, password=PASSWORD, auth="mschap-v2", server=None, wait=60, more="",
                 ppp=""):
        """more: lines of the section lac; ppp: of pppd's options."""
        self.space = space
        refused = "".join(f"refuse-{a}\n" for a in guests.METHODS if a != auth)
        settings = XL2TPD % {"lns": server or space.server, "more": more}
        out = space.run(
            "bash", guests.FOLDER / "l2tp.sh", wait, timeout=wait + 40,
            text=f'{settings}----\n{PPP}{refused}name "{user}"\npassword "{password}"\n{ppp}\n').split()
        self.process = guests.Process(space, out[0], "xl2tpd")
        space.lab.at_close(self.keep_log)
        if wait:
            need("up" in out, f"no PPP link after {wait} s\n{self.process.log()[-1500:]}\n{self.log()[-2500:]}")
            self.wait_address(5)

    def keep_log(self):
        (self.space.lab.logs / f"{self.space.name}-pppd.log").write_text(self.log())

    def control(self, word):
        self.space.run("sh", "-c", 'echo "$1" > /run/xl2tpd/l2tp-control', "sh", word)

    def log(self):
        return self.space.read("/run/pppd.log")

    def wait_address(self, seconds=30):
        try:
            self.address = wait_until("an address of ppp0", lambda: traffic.address_of(
                self.space, "ppp0"), seconds, 0.1)
        except Failed as e:
            raise Failed(f"{e}\n{self.process.log()[-1500:]}\n{self.log()[-2500:]}") from None
        return self.address

    def wait_end(self, seconds=20):
        wait_until("the end of ppp0", lambda: not self.device_is_there(), seconds, 0.1)

    def device_is_there(self):
        # /sys of a space tells of the guest's devices.
        return self.space.run("ip", "link", "show", "dev", "ppp0", check=False)[0] == 0

    def stop(self):
        """As a user who disconnects."""
        self.control("d lab")
        self.wait_end()
        self.process.stop()


class Client:
    """Both: a user's L2TP/IPsec connection. ike, l2tp: what differs from the defaults."""

    def __init__(self, space, user, password=PASSWORD, ike=None, **l2tp):
        self.space = space
        self.ike = Ike(space, **(ike or {}))
        self.l2tp = L2tp(space, user, password, **l2tp)
        self.route()

    @property
    def address(self):
        return self.l2tp.address

    def route(self):
        # It has its address before it is up.
        wait_until("a route by ppp0", lambda: self.space.run(
            "ip", "route", "replace", "10.99.3.0/24", "dev", "ppp0", check=False)[0] == 0, 10, 0.2)

    def stop(self):
        self.l2tp.stop()
        self.ike.stop()
