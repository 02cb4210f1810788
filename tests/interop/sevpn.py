# SPDX-License-Identifier: Apache-2.0
"""A small SE-VPN client of our own, independent of the C code: it logs in and carries frames.

It lets a test send any frame and see each frame that arrives at its port, without an adapter.
"""
import os
import socket
import ssl
import struct
import time

from netlab import Failed, need

INT, DATA, STR, UNISTR, INT64 = range(5)
KEEPALIVE = 0xFFFFFFFF
BROADCAST = b"\xff" * 6


def rotl(x, n):
    return ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF


def sha0(data):
    """FIPS 180 of 1993: SHA-1 without the rotation in the message schedule."""
    h = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0]
    length = len(data) * 8
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack(">Q", length)
    for at in range(0, len(data), 64):
        w = list(struct.unpack(">16I", data[at:at + 64]))
        for t in range(16, 80):
            w.append(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16])
        a, b, c, d, e = h
        for t in range(80):
            if t < 20:
                f, k = (b & c) | (~b & d), 0x5A827999
            elif t < 40:
                f, k = b ^ c ^ d, 0x6ED9EBA1
            elif t < 60:
                f, k = (b & c) | (b & d) | (c & d), 0x8F1BBCDC
            else:
                f, k = b ^ c ^ d, 0xCA62C1D6
            a, b, c, d, e = (rotl(a, 5) + f + e + k + w[t]) & 0xFFFFFFFF, a, rotl(b, 30), c, d
        h = [(x + y) & 0xFFFFFFFF for x, y in zip(h, (a, b, c, d, e))]
    return struct.pack(">5I", *h)


def user_hash(user, password):
    return sha0(password.encode() + user.upper().encode())


def pack(**fields):
    """A PACK of one value per element; int, bytes and str say which type."""
    out = struct.pack(">I", len(fields))
    for name, value in fields.items():
        kind = INT if isinstance(value, int) else DATA if isinstance(value, bytes) else STR
        out += struct.pack(">I", len(name) + 1) + name.encode() + struct.pack(">II", kind, 1)
        if kind == INT:
            out += struct.pack(">I", value)
        else:
            raw = value.encode() if kind == STR else value
            out += struct.pack(">I", len(raw)) + raw
    return out


def unpack(data):
    """{name: value}, or a list where there are several values."""
    at, found = 4, {}
    for _ in range(struct.unpack_from(">I", data)[0]):
        size = struct.unpack_from(">I", data, at)[0] - 1
        name = data[at + 4:at + 4 + size].decode()
        kind, count = struct.unpack_from(">II", data, at + 4 + size)
        at += 12 + size
        values = []
        for _ in range(count):
            if kind in (INT, INT64):
                form = ">I" if kind == INT else ">Q"
                values.append(struct.unpack_from(form, data, at)[0])
                at += struct.calcsize(form)
            else:
                n = struct.unpack_from(">I", data, at)[0]
                raw = data[at + 4:at + 4 + n]
                values.append(raw if kind == DATA else raw.rstrip(b"\0").decode(errors="replace"))
                at += 4 + n
        found[name] = values[0] if count == 1 else values
    return found


class Refused(Failed):
    """The server's error number is in code."""

    def __init__(self, code):
        super().__init__(f"the server refused with error {code}")
        self.code = code


class Connection:
    """TLS, and PACKs over HTTP."""

    def __init__(self, ns, address, port=443, timeout=15, source=None):
        with ns.inside():
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            s.settimeout(timeout)
            if source:
                s.bind((source, 0))
            s.connect((address, port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(s)
        self.buffer = b""

    def read_until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            need(data, f"the server closed the connection; so far: {self.buffer[:200]!r}")
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read(self, size):
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            need(data, "the server closed the connection")
            self.buffer += data
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def post(self, path, body, content_type):
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: server\r\nConnection: Keep-Alive\r\n"
                            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
                            .encode() + body)
        head = self.read_until(b"\r\n\r\n").decode(errors="replace").split("\r\n")
        need(head[0].split()[1] == "200", f"{path}: {head[0]}")
        size = next(int(h.split(":")[1]) for h in head if h.lower().startswith("content-length:"))
        return unpack(self.read(size))

    def hello(self):
        return self.post("/vpnsvc/connect.cgi", b"VPNCONNECT", "image/jpeg")

    def call(self, **fields):
        answer = self.post("/vpnsvc/vpn.cgi", pack(**fields), "application/octet-stream")
        if answer.get("error"):
            raise Refused(answer["error"])
        return answer

    def close(self):
        self.socket.close()


class Session(Connection):
    """Logged in; frames go both ways. Not for several threads."""

    def __init__(self, ns, address, hub, user, password, port=443, plain=False, source=None, **login):
        super().__init__(ns, address, port, source=source)
        challenge = self.hello()["random"]
        credential = {"authtype": 2, "plain_password": password} if plain else {
            "authtype": 1, "secure_password": sha0(user_hash(user, password) + challenge)}
        try:
            self.welcome = self.call(**{
                "method": "login", "hubname": hub, "username": user, "client_str": "Test Client",
                "client_ver": 501, "client_build": 9674, "max_connection": 1, "use_encrypt": 1,
                **credential, **login})
        except Failed:
            self.close()
            raise
        self.next_keepalive = 0
        self.keepalive()

    def keepalive(self):
        """To be called now and then by who does not use send() or frames()."""
        now = time.monotonic()
        if now >= self.next_keepalive:
            self.socket.sendall(struct.pack(">II", KEEPALIVE, 8) + os.urandom(8))
            self.next_keepalive = now + self.welcome["timeout"] / 5000

    def send(self, *frames):
        self.keepalive()
        self.socket.sendall(struct.pack(">I", len(frames)) +
                            b"".join(struct.pack(">I", len(f)) + f for f in frames))

    def frames(self, seconds):
        """What arrives within so many seconds, as it comes."""
        end = time.monotonic() + seconds
        try:
            while True:
                self.socket.settimeout(max(0.001, end - time.monotonic()))
                self.keepalive()
                yield from self.unit()
        except (TimeoutError, ssl.SSLWantReadError):
            pass
        finally:
            self.socket.settimeout(15)

    def unit(self):
        self.fill(8)
        count, size = struct.unpack_from(">II", self.buffer)
        if count == KEEPALIVE:
            self.fill(8 + size)
            self.buffer = self.buffer[8 + size:]
            return []
        found, at = [], 4
        for _ in range(count):
            self.fill(at + 4)
            size = struct.unpack_from(">I", self.buffer, at)[0]
            self.fill(at + 4 + size)
            found.append(self.buffer[at + 4:at + 4 + size])
            at += 4 + size
        self.buffer = self.buffer[at:]
        return found

    def fill(self, size):
        """Reads until so much is there; a timeout loses nothing."""
        while len(self.buffer) < size:
            data = self.socket.recv(262144)
            if not data:
                raise ConnectionError("the server closed the session")
            self.buffer += data

    def wait_frame(self, what, test, seconds=10):
        for f in self.frames(seconds):
            if test(f):
                return f
        raise Failed(f"waited {seconds} s for {what}")


def mac(n):
    return bytes((2, 0, 0, 0, n >> 8, n & 255))


def ethernet(to, source, payload, kind=0x88B5):
    return to + source + struct.pack(">H", kind) + payload


def until_delivered(a, b, frame, seconds=10):
    """Sends a frame from a until it arrives at b: a new session takes a moment to be in the hub."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        a.send(frame)
        for f in b.frames(0.2):
            if f == frame:
                return
    raise Failed(f"no frame arrived within {seconds} s")
