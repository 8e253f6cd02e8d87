# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control group for each host: two systemds in one group would fight about it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .errors import LabError

_ENDING = 5.0


def is_systemd_running() -> bool:
    """Whether systemd manages this machine, and so its control groups (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def is_unified() -> bool:
    """Whether the machine has cgroup v2 and nothing else."""
    return _mounted() == [("cgroup2", Path("/sys/fs/cgroup"))]


def _mounted() -> list[tuple[str, Path]]:
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        left, _dash, right = line.partition(" - ")
        kind, _source, options = right.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append((kind, Path(left.split(" ")[4])))
    return found


def own_hierarchies() -> list[Path]:
    """The hierarchies that a systemd uses, where this machine lets us make groups."""
    return [path for _kind, path in _mounted() if os.access(path, os.W_OK) and not os.statvfs(path).f_flag & os.ST_RDONLY]


class HostGroup:
    """The control groups of one host, in every hierarchy."""

    def __init__(self, name: str) -> None:
        self._folders = [hierarchy / name for hierarchy in own_hierarchies()]

    def enter(self) -> None:
        """Put the calling process in. For the child between fork and exec: nothing is raised that could be shown."""
        for folder in self._folders:
            folder.mkdir(exist_ok=True)
            (folder / "cgroup.procs").write_text("0", encoding="ascii")

    def pids(self) -> set[int]:
        """Every process in the groups, by its number outside."""
        found: set[int] = set()
        for folder in self._folders:
            for listing in folder.rglob("cgroup.procs"):
                try:
                    found.update(int(line) for line in listing.read_text(encoding="ascii").split())
                except OSError:
                    continue  # the group went away
        return found - {0}

    def remove(self) -> None:
        """End what is left, and take the groups away. Raises ``LabError``."""
        deadline = time.monotonic() + _ENDING
        while pids := self.pids():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if time.monotonic() > deadline:
                raise LabError(f"processes of the host do not end: {sorted(pids)}")
            time.sleep(0.05)
        for folder in self._folders:
            for path in sorted([folder, *folder.rglob("*/")], reverse=True):
                if path.is_dir():
                    path.rmdir()
