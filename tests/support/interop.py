# SPDX-License-Identifier: Apache-2.0
"""The interop suite: tests/interop/run.py in namespaces of its own, its lines counted here."""
import os
import re
import subprocess
import sys
import time

import build
import unit

RUNNER = build.ROOT / "tests" / "interop" / "run.py"
LINE = re.compile(r"^(ok|not ok|skip)\s+(\S.*?)(?: \(([\d.]+) s\))?(?: # (.*))?$")


def listed():
    """{name: words}: "asan" for those that also run on the build with sanitizers, "asan-long" for those
    that do when the long tests run, "long"."""
    if not RUNNER.exists():
        return {}
    out = subprocess.run([sys.executable, "-B", RUNNER, "--list"], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    return {line.split()[0]: line.split()[1:] for line in out.splitlines()}


def names():
    return list(listed())


def run_build(which, chosen, rep, long):
    mark = "" if which == "gcc" else f" [{which}]"
    try:
        build.build(which)
    except build.BuildError as e:
        rep.result("build" + mark, "not ok", detail=str(e))
        return
    command = [sys.executable, "-B", RUNNER, *(["--long"] if long else []), *chosen]
    env = dict(os.environ, POLYETHER_BUILD=str(build.folder(which)), **build.SANITIZER_ENV)
    start, pending = time.monotonic(), None
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, errors="replace") as p:
        def flush():
            if pending:
                rep.result(f"interop/{pending[1]}{mark}", pending[0], pending[2],
                           pending[3] or "\n".join(pending[4]))
        for line in p.stdout:
            m = LINE.match(line.rstrip("\n"))
            if m:
                flush()
                pending = (m[1], m[2], float(m[3]) if m[3] else None, m[4], [])
            elif pending:
                pending[4].append(line.rstrip("\n").removeprefix("     | "))
            else:
                print(line, end="", flush=True)
        flush()
        code = p.wait()
    if code not in (0, 1):
        rep.result("interop" + mark, "not ok", time.monotonic() - start,
                   f"the runner ended with status {code}")


def run(rep, patterns, long):
    every = listed()
    chosen = [n for n in every if unit.wanted(n, patterns) or
              any(unit.wanted(n, [p + "/*"]) for p in patterns)]
    chosen = [n for n in chosen if long or "long" not in every[n] or n in patterns]
    if not chosen:
        if patterns:
            rep.result("interop", "not ok", detail="no such test: " + ", ".join(patterns))
        return
    run_build("gcc", chosen, rep, long)
    both = [n for n in chosen if "asan" in every[n] or (long and "asan-long" in every[n])]
    if both:
        run_build("asan", both, rep, long)
