# SPDX-License-Identifier: Apache-2.0
"""./dev: one door to building, running, testing and measuring. See docs/testing.md."""
import argparse
import os
import signal
import sys

import build
import packages
import report

SUITES = ("unit", "lint", "fuzz", "interop")


def cmd_packages(a):
    if a.install:
        packages.install(a.section)
    else:
        print("\n".join(packages.section(a.section)))
    return 0


def cmd_build(_):
    packages.install("build")
    try:
        path = build.build("gcc")
    except build.BuildError as e:
        print(e, file=sys.stderr)
        return 1
    print(f"built in {path.relative_to(build.ROOT)}/")
    return 0


def selection(words):
    """{suite: [patterns]} of words like "unit", "unit/hub*", "interop/sevpn"; no word: all."""
    chosen = {}
    for word in words or SUITES:
        suite, _, name = word.partition("/")
        if suite not in SUITES:
            raise SystemExit(f"dev: no suite {suite!r}; there are {', '.join(SUITES)}")
        chosen.setdefault(suite, [])
        if name:
            chosen[suite].append(name)
    return {s: chosen[s] for s in SUITES if s in chosen}


def cmd_test(a):
    import fuzz
    import interop
    import lint
    import unit
    chosen = selection(a.suite)
    packages.install("build")
    if a.list:
        for suite, patterns in chosen.items():
            names = {"unit": lambda: unit.names("unit"), "fuzz": lambda: unit.names("fuzz"),
                     "lint": lint.names, "interop": interop.names}[suite]()
            print("\n".join(f"{suite}/{n}" for n in names if unit.wanted(n, patterns)))
        return 0
    packages.install("test")
    rep = report.Report()
    meson = {s: p for s, p in chosen.items() if s in ("unit", "fuzz")}
    if meson:
        unit.run(meson, rep)
    seconds = (a.fuzz if a.fuzz is not None else 480 if a.long else 0) if "fuzz" in chosen else 0
    if seconds and "interop" not in chosen:
        fuzz.run(rep, seconds, chosen["fuzz"])
    if "lint" in chosen:
        lint.run(rep, chosen["lint"])
    if "interop" in chosen:
        beside = fuzz.Beside(rep, seconds, chosen["fuzz"]) if seconds else None
        try:
            interop.run(rep, chosen["interop"], a.long, beside)
            if beside:
                beside.wait()
        finally:
            if beside:
                beside.end()
    return rep.summary()


def cmd_lint(a):
    import lint
    packages.install("build")
    packages.install("test")
    rep = report.Report()
    lint.run(rep, a.name)
    return rep.summary()


def cmd_fuzz(a):
    import fuzz
    packages.install("build")
    packages.install("test")
    rep = report.Report()
    fuzz.run(rep, a.seconds, a.target)
    return rep.summary()


def cmd_run(a):
    import serve
    packages.install("build")
    return serve.run(a)


def cmd_bench(a):
    import bench
    packages.install("build")
    packages.install("test")
    return bench.run(a)


def cmd_shot(_):
    print("dev: there is no program with windows yet, so there is nothing to photograph.\n"
          "Once there is one, this draws each of its windows on a virtual display and writes\n"
          "one PNG file a window to build/shots/.")
    return 0


def parser():
    p = argparse.ArgumentParser(prog="./dev", description=__doc__)
    sub = p.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, text, function):
        c = sub.add_parser(name, help=text, description=text)
        c.set_defaults(function=function)
        return c

    c = add("run", "build, start a server on a folder of its own, say how to connect", cmd_run)
    c.add_argument("--state", help="its folder (default: build/run-state)")
    c.add_argument("--port", type=int, help="listen on this port only")
    add("build", "build everything in build/", cmd_build)
    c = add("test", "run tests; the last line counts them", cmd_test)
    c.add_argument("suite", nargs="*", metavar="SUITE[/NAME]",
                   help=f"{', '.join(SUITES)}; NAME may have * in it (default: all)")
    c.add_argument("--list", action="store_true", help="say which tests there are")
    c.add_argument("--long", action="store_true", help="the long forms of the tests as well")
    c.add_argument("--fuzz", type=int, metavar="SECONDS",
                   help="also fuzz, all targets together for so long (default: 0, --long: 480)")
    c = add("bench", "measure, side by side with other programs", cmd_bench)
    c.add_argument("name", nargs="*", metavar="NAME", help="which (default: all)")
    c.add_argument("--list", action="store_true", help="say which there are")
    c.add_argument("--json", action="store_true", help="print JSON")
    c.add_argument("--rounds", type=int, default=5, help="alternating rounds (default: 5)")
    c.add_argument("--seconds", type=int, default=4, help="length of one measurement (default: 4)")
    c = add("fuzz", "fuzz with libFuzzer", cmd_fuzz)
    c.add_argument("target", nargs="*", metavar="TARGET", help="which (default: all)")
    c.add_argument("--seconds", type=int, default=120,
                   help="for all targets together (default: 120)")
    c = add("lint", "check the style of everything", cmd_lint)
    c.add_argument("name", nargs="*", metavar="CHECK", help="which (default: all)")
    add("shot", "pictures of all windows", cmd_shot)
    c = add("packages", "the Debian packages that are needed", cmd_packages)
    c.add_argument("section", nargs="?", default="all", choices=("build", "test", "all"))
    c.add_argument("--install", action="store_true", help="install those that are missing")
    return p


def main():
    os.chdir(build.ROOT)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    a = parser().parse_args()
    try:
        return a.function(a)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
