# SPDX-License-Identifier: Apache-2.0
"""Namespaces, processes that end with the test, and waiting for events.

    cli  eth0 10.99.1.2 ------ wan 10.99.1.1  srv  lan1 (no address) ------ eth1 10.99.3.2  lan

add_client() makes more of them, each with a link of its own to srv:

    cN  eth0 10.99.N.2 ------ wanN 10.99.N.1  srv        (N from 100)

A namespace has no name in the file system: it lives as long as this process holds it open or a
process runs in it. run.py puts everything into a PID namespace, so nothing outlives a test.
"""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"

CLI, SRV, LAN = "10.99.1.2", "10.99.1.1", "10.99.3.2"
CLI6, SRV6, LAN6 = "fd99:1::2", "fd99:1::1", "fd99:3::2"
OUT, OUT_SRV, OUT6, OUT_SRV6 = "10.99.2.2", "10.99.2.1", "fd99:2::2", "fd99:2::1"


class Failed(Exception):
    """A check that did not hold; the text says what was seen."""


def need(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, test, seconds=15, pause=0.03):
    """Polls until test() is true and returns what it returned; Failed after the deadline."""
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds} s for {what}")
        time.sleep(pause)


def setns(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def new_namespace():
    """A descriptor of a new network namespace, made by a child that then ends."""
    ready_r, ready_w = os.pipe()
    done_r, done_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        ok = LIBC.unshare(CLONE_NEWNET) == 0
        os.write(ready_w, b"+" if ok else b"-")
        os.close(done_w)
        os.read(done_r, 1)
        os._exit(0)
    os.close(ready_w)
    answer = os.read(ready_r, 1)
    fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC) if answer == b"+" else -1
    for f in (ready_r, done_r, done_w):
        os.close(f)
    os.waitpid(pid, 0)
    if fd < 0:
        raise OSError("no new network namespace")
    return fd


class Process:
    """A program in the background, leader of a process group that ends with the lab."""

    def __init__(self, popen, log):
        self.popen, self.pid, self.log_path = popen, popen.pid, log

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, seconds=10):
        """Asks it to end; returns whether it did so by itself."""
        if self.running():
            self.signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                return False
        self.signal(signal.SIGKILL)
        return True

    def members(self):
        """{pid: fields of its stat behind the name}: a program may be more than one process."""
        found = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text().rsplit(")", 1)[1].split()
                if int(fields[3]) == self.pid:  # its session
                    found[int(stat.parent.name)] = fields
        return found

    def cpu_seconds(self):
        """User and system time of all its processes."""
        return sum(int(f[11]) + int(f[12]) for f in self.members().values()) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        """Resident memory of the largest of its processes."""
        return max(int(f[21]) for f in self.members().values()) * os.sysconf("SC_PAGE_SIZE") // 1024


class Namespace:
    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.fd = new_namespace()
        self.run("ip", "link", "set", "lo", "up")

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the namespace; sockets made there stay in it."""
        back = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(self.fd)
            try:
                yield
            finally:
                setns(back)
        finally:
            os.close(back)

    def run(self, *command, check=True, timeout=30, text=None, **options):
        """What the command printed; Failed if it does not end well. check=False: (status, text)."""
        with self.inside():
            p = subprocess.Popen([str(c) for c in command], text=True, errors="replace",
                                 stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        try:
            out, _ = p.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, _ = p.communicate()
            if check:
                raise Failed(f"{' '.join(map(str, command))}: no end after {timeout} s\n{out}") from None
            return -1, out
        if not check:
            return p.returncode, out
        need(p.returncode == 0, f"{' '.join(map(str, command))}: status {p.returncode}\n{out}")
        return out

    def start(self, *command, log=None, env=None, **options):
        path = self.lab.logs / f"{log or pathlib.Path(str(command[0])).name}.log"
        with open(path, "ab") as out, self.inside():
            popen = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=out, start_new_session=True,
                                     env=dict(os.environ, **(env or {})), **options)
        p = Process(popen, path)
        self.lab.processes.append(p)
        return p

    def address(self, device, *addresses):
        for a in addresses:
            self.run("ip", "addr", "add", a, "dev", device, *(["nodad"] if ":" in a else []))
        self.run("ip", "link", "set", device, "up")

    def listens(self, port, udp=False):
        return bool(self.run("ss", "-Hnlu" if udp else "-Hnlt", f"sport = :{port}").strip())


class Lab:
    def __init__(self, logs, capture=True):
        self.logs = pathlib.Path(logs)
        self.logs.mkdir(parents=True, exist_ok=True)
        self.scratch = tempfile.TemporaryDirectory(prefix="polyether-lab-")
        self.tmp = pathlib.Path(self.scratch.name)
        self.processes, self.closers = [], []
        self.namespaces = []
        self.cli, self.srv, self.lan = (self.namespace(n) for n in ("cli", "srv", "lan"))
        self.cli.server, self.cli.server6 = SRV, SRV6
        self.link(self.cli, "eth0", self.srv, "wan")
        self.link(self.srv, "lan1", self.lan, "eth1")
        self.cli.address("eth0", CLI + "/24", CLI6 + "/64")
        self.srv.address("wan", SRV + "/24", SRV6 + "/64")
        self.srv.address("lan1")
        self.lan.address("eth1", LAN + "/24", LAN6 + "/64")
        # A packet socket sees frames as they are: no partial checksums, no big frames.
        self.plain_frames(self.srv, "lan1")
        self.plain_frames(self.lan, "eth1")
        self.captures = capture
        for device in ("wan", "lan1"):
            self.capture(device)

    def capture(self, device):
        """The beginning of each frame of a device of srv, unless there are to be no captures."""
        if self.captures:
            self.srv.start("tcpdump", "-i", device, "-n", "-s", "128", "-C", "8", "-W", "2",
                           "-Z", "root", "-w", self.logs / f"{device}.pcap", log="tcpdump")

    def namespace(self, name):
        ns = Namespace(self, name)
        self.namespaces.append(ns)
        return ns

    def add_client(self):
        """One more namespace that reaches the server, at its .server and .server6."""
        n = 97 + len(self.namespaces)
        ns = self.namespace(f"c{n}")
        self.link(ns, "eth0", self.srv, f"wan{n}")
        ns.address("eth0", f"10.99.{n}.2/24", f"fd99:{n}::2/64")
        self.srv.address(f"wan{n}", f"10.99.{n}.1/24", f"fd99:{n}::1/64")
        ns.server, ns.server6 = f"10.99.{n}.1", f"fd99:{n}::1"
        return ns

    def add_outside(self):
        """A second network between srv and lan, routed: what is outside of the VPN.

            srv  out 10.99.2.1 ------ eth2 10.99.2.2  lan
        """
        self.link(self.srv, "out", self.lan, "eth2")
        self.srv.address("out", OUT_SRV + "/24", OUT_SRV6 + "/64")
        self.lan.address("eth2", OUT + "/24", OUT6 + "/64")

    def link(self, a, a_device, b, b_device):
        """A veth pair between two namespaces; the devices are down."""
        me = f"/proc/{os.getpid()}/fd"
        a.run("ip", "link", "add", a_device, "type", "veth", "peer", "name", b_device,
              "netns", f"{me}/{b.fd}")

    @staticmethod
    def plain_frames(ns, device):
        ns.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")

    def at_close(self, function):
        self.closers.append(function)

    def close(self):
        for function in reversed(self.closers):
            with contextlib.suppress(Exception):
                function()
        for p in reversed(self.processes):
            p.signal(signal.SIGTERM)
        end = time.monotonic() + 5
        while any(p.running() for p in self.processes) and time.monotonic() < end:
            time.sleep(0.02)
        for p in self.processes:
            p.kill()
        for n in self.namespaces:
            os.close(n.fd)
        self.scratch.cleanup()
