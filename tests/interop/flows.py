# SPDX-License-Identifier: Apache-2.0
"""Thousands of TCP and UDP flows at a time, as a program of its own:

    flows.py serve PORT                        echoes, TCP and UDP, both families
    flows.py load ADDRESS PORT TCP UDP [FROM,FROM...]
                                               opens so many flows, keeps all of them open, uses each
                                               of them several times, prints what it saw as JSON
"""
import asyncio
import json
import os
import resource
import socket
import sys
import time

AT_ONCE = 200  # that are being opened
ROUNDS = 3
TRIES, ANSWER_S = 8, 1.0


def stamp(kind, number, turn, size=512):
    """Octets that no other flow and no other round has."""
    return f"{kind} {number} {turn} ".encode().ljust(size, b"%d" % (number % 10))


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


async def serve(port):
    async def client(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    loop = asyncio.get_running_loop()
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        s.bind((any_address, port))
        await loop.create_datagram_endpoint(Echo, sock=s)
    server = await asyncio.start_server(client, None, port, backlog=4096)
    await server.serve_forever()


class UdpFlow(asyncio.DatagramProtocol):
    def __init__(self):
        self.answer = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _):
        if self.answer and not self.answer.done():
            self.answer.set_result(data)

    async def ask(self, data, seen):
        for _ in range(TRIES):
            self.answer = asyncio.get_running_loop().create_future()
            self.transport.sendto(data)
            try:
                got = await asyncio.wait_for(self.answer, ANSWER_S)
            except TimeoutError:
                seen["udp_repeats"] += 1
                continue
            if got != data:
                seen["mixed_up"] += 1
            return True
        return False


class Load:
    def __init__(self, address, port, sources):
        self.address, self.port, self.gate = address, port, asyncio.Semaphore(AT_ONCE)
        self.sources = sources
        self.seen = {"tcp": 0, "udp": 0, "udp_repeats": 0, "mixed_up": 0, "errors": {}}
        self.open = []

    def source(self, number):
        """Where this flow comes from, as asyncio wants it."""
        return (self.sources[number % len(self.sources)], 0) if self.sources else None

    def failed(self, e):
        text = f"{type(e).__name__}: {e}"
        self.seen["errors"][text] = self.seen["errors"].get(text, 0) + 1

    async def tcp(self, number, turn, stream):
        async with self.gate:
            try:
                if stream is None:
                    stream = await asyncio.wait_for(asyncio.open_connection(
                        self.address, self.port, local_addr=self.source(number)), 30)
                    self.open.append(("tcp", number, stream))
                reader, writer = stream
                data = stamp("tcp", number, turn)
                writer.write(data)
                got = await asyncio.wait_for(reader.readexactly(len(data)), 30)
                self.seen["mixed_up"] += got != data
                self.seen["tcp"] += turn == ROUNDS - 1
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as e:
                self.failed(e)

    async def udp(self, number, turn, flow):
        async with self.gate:
            try:
                if flow is None:
                    _, flow = await asyncio.get_running_loop().create_datagram_endpoint(
                        UdpFlow, remote_addr=(self.address, self.port),
                        local_addr=self.source(number))
                    self.open.append(("udp", number, flow))
                if await flow.ask(stamp("udp", number, turn), self.seen):
                    self.seen["udp"] += turn == ROUNDS - 1
                else:
                    self.failed(TimeoutError(f"no answer in {TRIES} tries"))
            except OSError as e:
                self.failed(e)

    async def run(self, tcp, udp):
        start = time.monotonic()
        await asyncio.gather(*(self.tcp(n, 0, None) for n in range(tcp)),
                             *(self.udp(n, 0, None) for n in range(udp)))
        self.seen["open"], self.seen["seconds_to_open"] = len(self.open), time.monotonic() - start
        for turn in range(1, ROUNDS):
            await asyncio.gather(*(getattr(self, kind)(n, turn, flow) for kind, n, flow in self.open))
        self.seen["seconds"] = time.monotonic() - start
        print(json.dumps(self.seen), flush=True)
        await asyncio.to_thread(sys.stdin.readline)  # all stay open until the test has looked


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        address, port, tcp, udp = sys.argv[2], *map(int, sys.argv[3:6])
        sources = sys.argv[6].split(",") if len(sys.argv) > 6 else []
        asyncio.run(Load(address, port, sources).run(tcp, udp))
        os._exit(0)  # ten thousand sockets are closed faster by the kernel


if __name__ == "__main__":
    main()
