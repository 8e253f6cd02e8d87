# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host as a whole is doing."""

import os
import platform
from typing import Any, Dict, List, Optional

from . import procfs
from .reading import iso_time, put, read_file, read_kernel, text
from .target import Target

_TOP = 10


def read_host(target: Target, records: List[Dict[str, Any]], sample_seconds: float) -> Dict[str, Any]:
    """Record ``host_load``; ``records`` are the processes, for the lists of the busiest."""
    kernel = os.uname()
    memory = _memory(target)
    host: Dict[str, Any] = {
        "kernel": kernel.release,
        "distribution": _distribution(target),
        "python": platform.python_version(),
        "booted_at": iso_time(_or_none(lambda: target.boot_time)),
        "processors": os.cpu_count(),
        "load": _load(target),
        "memory_total": memory.get("MemTotal"),
        "memory_available": memory.get("MemAvailable"),
        "swap_total": memory.get("SwapTotal"),
        "swap_free": memory.get("SwapFree"),
        "processes": len(target.stats),
        "sample_seconds": round(sample_seconds, 3),
        "is_root": target.is_root,
        "top_cpu": _top(records, lambda record: record["cpu_percent"]),
        "top_memory": _top(records, lambda record: record["rss"]),
        "top_connections": _top(records, lambda record: record["connections"]),
        "top_disk": _top(records, lambda record: (record["read_rate"] or 0) + (record["write_rate"] or 0)),
    }
    put(host, "hostname", os.fsencode(kernel.nodename))
    return host


def _top(records: List[Dict[str, Any]], key: Any) -> List[int]:
    busy = [record for record in records if key(record)]
    return [record["pid"] for record in sorted(busy, key=key, reverse=True)[:_TOP]]


def _or_none(read: Any) -> Optional[float]:
    try:
        return float(read())
    except (OSError, ValueError):
        return None


def _memory(target: Target) -> Dict[str, int]:
    """``/proc/meminfo`` in bytes."""
    try:
        fields = procfs.read_colon_file(target.proc + "/meminfo")
        return {name: int(value.split()[0]) * 1024 for name, value in fields.items() if value.endswith(b"kB")}
    except (OSError, ValueError):
        return {}


def _load(target: Target) -> Optional[List[str]]:
    try:
        return [text(part) for part in read_kernel(target.proc + "/loadavg").split()[:3]]
    except OSError:
        return None


def _distribution(target: Target) -> Optional[str]:
    """``PRETTY_NAME`` of os-release(5). /etc/os-release is a link into /usr/lib, which only root may change."""
    try:
        data = read_file(target.path("/usr/lib/os-release"), 65536).data
    except OSError:
        return None
    for line in data.split(b"\n"):
        if line.startswith(b"PRETTY_NAME="):
            return text(line.partition(b"=")[2].strip(b"\"'"))
    return None
