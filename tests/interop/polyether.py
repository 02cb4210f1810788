# SPDX-License-Identifier: Apache-2.0
"""Our own programs: the server with its command line, the client's service with its own."""
import hashlib
import json
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import tempfile

import openvpn_peer
from netlab import Failed, need, wait_until
from registry import program
from softether import HUB, PASSWORD, USER


# As in installer/systemd/polyether-server.service.
SERVICE_ENV = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


class UnixHttp:
    """JSON-RPC over the server's local socket, one connection a call or kept open."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""
        self.serial = 0

    def read(self, done):
        while not done(self.buffer):
            data = self.socket.recv(262144)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.buffer += data

    def call(self, method, **parameters):
        """The result; ValueError with the server's error object if it said no."""
        self.serial += 1
        body = json.dumps({"jsonrpc": "2.0", "id": self.serial, "method": method,
                           "params": parameters}).encode()
        self.socket.sendall(b"POST /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                            b"application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.read(lambda b: b"\r\n\r\n" in b)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        size = next(int(h.split(b":")[1]) for h in head.split(b"\r\n")
                    if h.lower().startswith(b"content-length:"))
        self.read(lambda b: len(b) >= size)
        answer, self.buffer = json.loads(self.buffer[:size]), self.buffer[size:]
        if answer.get("error"):
            raise ValueError(answer["error"])
        return answer["result"]


# A resolver of its own, and no rights at all, or those that the service has.
ORDINARY = """
mount --make-rprivate / && mount --bind "$1" /etc/resolv.conf && shift &&
if [ -n "$TUN" ]; then mount --bind "$TUN" /dev/net/tun; fi &&
exec setpriv $IDS $RIGHTS --no-new-privs "$@"
"""
NO_RIGHTS = "--bounding-set=-all --inh-caps=-all"
SERVICE_RIGHTS = " ".join(f"--{which}=-all,+net_admin,+net_raw,+net_bind_service"
                          for which in ("bounding-set", "inh-caps", "ambient-caps"))
NOBODY = 65534


def has_nobody():
    """Whether there is a second user here: not in the namespace of one who is not root."""
    return any(int(first) <= NOBODY < int(first) + int(count) for first, _, count in
               map(str.split, pathlib.Path("/proc/self/uid_map").read_text().splitlines()))


class Server:
    def __init__(self, lab, ns=None, state=None, options=(), wait=True, log="polyether-server",
                 port=443, resolver=None, level="debug", rights=NO_RIGHTS):
        """resolver: its address; the server then is not root's, and has only these rights."""
        self.lab, self.ns, self.options, self.log = lab, ns or lab.srv, options, log
        self.port, self.level = port, level
        self.state = pathlib.Path(state or tempfile.mkdtemp(dir=lab.tmp))
        self.program, self.prefix, self.env = program("polyether-server"), (), SERVICE_ENV
        if resolver:
            self.give_rights_up(resolver, rights)
        self.process = None
        self.start(wait)

    def give_rights_up(self, resolver, rights):
        """The program is copied to where anybody may run it."""
        self.lab.tmp.chmod(0o711)
        self.program = shutil.copy(self.program, self.lab.tmp)
        conf = self.lab.tmp / "resolv.conf"
        conf.write_text(f"nameserver {resolver}\n")
        conf.chmod(0o644)
        self.prefix = ("unshare", "-m", "sh", "-c", ORDINARY, "sh", conf)
        ids, tun = "", ""
        if has_nobody():
            shutil.chown(self.state, NOBODY, NOBODY)
            ids = f"--reuid {NOBODY} --regid {NOBODY} --clear-groups"
        if has_nobody() and rights != NO_RIGHTS:
            tun = self.lab.tmp / "tun"  # open to everybody, as udev makes it
            os.mknod(tun, stat.S_IFCHR | 0o666, os.makedev(10, 200))
            tun.chmod(0o666)
        self.env = {**SERVICE_ENV, "IDS": ids, "RIGHTS": rights, "TUN": str(tun)}

    @property
    def socket(self):
        return self.state / "server.sock"

    def start(self, wait=True):
        self.process = self.ns.start(*self.prefix, self.program, "--state", self.state,
                                     "--log-level", self.level, *self.options, log=self.log,
                                     env=self.env)
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=30):
        said = ""

        def ready():
            nonlocal said
            need(self.process.running(), f"the server ended with {self.process.popen.returncode}\n" +
                 self.process.log()[-1500:])
            if not self.socket.exists() or not self.ns.listens(self.port):
                return False
            code, said = self.ctl("server", "info", check=False)
            return code == 0

        try:
            wait_until("our server", ready, seconds)
        except Failed as e:
            raise Failed(f"{e}; 'polyetherctl server info' said:\n{said[-1500:]}") from None

    def stop(self):
        need(self.process.stop(), "the server did not end within 10 s of SIGTERM")
        need(self.process.popen.returncode == 0,
             f"the server ended with {self.process.popen.returncode}\n{self.process.log()[-1500:]}")

    def healthy(self):
        """Still running, and no sanitizer has complained."""
        need(self.process.running(), f"the server ended with {self.process.popen.returncode}\n" +
             self.process.log()[-2500:])

    def ctl(self, *words, check=True, text=None):
        return self.ns.run(program("polyetherctl"), "--state", self.state, *words, check=check,
                           text=text)

    def ctl_json(self, *words):
        return json.loads(self.ctl("--json", *words))

    def rpc(self):
        return UnixHttp(self.socket)

    def make_hub(self, hub=HUB):
        self.ctl("hub", "create", hub)
        self.add_user(USER, PASSWORD, hub)

    def add_user(self, name, password, hub=HUB, *options):
        self.ctl("user", "create", hub, name, "--password-stdin", *options, text=password + "\n")

    def add_certificate_user(self, name, certificate, hub=HUB):
        self.ctl("user", "create", hub, name, "--cert", certificate)

    def bridge(self, device="lan1", hub=HUB):
        self.ctl("bridge", "create", hub, device)

    def openvpn(self, *words):
        self.ctl("openvpn", "set", *words)

    def openvpn_control(self, kind):
        """What a client needs for this kind of control channel."""
        if kind == "none":
            return openvpn_peer.Control()
        key = self.lab.tmp / f"ours-{kind}.key"
        key.write_text(self.ctl("openvpn", "key", "show", kind))
        return openvpn_peer.Control(kind, key)

    def ipsec(self, *words, psk=None):
        self.ctl("ipsec", "set", *words, *(["--psk-stdin"] if psk else []),
                 text=psk + "\n" if psk else None)

    def securenat(self, verb, *words, hub=HUB):
        self.ctl("securenat", verb, hub, *words)

    def certificate_pem(self):
        pem = self.ns.run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", check=False)[1]
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        return begin + pem.split(begin)[1].split(end)[0] + end + "\n"

    def certificate_sha256(self):
        der = subprocess.run(["openssl", "x509", "-outform", "DER"],
                             input=self.certificate_pem().encode(), stdout=subprocess.PIPE,
                             check=True).stdout
        return hashlib.sha256(der).hexdigest()

    def logs(self):
        return self.process.log()


class Client:
    """The client's service and its command line, with one adapter."""

    def __init__(self, lab, ns=None, log="polyether-clientd"):
        self.lab, self.ns, self.log = lab, ns or lab.cli, log
        self.state = pathlib.Path(tempfile.mkdtemp(dir=lab.tmp))
        self.device = "pe0"
        self.start()

    def start(self):
        self.process = self.ns.start(program("polyether-clientd"), "--state", self.state,
                                     "--log-level", "debug", log=self.log)
        wait_until("our client's service", lambda: (self.state / "client.sock").exists() and
                   self.cli("account", "list", check=False)[0] == 0, 15)

    def cli(self, *words, check=True, text=None, timeout=40):
        return self.ns.run(program("polyether"), "--state", self.state, *words, check=check, text=text,
                           timeout=timeout)

    def connect(self, name, server, connections=1, half=False, compress=False, hub=HUB, user=USER,
                password=PASSWORD, certificate=None, trust=None, wait=True, options=()):
        words = ["account", "add", name, "--server", server, "--hub", hub, "--user", user,
                 "--connections", connections, "--adapter", self.device, "--address", "none"]
        words += ["--cert", certificate[0], "--key", certificate[1]] if certificate else \
            ["--password-stdin"]
        words += ["--half-duplex"] * half + ["--compress"] * compress
        words += ["--trust", "sha256:" + trust] if trust else []
        self.cli(*words, *options, text=None if certificate else password + "\n")
        if wait:
            self.cli("up", name, "--wait", 20)
        else:
            self.cli("up", name, "--wait", 1, check=False)

    def status(self, name):
        code, out = self.cli("--json", "status", name, check=False)
        return json.loads(out) if code == 0 else {}

    def is_up(self, name):
        return self.status(name).get("state") == "established"

    def wait_session(self, name, seconds=30):
        wait_until("the session of our client", lambda: self.is_up(name), seconds, 0.1)

    def wait_connections(self, name, count, seconds=25):
        wait_until(f"{count} TCP connections", lambda: self.status(name).get("connections") == count,
                   seconds, 0.1)

    def disconnect(self, name):
        self.cli("down", name, check=False)
        self.cli("account", "delete", name)
        self.ns.run("ip", "addr", "flush", "dev", self.device, check=False)

    def logs(self):
        return self.process.log()
