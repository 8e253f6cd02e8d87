# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a load, and run a command several times while it is there. A program: ``load.py KIND COUNT FOLDER ROUNDS COMMAND…``.

It is process 1 of namespaces of its own: when it ends, the kernel ends everything it started. After the command's own output comes
a line of JSON for each run: ``wall`` seconds, and ``processes``, how many there were.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

# A host runs some dozens of programs, of about this size.
_PROGRAMS = 100
_PROGRAM_BYTES = 1 << 20
_SOCKETS_OF_A_PROCESS = 250


def processes(count: int, folder: Path) -> None:
    """Sleeping processes, of many different programs."""
    programs = [_program(folder / f"program-{number}", number) for number in range(min(count, _PROGRAMS))]
    for number in range(count):
        program = programs[number % len(programs)]
        os.posix_spawn(program, [program.name, "86400"], {})


def sleepers(count: int, _folder: Path) -> None:
    """Sleeping processes of one program of this system."""
    sleep = shutil.which("sleep") or "/bin/sleep"
    for _number in range(count):
        os.posix_spawn(sleep, ["sleep", "86400"], {})


def _program(path: Path, number: int) -> Path:
    """A copy of ``sleep`` that no other has the content of: what stands behind the end of an ELF file is not read."""
    shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
    with path.open("ab") as stream:
        stream.write(bytes([number]) * (_PROGRAM_BYTES - path.stat().st_size))
    return path


def listeners(count: int, _folder: Path) -> None:
    """TCP sockets that listen, ten of them a process."""
    for start in range(0, count, 10):
        _hold([socket.create_server(("127.0.0.1", 20000 + start + number)) for number in range(10)])


def pairs(count: int, _folder: Path) -> None:
    """Connections of this machine with itself, each of them two sockets."""
    with socket.create_server(("127.0.0.1", 20000), backlog=_SOCKETS_OF_A_PROCESS) as server:
        for _start in range(0, count, _SOCKETS_OF_A_PROCESS):
            near = [socket.create_connection(server.getsockname()) for _number in range(_SOCKETS_OF_A_PROCESS)]
            _hold(near + [server.accept()[0] for _number in near])


def _hold(sockets: list[socket.socket]) -> None:
    """Leave sockets to a process that does nothing."""
    if os.fork() == 0:
        while True:
            signal.pause()
    for each in sockets:
        each.close()


def main(kind: str, count: str, folder: str, rounds: str, *command: str) -> None:
    """Make the load and run the command."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if os.path.isdir("/run/netns"):  # networks of this machine that have a name are no part of the load
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)
    {"processes": processes, "sleepers": sleepers, "listeners": listeners, "pairs": pairs}[kind](int(count), Path(folder))
    for _round in range(int(rounds)):
        there = sum(name.isdigit() for name in os.listdir("/proc"))
        began = time.monotonic()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        wall = time.monotonic() - began
        sys.stdout.write(done.stdout.decode("utf-8", "backslashreplace"))
        print(json.dumps({"wall": wall, "processes": there, "status": done.returncode}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
