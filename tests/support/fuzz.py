# SPDX-License-Identifier: Apache-2.0
"""libFuzzer over all targets, which share the time; what breaks one becomes a regression test."""
import concurrent.futures
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time

import build
import report

TESTS = build.ROOT / "tests" / "fuzz"


def targets():
    return sorted(f.stem[5:] for f in TESTS.glob("fuzz-*.c"))


def keep(name, artifacts):
    """Moves new crashing inputs to regress/NAME, named by their content; returns their paths."""
    kept = []
    for a in sorted(artifacts.iterdir()):
        data = a.read_bytes()
        kind = a.name.split("-")[0]
        to = TESTS / "regress" / name / f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(data)
        a.unlink()
        kept.append(str(to.relative_to(build.ROOT)))
    return kept


def run_target(name, seconds, rep):
    work = build.folder("fuzz") / "work" / name
    corpus, artifacts = work / "corpus", work / "artifacts"
    for d in (corpus, artifacts):
        d.mkdir(parents=True, exist_ok=True)
    seeds = [d for d in (TESTS / "corpus" / name, TESTS / "regress" / name) if d.is_dir()]
    command = [build.folder("fuzz") / "tests" / f"fuzz-{name}", f"-max_total_time={seconds}",
               "-timeout=25", "-report_slow_units=25", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={artifacts}/", corpus, *seeds]
    start = time.monotonic()
    try:
        done = subprocess.run([str(c) for c in command], cwd=work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds + 120, check=False,
                              env=dict(os.environ, **build.SANITIZER_ENV))
        text, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as e:
        text, code = (e.stdout or b"").decode(errors="replace") + "\nno end", -1
    kept = keep(name, artifacts)
    runs = re.search(r"number_of_executed_units:\s*(\d+)", text)
    if code == 0 and not kept:
        rep.result(f"fuzz/{name} [libFuzzer, {runs[1] if runs else '?'} runs]", "ok",
                   time.monotonic() - start)
    else:
        rep.result(f"fuzz/{name} [libFuzzer]", "not ok", time.monotonic() - start,
                   report.tail(text, 30) + "".join(f"\nkept: {k}" for k in kept))


def run(rep, seconds, only=()):
    """All targets, or some, within so many seconds of time in all (building comes on top)."""
    names = [n for n in targets() if not only or n in only]
    for n in only:
        if n not in names:
            rep.result(f"fuzz/{n}", "not ok", detail="no such target")
    if not names:
        return
    try:
        build.build("fuzz", [f"tests/fuzz-{n}" for n in names])
    except build.BuildError as e:
        rep.result("build [fuzz]", "not ok", detail=report.tail(str(e), 60))
        return
    jobs = min(build.cpus(), len(names))
    rounds = -(-len(names) // jobs)
    each = max(1, seconds // rounds)
    print(f"fuzzing {len(names)} targets, {each} s each, {jobs} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda n: run_target(n, each, rep), names))


class Beside:
    """The same in a process of its own, with the time that others leave."""

    def __init__(self, rep, seconds, only=()):
        self.rep, self.ended = rep, False
        command = ["nice", "-n", "10", sys.executable, "-B", build.ROOT / "tests" / "support" / "main.py",
                   "fuzz", "--seconds", str(seconds), *only]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace",
                                        start_new_session=True)
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        with self.process as p:
            statuses = self.rep.follow(p.stdout, lambda name: name)
            code = p.wait()
        failed = "not ok" in statuses
        if not self.ended and (not statuses or code not in (0, 1) or failed != (code == 1)):
            self.rep.result("fuzz [libFuzzer]", "not ok", detail=f"it ended with status {code}")

    def wait(self):
        self.thread.join()

    def end(self):
        """With all that it started."""
        self.ended = True
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
