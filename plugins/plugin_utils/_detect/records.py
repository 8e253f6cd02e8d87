# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules read of the facts: the fields they need, under the names that the schema declares, with the types it declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Process:
    """Of the record ``process``."""

    pid: int
    ppid: int
    start_ticks: int
    started_at: str | None
    name: str
    is_kernel_thread: bool
    exe: str | None
    exe_state: str
    exe_inode: int | None
    exe_device: int | None
    argv: list[str]
    cwd: str | None
    user: str | None
    uid: int | None
    euid: int | None
    cpu_percent: float | None
    unit: str | None
    container_id: str | None
    environment: dict[str, Any] | None
    stdio: list[str] | None
    is_own: bool
    raw: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class HiddenProcess:
    """Of the record ``hidden_process``."""

    pid: int
    how: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Of the record ``disagreement``."""

    kind: str
    pid: int | None
    entity: str
    seen_by: str
    missing_from: str


@dataclass(frozen=True, slots=True)
class Socket:
    """Of the record ``socket``."""

    protocol: str
    family: str
    state: str
    is_listener: bool
    local_address: str | None
    local_port: int | None
    remote_address: str | None
    remote_port: int | None
    scope: str | None
    is_dual_stack: bool | None
    exposed: bool | None
    exposed_reason: str | None
    inode: int | None
    pids: list[int]
    owner_state: str
    network_namespace: int | None
    container_id: str | None


@dataclass(frozen=True, slots=True)
class Executable:
    """Of the record ``executable``."""

    path: str
    pids: list[int]
    sha256: str | None
    path_sha256: str | None
    inode: int | None
    device: int | None
    owner_uid: int | None
    package: str | None
    package_state: str
    same_as: str | None


@dataclass(frozen=True, slots=True)
class Tampering:
    """Of the record ``tampering``."""

    user: str | None
    uid: int | None
    sign: str
    where: str
    path: str | None
    line: int | None
    pid: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Session:
    """Of the record ``session``."""

    uid: int | None
    stale: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class Program:
    """A process together with what it runs."""

    process: Process
    executable: Executable | None

    @property
    def path(self) -> str | None:
        """Path of the executable as the kernel showed it; ``None`` for one in memory or not to be seen."""
        return None if self.process.exe_state == "memfd" else self.process.exe

    @property
    def origin(self) -> str:
        """Where the image comes from.

        ``package``: it has the content that its package gave it, now or before an update. ``changed``: a package owns the
        path, but gave it another content. ``unowned``: no package owns the path. ``container``: what it runs lies in a
        container, which the packages of the host say nothing about. ``unknown``: could not be found out.
        """
        if self.process.container_id is not None:
            return "container"
        state = self.executable.package_state if self.executable else "unknown"
        return {"unchanged": "package", "updated": "package", "changed": "changed", "unowned": "unowned"}.get(state, "unknown")
