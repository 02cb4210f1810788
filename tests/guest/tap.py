# SPDX-License-Identifier: Apache-2.0
"""A TAP adapter, and the loop that the programs share which carry its frames."""
import contextlib
import fcntl
import os
import select
import struct
import subprocess

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LARGEST = 65536


def make(name):
    """The descriptor of a new one that is up."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    return fd


def carry(fd, s, out, back, idle=None):
    """Frames of the adapter go out as out(frame), datagrams of the socket are given to back(), whose
    result is a frame or None. idle() is called now and then."""
    while True:
        ready = select.select([fd, s], [], [], 1)[0]
        with contextlib.suppress(OSError):  # ICMP of a peer that is not there for a moment
            if fd in ready:
                s.send(out(os.read(fd, LARGEST)))
            if s in ready:
                frame = back(s.recv(LARGEST))
                if frame:
                    os.write(fd, frame)
        if idle:
            idle()
