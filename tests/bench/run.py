# SPDX-License-Identifier: Apache-2.0
"""Measures side by side: run.py [--list] [--rounds N] [--seconds N] [--json] [NAME ...]

Each round measures every program once, in turn, so that what else the machine does falls on all of
them; the figures are medians. CPU seconds per GB are the measure that travels to other machines.
"""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))

import inside  # noqa: E402  (needs the path above)
import l2tp_bench  # noqa: E402
import openvpn_bench  # noqa: E402
import registry  # noqa: E402
import securenat_bench  # noqa: E402
import sevpn_bench  # noqa: E402
import sstp_bench  # noqa: E402

# The figures of which more is better; of the rest, less.
MORE = ("Mbit/s", "logins/s")
# Other heavy work on the same machine is to hold this lock as well.
LOCK = pathlib.Path(tempfile.gettempdir()) / "heavy.lock"


class Part:
    """A program of ours that measures one part; it prints "NAME VALUE UNIT ..." on each line."""

    def __init__(self, path):
        self.path, self.name = path, path.name

    def measure(self, _, lock):
        with lock():
            out = subprocess.run([self.path], stdout=subprocess.PIPE, text=True, check=True,
                                 timeout=300).stdout
        return {f"{m[1]}, {m[3]}": float(m[2])
                for m in re.finditer(r"(?m)^(\S+)\s+([\d.]+) (\S+)", out)}


def benches():
    """All of them: the parts, one program each, and the protocols beside other programs."""
    folder = registry.BUILD / "tests"
    parts = {p.name[6:]: sevpn_bench.Bench("a part by itself", Part(p), [], [])
             for p in sorted(folder.glob("bench-*")) if p.is_file() and os.access(p, os.X_OK)}
    return {**parts, **sevpn_bench.BENCHES, **openvpn_bench.BENCHES, **securenat_bench.BENCHES,
            **sstp_bench.BENCHES, **l2tp_bench.BENCHES}


@contextlib.contextmanager
def heavy_lock():
    with open(LOCK, "a", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


BENCHES = benches()


def median(rounds):
    """The median of each figure of several rounds."""
    return {k: statistics.median(r[k] for r in rounds if k in r) for k in rounds[0]}


def measure(names, rounds, seconds):
    """[result of each bench]; programs that several benches compare are measured once a round."""
    programs = {}
    for n in names:
        for p in BENCHES[n].programs():
            programs.setdefault(p, [])
    for i in range(rounds):
        for p, figures in programs.items():
            print(f"round {i + 1} of {rounds}: {p.name}", file=sys.stderr, flush=True)
            try:
                figures.append(p.measure(seconds, heavy_lock))
            except Exception as e:  # one that fails must not lose the others' figures
                print(f"  failed: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
    results = []
    for n in names:
        b = BENCHES[n]
        r = {"name": n, "rounds": rounds, "ours": {}, "peers": {}, "ratios": {}, "targets": {}}
        if programs[b.ours]:
            r["ours"] = median(programs[b.ours])
        for p in b.peers:
            if programs[p]:
                r["peers"][p.name] = median(programs[p])
        for key, value in r["ours"].items():
            others = [p[key] for p in r["peers"].values() if p.get(key)]
            if others:
                r["ratios"][key] = value / (max if key.startswith(MORE) else min)(others)
        for text, where, key, better, limit in b.targets:
            value = r[where].get(key)
            ok = value is not None and (value >= limit if better == "more" else value <= limit)
            r["targets"][text] = {"value": value, "limit": limit, "ok": ok}
        results.append(r)
    return results


def table(results):
    for r in results:
        print(f"\n{r['name']}: {BENCHES[r['name']].text}\n")
        columns = [("ours", r["ours"]), *r["peers"].items()]
        columns += [("ours / the best peer", r["ratios"])] if r["peers"] else []
        keys = list(dict.fromkeys(k for _, c in columns for k in c))
        print("| figure | " + " | ".join(n for n, _ in columns) + " |")
        print("|---|" + "---|" * len(columns))
        for k in keys:
            print(f"| {k} | " + " | ".join(f"{c[k]:.4g}" if k in c else "-" for _, c in columns) + " |")
        for text, t in r["targets"].items():
            value = "-" if t["value"] is None else f"{t['value']:.3g}"
            print(f"{'ok  ' if t['ok'] else 'MISS'} {text}: {value}")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("name", nargs="*")
    p.add_argument("--list", action="store_true")
    p.add_argument("--json", action="store_true")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=4)
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = [n for n in BENCHES if not a.name or any(n == w or n.startswith(w + "/") for w in a.name)]
    if a.list:
        for n in names:
            print(f"{n:<24} {BENCHES[n].text}")
        return 0
    if not names:
        print("bench: there is no " + " ".join(a.name), file=sys.stderr)
        return 2
    if not inside.is_inside():
        reason = inside.why_not()
        if reason:
            print(f"bench: {reason}", file=sys.stderr)
            return 1
        return inside.enter(__file__)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    print(f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}", file=sys.stderr)
    results = measure(names, a.rounds, a.seconds)
    if a.json:
        print(json.dumps(results, indent=1))
    else:
        table(results)
    return 0 if all(r["ours"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
