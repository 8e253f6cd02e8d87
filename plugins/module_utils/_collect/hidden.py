# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are there but are not shown: unlisted ones, and ones whose place under /proc is covered by a mount."""

import os
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from . import procfs
from .mounts import parse_mountinfo
from .reading import put, read_kernel, text
from .section import SectionBuilder
from .target import Target

_SECONDS = 1.0
_CHUNK = 4096
_LIMIT = 1000
_ROUNDS = 3
_SMALL_RANGE = 1 << 16
_MOST_GROUPS = 20000
_GROUPS = ("sys/fs/cgroup/unified", "sys/fs/cgroup/systemd", "sys/fs/cgroup")  # one of them has every process of the host


def find_hidden(target: Target, builder: SectionBuilder) -> None:
    """Add a ``hidden_process`` record for each to the section's list ``hidden``, and what is mounted below /proc to ``proc_mounts``."""
    builder.declare("hidden")
    builder.declare("proc_mounts")
    try:
        mounts = _proc_mounts(target)
        for mount in mounts:
            builder.add(_mount_record(mount), to="proc_mounts", limit=_LIMIT)
        for record in _covered(target, mounts):
            builder.add(record, to="hidden", limit=_LIMIT)
        reason = _cannot_compare(target)
        if reason:
            builder.error("hidden processes", reason)
            return
        for record in _unlisted(target, builder):
            builder.add(record, to="hidden", limit=_LIMIT)
    except (OSError, ValueError, IndexError) as error:
        builder.error("hidden processes", error)


def _proc_mounts(target: Target) -> List[List[bytes]]:
    """What is mounted at or below /proc but the first, which is /proc itself: mount point, type, source and root of each."""
    found = []
    proc = os.fsencode(target.proc)
    for line in parse_mountinfo(read_kernel(target.proc + "/self/mountinfo")):
        if line.point == proc or line.point.startswith(proc + b"/"):
            found.append([line.point, line.kind, line.source, line.root])
    first = next((number for number, mount in enumerate(found) if mount[:2] == [proc, b"proc"]), None)
    others = [mount for number, mount in enumerate(found) if number != first]
    return [mount for number, mount in enumerate(others) if mount not in others[:number]][:_LIMIT]


def _mount_record(mount: List[bytes]) -> Dict[str, Any]:
    record: Dict[str, Any] = {}
    for name, value in zip(("mount_point", "type", "source", "root"), mount):
        put(record, name, value)
    return record


def _covered(target: Target, mounts: List[List[bytes]]) -> Iterator[Dict[str, Any]]:
    """Mounts over ``/proc/PID``, or a part of it; and what its ``stat`` says where the mount is not seen from here."""
    said: Set[int] = set()
    prefix = os.fsencode(target.proc) + b"/"
    for point in (mount[0] for mount in mounts):
        place, _slash, part = point[len(prefix) :].partition(b"/")
        if place.isdigit() and int(place) not in said:
            said.add(int(place))
            detail = "what it shows of the process is something else" if part else "what it shows is another process"
            yield _record(int(place), "covered", "%s is a mount point: %s" % (text(point), detail))
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
    """Ask for every id up to the highest, and for what the control groups know. What answers and is never listed is hidden."""
    listed = set(procfs.list_pids(target.proc))
    known = listed | _threads(target)
    candidates = list(_answering(_highest(target, listed), builder)) + sorted(_in_groups(target))
    suspects = _still_unlisted(target, candidates, known)
    for _round in range(_ROUNDS):
        # One that was started between the listing and the asking is listed by now; one that ended does not answer any more.
        if not suspects:
            return
        suspects = _still_unlisted(target, suspects, set(procfs.list_pids(target.proc)))
    for pid, detail in suspects.values():
        yield _record(pid, "unlisted", detail)


def _threads(target: Target) -> Set[int]:
    """The ids of all threads that are listed: not one of them has to be looked at."""
    found: Set[int] = set()
    for pid, stat in target.stats.items():
        if stat.num_threads > 1:
            try:
                found.update(procfs.list_threads(target.proc, pid))
            except OSError:
                continue  # it has ended; or who may be asked about is told apart by its status
    return found


def _still_unlisted(target: Target, ids: Iterable[int], known: Set[int]) -> Dict[int, Tuple[int, str]]:
    found = {}
    for tid in ids:
        if tid not in known and _answers(tid):
            hidden = _what_is_hidden(target, tid)
            if hidden:
                found[tid] = hidden
    return found


def _what_is_hidden(target: Target, tid: int) -> Optional[Tuple[int, str]]:
    """The process that an unlisted id is, or is a thread of, and how it is hidden; ``None`` for a thread that its process lists."""
    try:
        leader = int(procfs.read_status(target.proc, tid).get("Tgid", b"0"))
    except (OSError, ValueError):
        leader = tid  # what cannot be opened at all is no thread that we know of
    if leader != tid:
        try:
            if tid in procfs.list_threads(target.proc, leader):
                return None
        except OSError:
            return None
        return leader, "thread %d of the process answers, but %s/%d/task does not list it" % (tid, target.proc, leader)
    return (tid, "pid %d answers, but %s does not list it" % (tid, target.proc)) if _answers(tid) else None


def _in_groups(target: Target) -> Set[int]:
    """The pids that the control groups list (cgroups(7)): a second list of the kernel's, which has those above the last pid given out as well."""
    for name in _GROUPS:
        top = target.path("/" + name)
        if os.path.isfile(top + "/cgroup.procs"):
            return _pids_below(top)
    return set()


def _pids_below(top: str) -> Set[int]:
    found: Set[int] = set()
    folders, deadline = [top], time.monotonic() + _SECONDS
    for _number in range(_MOST_GROUPS):
        if not folders or time.monotonic() > deadline:
            break
        folder = folders.pop()
        try:
            found.update(int(pid) for pid in read_kernel(folder + "/cgroup.procs").split())
            with os.scandir(folder) as entries:
                folders += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except (OSError, ValueError):
            continue  # taken away meanwhile; or a threaded group, whose processes stand above
    return found - {0}  # a process outside our pid namespace


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
