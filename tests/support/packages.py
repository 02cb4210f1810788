# SPDX-License-Identifier: Apache-2.0
"""Installs the Debian packages of packages.txt that are missing, without starting a service."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIST = pathlib.Path(__file__).with_name("packages.txt")
KERNEL = LIST.parents[2] / "build" / "guest-kernel"
# What a guest's network may need of it.
KERNEL_PARTS = ("boot/vmlinuz-*", "lib/modules/*/modules.*", *(
    f"lib/modules/*/kernel/{part}/*" for part in (
        "arch/x86/crypto", "crypto", "lib", "net", "fs/9p", "fs/fscache", "fs/netfs", "drivers/virtio",
        "drivers/net/ppp")), *(f"lib/modules/*/kernel/drivers/net/{name}.ko" for name in (
            "virtio_net", "net_failover", "macvlan", "tun", "slip/slhc")), "lib/modules/*/kernel/net/core/failover.ko")
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


def section(name):
    """The packages of one section; "all" is every section."""
    found, here = [], None
    for line in LIST.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            here = line.strip("[]")
        elif line and (name == here or name == "all" and here != "kernel"):
            found.append(line)
    return found


def missing(names):
    if not shutil.which("dpkg-query"):
        return []
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                         check=False).stdout
    have = {line.split()[0] for line in out.splitlines() if line.endswith(" installed")}
    return [n for n in names if n not in have]


@contextlib.contextmanager
def no_services(root):
    """While it lasts, packages that bring a service do not start it."""
    if POLICY.exists():
        yield
        return
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write("#!/bin/sh\nexit 101\n")
        script.flush()
        subprocess.run([*root, "install", "-m", "755", script.name, str(POLICY)], check=True)
    try:
        yield
    finally:
        subprocess.run([*root, "rm", "-f", str(POLICY)], check=False)


def fetch_kernel():
    """Unpacks a kernel for guests, if it is not there; without it its tests are skipped."""
    if KERNEL.exists() or not shutil.which("apt-get") or not shutil.which("depmod"):
        return
    out = subprocess.run(["apt-cache", "depends", *section("kernel")], stdout=subprocess.PIPE,
                         text=True, check=False).stdout
    names = [line.split()[1] for line in out.splitlines() if "Depends: linux-image" in line]
    if not names:
        return
    print("dev: unpacking " + names[0], file=sys.stderr, flush=True)
    KERNEL.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KERNEL.parent) as folder:
        done = subprocess.run(["apt-get", "-q", "download", names[0]], cwd=folder, stdout=sys.stderr,
                              check=False)
        for package in pathlib.Path(folder).glob("*.deb"):
            root = pathlib.Path(folder) / "root"
            root.mkdir()
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package],
                                  stdout=subprocess.PIPE) as archive:
                # Not each part is in every version: status 2 is no failure.
                subprocess.run(["tar", "-x", "-C", root, "--wildcards", *(f"./{p}" for p in KERNEL_PARTS)],
                               stdin=archive.stdout, stderr=subprocess.DEVNULL, check=False)
            for modules in root.glob("lib/modules/*"):
                subprocess.run(["depmod", "-b", root, modules.name], check=True)
            root.chmod(0o755)
            root.rename(KERNEL)
        if done.returncode != 0:
            print("dev: that did not work; tests that need it are skipped", file=sys.stderr)


def install(name):
    """Makes sure that a section is there. Without apt it is the user's own business."""
    install_packages(missing(section(name)))
    if name in ("test", "all"):
        fetch_kernel()


def install_packages(names):
    if not names:
        return
    if not shutil.which("apt-get"):
        print("dev: please install: " + " ".join(names), file=sys.stderr)
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    print("dev: installing " + " ".join(names), file=sys.stderr, flush=True)
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o",
           "DPkg::Lock::Timeout=300"]
    with no_services(root):
        subprocess.run([*apt, "update"], check=True, stdout=sys.stderr)
        subprocess.run([*apt, "install", "-y", "--no-install-recommends", *names], check=True,
                       stdout=sys.stderr)
