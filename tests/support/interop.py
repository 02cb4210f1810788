# SPDX-License-Identifier: Apache-2.0
"""The interop suite: one tests/interop/run.py a scenario, in namespaces of its own, several at a time;
their lines are counted here."""
import os
import subprocess
import sys
import threading
import time

import build
import unit

RUNNER = build.ROOT / "tests" / "interop" / "run.py"
FLAGS = ("asan", "asan-long", "guest", "long", "quiet", "waits")
# What the scenarios run.
TARGETS = ("apps/server/polyether-server", "apps/ctl/polyetherctl", "apps/client/polyether-clientd",
           "apps/client/polyether", "tests/sstp-load")
SHOWN = 12


def listed():
    """{name: (words of FLAGS, seconds)} as the registry has them."""
    if not RUNNER.exists():
        return {}
    out = subprocess.run([sys.executable, "-B", RUNNER, "--list"], stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    rows = (line.split() for line in out.splitlines())
    return {row[0]: ({w for w in row[2:] if w in FLAGS}, int(row[1])) for row in rows}


def names():
    return list(listed())


class Job:
    """A scenario on one build."""

    def __init__(self, which, name, words, seconds):
        self.which, self.name, self.words, self.seconds = which, name, words, seconds
        self.mark = "" if which == "gcc" else f" [{which}]"
        self.process, self.took = None, 0.0

    def quiet(self):
        """What is measured is the plain build."""
        return "quiet" in self.words and self.which == "gcc"

    def start(self, long):
        command = [sys.executable, "-B", RUNNER, *(["--long"] if long else []), self.name]
        env = dict(os.environ, POLYETHER_BUILD=str(build.folder(self.which)), **build.SANITIZER_ENV)
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                                        errors="replace")

    def follow(self, rep):
        """Until it ends. It has to say what its status says."""
        start = time.monotonic()
        with self.process as p:
            statuses = rep.follow(p.stdout, lambda step: f"interop/{step}{self.mark}")
            code = p.wait()
        self.took = time.monotonic() - start
        failed = "not ok" in statuses
        if not statuses or code not in (0, 1) or failed != (code == 1):
            rep.result(f"interop/{self.name}{self.mark}", "not ok", self.took,
                       f"the runner ended with status {code} after {len(statuses)} results")


class Pool:
    """Runs jobs side by side, those that take longest first. A guest is a machine of its own, so
    that only some run at a time; what does little but wait has a place beside the workers."""

    def __init__(self, jobs, rep, long, workers):
        self.queue = sorted(jobs, key=lambda j: -j.seconds)
        self.rep, self.long, self.workers = rep, long, workers
        self.guests = max(1, workers // 2)
        self.running, self.ended = [], False
        self.changed = threading.Condition()

    def take(self, waiting):
        """Starts the next one for a worker; None when there will be none."""
        with self.changed:
            while not self.ended:
                mine = [j for j in self.queue if "waits" in j.words]
                mine = mine if waiting else [j for j in self.queue if j not in mine] + mine
                if not mine:
                    return None
                full = sum("guest" in j.words for j in self.running) >= self.guests
                for job in mine:
                    if not (full and "guest" in job.words):
                        self.queue.remove(job)
                        job.start(self.long)
                        self.running.append(job)
                        return job
                self.changed.wait()
        return None

    def work(self, waiting):
        while job := self.take(waiting):
            job.follow(self.rep)
            with self.changed:
                self.running.remove(job)
                self.changed.notify_all()

    def run(self):
        threads = [threading.Thread(target=self.work, args=(n == self.workers,), daemon=True)
                   for n in range(self.workers + 1)]
        try:
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        except BaseException:
            self.end()
            raise

    def end(self):
        """Nothing new begins, and what runs ends: its namespaces go with it."""
        with self.changed:
            self.ended = True
            running = list(self.running)
            self.changed.notify_all()
        for job in running:
            job.process.terminate()
        for job in running:
            job.process.wait()


def made_jobs(chosen, every, long, rep):
    """Builds what is needed; the jobs of what could be built."""
    wanted = {"gcc": chosen, "asan": [n for n in chosen if "asan" in every[n][0] or
                                      (long and "asan-long" in every[n][0])]}
    jobs = []
    for which, some in wanted.items():
        if not some:
            continue
        try:
            build.build(which, TARGETS)
        except build.BuildError as e:
            rep.result("build" + ("" if which == "gcc" else f" [{which}]"), "not ok", detail=str(e))
            continue
        jobs += [Job(which, n, *every[n]) for n in some]
    return jobs


def run(rep, patterns, long, beside=None):
    """beside: what goes on meanwhile, with wait() and end(): not beside those that measure."""
    every = listed()
    chosen = [n for n in every if unit.wanted(n, patterns) or
              any(unit.wanted(n, [p + "/*"]) for p in patterns)]
    chosen = [n for n in chosen if long or "long" not in every[n][0] or n in patterns]
    if not chosen:
        if patterns:
            rep.result("interop", "not ok", detail="no such test: " + ", ".join(patterns))
        return
    jobs = made_jobs(chosen, every, long, rep)
    start = time.monotonic()
    Pool([j for j in jobs if not j.quiet()], rep, long, max(2, build.cpus())).run()
    if beside:
        beside.wait()
    between = time.monotonic()
    Pool([j for j in jobs if j.quiet()], rep, long, 1).run()
    slowest = sorted(jobs, key=lambda j: -j.took)[:SHOWN]
    rep.say(f"interop: {between - start:.0f} s side by side, {time.monotonic() - between:.0f} s alone, "
            f"{sum(j.took for j in jobs):.0f} s in all; " +
            ", ".join(f"{j.name}{j.mark} {j.took:.0f}" for j in slowest))
