# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are there but are not shown: unlisted ones, and ones whose place under /proc is covered by a mount."""

import os
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set

from . import procfs
from .reading import read_kernel, text
from .section import SectionBuilder
from .target import Target

_SECONDS = 1.0
_CHUNK = 4096
_LIMIT = 1000
_ROUNDS = 3
_SMALL_RANGE = 1 << 16


def find_hidden(target: Target, builder: SectionBuilder) -> None:
    """Add a ``hidden_process`` record for each to the section's list ``hidden``."""
    builder.declare("hidden")
    try:
        mounts = [line.split(b" ") for line in read_kernel(target.proc + "/self/mountinfo").split(b"\n")]
        for record in _covered(target, mounts):
            builder.add(record, to="hidden", limit=_LIMIT)
        reason = _cannot_compare(target)
        if reason:
            builder.error("hidden processes", reason)
            return
        for record in _unlisted(target, builder):
            builder.add(record, to="hidden", limit=_LIMIT)
    except (OSError, ValueError) as error:
        builder.error("hidden processes", error)


def _covered(target: Target, mounts: List[List[bytes]]) -> Iterator[Dict[str, Any]]:
    """Mounts over ``/proc/PID``, or a part of it, by mountinfo; and what its ``stat`` says where the mount is not seen from here."""
    said: Set[int] = set()
    prefix = os.fsencode(target.proc) + b"/"
    for field in mounts:
        # Field 5 is the mount point.
        if len(field) < 5 or not field[4].startswith(prefix):
            continue
        place, _slash, part = field[4][len(prefix) :].partition(b"/")
        if place.isdigit() and int(place) not in said:
            said.add(int(place))
            detail = "what it shows of the process is something else" if part else "what it shows is another process"
            yield _record(int(place), "covered", "%s is a mount point: %s" % (text(field[4]), detail))
    for pid in sorted(target.covered - said):
        yield _record(pid, "covered", "%s/%d shows another process" % (target.proc, pid))


def _cannot_compare(target: Target) -> Optional[str]:
    """Why asking the kernel and listing /proc cannot be compared; ``None`` where they can."""
    if os.readlink(target.proc + "/self") != str(os.getpid()):
        return "%s is of another pid namespace than this run: unlisted processes were not looked for" % target.proc
    # Process 1 is always there.
    if target.unreadable_processes or (_answers(1) and 1 not in procfs.list_pids(target.proc)):
        return "%s shows us our own processes only (mount option hidepid): unlisted processes were not looked for" % target.proc
    return None


def _unlisted(target: Target, builder: SectionBuilder) -> Iterator[Dict[str, Any]]:
    """Ask for every pid up to the highest. One that answers, leads a thread group and is never listed is hidden."""
    listed = set(procfs.list_pids(target.proc))
    suspects = _still_unlisted(target, _answering(_highest(target, listed), builder), listed)
    for _round in range(_ROUNDS):
        # One that was started between the listing and the asking is listed by now; one that ended does not answer any more.
        if not suspects:
            return
        suspects = _still_unlisted(target, suspects, set(procfs.list_pids(target.proc)))
    for pid in suspects:
        yield _record(pid, "unlisted", "pid %d answers, but %s does not list it" % (pid, target.proc))


def _still_unlisted(target: Target, pids: Iterable[int], listed: Set[int]) -> List[int]:
    return [pid for pid in pids if pid not in listed and _answers(pid) and _leads(target, pid)]


def _record(pid: int, how: str, detail: str) -> Dict[str, Any]:
    return {"pid": pid, "how": how, "detail": detail}


def _highest(target: Target, listed: Set[int]) -> int:
    """The highest pid that may be in use: of a small range all, otherwise the last one given out or a higher one still listed."""
    most = int(read_kernel(target.proc + "/sys/kernel/pid_max"))
    if most <= _SMALL_RANGE:
        return most
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
