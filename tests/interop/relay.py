# SPDX-License-Identifier: Apache-2.0
"""A relay with a delay, as a program of its own: relay.py tcp|udp PORT TO-ADDRESS TO-PORT DELAY-MS

It listens on 127.0.0.1. The delay is added in each direction, and nothing is lost or held back: what
goes through sees a long way, not a slow one. (Kernels without netem are common where tests run.) Over
UDP it serves one client, and SIGUSR1 makes it go on from another port, as a NAT does that forgot.
"""
import collections
import selectors
import signal
import socket
import sys
import threading
import time

CHUNK = 1 << 18


def pump(source, sink, delay):
    """One direction of a TCP connection: a reader, and a writer that waits until it is time."""
    waiting, arrived = collections.deque(), threading.Condition()

    def write():
        while True:
            with arrived:
                while not waiting:
                    arrived.wait()
                due, data = waiting.popleft()
            time.sleep(max(0, due - time.monotonic()))
            try:
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(data)
            except OSError:
                return

    threading.Thread(target=write, daemon=True).start()
    data = b"+"
    while data:
        try:
            data = source.recv(CHUNK)
        except OSError:
            data = b""
        with arrived:
            waiting.append((time.monotonic() + delay, data))
            arrived.notify()


def tcp(port, to, delay):
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    while True:
        a, _ = listener.accept()
        b = socket.create_connection(to)
        for s in (a, b):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for x, y in ((a, b), (b, a)):
            threading.Thread(target=pump, args=(x, y, delay), daemon=True).start()


class Udp:
    def __init__(self, port, to, delay):
        self.to, self.delay, self.client, self.moved = to, delay, None, False
        self.queues = {k: collections.deque() for k in ("out", "in")}
        self.ready = selectors.DefaultSelector()
        self.inner = self.socket("in", ("127.0.0.1", port))
        self.outer = self.socket("out", None)
        signal.signal(signal.SIGUSR1, self.on_signal)

    def on_signal(self, *_):
        self.moved = True

    def socket(self, key, address):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.setblocking(False)
        if address:
            s.bind(address)
        self.ready.register(s, selectors.EVENT_READ, key)
        return s

    def move(self):
        self.moved = False
        self.ready.unregister(self.outer)
        old, self.outer = self.outer, self.socket("out", None)
        old.close()

    def receive(self, key, s):
        """What one socket has now; it is due later on the other one."""
        queue = self.queues["out" if key == "in" else "in"]
        for _ in range(64):
            try:
                data, source = s.recvfrom(65536)
            except BlockingIOError:
                return
            except OSError:
                continue
            if key == "in":
                self.client = source
            queue.append((time.monotonic() + self.delay, data))

    def send(self):
        """Sends what is due; seconds until the next is."""
        now, left = time.monotonic(), []
        for key, queue in self.queues.items():
            s, to = (self.outer, self.to) if key == "out" else (self.inner, self.client)
            while queue and queue[0][0] <= now:
                _, data = queue.popleft()
                try:
                    s.sendto(data, to)
                except OSError:
                    pass
            if queue:
                left.append(queue[0][0] - now)
        return max(0, min(left)) if left else 0.1

    def run(self):
        while True:
            wait = self.send()
            if self.moved:
                self.move()
            for key, _ in self.ready.select(wait):
                self.receive(key.data, key.fileobj)


def main():
    kind, port, address, to_port, delay = sys.argv[1:]
    to, delay = (address, int(to_port)), float(delay) / 1000
    if kind == "tcp":
        tcp(int(port), to, delay)
    else:
        Udp(int(port), to, delay).run()


if __name__ == "__main__":
    main()
