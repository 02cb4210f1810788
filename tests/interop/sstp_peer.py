# SPDX-License-Identifier: Apache-2.0
"""An SSTP client of our own: TLS, the call with its crypto binding, PPP by MS-CHAPv2 or PAP, and IP
packets by hand. It needs no rights and no kernel with PPP."""
import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import subprocess
import time

from netlab import Failed, need, wait_until
from registry import program

TARGET = b"/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
REQUEST, ACK, NAK, CONNECTED, ABORT, DISCONNECT, DISCONNECT_ACK, ECHO, ECHOED = range(1, 10)
LCP, PAP, CHAP, IPCP, IPV6CP, CCP, IP4, IP6 = \
    0xC021, 0xC023, 0xC223, 0x8021, 0x8057, 0x80FD, 0x21, 0x57
CONF_REQ, CONF_ACK, CONF_NAK, CONF_REJ, TERM_REQ, TERM_ACK, CODE_REJ, PROTO_REJ = range(1, 9)
MSCHAPV2 = bytes.fromhex("c22381")


# -- MS-CHAPv2 (RFC 2759, 3079) --

def md4(data):
    def rotate(v, by):
        v &= 0xFFFFFFFF
        return (v << by | v >> (32 - by)) & 0xFFFFFFFF
    rounds = ((lambda x, y, z: x & y | ~x & z, 0, range(16), (3, 7, 11, 19)),
              (lambda x, y, z: x & y | x & z | y & z, 0x5A827999,
               [i // 4 + i % 4 * 4 for i in range(16)], (3, 5, 9, 13)),
              (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1,
               (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)))
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    for at in range(0, len(data), 64):
        x = struct.unpack_from("<16I", data, at)
        a, b, c, d = state
        for mix, constant, order, by in rounds:
            for n, word in enumerate(order):
                a, b, c, d = d, rotate(a + mix(b, c, d) + x[word] + constant, by[n % 4]), b, c
        state = [(p + q) & 0xFFFFFFFF for p, q in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


def des(key7, block):
    """Thrice with one key is once."""
    bits = int.from_bytes(key7, "big")
    key = bytes((bits >> (49 - 7 * i) & 0x7F) << 1 for i in range(8))
    return subprocess.run(["openssl", "enc", "-des-ede3-ecb", "-nopad", "-K", key.hex() * 3],
                          input=block, stdout=subprocess.PIPE, check=True).stdout


class MsChap:
    def __init__(self, name, password, challenge):
        self.name, self.peer = name.encode(), os.urandom(16)
        bare = self.name.split(b"\\")[-1]
        nt = md4(password.encode("utf-16-le"))
        self.hash_hash = md4(nt)
        self.hash = hashlib.sha1(self.peer + challenge + bare).digest()[:8]
        keys = (nt + bytes(5))
        self.response = b"".join(des(keys[i:i + 7], self.hash) for i in (0, 7, 14))

    def value(self):
        return b"\x31" + self.peer + bytes(8) + self.response + b"\0" + self.name

    def authenticator(self):
        inner = hashlib.sha1(self.hash_hash + self.response +
                             b"Magic server to client signing constant").digest()
        return "S=" + hashlib.sha1(inner + self.hash + b"Pad to make it do more than one "
                                   b"iteration").hexdigest().upper()

    def hlak(self):
        """The client's sending key, and its receiving one."""
        master = hashlib.sha1(self.hash_hash + self.response +
                              b"This is the MPPE Master Key").digest()[:16]
        texts = (b"On the client side, this is the send key; on the server side, it is the receive key.",
                 b"On the client side, this is the receive key; on the server side, it is the send key.")
        return b"".join(hashlib.sha1(master + bytes(40) + text + b"\xf2" * 40).digest()[:16]
                        for text in texts)


# -- the connection --

def option(kind, value):
    return bytes([kind, len(value) + 2]) + value


def options(data):
    found = {}
    while data:
        found[data[0]] = data[2:data[1]]
        data = data[data[1]:]
    return found


class Client:
    """Connected when the constructor returns: IPCP is open."""

    def __init__(self, ns, address, name, password, port=443, pap=False, sha1=False, certificate=None,
                 early=False, late=False, tamper=None):
        """certificate: another one than the server's, as somebody in between has. early: Call
        Connected is sent before the server has told of the login; late: not before bind() is called.
        tamper: makes another Call Connected of the right one."""
        self.ns, self.name, self.password, self.pap, self.sha1 = ns, name, password, pap, sha1
        self.early, self.late, self.tamper = early, late, tamper
        self.buffer, self.hlak, self.ident = b"", bytes(32), 0
        self.address = self.dns = self.gateway = None
        self.failure = ""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with ns.inside():
            plain = socket.create_connection((address, port), 10)
        self.tls = context.wrap_socket(plain, server_hostname=None)
        self.tls.settimeout(15)
        self.certificate = certificate or self.tls.getpeercert(True)
        self.http()
        self.call()

    def http(self):
        self.tls.sendall(b"SSTP_DUPLEX_POST " + TARGET + b" HTTP/1.1\r\nHost: vpn\r\n"
                         b"Content-Length: 18446744073709551615\r\n\r\n")
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.some()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        need(head.startswith(b"HTTP/1.1 200 ") and b"Content-Length: 18446744073709551615" in head,
             f"the answer was {head}")

    def some(self):
        data = self.tls.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def record(self, seconds=15):
        """The next one: whether it is control, and what is in it."""
        end = time.monotonic() + seconds
        while len(self.buffer) < 4 or len(self.buffer) < self.length():
            self.tls.settimeout(max(end - time.monotonic(), 0.01))
            self.buffer += self.some()
        size = self.length()
        got, self.buffer = self.buffer[:size], self.buffer[size:]
        need(got[0] == 0x10, f"no SSTP: {got[:16].hex()}")
        return got[1] & 1, got[4:]

    def length(self):
        return struct.unpack_from(">H", self.buffer, 2)[0] & 0xFFF

    def control(self, kind, *attributes):
        body = struct.pack(">HH", kind, len(attributes)) + b"".join(
            struct.pack(">BBH", 0, a, len(v) + 4) + v for a, v in attributes)
        self.tls.sendall(struct.pack(">BBH", 0x10, 1, len(body) + 4) + body)

    def frame(self, protocol, payload):
        return struct.pack(">BBHHH", 0x10, 0, len(payload) + 8, 0xFF03, protocol) + payload

    def ppp(self, protocol, code, ident, data=b""):
        self.tls.sendall(self.frame(protocol, struct.pack(">BBH", code, ident, len(data) + 4) + data))

    # -- the call --

    def call(self):
        self.control(REQUEST, (1, b"\0\1"))
        control, body = self.record()
        kind = struct.unpack_from(">H", body)[0]
        need(control and kind == ACK, f"the answer to the request is {kind}")
        self.offered, self.nonce = body[11], body[12:44]
        self.negotiate()

    def bind(self):
        """Call Connected."""
        name, bit = (hashlib.sha1, 1) if self.sha1 else (hashlib.sha256, 2)
        need(self.offered & bit, "the hash is not offered")
        size = name().digest_size
        head = struct.pack(">BBHHHBBHBBBB", 0x10, 1, 112, CONNECTED, 1, 0, 3, 0x68, 0, 0, 0, bit)
        message = head + self.nonce + name(self.certificate).digest().ljust(32, b"\0")
        key = hmac.new(self.hlak, b"SSTP inner method derived CMK" + struct.pack("<H", size) + b"\1",
                       name).digest()
        mac = hmac.new(key, message + bytes(32), name).digest()
        self.bound = message + mac.ljust(32, b"\0")
        self.tls.sendall(self.tamper(self.bound) if self.tamper else self.bound)

    # -- PPP --

    def negotiate(self):
        self.ppp(LCP, CONF_REQ, 1, option(1, b"\x05\x78") + option(5, os.urandom(4)) + option(7, b""))
        while self.address is None or self.gateway is None:
            control, body = self.record()
            if control:
                self.on_control(body)
            else:
                protocol, = struct.unpack_from(">H", body, 2)
                handler = {LCP: self.on_lcp, CHAP: self.on_chap, PAP: self.on_pap, IPCP: self.on_ipcp,
                           IPV6CP: self.on_ipv6cp}.get(protocol)
                if handler:
                    code, ident, size = struct.unpack_from(">BBH", body, 4)
                    handler(code, ident, body[8:4 + size])

    def on_control(self, body):
        kind, count = struct.unpack_from(">HH", body)
        if kind == ECHO:
            self.control(ECHOED)
        elif kind in (ABORT, DISCONNECT):
            status = struct.unpack_from(">I", body, 12)[0] if count else 0
            raise Failed(f"message {kind} with status {status}; {self.failure}")

    def on_lcp(self, code, ident, data):
        if code == CONF_REQ:
            auth = options(data)[3]
            want = PAP.to_bytes(2, "big") if self.pap else MSCHAPV2
            if auth != want:
                self.ppp(LCP, CONF_NAK, ident, option(3, want))
                return
            self.ppp(LCP, CONF_ACK, ident, data)
            if self.pap:
                name, secret = self.name.encode(), self.password.encode()
                self.login = bytes([len(name)]) + name + bytes([len(secret)]) + secret
        elif code == CONF_REJ:
            need(options(data).keys() == {7}, f"rejected: {data.hex()}")
            self.ppp(LCP, CONF_REQ, 2, option(1, b"\x05\x78"))
        elif code == CONF_ACK and self.pap:
            self.ppp(PAP, 1, 1, self.login)
        elif code == TERM_REQ:
            self.ppp(LCP, TERM_ACK, ident)

    def logged_in(self):
        if not self.early and not self.late:
            self.bind()
        self.ppp(IPCP, CONF_REQ, 1, option(3, bytes(4)) + option(129, bytes(4)) + option(130, bytes(4)))
        self.ppp(CCP, CONF_REQ, 1, option(18, bytes.fromhex("01000040")))

    def on_chap(self, code, ident, data):
        if code == 1:
            self.chap = MsChap(self.name, self.password, data[1:17])
            self.hlak = self.chap.hlak()
            if self.early:
                self.bind()
            self.ppp(CHAP, 2, ident, self.chap.value())
        elif code == 3:
            need(data.decode().startswith(self.chap.authenticator()), f"no proof: {data}")
            self.logged_in()
        elif code == 4:
            self.failure = data.decode()

    def on_pap(self, code, _ident, data):
        if code == 2:
            self.logged_in()
        else:
            self.failure = data[1:].decode()

    def on_ipcp(self, code, ident, data):
        if code == CONF_REQ:
            self.gateway = options(data)[3]
            self.ppp(IPCP, CONF_ACK, ident, data)
            return
        found = options(data)
        if code == CONF_REJ:
            need(found.keys() == {130}, f"rejected: {data.hex()}")
            self.ppp(IPCP, CONF_REQ, 2, option(3, bytes(4)) + option(129, bytes(4)))
        elif code == CONF_NAK:
            self.ppp(IPCP, CONF_REQ, 3, option(3, found[3]) + option(129, found.get(129, bytes(4))))
        elif code == CONF_ACK:
            self.address, self.dns = found[3], found.get(129)

    def on_ipv6cp(self, code, ident, data):
        if code == CONF_REQ:
            self.ppp(IPV6CP, CONF_ACK, ident, data)

    # -- IP --

    def packets(self, packets):
        self.tls.sendall(b"".join(self.frame(IP4, p) for p in packets))

    def next_packet(self, seconds=5):
        """Of IPv4. TimeoutError when there is none."""
        while True:
            control, body = self.record(seconds)
            if control:
                self.on_control(body)
            elif body[2:4] == b"\0\x21":
                return body[4:]
            elif body[2:5] == b"\xc0\x21\x05":
                self.ppp(LCP, TERM_ACK, body[5])

    def leave(self):
        """As it should be; the server says good-bye, too."""
        self.ppp(LCP, TERM_REQ, 9)
        self.control(DISCONNECT)
        while True:
            control, body = self.record()
            if control and body[1] == DISCONNECT_ACK:
                break
        self.close()

    def close(self):
        self.tls.close()


class Load:
    """tests/bench/sstp-load.c: one session with the adapter load0 that costs little, or many that do
    nothing."""
    device = "load0"

    def __init__(self, ns, address, name, password, sessions=0, pap=False, port=443, seconds=60):
        """sessions: so many without an adapter."""
        self.ns = ns
        options = ["--sessions", sessions] if sessions else ["--tun", self.device]
        self.process = ns.start(program("sstp-load"), "--server", address, "--port", port, "--user", name,
                                "--password", password, *options, *["--pap"] * pap, log="sstp-load")
        self.process.log_from = len(self.process.log())

        def said():
            log = self.process.log()[self.process.log_from:]
            need(self.process.running(), f"sstp-load ended\n{log[-1500:]}")
            return re.search(r"up (\d+) addresses (\d+) seconds ([\d.]+) last ([\d.]+)", log)

        up = wait_until("the sessions of sstp-load", said, seconds, 0.1)
        self.addresses, self.seconds, self.address = int(up[2]), float(up[3]), up[4]

    def stop(self):
        """All say goodbye and hear an answer."""
        need(self.process.stop(20), "sstp-load did not end")
        need(self.process.popen.returncode == 0, f"sstp-load ended with {self.process.popen.returncode}\n"
             f"{self.process.log()[-1500:]}")
