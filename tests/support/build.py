# SPDX-License-Identifier: Apache-2.0
"""The builds: one folder each, set up once, brought up to date by ninja."""
import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANITIZE = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
# name: (folder, compiler, options)
BUILDS = {
    "gcc": ("build", "gcc", []),
    "asan": ("build-asan", "gcc", SANITIZE),
    "clang": ("build-clang", "clang", []),
    "fuzz": ("build-fuzz", "clang", [*SANITIZE, "-Dfuzzers=true"]),
}
# What the sanitizers' programs run with: every finding ends the program.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "G_SLICE": "always-malloc",
}


class BuildError(Exception):
    """The build failed; the text is what the tools said."""


def folder(name):
    return ROOT / BUILDS[name][0]


def cpus():
    return len(os.sched_getaffinity(0))


def run(command, **options):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT, **options)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def build(name, targets=(), jobs=None, setup_only=False):
    """Sets the build up if it is new, and builds the targets (all by default)."""
    path, compiler, options = folder(name), BUILDS[name][1], BUILDS[name][2]
    if not (path / "build.ninja").exists():
        run(["meson", "setup", path, ROOT, "-Dwerror=true", *options],
            env=dict(os.environ, CC=compiler))
    if not setup_only:
        run(["ninja", "-C", path, "-j", jobs or cpus() + 1, *targets])
    return path


def introspect(name, what):
    return json.loads(run(["meson", "introspect", folder(name), "--" + what]))


def program(name, which="gcc"):
    """The path of one of our programs in a build, which may not be there."""
    places = {"polyether-server": "apps/server", "polyetherctl": "apps/ctl",
              "polyether-clientd": "apps/client", "polyether": "apps/client"}
    return folder(which) / places[name] / name
