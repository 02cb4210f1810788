# SPDX-License-Identifier: Apache-2.0
"""The first file system of the guest, as a cpio archive: busybox, boot.sh, and modules."""
import pathlib
import shutil
import stat

HERE = pathlib.Path(__file__).resolve().parent


def entry(name, mode, data=b""):
    """One file in the "newc" format."""
    head = b"070701" + b"".join(b"%08X" % n for n in (
        0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    head += name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def build(modules=()):
    """modules: files, in the order in which they are to be loaded."""
    busybox = pathlib.Path(shutil.which("busybox")).read_bytes()
    folders = ("bin", "dev", "proc", "host")
    return b"".join((
        *(entry(f, stat.S_IFDIR | 0o755) for f in folders),
        entry("bin/busybox", stat.S_IFREG | 0o755, busybox),
        entry("init", stat.S_IFREG | 0o755, (HERE / "boot.sh").read_bytes()),
        entry("order", stat.S_IFREG | 0o644, "".join(f"{m.name}\n" for m in modules).encode()),
        *(entry(m.name, stat.S_IFREG | 0o644, m.read_bytes()) for m in modules),
        entry("TRAILER!!!", 0)))
