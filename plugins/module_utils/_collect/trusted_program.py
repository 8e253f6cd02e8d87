# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the target: when one may be started, and in which environment. Two are: journalctl, and rpm where packages are RPM."""

import os
import selectors
import stat
import subprocess
import time
from typing import Dict, List, NamedTuple

# Without HOME no configuration of an account is read (rpm would run what ~/.rpmmacros says).
ENVIRONMENT = {"HOME": "/nonexistent", "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
_CHUNK = 1 << 16
_MOST_COMPLAINTS = 1 << 16


class Answer(NamedTuple):
    """What a program said on its two streams; ``problem`` is why that is not all, empty when it is."""

    output: bytes
    complaints: bytes
    problem: str


def why_not_trusted(path: str) -> str:
    """Why a program should not be started; empty when only root can have put it there."""
    name = os.path.basename(path)
    try:
        place = os.path.realpath(path)
        if not stat.S_ISREG(os.stat(place).st_mode):
            return "%s is not a regular file" % name
        while True:
            status = os.stat(place)
            if status.st_uid != 0 or status.st_mode & 0o022:
                return "others than root can write %s, so %s was not started" % (place, name)
            if place == "/":
                return ""
            place = os.path.dirname(place)
    except OSError as error:
        return "%s: %s" % (name, error.strerror)


def ask(command: List[bytes], seconds: float, most_bytes: int) -> Answer:
    """Run a program to its end, within a time and an amount of output, and never longer. Never raises."""
    name = os.fsdecode(os.path.basename(command[0]))
    try:
        # run_command knows no limit of time or output.
        # pylint: disable-next=ansible-bad-function
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd="/")
    except (OSError, ValueError) as error:
        return Answer(b"", b"", "%s: %s" % (name, error))
    try:
        return _listen(process, name, seconds, most_bytes)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _listen(process: "subprocess.Popen[bytes]", name: str, seconds: float, most_bytes: int) -> Answer:
    said: Dict[str, List[bytes]] = {"output": [], "complaints": []}
    left = {"output": most_bytes, "complaints": _MOST_COMPLAINTS}
    deadline, problem = time.monotonic() + seconds, ""
    with selectors.DefaultSelector() as selector:
        for stream, key in ((process.stdout, "output"), (process.stderr, "complaints")):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, key)
        while selector.get_map() and not problem:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                problem = "%s took longer than %g s" % (name, seconds)
            for entry, _events in ready:
                chunk = os.read(entry.fd, _CHUNK)
                left[entry.data] -= len(chunk)
                if not chunk:
                    selector.unregister(entry.fileobj)
                elif left[entry.data] >= 0:
                    said[entry.data].append(chunk)
                elif entry.data == "output":
                    problem = "%s said more than %d bytes" % (name, most_bytes)
    return Answer(b"".join(said["output"]), b"".join(said["complaints"]), problem)
