# SPDX-License-Identifier: Apache-2.0
"""RADIUS servers: Debian's freeradius with a configuration of its own, and one of a few lines that
answers wrong on purpose; and what a server's administrator sends with radclient."""
import hashlib
import hmac
import socket
import threading
import time

from netlab import need, wait_until

SECRET = "a rather long secret"
COA_PORT = 3799

# The replies of Debian's version have a Message-Authenticator only when told to.
CONFIG = """
prefix = /usr
logdir = {0}
raddbdir = {0}
run_dir = {0}
db_dir = {0}
libdir = /usr/lib/freeradius
pidfile = {0}/pid
max_requests = 1024
security {{
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}}
client lab {{
  ipaddr = 127.0.0.1
  secret = "{secret}"
  require_message_authenticator = yes
}}
thread pool {{
  start_servers = 1
  max_servers = 2
}}
modules {{
  pap {{
  }}
  mschap {{
    with_ntdomain_hack = yes
  }}
  files {{
    filename = {0}/users
  }}
  detail {{
    filename = {0}/detail
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  listen {{
    type = acct
    ipaddr = 127.0.0.1
    port = {accounting}
  }}
  authorize {{
    mschap
    files
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
    Auth-Type MS-CHAP {{
      mschap
    }}
  }}
  post-auth {{
    update reply {{
      Message-Authenticator := 0x00
    }}
    Post-Auth-Type REJECT {{
      update reply {{
        Message-Authenticator := 0x00
      }}
    }}
  }}
  accounting {{
    detail
  }}
}}
"""


class FreeRadius:
    """users: text of its file."""

    def __init__(self, t, ns, users, port=1812, accounting=1813, name="freeradius"):
        self.ns, self.name, self.port = ns, name, port
        self.folder = t.lab.tmp / name
        self.folder.mkdir()
        (self.folder / "radiusd.conf").write_text(
            CONFIG.format(self.folder, secret=SECRET, port=port, accounting=accounting))
        (self.folder / "users").write_text(users)
        self.start()

    def start(self):
        self.process = self.ns.start("freeradius", "-f", "-l", "stdout", "-xx", "-d", self.folder,
                                     log=self.name)
        wait_until("freeradius", lambda: self.process.running() and
                   self.ns.listens(self.port, udp=True), 15)

    def stop(self):
        self.process.kill()
        wait_until("the end of freeradius", lambda: not self.ns.listens(self.port, udp=True))

    def log(self):
        return self.process.log()

    def reports(self, kind=None):
        """What the detail file says: a dict for each accounting request."""
        path = self.folder / "detail"
        found = []
        for block in path.read_text().split("\n\n") if path.exists() else []:
            lines = [line.strip().split(" = ", 1) for line in block.splitlines() if " = " in line]
            report = {k: v.strip('"') for k, v in lines}
            if report and kind in (None, report.get("Acct-Status-Type")):
                found.append(report)
        return found


def client(ns, what, attributes, secret=SECRET, port=COA_PORT):
    """What radclient prints. what: coa or disconnect."""
    text = "\n".join(f"{k} = {v}" for k, v in attributes.items()) + "\n"
    return ns.run("radclient", "-x", "-t", "1", "-r", "2", f"127.0.0.1:{port}", what, secret,
                  text=text, check=False)[1]


def now():
    return str(int(time.time()))


class Rogue:
    """Says yes to everybody, in a way: "good", "forged" (another secret), "bare" (without
    Message-Authenticator), "altered" (after it was signed), "other-id"."""

    def __init__(self, ns, way, port=1812):
        self.way, self.seen = way, 0
        with ns.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", port))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                request, source = self.socket.recvfrom(4096)
            except OSError:
                return
            self.seen += 1
            self.socket.sendto(self.answer(request), source)

    def answer(self, request):
        secret = b"wrong" if self.way == "forged" else SECRET.encode()
        authenticator = request[4:20]
        ident = request[1] ^ 1 if self.way == "other-id" else request[1]
        attributes = b"\x12\x09welcome"
        if self.way != "bare":
            attributes = b"\x50\x12" + bytes(16) + attributes
        size = 20 + len(attributes)
        head = bytes([2, ident]) + size.to_bytes(2, "big")
        if self.way != "bare":
            mac = hmac.digest(secret, head + authenticator + attributes, "md5")
            attributes = attributes[:2] + mac + attributes[18:]
        signed = hashlib.md5(head + authenticator + attributes + secret).digest()
        if self.way == "altered":
            attributes = attributes[:-1] + b"E"
            signed = hashlib.md5(head + authenticator + attributes + secret).digest()
        return head + signed + attributes

    def close(self):
        self.socket.close()


def need_first_is_authenticator(packet):
    need(packet[20:22] == b"\x50\x12", "Message-Authenticator is not the first attribute")
