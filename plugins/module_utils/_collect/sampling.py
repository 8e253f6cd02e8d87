# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates over the sampling pause: two readings of the kernel's counters."""

import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import procfs
from .reading import read_kernel, text
from .target import Target

Identity = Tuple[int, int]  # pid and start ticks


class Usage(NamedTuple):
    """Counters of a process since its start: clock ticks, and bytes from and to storage (``None``: not ours to read)."""

    ticks: int
    read: Optional[int]
    written: Optional[int]


class Sample(NamedTuple):
    """One reading: monotonic seconds, counters by process, bytes in and out by interface."""

    at: float
    usage: Dict[Identity, Usage]
    traffic: Dict[str, Tuple[int, int]]


class Rates(NamedTuple):
    """Percent of one processor, and bytes a second."""

    cpu_percent: float
    read_rate: Optional[float]
    write_rate: Optional[float]


def take(target: Target, stats: Dict[int, procfs.Stat]) -> Sample:
    """Read the counters of all processes in ``stats``."""
    usage = {(pid, stat.starttime): _usage(target, stat) for pid, stat in stats.items()}
    return Sample(time.monotonic(), usage, _traffic(target))


def _usage(target: Target, stat: procfs.Stat) -> Usage:
    ticks = stat.utime + stat.stime
    if stat.is_kernel_thread:
        return Usage(ticks, None, None)
    try:
        io = procfs.read_colon_file("%s/%d/io" % (target.proc, stat.pid))
        return Usage(ticks, int(io["read_bytes"]), int(io["write_bytes"]))
    except (OSError, KeyError, ValueError):
        return Usage(ticks, None, None)


def _traffic(target: Target) -> Dict[str, Tuple[int, int]]:
    """``/proc/net/dev`` (proc(5)): field 1 is bytes received, field 9 bytes sent."""
    traffic: Dict[str, Tuple[int, int]] = {}
    try:
        lines = read_kernel(target.proc + "/net/dev").split(b"\n")[2:]
    except OSError:
        return traffic
    for line in lines:
        name, colon, counters = line.rpartition(b":")
        numbers = counters.split()
        if colon and len(numbers) >= 9:
            traffic[text(name.strip())] = (int(numbers[0]), int(numbers[8]))
    return traffic


def rates(before: Sample, after: Sample, identity: Identity) -> Optional[Rates]:
    """What a process used between two samples; ``None`` unless it is in both."""
    seconds = after.at - before.at
    if seconds <= 0 or identity not in before.usage or identity not in after.usage:
        return None
    first, last = before.usage[identity], after.usage[identity]
    percent = 100.0 * (last.ticks - first.ticks) / procfs.TICKS / seconds
    return Rates(round(percent, 1), _rate(first.read, last.read, seconds), _rate(first.written, last.written, seconds))


def _rate(first: Optional[int], last: Optional[int], seconds: float) -> Optional[float]:
    return None if first is None or last is None else round(max(0, last - first) / seconds, 1)


def interface_rates(before: Sample, after: Sample) -> List[Dict[str, Any]]:
    """Records ``interface_rate``; none unless time has passed. An interface that was made anew counts from 0 again."""
    seconds = after.at - before.at
    if seconds <= 0:
        return []
    return [
        {
            "interface": name,
            "receive_rate": round(max(0, after.traffic[name][0] - received) / seconds, 1),
            "transmit_rate": round(max(0, after.traffic[name][1] - sent) / seconds, 1),
        }
        for name, (received, sent) in sorted(before.traffic.items())
        if name in after.traffic
    ]
