# SPDX-License-Identifier: Apache-2.0
"""./dev bench: tests/bench/run.py on the optimised build."""
import os
import subprocess
import sys

import build

RUNNER = build.ROOT / "tests" / "bench" / "run.py"


def run(a):
    try:
        build.build("gcc")
    except build.BuildError as e:
        print(e, file=sys.stderr)
        return 1
    command = [sys.executable, "-B", RUNNER, "--rounds", str(a.rounds), "--seconds", str(a.seconds)]
    command += ["--list"] if a.list else []
    command += ["--json"] if a.json else []
    env = dict(os.environ, POLYETHER_BUILD=str(build.folder("gcc")))
    return subprocess.run([*command, *a.name], env=env, check=False).returncode
