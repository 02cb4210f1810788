# SPDX-License-Identifier: Apache-2.0
"""Floods of OpenVPN's first packets, from all ports of a host, and what comes back."""
import collections
import os
import random
import socket
import struct
import threading
import time

# Octets of a hard reset without any wrapping, and of an answer that acknowledges it, as openvpn's is.
PLAIN, PLAIN_ANSWER = 14, 26
BATCH, PAUSE = 250, 0.01
Seen = collections.namedtuple("Seen", "request_octets replies reply_octets largest lost")


def requests(count):
    """Mostly plain ones; some look as if they were wrapped by keys that nobody has."""
    r = random.Random(1)
    for i in range(count):
        session = r.randbytes(8)
        if i % 10 == 7:
            yield b"\x38" + session + r.randbytes(45)  # tls-auth or tls-crypt
        elif i % 10 == 8:
            yield b"\x50" + session + r.randbytes(45 + 290) + b"\x01\x22"  # tls-crypt-v2
        else:
            yield b"\x38" + session + bytes(5)


def drops(port):
    """Datagrams that no room was left for, of the sockets on this port in this namespace."""
    total = 0
    for table in ("udp", "udp6"):
        with open(f"/proc/thread-self/net/{table}", encoding="ascii") as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if int(fields[1].rsplit(":", 1)[1], 16) == port:
                    total += int(fields[-1])
    return total


def first_packets(ns, address, port, count):
    """Sends so many, each from another port; UDP payloads are counted."""
    with ns.inside():
        out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        back = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    back.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
    back.settimeout(0.2)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sizes, end = collections.Counter(), threading.Event()

    def listen():
        while True:
            try:
                packet = back.recv(65536)
            except TimeoutError:
                if end.is_set():
                    return
                continue
            at = (packet[0] & 15) * 4
            if struct.unpack_from(">H", packet, at)[0] == port:
                sizes[len(packet) - at - 8] += 1

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    with ns.lab.srv.inside():
        lost, octets = drops(port), 0
    source = 1024
    for i, data in enumerate(requests(count)):
        source = source + 1 if source < 65535 else 1024
        out.sendto(struct.pack(">HHHH", source, port, 8 + len(data), 0) + data, (address, 0))
        octets += len(data)
        if i % BATCH == BATCH - 1:
            time.sleep(PAUSE)
    time.sleep(0.5)
    end.set()
    thread.join(30)
    with ns.lab.srv.inside():
        lost = drops(port) - lost
    out.close()
    back.close()
    return Seen(octets, sizes.total(), sum(k * v for k, v in sizes.items()), max(sizes, default=0),
                lost)


def half_open_udp(ns, address, port, count):
    """So many handshakes that prove their address, begin TLS, and say no more; their sockets."""
    sockets, answered = [], 0
    for _ in range(count):
        with ns.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(0.5)
        s.connect((address, port))
        session = os.urandom(8)
        s.send(b"\x38" + session + bytes(5))
        try:
            theirs = s.recv(2048)[1:9]
        except TimeoutError:
            continue
        finally:
            sockets.append(s)
        answered += 1
        s.send(b"\x20" + session + b"\1" + bytes(4) + theirs + b"\0\0\0\1" + b"\x16\x03\x01\x02\x00")
    return sockets, answered


def half_open_tcp(ns, address, port, count):
    """So many connections that begin like OpenVPN's and say no more."""
    sockets = []
    for _ in range(count):
        with ns.inside():
            s = socket.create_connection((address, port), 5)
        s.sendall(b"\0\x0e\x38" + os.urandom(8) + bytes(5))
        sockets.append(s)
    return sockets
