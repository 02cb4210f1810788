# SPDX-License-Identifier: Apache-2.0
"""Debian's SoftEther server and client as peers.

Both keep their state in fixed folders, and a lock in /tmp that lets one of each run; each one here has
a mount namespace of its own with empty folders in these places. vpncmd takes a word with a leading
slash for an option, so that files are named relative to the folder it runs in.
"""
import csv
import io
import pathlib
import tempfile

from netlab import need, wait_until

PROGRAMS = pathlib.Path("/usr/libexec/softether")
HUB, USER, PASSWORD = "LAB", "user1", "pass1"

PRIVATE = """
mount --make-rprivate / &&
for d in /var/lib /var/log /run; do mount -t tmpfs tmpfs $d || exit 1; done
mkdir /var/lib/softether /var/log/softether /run/softether &&
mount --bind "$1/lib" /var/lib/softether && mount --bind "$1/log" /var/log/softether &&
mount -t tmpfs tmpfs /tmp && exec "$2" execsvc
"""

# What would call the Internet is off; no limit of connections per address.
SERVER_CONFIG = """# Software Configuration File
declare root
{
	declare DDnsClient
	{
		bool Disabled true
	}
	declare ListenerList
	{
		declare Listener0
		{
			bool DisableDos true
			bool Enabled true
			uint Port 443
		}
		declare Listener1
		{
			bool DisableDos true
			bool Enabled true
			uint Port 5555
		}
	}
	declare ServerConfiguration
	{
		bool DisableNatTraversal true
		bool DisableDeadLockCheck true
		bool DontBackupConfig true
		bool UseKeepConnect false
		string ServerKind standard
	}
}
"""


class SoftEther:
    """What server and client have in common: a private place to run in, and vpncmd."""

    def __init__(self, lab, ns, program, log):
        self.lab, self.ns, self.program, self.log = lab, ns, program, log
        self.state = pathlib.Path(tempfile.mkdtemp(dir=lab.tmp))
        for d in ("lib", "log", "cmd"):
            (self.state / d).mkdir()
        self.process = None

    def start(self):
        path = PROGRAMS / self.program / self.program
        self.process = self.ns.start("unshare", "-m", "sh", "-c", PRIVATE, "sh", self.state, path,
                                     log=self.log)

    def vpncmd(self, *arguments, lines=(), check=True):
        """Runs command lines; returns what vpncmd printed."""
        (self.state / "cmd" / "in.txt").write_text("\n".join(lines) + "\n")
        code, out = self.ns.run("vpncmd", *arguments, "/CSV", "/IN:in.txt", check=False, timeout=60,
                                cwd=self.state / "cmd")
        with open(self.lab.logs / "vpncmd.log", "a", encoding="utf-8") as f:
            f.write(f"---- {self.log}: {'; '.join(lines)}\n{out}\n")
        if check:
            need(code == 0, f"vpncmd: {'; '.join(lines)}: status {code}\n{out[-800:]}")
        return out

    def logs(self):
        """Its own log files, and what it printed."""
        return "".join(f.read_text(errors="replace") for f in sorted((self.state / "log").rglob("*.log"))) + \
            (self.process.log() if self.process else "")


class Server(SoftEther):
    def __init__(self, lab, ns=None):
        super().__init__(lab, ns or lab.srv, "vpnserver", "softether-server")
        (self.state / "lib" / "vpn_server.config").write_text(SERVER_CONFIG)
        self.start()

    def start(self):
        super().start()
        wait_until("SoftEther's server", lambda: self.ns.listens(443) and self.ns.listens(5555), 20)

    def admin(self, *lines, hub=None, check=True):
        return self.vpncmd("localhost:5555", "/SERVER", *([f"/ADMINHUB:{hub}"] if hub else []),
                           lines=lines, check=check)

    def make_hub(self, hub=HUB):
        """The hub with one user, without a packet log."""
        self.admin(f"HubCreate {hub} /PASSWORD:hubpass", f"Hub {hub}",
                   f"UserCreate {USER} /GROUP:none /REALNAME:none /NOTE:none",
                   f"UserPasswordSet {USER} /PASSWORD:{PASSWORD}", "LogDisable packet")

    def add_certificate_user(self, name, certificate, hub=HUB):
        (self.state / "cmd" / "user.crt").write_bytes(pathlib.Path(certificate).read_bytes())
        self.admin(f"UserCreate {name} /GROUP:none /REALNAME:none /NOTE:none",
                   f"UserCertSet {name} /LOADCERT:user.crt", hub=hub)

    def bridge(self, device="lan1", hub=HUB):
        self.admin(f"BridgeCreate {hub} /DEVICE:{device} /TAP:no")

    def openvpn(self):
        """Its OpenVPN server on UDP port 1194; the file of its certificate, its own authority."""
        self.admin("PortsUDPSet 1194", "ServerCertGet server.crt")
        return self.state / "cmd" / "server.crt"

    def ipsec(self, psk, hub=HUB):
        """L2TP, and Ethernet by EtherIP and L2TPv3, over IPsec; every router is the hub's user."""
        self.admin(f"IPsecEnable /L2TP:yes /L2TPRAW:no /ETHERIP:yes \"/PSK:{psk}\" /DEFAULTHUB:{hub}",
                   f"EtherIpClientAdd * /HUB:{hub} /USERNAME:{USER} /PASSWORD:{PASSWORD}")

    def stop(self):
        self.admin("Flush")
        self.process.stop()

    def certificate_sha256(self):
        self.admin("ServerCertGet server.crt")
        out = self.ns.run("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in",
                          self.state / "cmd" / "server.crt")
        return out.split("=")[1].replace(":", "").strip().lower()

    def session_count(self, hub=HUB):
        return self.admin("SessionList", hub=hub).count("SID-" + USER.upper())


class Client(SoftEther):
    """With one virtual adapter, vpn_lab."""
    device = "vpn_lab"

    def __init__(self, lab, ns=None, log="softether-client"):
        super().__init__(lab, ns or lab.cli, "vpnclient", log)
        self.start()
        wait_until("SoftEther's client", lambda: self.ns.listens(9931) or self.ns.listens(9930), 20)
        self.admin("NicCreate lab")

    def admin(self, *lines, check=True):
        return self.vpncmd("localhost", "/CLIENT", lines=lines, check=check)

    def connect(self, name, server, connections=1, half=False, compress=False, hub=HUB, user=USER,
                password=PASSWORD, certificate=None, wait=True):
        """certificate: (certificate file, key file) in place of the password."""
        yes = {True: "yes", False: "no"}
        lines = [f"AccountCreate {name} /SERVER:{server} /HUB:{hub} /USERNAME:{user} /NICNAME:lab"]
        if certificate:
            for f, to in zip(certificate, ("user.crt", "user.key")):
                (self.state / "cmd" / to).write_bytes(pathlib.Path(f).read_bytes())
            lines.append(f"AccountCertSet {name} /LOADCERT:user.crt /LOADKEY:user.key")
        else:
            lines.append(f"AccountPasswordSet {name} /PASSWORD:{password} /TYPE:standard")
        lines += [f"AccountDetailSet {name} /MAXTCP:{connections} /INTERVAL:1 /TTL:0 "
                  f"/HALF:{yes[half]} /BRIDGE:no /MONITOR:no /NOTRACK:yes /NOQOS:yes /DISABLEUDP:yes",
                  f"Account{'Compress' if compress else 'Uncompress'}{'Enable' if compress else ''} {name}"
                  if compress else f"AccountCompressDisable {name}",
                  f"AccountRetrySet {name} /NUM:999 /INTERVAL:5",
                  f"AccountConnect {name}"]
        self.admin(*lines)
        if wait:
            self.wait_session(name)

    def status(self, name):
        """{item: value} of AccountStatusGet, empty while there is no session."""
        out = self.admin(f"AccountStatusGet {name}", check=False)
        return {row[0]: row[1] for row in csv.reader(io.StringIO(out)) if len(row) == 2}

    def is_up(self, name):
        return "Session Established" in self.status(name).get("Session Status", "")

    def wait_session(self, name, seconds=20):
        wait_until("the session of SoftEther's client", lambda: self.is_up(name), seconds, 0.1)

    def wait_connections(self, name, count, seconds=25):
        wait_until(f"{count} TCP connections", lambda: self.status(name).get(
            "Number of TCP Connections") == str(count), seconds, 0.1)

    def disconnect(self, name):
        self.admin(f"AccountDisconnect {name}", f"AccountDelete {name}", check=False)
        self.ns.run("ip", "addr", "flush", "dev", self.device)
