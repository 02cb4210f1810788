# SPDX-License-Identifier: Apache-2.0
"""Debian's openvpn as a client of any server, and as a server that proves the lab.

Each client needs a namespace of its own (Lab.add_client()): the networks that several get in one
tunnel network are the same.
"""
import contextlib
import itertools
import pathlib
import signal
import subprocess
import sys

import traffic
from netlab import Failed, need, wait_until

DONE = "Initialization Sequence Completed"
CIPHERS = ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC")
CONTROLS = ("none", "tls-auth", "tls-crypt", "tls-crypt-v2")
RELAY = pathlib.Path(__file__).with_name("relay.py")


class Control:
    """What wraps the control channel: a kind, the client's key file, and the digest of tls-auth."""

    def __init__(self, kind="none", key=None, digest="SHA256"):
        self.kind, self.key, self.digest = kind, key, digest

    def lines(self, direction):
        if self.kind == "none":
            return []
        more = f" {direction}" if self.kind == "tls-auth" else ""
        return [f"{self.kind} {self.key}{more}"] + \
            ([f"auth {self.digest}"] if self.kind == "tls-auth" else [])


class Keys:
    """Key files for all the kinds, made by openvpn itself: for its own server."""

    def __init__(self, folder):
        self.static, self.v2_server, self.v2_client = (
            folder / f"{n}.key" for n in ("static", "v2-server", "v2-client"))
        self.make("secret", self.static)
        self.make("tls-crypt-v2-server", self.v2_server)
        self.make("tls-crypt-v2-client", self.v2_client, "--tls-crypt-v2", self.v2_server)

    @staticmethod
    def make(kind, path, *options):
        done = subprocess.run(["openvpn", *map(str, options), "--genkey", kind, str(path)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        need(done.returncode == 0, f"openvpn --genkey {kind}: {done.stdout}")

    def client(self, kind):
        return Control(kind, self.v2_client if kind == "tls-crypt-v2" else self.static)

    def server(self, kind):
        return Control(kind, self.v2_server if kind == "tls-crypt-v2" else self.static)


class Client:
    """One openvpn process. It takes addresses and routes that it is told, but no default route."""
    serial = itertools.count(1)

    def __init__(self, lab, ns, server, port=1194, proto="udp", dev="tun", ca=None, login=None,
                 certificate=None, ciphers=CIPHERS[:3], control=None, options=(), wait=20):
        """server: an address, or None for what is in options. login: (name, password).
        certificate: (certificate file, key file). options: more lines."""
        self.lab, self.ns, self.dev = lab, ns, dev
        self.name = f"ov{next(self.serial)}"
        self.device = self.name
        family = "6" if server and ":" in server else ""
        lines = ["client", "nobind", f"dev {self.device}", f"dev-type {dev}", "verb 3",
                 "connect-retry 1 2", "connect-timeout 10", "auth-nocache",
                 'pull-filter ignore "redirect-gateway"', 'pull-filter ignore "block-outside-dns"']
        if server:
            lines += [f"remote {server} {port} {proto}{family}{'-client' if proto == 'tcp' else ''}",
                      f"data-ciphers {':'.join(ciphers)}", f"cipher {ciphers[0]}"]
            lines += ["explicit-exit-notify 1"] if proto == "udp" else []
        if ca:
            lines.append(f"ca {ca}")
        if login:
            self.login = lab.tmp / f"{self.name}.login"
            self.login.write_text("\n".join(login) + "\n")
            self.login.chmod(0o600)
            lines.append(f"auth-user-pass {self.login}")
        if certificate:
            lines += [f"cert {certificate[0]}", f"key {certificate[1]}"]
        lines += [*(control.lines(1) if control else []), *options]
        self.config = lab.tmp / f"{self.name}.ovpn"
        self.config.write_text("\n".join(lines) + "\n")
        self.start(self.config)
        if wait:
            self.wait_up(wait)

    @classmethod
    def from_profile(cls, lab, ns, profile, login=None, options=()):
        """With a complete profile as it is; what is added goes on the command line."""
        self = cls.__new__(cls)
        self.lab, self.ns, self.name = lab, ns, f"ov{next(cls.serial)}"
        text = pathlib.Path(profile).read_text()
        self.dev = "tap" if any(line.split()[:2] == ["dev", "tap"] for line in text.splitlines()) \
            else "tun"
        self.device, self.config = f"{self.dev}0", profile
        more = []
        if login:
            path = lab.tmp / f"{self.name}.login"
            path.write_text("\n".join(login) + "\n")
            path.chmod(0o600)
            more = ["--auth-user-pass", path]
        self.start(profile, *more, *options)
        self.wait_up()
        return self

    def start(self, config, *options):
        self.process = self.ns.start("openvpn", "--config", config, *options, log=self.name)

    def log(self):
        return self.process.log()

    def wait_up(self, seconds=20):
        """Set up; at once Failed when it gave up."""
        def up():
            text = self.log()
            need(self.process.running() or DONE in text, "openvpn ended: " + text[-1500:])
            return DONE in text
        try:
            wait_until("openvpn's tunnel", up, seconds)
        except Failed as e:
            raise Failed(f"{e}\n{self.log()[-2500:]}") from None

    def wait_log(self, what, seconds=15):
        try:
            wait_until(f"'{what}' in openvpn's log", lambda: what in self.log(), seconds)
        except Failed as e:
            raise Failed(f"{e}\n{self.log()[-2500:]}") from None

    def address(self):
        return traffic.address_of(self.ns, self.device)

    def lease(self, seconds=20):
        """The IPv4 address: pushed on a tun, by DHCP on a tap."""
        if self.dev == "tap" and not self.address():
            traffic.dhcp(self.lab, self.ns, self.device, seconds)
        return need_address(self.address(), self.log())

    def cipher(self):
        """What the data channel uses."""
        for line in self.log().splitlines():
            if "Data Channel: cipher '" in line:
                return line.split("cipher '")[1].split("'")[0]
        raise Failed("the log does not tell the cipher:\n" + self.log()[-1500:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the tunnel; Failed when openvpn did not end by itself."""
        need(self.process.stop(), "openvpn did not end within 10 s of SIGTERM")


def need_address(address, log):
    need(address, "the tunnel has no address\n" + log[-2500:])
    return address


class Relay:
    """A way between a client's namespace and a server that is longer, or that changes."""

    def __init__(self, lab, ns, kind, to, to_port, delay_ms=0, port=4000):
        self.address, self.port = "127.0.0.1", port
        self.process = ns.start(sys.executable, "-B", RELAY, kind, port, to, to_port, delay_ms,
                                log=f"relay-{kind}")
        wait_until("the relay", lambda: ns.listens(port, udp=kind == "udp"))

    def move(self):
        """Over UDP: from another source port from now on."""
        self.process.signal(signal.SIGUSR1)


VERIFY = """#!/bin/sh
{ read -r user; read -r password; } < "$1"
[ "$user" = "%s" ] && [ "$password" = "%s" ]
"""


class Server:
    """Debian's openvpn as a server. tun: 10.8.0.0/24, itself .1; tap: bridged with a device."""
    network = "10.8.0.0"
    own = "10.8.0.1"

    def __init__(self, lab, authority, certificate, proto="udp", dev="tun", ciphers=CIPHERS[:3],
                 control=None, login=None, need_certificate=True, bridge="lan1", options=()):
        """login: (name, password) that it takes."""
        self.lab, self.ns = lab, lab.srv
        lines = ["dev os0", f"dev-type {dev}", f"proto {proto}6{'-server' if proto == 'tcp' else ''}",
                 "port 1194", "dh none", f"ca {authority.cert}", f"cert {certificate[0]}",
                 f"key {certificate[1]}", f"data-ciphers {':'.join(ciphers)}", "keepalive 10 60",
                 "verb 3", "duplicate-cn"]
        if dev == "tun":
            lines += [f"server {self.network} 255.255.255.0", "topology subnet"]
        else:
            lines += ["mode server", "tls-server"]
        if login:
            script = lab.tmp / "verify"
            script.write_text(VERIFY % login)
            script.chmod(0o755)
            lines += ["script-security 2", f"auth-user-pass-verify {script} via-file"]
        lines += [] if need_certificate else ["verify-client-cert none"]
        lines += [*(control.lines(0) if control else []), *options]
        config = lab.tmp / "openvpn-server.conf"
        config.write_text("\n".join(lines) + "\n")
        log = lab.logs / "openvpn-server.log"
        before = log.read_text().count(DONE) if log.exists() else 0
        self.process = self.ns.start("openvpn", "--config", config, log="openvpn-server")
        try:
            wait_until("openvpn's server", lambda: self.process.log().count(DONE) > before)
        except Failed as e:
            raise Failed(f"{e}\n{self.process.log()[-2500:]}") from None
        if dev == "tap":
            self.bridge(bridge)

    def bridge(self, device):
        with contextlib.suppress(Failed):
            self.ns.run("ip", "link", "add", "br0", "type", "bridge")
        for d in ("br0", "os0", device):
            self.ns.run("ip", "link", "set", d, "up", *([] if d == "br0" else ["master", "br0"]))

    def logs(self):
        return self.process.log()

    def stop(self):
        self.process.stop()


def pairwise(*factors):
    """Rows that hold each pair of values of two factors at least once; always the same ones."""
    columns = range(len(factors))
    left = {(i, a, j, b) for i, j in itertools.combinations(columns, 2)
            for a in factors[i] for b in factors[j]}
    rows = []
    while left:
        def gain(row):
            return sum((i, row[i], j, row[j]) in left for i, j in itertools.combinations(columns, 2))
        best = max(itertools.product(*factors), key=gain)
        left -= {(i, best[i], j, best[j]) for i, j in itertools.combinations(columns, 2)}
        rows.append(best)
    return rows
