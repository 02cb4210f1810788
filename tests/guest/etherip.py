# SPDX-License-Identifier: Apache-2.0
"""etherip.py OURS THEIRS DEVICE: a TAP adapter whose frames are EtherIP (RFC 3378), which Linux does
not have. The kernel's IPsec sees packets of protocol 97 and does the rest."""
import socket
import sys

import tap

PROTOCOL, HEADER = 97, b"\x30\0"
IP_MTU_DISCOVER, DONT = 10, 0


def main():
    ours, theirs, device = sys.argv[1:]
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DONT)  # long frames go in fragments
    s.bind((ours, 0))
    s.connect((theirs, 0))

    def back(packet):
        data = packet[(packet[0] & 15) * 4:]
        return data[2:] if data[:2] == HEADER and len(data) >= 16 else None

    fd = tap.make(device)
    print("ready", flush=True)
    tap.carry(fd, s, lambda frame: HEADER + frame, back)


if __name__ == "__main__":
    main()
