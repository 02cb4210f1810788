# SPDX-License-Identifier: Apache-2.0
"""A small Linux with a kernel of its own (user-mode-linux), for what the host's kernel may lack.

Its root is this machine's own, read-only, so there is no image to build. It is reached as the
namespaces are: run() runs a command in it.

    guest  eth0 10.99.4.2 ------ tap4 10.99.4.1  srv

space() makes more hosts in it: namespaces with a device of their own on the same wire.
"""
import itertools
import json
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time

import traffic
from netlab import Failed, need, wait_until
from registry import GUEST_KERNEL as KERNEL

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "guest"
sys.path.insert(0, str(FOLDER))
import agent  # noqa: E402
import initramfs  # noqa: E402

ADDRESS, HOST = "10.99.4.2", "10.99.4.1"
ADDRESS6, HOST6 = "fd99:4::2", "fd99:4::1"
METHODS = ("eap", "pap", "chap", "mschap", "mschap-v2")  # of pppd
MAC = "52:54:00:00:04:02"
BOOT_SECONDS = 120  # 3 s on a machine that has nothing else to do

# sstpc 1.0.18 forgets to wait for anything, and ends, when the server's part of the TLS handshake is
# there before it looks for it. What leaves the guest is late until it has looked.
HELD = "tc qdisc replace dev eth0 root netem delay 150ms"
FREE = "tc qdisc del dev eth0 root"
# Starts a client that writes to /tmp, and tells its pid.
START = f"""
{HELD}
rm -f /run/pppd.log /run/sstpc.log
mount -t tmpfs tmpfs /tmp
"$@" > /run/sstpc.log 2>&1 < /dev/null &
echo $!
"""


# Mounts of a space: /run and what programs read from /etc are its own.
SPACE = """
mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/lock /run/xl2tpd /run/ppp &&
cp -a /etc/ppp/. /run/ppp && mount --bind /run/ppp /etc/ppp || exit 1
exec 0<&- 1>&- 2>&-
exec sleep infinity
"""
# Starts a program with its output in a file, and tells its pid.
BACKGROUND = 'log=$1; shift; setsid "$@" > "$log" 2>&1 < /dev/null & echo $!'


class Commands:
    """What guest and spaces have in common; ask() is what differs."""

    def run(self, *command, check=True, timeout=30, text=None):
        """As Namespace.run()."""
        answer = self.ask([str(c) for c in command], text, timeout)
        if not check:
            return answer["status"], answer["out"]
        need(answer["status"] == 0, f"{self.name}: {' '.join(map(str, command))}: status "
             f"{answer['status']}\n{answer['out']}")
        return answer["out"]

    def start(self, *command, log):
        return Process(self, self.run("sh", "-c", BACKGROUND, "sh", f"/run/{log}.log", *command).strip(),
                       log)

    def write(self, path, text):
        self.run("sh", "-c", 'cat > "$1"', "sh", path, text=text)

    def read(self, path):
        return self.run("cat", path, check=False)[1]


class Process:
    """A program in the background of a guest; its log is kept with the others."""

    def __init__(self, where, pid, log):
        self.where, self.pid, self.name = where, pid, log
        where.lab.at_close(self.keep_log)

    def keep_log(self):
        (self.where.lab.logs / f"{self.where.name}-{self.name}.log").write_text(self.log())

    def log(self):
        return self.where.read(f"/run/{self.name}.log")

    def running(self):
        # A zombie of the agent's grandchildren counts as ended.
        return self.where.run("grep", "-q", "State:.[^Z]", f"/proc/{self.pid}/status", check=False)[0] == 0

    def signal(self, name):
        self.where.run("kill", f"-{name}", "--", f"-{self.pid}", check=False)

    def stop(self, seconds=10):
        """As a user's Ctrl-C."""
        self.signal("TERM")
        wait_until(f"the end of {self.name}", lambda: not self.running(), seconds, 0.1)

    def kill(self):
        self.signal("KILL")


class Guest(Commands):
    def __init__(self, lab, memory=192, delay_ms=20):
        """delay_ms: start.sh tells what it is for."""
        self.lab, self.name, self.serial = lab, "guest", itertools.count(11)
        self.server, self.server6 = HOST, HOST6
        srv = lab.srv
        srv.run("ip", "tuntap", "add", "dev", "tap4", "mode", "tap", "vnet_hdr")
        srv.address("tap4", HOST + "/24", HOST6 + "/64")
        lab.capture("tap4")
        start = time.monotonic()
        words = (f"guest.start={FOLDER}/start.sh", f"guest.here={FOLDER}", f"guest.address={ADDRESS}/24",
                 f"guest.delay={delay_ms}", "panic=-1", "quiet", "loglevel=3")
        self.process = srv.start(*self.command(lab, memory, words), log="guest")
        lab.at_close(self.kill)
        wait_until("the guest", self.is_ready, BOOT_SECONDS, 0.2)
        self.boot_seconds = time.monotonic() - start
        self.run("ip", "addr", "add", ADDRESS6 + "/64", "dev", "eth0", "nodad")

    @staticmethod
    def command(lab, memory, words):
        first = lab.tmp / "initramfs"
        first.write_bytes(initramfs.build())
        return ("linux.uml", f"mem={memory}M", f"initrd={first}", *words,
                "guest.modules=/usr/lib/uml/modules", f"uml_dir={lab.tmp}/", "umid=guest", "con=null",
                "con0=null,fd:1", "ssl=null", f"vec0:transport=tap,ifname=tap4,mac={MAC},depth=128,gro=1")

    def is_ready(self):
        need(self.process.running(), f"the guest ended\n{self.process.log()[-1500:]}")
        try:
            return self.ask(["true"], None, 5)["status"] == 0
        except OSError:
            return False

    def ask(self, command, text, timeout):
        with self.lab.srv.inside():
            s = socket.create_connection((ADDRESS, agent.PORT), 3)
        with s, s.makefile("rwb") as f:
            s.settimeout(timeout + 15)
            order = {"command": command, "text": text, "timeout": timeout}
            f.write(json.dumps(order).encode() + b"\n")
            f.flush()
            return json.loads(f.readline() or b'{"status": -1, "out": "the guest is gone"}')

    def space(self, name=None):
        """One more host, on the wire between guest and srv."""
        n = next(self.serial)
        space = Space(self, name or f"g{n}")
        self.run("ip", "link", "add", "link", "eth0", "name", f"m{n}", "type", "macvlan", "mode", "bridge")
        self.run("ip", "link", "set", f"m{n}", "netns", space.pid, "name", "eth0")
        space.server, space.server6 = HOST, HOST6
        space.address("eth0", f"10.99.4.{n}/24", f"fd99:4::{n}/64")
        space.outer = f"10.99.4.{n}"
        return space

    def kill(self):
        self.process.kill()


class FullGuest(Guest):
    """With Debian's kernel, which has all there is, in qemu, which emulates each instruction: slow."""

    @staticmethod
    def command(lab, memory, words):
        modules = next((KERNEL / "lib" / "modules").iterdir())
        needed = []
        for name in ("virtio_pci", "virtio_net", "9p", "9pnet_virtio"):
            out = subprocess.run(["modprobe", "-d", KERNEL, "-S", modules.name, "--show-depends", name],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
            needed += [pathlib.Path(line.split()[1]) for line in out.splitlines() if line.startswith("insmod")]
        first = lab.tmp / "initramfs"
        first.write_bytes(initramfs.build(list(dict.fromkeys(needed))))
        return ("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                "-machine", "pc,accel=tcg,usb=off,vmport=off", "-cpu", "max", "-m", max(memory, 320),
                "-kernel", next((KERNEL / "boot").glob("vmlinuz-*")), "-initrd", first, "-serial", "stdio",
                "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
                "-device", "virtio-9p-pci,fsdev=host,mount_tag=host", "-device", "virtio-rng-pci",
                "-netdev", "tap,id=net,ifname=tap4,script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=net,mac={MAC},romfile=",
                "-append", " ".join((*words, f"guest.modules={KERNEL}/lib/modules", "console=ttyS0",
                                     "mitigations=off", "random.trust_cpu=on", "nowatchdog")))


class Space(Commands):
    """A host in the guest: network and some folders of its own."""

    def __init__(self, guest, name):
        self.guest, self.lab, self.name = guest, guest.lab, name
        self.pid = guest.run("sh", "-c", "unshare -n -m sh -c \"$1\" > /dev/null 2>&1 & echo $!", "sh",
                             SPACE).strip()
        wait_until("a space in the guest", lambda: guest.run(
            "grep", "-q", "infinity", f"/proc/{self.pid}/cmdline", check=False)[0] == 0, 15, 0.05)
        self.run("ip", "link", "set", "lo", "up")

    def ask(self, command, text, timeout):
        return self.guest.ask(["nsenter", "-t", self.pid, "-n", "-m", "--", *command], text, timeout)

    def address(self, device, *addresses):
        for a in addresses:
            self.run("ip", "addr", "add", a, "dev", device, *(["nodad"] if ":" in a else []))
        self.run("ip", "link", "set", device, "up")


def transfer(guest, ns, address, size, back=False, port=7001, seconds=120):
    """A TCP connection from the guest to a namespace with octets one way, compared by hash."""
    with ns.inside():
        listener = socket.create_server(("", port), family=socket.AF_INET6 if ":" in address
                                        else socket.AF_INET)
    result = []

    def serve():
        listener.settimeout(seconds)
        try:
            s, _ = listener.accept()
            with s:
                s.settimeout(seconds)
                result.append((size, traffic.put(s, size)) if back else traffic.take(s))
                s.recv(1) if back else s.sendall(b"+")
        except OSError as e:
            result.append(e)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        verb = "take" if back else "put"
        out = guest.run("python3", "-B", FOLDER / "bulk.py", verb, address, port, size, timeout=seconds)
    finally:
        listener.close()
    thread.join(5)
    total, digest = out.split()
    mine = int(total), bytes.fromhex(digest)
    need(result == [mine] and mine[0] == size, f"{size} octets: the guest has {mine}, we {result}")


class Nat:
    """A router in the guest that hides its hosts behind one address, and other UDP ports if it must."""

    def __init__(self, guest):
        self.guest, self.space = guest, guest.space("nat")
        self.outer = self.space.outer
        self.serial = itertools.count(2)
        run = self.space.run
        run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        run("ip", "link", "add", "br0", "type", "bridge")
        self.space.address("br0", "192.168.7.1/24")
        self.masquerade("")

    def masquerade(self, ports):
        run = self.space.run  # user-mode-linux has no nftables of IPv4
        run("iptables-legacy", "-t", "nat", "-F")
        for protocol in ("udp", "tcp", "icmp"):
            run("iptables-legacy", "-t", "nat", "-A", "POSTROUTING", "-o", "eth0", "-p", protocol, "-j",
                "MASQUERADE", *(("--to-ports", ports) if ports and protocol == "udp" else ()))

    def host(self):
        """A space behind it."""
        n = next(self.serial)
        space = Space(self.guest, f"n{n}")
        self.space.run("ip", "link", "add", f"p{n}", "master", "br0", "type", "veth", "peer", "name", "eth0",
                       "netns", space.pid)
        self.space.run("ip", "link", "set", f"p{n}", "up")
        space.server, space.outer = HOST, f"192.168.7.{n}"
        space.address("eth0", f"{space.outer}/24")
        space.run("ip", "route", "add", "default", "via", "192.168.7.1")
        return space

    def change(self, address=None, ports="20000-29999"):
        """Other ports, and perhaps another address. What was known is forgotten with the old one."""
        self.space.run("ip", "addr", "del", f"{self.outer}/24", "dev", "eth0")
        self.outer = address or self.outer
        self.masquerade(ports)
        self.space.address("eth0", f"{self.outer}/24")


class Sstp:
    """sstpc and its pppd in the guest, with the device ppp0."""

    def __init__(self, guest, user, password, auth="mschap-v2", server=None, wait=40, options=()):
        self.guest = guest
        refused = [f"refuse-{a}" for a in METHODS if a != auth]
        words = ["sstpc", "--log-level", "4", "--log-stderr", "--cert-warn", "--user", user,
                 "--password", password, server or guest.server, "noauth", "noipdefault",
                 "nodefaultroute", "noccp", "debug", "logfile", "/run/pppd.log", "+ipv6", *refused,
                 *options]
        self.pid = guest.run("unshare", "-m", "sh", "-c", START, "sh", *words).strip()
        said = wait_until("a word of sstpc", lambda: re.search(
            "Sending Connect-Request|event loop terminated|Error:", self.log()), 30, 0.1)[0]
        guest.run(*FREE.split())
        need(not said.startswith("event"), self.log()[-1500:])
        if wait:
            try:
                self.address = wait_until("an address of ppp0", self.look, wait, 0.1)
            except Failed as e:
                raise Failed(f"{e}\n{self.log()[-3000:]}") from None

    def look(self):
        address = self.device_address()
        need(address or self.running(), "sstpc has ended")
        return address

    def device_address(self):
        """Empty as long as there is none."""
        m = re.search(r"inet ([\d.]+)", self.guest.run("ip", "-4", "addr", "show", "dev", "ppp0",
                                                       check=False)[1])
        return m[1] if m else ""

    def running(self):
        # A zombie of the agent's grandchildren counts as ended.
        return self.guest.run("sh", "-c", f"grep -q 'State:.[^Z]' /proc/{self.pid}/status",
                              check=False)[0] == 0

    def log(self):
        return self.guest.run("sh", "-c", "cat /run/sstpc.log /run/pppd.log", check=False)[1]

    def wait_end(self, seconds=20):
        wait_until("the end of sstpc and its device", lambda: not self.running() and
                   not self.device_address(), seconds, 0.1)

    def stop(self):
        """As a user's Ctrl-C."""
        self.guest.run("kill", self.pid, check=False)
        self.wait_end()
