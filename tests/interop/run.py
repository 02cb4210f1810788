# SPDX-License-Identifier: Apache-2.0
"""Runs interop scenarios: run.py [--list] [--long] [NAME ...]

Everything happens inside namespaces of this program's own: users (when not root), mounts, network
and processes. When it ends, however it ends, the kernel ends every process in them.
"""
import argparse
import fnmatch
import os
import pathlib
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
MARK = "POLYETHER_INTEROP_INSIDE"


def enter():
    """Starts this program again inside new namespaces; returns its exit status."""
    command = ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "-n", "--pid", "--fork",
               "--kill-child", "--mount-proc"]
    if not shutil.which("unshare"):
        print("skip all # unshare is not installed")
        return 0
    probe = subprocess.run([*command, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False)
    if probe.returncode != 0:
        print(f"skip all # no namespaces here: {probe.stdout.strip()}")
        return 0
    env = dict(os.environ, **{MARK: "1"})
    with subprocess.Popen([*command, sys.executable, "-B", __file__, *sys.argv[1:]], env=env,
                          start_new_session=True) as p:
        try:
            return p.wait()
        except (KeyboardInterrupt, SystemExit):
            p.kill()
            p.wait()
            raise


def load():
    import registry
    for f in sorted(HERE.glob("case_*.py")):
        __import__(f.stem)
    return registry


def timed(registry, name, logs, long):
    """Runs a scenario with a deadline."""
    limit = registry.SCENARIOS[name]["limit"] * (3 if long else 1)

    def late(*_):
        raise registry.Failed(f"no end after {limit} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    try:
        return registry.run(name, logs, long)
    finally:
        signal.alarm(0)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("name", nargs="*")
    p.add_argument("--list", action="store_true")
    p.add_argument("--long", action="store_true")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not a.list and MARK not in os.environ:
        return enter()
    registry = load()
    names = [n for n in registry.SCENARIOS if not a.name or any(
        fnmatch.fnmatch(n, w) or n.startswith(w + "/") for w in a.name)]
    if not a.long and not a.list:
        names = [n for n in names if not registry.SCENARIOS[n]["long"] or n in a.name]
    if a.list:
        for n in names:
            print(n + "".join(f" {w}" for w in ("asan", "long") if registry.SCENARIOS[n][w]))
        return 0
    if not names:
        print("not ok " + " ".join(a.name) + " # no such scenario")
        return 1
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    logs = registry.BUILD / "interop-logs"
    failed = sum(timed(registry, n, logs, a.long) for n in names)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
