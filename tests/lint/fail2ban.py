# SPDX-License-Identifier: Apache-2.0
"""The patterns of the fail2ban filter find the address in refused logins, and in nothing else."""
import configparser
import pathlib
import re
import sys

STAMP = "2026-11-24T20:30:00.123Z"
HOST = r"(?P<host>(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]+)"
REFUSED = [  # (line, the address that is to be banned)
    (STAMP + " info login refused address=192.0.2.7 port=4711 hub=DEFAULT user=anna protocol=SE-VPN code=9", "192.0.2.7"),
    (STAMP + " info login refused address=2001:db8::1 port=1 hub=A user=x protocol=SSTP code=9", "2001:db8::1"),
    ('info login refused address=192.0.2.7 port=4711 hub=A user="b address=198.51.100.1 port=1 " code=9', "192.0.2.7"),
    (" info administrator refused address=192.0.2.8 port=5 user=administrator protocol=API code=9", "192.0.2.8"),
    ("login refused address=192.0.2.7 port=4711 hub=DEFAULT user=anna", "192.0.2.7"),
    ('{"time":"' + STAMP + '","level":"info","event":"login refused","address":"192.0.2.7","port":4711,"code":9}', "192.0.2.7"),
]
OTHERS = [
    STAMP + " info login accepted address=192.0.2.7 port=4711 hub=DEFAULT user=anna",
    STAMP + " info session started address=192.0.2.7 port=1 hub=A user=x\\x20login\\x20refused",
    STAMP + ' info session refused address=192.0.2.7 port=1 user="login refused address=198.51.100.1 port=1 "',
    '{"time":"' + STAMP + '","level":"info","event":"session started","user":"\\u0022event\\u0022:login refused"}',
]


def main(root):
    parser = configparser.RawConfigParser()
    parser.read(root / "installer/fail2ban/polyether.filter.conf")
    lines = parser["Definition"]["failregex"].split("\n")
    patterns = [re.compile(p.strip().replace("<HOST>", HOST)) for p in lines if p.strip()]

    def found(line):
        return next((m["host"] for m in (p.search(line) for p in patterns) if m), None)

    bad = [f"{line}: {found(line)}" for line, host in REFUSED if found(line) != host]
    bad += [f"{line}: is none" for line in OTHERS if found(line)]
    print("\n".join(bad))
    return bool(bad)


sys.exit(main(pathlib.Path(sys.argv[1])))
