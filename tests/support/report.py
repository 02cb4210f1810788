# SPDX-License-Identifier: Apache-2.0
"""Counts test cases and prints them as they come; every suite reports through one Report."""
import re
import threading

LINE = re.compile(r"^(ok|not ok|skip)\s+(\S.*?)(?: \(([\d.]+) s\))?(?: # (.*))?$")


class Report:
    """Safe to use from several threads."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.lock = threading.Lock()

    def result(self, name, status, seconds=None, detail="", cases=1):
        """One line; status is "ok", "not ok" or "skip"; detail is a reason or a log."""
        with self.lock:
            if status == "ok":
                self.passed += cases
            elif status == "skip":
                self.skipped += cases
            else:
                self.failed += cases
                self.failures.append(name)
            line = f"{status:<6} {name}"
            if cases != 1:
                line += f", {cases} cases"
            if seconds is not None:
                line += f" ({seconds:.2f} s)"
            if status == "skip" and detail:
                line += f" # {detail}"
            if status == "not ok" and detail:
                line += "\n" + "\n".join("     | " + d for d in detail.rstrip().splitlines())
            print(line, flush=True)

    def say(self, text):
        """Something to read that is no result."""
        with self.lock:
            print(text, flush=True)

    def follow(self, lines, label):
        """Reports the results that another program prints, each once all that is said of it has
        come; label makes their names. Returns what they are."""
        pending, statuses = None, []

        def flush():
            if pending:
                self.result(label(pending[1]), pending[0], pending[2], pending[3] or "\n".join(pending[4]))

        for line in lines:
            line = line.rstrip("\n")
            m = LINE.match(line)
            if m:
                flush()
                pending = (m[1], m[2], float(m[3]) if m[3] else None, m[4], [])
                statuses.append(m[1])
            elif pending:
                pending[4].append(line.removeprefix("     | "))
            else:
                self.say(line)
        flush()
        return statuses

    def summary(self):
        """The last line of a run; returns the exit status."""
        if len(self.failures) > 0:
            print("failed: " + ", ".join(self.failures))
        line = f"{self.passed} passed, {self.failed} failed"
        if self.skipped:
            line += f", {self.skipped} skipped"
        print(line, flush=True)
        return 1 if self.failed or not self.passed + self.skipped else 0


def tail(text, lines=40):
    return "\n".join(text.rstrip().splitlines()[-lines:])
