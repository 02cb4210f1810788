# SPDX-License-Identifier: Apache-2.0
"""Starts a program again inside namespaces of its own: users (when not root), mounts, network and
processes. When it ends, however it ends, the kernel ends every process in them."""
import os
import shutil
import subprocess
import sys

MARK = "POLYETHER_INSIDE"


def is_inside():
    return MARK in os.environ


def why_not():
    """Why there are no namespaces here, or None."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    probe = subprocess.run([*command(), "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False)
    return None if probe.returncode == 0 else f"no namespaces here: {probe.stdout.strip()}"


def command():
    return ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "-n", "--pid", "--fork",
            "--kill-child", "--mount-proc"]


def enter(script):
    """Runs the script with this program's arguments; returns its exit status."""
    env = dict(os.environ, **{MARK: "1"})
    with subprocess.Popen([*command(), sys.executable, "-B", script, *sys.argv[1:]], env=env,
                          start_new_session=True) as p:
        try:
            return p.wait()
        except (KeyboardInterrupt, SystemExit):
            p.kill()
            p.wait()
            raise
