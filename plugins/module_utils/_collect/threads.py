# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that are not what their process is: another owner, or other namespaces (clone(2) and setns(2) are of threads, not of processes)."""

import os
import time
from typing import Any, Dict, Iterator, Optional, Tuple

from . import procfs
from .reading import put
from .section import SectionBuilder
from .target import Target

_SECONDS = 0.5
_LIMIT = 1000
_NAMESPACES = ("net", "mnt", "user")


def find_odd_threads(target: Target, builder: SectionBuilder) -> None:
    """Add a record ``thread`` for each to the section's list ``threads``; looks as long as it may, and says where it stopped."""
    builder.declare("threads")
    deadline = time.monotonic() + _SECONDS
    many = [stat for stat in target.stats.values() if stat.num_threads > 1 and not stat.is_kernel_thread]
    # Those with the fewest first: one with a hundred thousand threads must not keep us from the others.
    for done, stat in enumerate(sorted(many, key=lambda stat: stat.num_threads)):
        for record in _odd_threads_of(target, stat, deadline):
            if record is None:
                builder.reached("processes whose threads were looked at", done, len(many))
                return
            builder.add(record, to="threads", limit=_LIMIT)


def _odd_threads_of(target: Target, stat: procfs.Stat, deadline: float) -> Iterator[Optional[Dict[str, Any]]]:
    """``None`` when the time is up."""
    try:
        tids = procfs.list_threads(target.proc, stat.pid)
        usual = _face(target, target.place(stat.pid))
    except OSError:
        return  # it has ended, or is not ours to read, which is said of it elsewhere
    for number, tid in enumerate(tids):
        if number % 64 == 0 and time.monotonic() > deadline:
            yield None
            return
        try:
            face = _face(target, "%d/task/%d" % (stat.pid, tid))
            if face != usual:
                yield _record(target, stat, tid, face, usual)
        except (OSError, ValueError, IndexError):
            continue  # it has ended


def _face(target: Target, place: procfs.Place) -> Tuple[int, ...]:
    """Owner of its folder (the effective uid, but root's where it may not be dumped: proc(5)) and namespaces."""
    owner = os.stat("%s/%s" % (target.proc, place)).st_uid
    return (owner,) + tuple(procfs.namespace(target.proc, place, kind) for kind in _NAMESPACES)


def _record(target: Target, stat: procfs.Stat, tid: int, face: Tuple[int, ...], usual: Tuple[int, ...]) -> Dict[str, Any]:
    place = "%d/task/%d" % (stat.pid, tid)
    uids = procfs.read_status(target.proc, place)["Uid"].split()
    record: Dict[str, Any] = {
        "pid": stat.pid,
        "tid": tid,
        "uid": int(uids[0]),
        "euid": int(uids[1]),
        "network_namespace": face[1],
        "differs": [name for name, ours, theirs in zip(("owner",) + _NAMESPACES, face, usual) if ours != theirs],
    }
    put(record, "name", procfs.read_stat(target.proc, place).comm)
    return record
