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
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


def section(name):
    """The packages of one section; "all" is every section."""
    found, here = [], None
    for line in LIST.read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            here = line.strip("[]")
        elif line and name in (here, "all"):
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


def install(name):
    """Makes sure that a section is there. Without apt it is the user's own business."""
    names = missing(section(name))
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
