# SPDX-License-Identifier: Apache-2.0
"""Scenarios by name, and the steps that each of them reports."""
import contextlib
import os
import pathlib
import shutil
import time
import traceback

from netlab import Failed, Lab

SCENARIOS = {}
WORDS = ("asan", "asan-long", "long", "quiet", "waits")
BUILD = pathlib.Path(os.environ.get("POLYETHER_BUILD") or
                     pathlib.Path(__file__).resolve().parents[2] / "build")
GUEST_KERNEL = pathlib.Path(__file__).resolve().parents[2] / "build" / "guest-kernel"
OURS = {"polyether-server": "apps/server", "polyetherctl": "apps/ctl",
        "polyether-clientd": "apps/client", "polyether": "apps/client", "sstp-load": "tests"}
# What a scenario can need, and the programs that make it up.
NEEDS = {
    "server": ("polyether-server", "polyetherctl"),
    "client": ("polyether-clientd", "polyether"),
    "softether-server": ("/usr/libexec/softether/vpnserver/vpnserver", "vpncmd"),
    "softether-client": ("/usr/libexec/softether/vpnclient/vpnclient", "vpncmd"),
    "openvpn": ("openvpn", "openssl"),
    "tun": (),
    "guest-kernel": (),
}


class Abort(Exception):
    """A step failed that the rest of its scenario builds on."""


class Late(Exception):
    """The time of the whole scenario is over."""


def program(name):
    return BUILD / OURS[name] / name


def built_with_asan():
    """Then memory tells nothing about what the program keeps."""
    return b"__asan_init" in program("polyether-server").read_bytes()


def lacking(needs):
    """Why a scenario cannot run here, or None."""
    for need in needs:
        for p in NEEDS.get(need, (need,)):
            if not (program(p).exists() if p in OURS else shutil.which(p)):
                return f"{p} is not {'built' if p in OURS else 'installed'}"
    if "guest-kernel" in needs and not GUEST_KERNEL.exists():
        return f"{GUEST_KERNEL} is not there: ./dev packages --install test"
    if "tun" in needs:
        try:
            os.close(os.open("/dev/net/tun", os.O_RDWR))
        except OSError as e:
            return f"/dev/net/tun: {e.strerror}"
    return None


def scenario(name, needs=(), limit=300, takes=10, capture=True, **words):
    """limit: seconds, all in all. takes: about so many when nothing else runs; what takes longest
    begins first. words, each True for a scenario that
    asan: is also worth its time on the build with sanitizers; asan_long: when the long tests are asked for;
    long: runs only when the long tests are asked for;
    quiet: measures speed or memory, so that nothing runs beside it;
    waits: does little but wait, so that it is one more beside what else runs."""
    def add(function):
        known = {w: bool(words.pop(w.replace("-", "_"), False)) for w in WORDS}
        if words:
            raise TypeError(f"{name}: {', '.join(words)}")
        SCENARIOS[name] = {"run": function, "needs": ("ip", "ss", "ethtool", "tcpdump", *needs),
                           "limit": limit, "takes": takes, "capture": capture, **known,
                           "guest": bool({"linux.uml", "guest-kernel"} & set(needs))}
        return function
    return add


def listing(name):
    """The line of --list: name, seconds, words."""
    entry = SCENARIOS[name]
    return " ".join([name, str(entry["takes"]), *(w for w in (*WORDS, "guest") if entry[w])])


class Test:
    """What a scenario gets: its lab, and steps to report."""

    def __init__(self, name, logs, long):
        self.name, self.logs, self.long = name, pathlib.Path(logs), long
        self.failed = self.ran = 0
        self.lab = None

    def say(self, status, step, seconds=None, text=""):
        line = f"{status} {self.name}" + (f"/{step}" if step else "")
        if seconds is not None:
            line += f" ({seconds:.2f} s)"
        if status == "skip":
            line += f" # {text}"
        elif text:
            line += "\n" + "\n".join("     | " + part for part in text.rstrip().splitlines())
        print(line, flush=True)

    @contextlib.contextmanager
    def check(self, step, fatal=False):
        """One test case. A failure is reported and, unless fatal, the scenario goes on."""
        start = time.monotonic()
        self.ran += 1
        try:
            yield
        except (Failed, OSError, KeyError, IndexError, ValueError, AttributeError) as e:
            text = str(e) if isinstance(e, Failed) else traceback.format_exc(limit=-4)
            self.failed += 1
            self.say("not ok", step, time.monotonic() - start, text)
            if fatal:
                raise Abort from None
        except Late as e:
            self.failed += 1
            self.say("not ok", step, time.monotonic() - start, str(e))
            raise Abort from None
        else:
            self.say("ok", step, time.monotonic() - start)

    def must(self, step):
        """A step without which the rest makes no sense."""
        return self.check(step, fatal=True)

    def skip(self, step, reason):
        self.say("skip", step, text=reason)


def run(name, logs, long):
    """Runs one scenario; returns the number of failures."""
    entry = SCENARIOS[name]
    logs = pathlib.Path(logs) / name
    shutil.rmtree(logs, ignore_errors=True)
    t = Test(name, logs, long)
    reason = lacking(entry["needs"])
    if reason:
        t.skip("", reason)
        return 0
    try:
        try:
            t.lab = Lab(logs, entry["capture"])
            entry["run"](t)
        finally:
            if t.lab:
                t.lab.close()
    except Abort:
        pass
    except Exception:  # a mistake in a test is a failure like any other
        t.failed += 1
        t.say("not ok", "", text=traceback.format_exc(limit=-6))
    if t.failed:
        print(f"     | logs and captures: {logs}", flush=True)
    else:
        shutil.rmtree(logs, ignore_errors=True)
    return t.failed
