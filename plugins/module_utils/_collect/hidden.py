# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are there but are not shown: unlisted ones, and ones whose place under /proc is covered by a mount."""

import os
import time
from typing import Any, Dict, Iterator, Set

from . import procfs
from .reading import read_kernel
from .section import SectionBuilder
from .target import Target

_SECONDS = 0.5
_CHUNK = 4096


def find_hidden(target: Target, builder: SectionBuilder) -> None:
    """Add a ``hidden_process`` record for each to the section's list ``hidden``."""
    builder.declare("hidden")
    try:
        for record in _covered(target):
            builder.add(record, to="hidden")
        for record in _unlisted(target, builder):
            builder.add(record, to="hidden")
    except OSError as error:
        builder.error("hidden processes", error)


def _covered(target: Target) -> Iterator[Dict[str, Any]]:
    """Mounts over ``/proc/PID``; ``/proc/PID/mountinfo`` (proc(5)) has the mount point in field 5."""
    prefix = os.fsencode(target.proc) + b"/"
    for line in read_kernel(target.proc + "/self/mountinfo").split(b"\n"):
        field = line.split(b" ")
        if len(field) > 4 and field[4].startswith(prefix) and field[4][len(prefix) :].isdigit():
            pid = int(field[4][len(prefix) :])
            yield {"pid": pid, "how": "covered", "detail": "%s/%d is a mount point: what it shows is another process" % (target.proc, pid)}


def _unlisted(target: Target, builder: SectionBuilder) -> Iterator[Dict[str, Any]]:
    """Ask for every pid up to the highest. One that answers, leads a thread group and is missing from two listings is hidden."""
    listed = set(procfs.list_pids(target.proc))
    suspects = [pid for pid in _answering(_highest(target, listed), builder) if pid not in listed and _leads(target, pid)]
    if not suspects:
        return
    # One that started between the listing and the asking is listed by now; one that ended does not answer any more.
    listed = set(procfs.list_pids(target.proc))
    for pid in suspects:
        if pid not in listed and _answers(pid) and _leads(target, pid):
            yield {"pid": pid, "how": "unlisted", "detail": "pid %d answers, but %s does not list it" % (pid, target.proc)}


def _highest(target: Target, listed: Set[int]) -> int:
    """The highest pid that may be in use: the last one given out (``/proc/loadavg``), or a higher one still listed."""
    last = read_kernel(target.proc + "/loadavg").split()
    return max(int(last[4]) if len(last) > 4 else 0, max(listed) if listed else 0)


def _answering(highest: int, builder: SectionBuilder) -> Iterator[int]:
    """Pids and thread ids that answer; stops, and says so, when the time is up."""
    deadline = time.monotonic() + _SECONDS
    for begin in range(1, highest + 1, _CHUNK):
        if time.monotonic() > deadline:
            builder.reached("pids asked for hidden processes", begin - 1, highest)
            return
        for pid in range(begin, min(begin + _CHUNK, highest + 1)):
            if _answers(pid):
                yield pid


def _answers(pid: int) -> bool:
    """Ask for a task's session, which needs no permission and disturbs nobody (getsid(2))."""
    try:
        os.getsid(pid)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _leads(target: Target, pid: int) -> bool:
    """Tell a process from a thread, whose ``Tgid`` is another one. What cannot be opened at all is no thread we know of."""
    try:
        return procfs.read_status(target.proc, pid).get("Tgid") == b"%d" % pid
    except OSError:
        return _answers(pid)
