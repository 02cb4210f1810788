# SPDX-License-Identifier: Apache-2.0
"""Runs interop scenarios: run.py [--list] [--long] [NAME ...], inside namespaces of its own."""
import argparse
import fnmatch
import pathlib
import signal
import subprocess
import sys

import inside

HERE = pathlib.Path(__file__).resolve().parent


def load():
    import registry
    for f in sorted(HERE.glob("case_*.py")):
        __import__(f.stem)
    return registry


def timed(registry, name, logs, long):
    """Runs a scenario with a deadline."""
    limit = registry.SCENARIOS[name]["limit"] * (3 if long else 1)

    def late(*_):
        raise registry.Late(f"the scenario has no end after {limit} s")

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
    if not a.list and not inside.is_inside():
        reason = inside.why_not()
        if reason:
            for name in a.name or ["all"]:
                print(f"skip {name} # {reason}")
            return 0
        return inside.enter(__file__)
    registry = load()
    names = [n for n in registry.SCENARIOS if not a.name or any(
        fnmatch.fnmatch(n, w) or n.startswith(w + "/") for w in a.name)]
    if not a.long and not a.list:
        names = [n for n in names if not registry.SCENARIOS[n]["long"] or n in a.name]
    if a.list:
        for n in names:
            print(registry.listing(n))
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
