# SPDX-License-Identifier: Apache-2.0
"""The unit and fuzz suites: meson's tests, run by themselves so that each TAP case counts."""
import concurrent.futures
import fnmatch
import os
import re
import subprocess
import time

import build
import report

TAP_LINE = re.compile(r"^(ok|not ok)\b\s*\d*\s*-?\s*([^#]*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$",
                      re.IGNORECASE)


def wanted(name, patterns):
    return not patterns or any(fnmatch.fnmatch(name, p) for p in patterns)


def tests_of(which, suite):
    """(name, command, environment, folder, seconds) of each test of a suite in a build."""
    for t in build.introspect(which, "tests"):
        if any(s.split(":")[-1] == suite for s in t["suite"]):
            yield t["name"], t["cmd"], t["env"], t["workdir"], t["timeout"]


def parse_tap(text):
    """(passed, [failed names], [(skipped name, reason)], complete)."""
    passed, failed, skipped, plan, seen = 0, [], [], None, 0
    for line in text.splitlines():
        if plan is None and re.match(r"^1\.\.\d+", line):
            plan = int(line[3:].split()[0])
        m = TAP_LINE.match(line)
        if not m:
            continue
        seen += 1
        directive = (m[3] or "").upper()
        if directive == "SKIP":
            skipped.append((m[2], m[4]))
        elif m[1] == "ok" or directive == "TODO":
            passed += 1
        else:
            failed.append(m[2])
    return passed, failed, skipped, plan is not None and seen == plan


def run_one(label, test, tap, rep):
    name, command, env, workdir, limit = test
    start = time.monotonic()
    limit *= 4 if "[asan]" in label else 1
    try:
        done = subprocess.run(command, cwd=workdir, env=dict(os.environ, **build.SANITIZER_ENV, **env),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=limit, check=False)
        text, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as e:
        text = (e.stdout or b"").decode(errors="replace") + f"\nno end within {limit} s"
        code = -1
    seconds = time.monotonic() - start
    if not tap:
        rep.result(label, "ok" if code == 0 else "not ok", seconds, report.tail(text))
        return
    passed, failed, skipped, complete = parse_tap(text)
    if passed:
        rep.result(label, "ok", seconds, cases=passed)
    for case, reason in skipped:
        rep.result(f"{label} {case}", "skip", detail=reason or "no reason given")
    for case in failed:
        rep.result(f"{label} {case}", "not ok", detail=report.tail(text))
    if not failed and (code != 0 or not complete):
        rep.result(label, "not ok", seconds, f"exit status {code}, " + (
            "" if complete else "incomplete TAP; ") + "output:\n" + report.tail(text))


def run_build(which, suites, rep, jobs):
    """Builds one kind and runs its tests; suites maps a suite's name to patterns."""
    mark = "" if which == "gcc" else f" [{which}]"
    start = time.monotonic()
    try:
        build.build(which, jobs=jobs)
    except build.BuildError as e:
        rep.result("build" + mark, "not ok", time.monotonic() - start, report.tail(str(e), 60))
        return
    print(f"built  {build.folder(which).name} ({time.monotonic() - start:.1f} s)", flush=True)
    work = []
    for suite, patterns in suites.items():
        for test in tests_of(which, suite):
            short = test[0][5:] if suite == "fuzz" and test[0].startswith("fuzz-") else test[0]
            if wanted(short, patterns):
                work.append((f"{suite}/{short}{mark}", test, suite == "unit"))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda w: run_one(*w, rep), work))


def run(suites, rep):
    """The plain build and the one with sanitizers, side by side."""
    jobs = max(1, (build.cpus() + 1) // 2)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(run_build, which, suites, rep, jobs) for which in ("gcc", "asan")]
        for f in futures:
            f.result()


def names(suite):
    build.build("gcc", setup_only=True)
    return [t[0][5:] if suite == "fuzz" else t[0] for t in tests_of("gcc", suite)]
