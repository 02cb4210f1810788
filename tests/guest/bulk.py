# SPDX-License-Identifier: Apache-2.0
"""bulk.py put|take ADDRESS PORT SIZE: random octets over TCP; prints their number and hash."""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "interop"))
import traffic  # noqa: E402


def main():
    verb, address, port, size = sys.argv[1:]
    with socket.create_connection((address, int(port)), 15) as s:
        s.settimeout(120)
        if verb == "put":
            total, digest = int(size), traffic.put(s, int(size))
            s.recv(1)
        else:
            total, digest = traffic.take(s)
    print(total, digest.hex())


if __name__ == "__main__":
    main()
