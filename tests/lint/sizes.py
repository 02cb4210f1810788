# SPDX-License-Identifier: Apache-2.0
"""Fails when a source file has more than 900 lines: it holds two ideas then."""
import pathlib
import sys

LIMIT = 900


def main(files):
    bad = 0
    for f in files:
        lines = pathlib.Path(f).read_bytes().count(b"\n")
        if lines > LIMIT:
            print(f"{f}: {lines} lines, {LIMIT} are allowed")
            bad += 1
    return bad != 0


sys.exit(main(sys.argv[1:]))
