# SPDX-License-Identifier: Apache-2.0
"""Runs commands for the host: a connection each, JSON in, JSON out."""
import json
import socket
import subprocess
import threading

PORT = 7


def serve(s):
    with s, s.makefile("rwb") as f:
        order = json.loads(f.readline())
        with subprocess.Popen(order["command"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as p:
            try:
                out, _ = p.communicate(order["text"], order["timeout"])
                status = p.returncode
            except subprocess.TimeoutExpired:
                p.kill()
                out, status = p.communicate()[0], -1
        f.write(json.dumps({"status": status, "out": out}).encode() + b"\n")


def main():
    with socket.create_server(("", PORT), backlog=50) as listener:
        while True:
            threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()


if __name__ == "__main__":
    main()
