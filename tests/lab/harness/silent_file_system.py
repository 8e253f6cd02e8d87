# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A FUSE file system that answers until it gets SIGUSR1, and from then on takes every request and never answers.

``silent_file_system.py FOLDER PROGRAM`` mounts it over FOLDER and prints ``ready``. It has a file ``program`` with the content of PROGRAM
and an empty folder ``home``. The protocol is that of include/uapi/linux/fuse.h.
"""

import ctypes
import os
import signal
import stat
import struct
import sys
import tempfile
from typing import Any, List

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, RELEASEDIR, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 27, 29, 42
ROOT, FILE, FOLDER = 1, 2, 3
HEAD = struct.Struct("=IIQQ")  # length, operation, number of the request, node; more follows that is not needed
BODY = 40


def open_device() -> int:
    """Open /dev/fuse, or a device of our own where there is none."""
    try:
        return os.open("/dev/fuse", os.O_RDWR)
    except FileNotFoundError:
        folder = tempfile.mkdtemp(dir="/dev")  # other folders may be mounted nodev
        path = os.path.join(folder, "fuse")
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(10, 229))
        try:
            return os.open(path, os.O_RDWR)
        finally:
            os.unlink(path)
            os.rmdir(folder)


class FileSystem:
    """One file and one folder."""

    def __init__(self, device: int, content: bytes) -> None:
        self._device = device
        self._content = content
        self._silent = False
        self._names = {b"program": FILE, b"home": FOLDER}

    def be_silent(self, *_signal: Any) -> None:
        """Answer nothing any more."""
        self._silent = True

    def serve(self) -> None:
        """Take requests until the file system is unmounted."""
        while True:
            request = os.read(self._device, 1 << 18)
            length, operation, number, node = HEAD.unpack_from(request)
            if not self._silent and operation not in (FORGET, BATCH_FORGET):
                self._answer(operation, number, node, request[BODY:length])

    def _answer(self, operation: int, number: int, node: int, body: bytes) -> None:
        if operation == INIT:
            # Version 7.31, no options, requests of 64 kB.
            self._send(number, struct.pack("=IIIIHHIIHH28x", 7, 31, 65536, 0, 0, 0, 65536, 1, 0, 0))
        elif operation == LOOKUP and body.rstrip(b"\0") in self._names:
            found = self._names[body.rstrip(b"\0")]
            self._send(number, struct.pack("=QQQQII", found, 0, 0, 0, 0, 0) + self._attributes(found))
        elif operation == LOOKUP:
            self._send(number, error=2)
        elif operation == GETATTR:
            self._send(number, struct.pack("=QII", 0, 0, 0) + self._attributes(node))
        elif operation in (OPEN, OPENDIR):
            self._send(number, struct.pack("=QII", 0, 0, 0))
        elif operation == READ:
            offset, size = struct.unpack_from("=QI", body, 8)
            self._send(number, self._content[offset : offset + size] if node == FILE else b"")
        elif operation in (RELEASE, RELEASEDIR, FLUSH):
            self._send(number)
        else:
            self._send(number, error=38)

    def _attributes(self, node: int) -> bytes:
        """Valid for no time at all: the kernel asks again whenever somebody wants to know."""
        mode, size, links = (stat.S_IFREG | 0o755, len(self._content), 1) if node == FILE else (stat.S_IFDIR | 0o755, 0, 2)
        return struct.pack("=QQQQQQ10I", node, size, 1, 0, 0, 0, 0, 0, 0, mode, links, 0, 0, 0, 4096, 0)

    def _send(self, number: int, body: bytes = b"", error: int = 0) -> None:
        os.write(self._device, struct.pack("=IiQ", 16 + len(body), -error, number) + body)


def main(words: List[str]) -> None:
    """Mount it, and serve."""
    folder, program = words
    with open(program, "rb") as stream:
        content = stream.read()
    device = open_device()
    options = "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % device
    if ctypes.CDLL(None, use_errno=True).mount(b"lab", os.fsencode(folder), b"fuse.lab", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount: " + os.strerror(ctypes.get_errno()))
    system = FileSystem(device, content)
    signal.signal(signal.SIGUSR1, system.be_silent)
    print("ready", flush=True)
    system.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
