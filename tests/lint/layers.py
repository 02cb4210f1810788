# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes what its folder may not. TABLE is the architecture, first match wins."""
import fnmatch
import pathlib
import re
import sys

STACK = ["core/hub", "core/hub/l3", "core/auth", "core/crypto", "core/net", "core/base", "platform"]
TABLE = [  # (folder, the folders it may include from besides itself); * also matches sub-folders
    ("platform*", ["platform"]),
    ("core/base", ["platform"]),
    ("core/net", ["core/base", "platform"]),
    ("core/log", ["core/net", "core/base", "platform"]),
    ("core/crypto", ["core/base", "platform"]),
    ("core/store", ["core/base", "core/crypto", "platform"]),
    ("core/auth", ["core/crypto", "core/base"]),
    ("core/auth/*", ["core/auth", "core/crypto", "core/base"]),
    ("core/hub", ["core/hub/acl", "core/hub/law", "core/hub/shape", "core/net", "core/base", "platform"]),
    ("core/hub/shape", ["core/net", "core/base"]),
    ("core/hub/nat", ["core/hub", "core/hub/dhcp", "core/net", "core/base", "platform"]),
    ("core/hub/*", ["core/hub", "core/net", "core/base", "platform"]),
    ("core/rpc/wire", ["core/base", "platform"]),
    ("core/rpc", ["core/rpc/wire", "core/hub", "core/hub/*", "core/log", "core/auth*", "core/crypto",
                  "core/store", "core/base", "platform"]),
    ("core/proto", STACK),
    ("core/proto/sstp", ["core/proto", "core/proto/ppp", *STACK]),
    ("core/proto/ikev1", ["core/proto", "core/proto/esp", *STACK]),
    ("core/proto/ipsec", ["core/proto", "core/proto/esp", "core/proto/ikev1", *STACK]),
    ("core/proto/l2tp", ["core/proto", "core/proto/ppp", *STACK]),
    ("core/proto/*", ["core/proto", *STACK]),
    ("apps/manager*", ["core/rpc/wire", "core/base", "platform"]),
    ("apps/ctl*", ["core/rpc/wire", "core/base", "platform"]),
    ("apps/*", ["core/*", "platform"]),
    ("tests*", ["*"]),
]


def main(root):
    bad = 0
    for f in sorted(p for top in ("apps", "core", "platform", "tests") for p in (root / top).rglob("*.[ch]")):
        here = f.parent.relative_to(root).as_posix()
        may = next((m for pattern, m in TABLE if fnmatch.fnmatch(here, pattern)), None)
        for n, line in enumerate(f.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"(.+)/[^/"]+"', line)
            if m and m[1] != here and not any(fnmatch.fnmatch(m[1], p) for p in may or []):
                print(f"{f.relative_to(root)}:{n}: {here} may not include from {m[1]}")
                bad += 1
    return bad != 0


sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
