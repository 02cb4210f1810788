# SPDX-License-Identifier: Apache-2.0
"""current.py FILE PROGRAM ARGS...: fails unless FILE holds what the program prints.

A file may have a part written by hand before MARK. With --write first, the file
is brought up to date instead."""
import os
import pathlib
import subprocess
import sys

MARK = "<!-- made by polyetherctl: see tests/lint/current.py -->\n\n"


def main(args):
    write = args[0] == "--write"
    path = pathlib.Path(args[1 if write else 0])
    command = args[2 if write else 1:]
    made = subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    have = path.read_text() if path.exists() else ""
    head, mark, _ = have.partition(MARK)
    want = head + mark + made if mark else made
    if write:
        path.write_text(want)
    elif have != want:
        print(f"{path} is not current; run: python3 tests/lint/current.py --write {path} {' '.join(command)}")
        return 1
    return 0


sys.exit(main(sys.argv[1:]))
