# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entities that rules speak of, and the words they have for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..reason import Entity, Key, Look
from ..records import Process, Program, Socket
from .known import is_interpreter, tool_of

LOOK_AT_IMAGE = Look("executable_facts", pids=True)
LOOK_AT_PROCESS = Look("process_facts", {"open_files": "true"}, pids=True)
_NAME_LENGTH = 80


def process_entity(process: Process) -> Entity:
    """A process; its identity is its pid and its start."""
    fields = {
        "pid": process.pid,
        "path": process.exe,
        "name": process.name,
        "user": process.user if process.user is not None else (str(process.uid) if process.uid is not None else None),
        "started_at": process.started_at,
    }
    return Entity("process", ("process", process.pid, process.start_ticks), fields, process.start_ticks)


def unseen_process_entity(facts: Facts, pid: int) -> Entity:
    """A process whose record is missing or another one's: nothing but its pid is certain. It is the listed one of that pid, if any."""
    listed = facts.processes_by_pid.get(pid)
    key = ("process", pid, listed.start_ticks if listed else None)
    return Entity("process", key, {"pid": pid, "path": None, "name": None, "user": None, "started_at": None})


def socket_entity(protocol: str, address: str | None, port: int | None) -> Entity:
    """A socket that no process can be blamed for."""
    return Entity("socket", ("socket", protocol, address, port), {"protocol": protocol, "address": address, "port": port})


def image_causes(program: Program) -> tuple[Key, ...]:
    """All processes that run one image have one cause, its inode."""
    if program.process.exe_inode is None:
        return ()
    return (("image", program.process.exe_device, program.process.exe_inode),)


def own_causes(program: Program) -> tuple[Key, ...]:
    """As ``image_causes``, for what a process does: only where the image is nobody's but its own, and does nothing but that.

    Two runs of ``bash`` or of a packaged program have nothing to do with each other; two workers of an unknown program have.
    """
    if program.origin in ("package", "unknown", "container") or is_interpreter(tool_of(program)):
        return ()
    return image_causes(program)


def shown_path(program: Program) -> str:
    """Path, or else name, to be shown; in quotes where a part of it is or ends in a blank."""
    path = program.process.exe or program.process.name
    shown = visible(path, _NAME_LENGTH)
    return shown if all(part == part.strip() for part in path.split("/")) else f"'{shown}'"


def shown_arguments(process: Process) -> list[str]:
    """The first arguments to be shown."""
    return [visible(argument, 500) for argument in process.argv[:20]]


def content_remark(program: Program) -> str:
    """Which packaged program has the same content; empty where none has."""
    same = program.executable.same_as if program.executable else None
    return f", with the content of {visible(same, _NAME_LENGTH)}" if same else ""


def image_evidence(program: Program) -> dict[str, Any]:
    """What is known about the image; only what is known."""
    process, executable = program.process, program.executable
    known: Mapping[str, Any] = {
        "exe": process.exe,
        "exe_state": process.exe_state,
        "package_state": executable.package_state if executable else None,
        "package": executable.package if executable else None,
        "sha256": executable.sha256 if executable else None,
        "same_as": executable.same_as if executable else None,
        "container_id": process.container_id,
    }
    return {name: value for name, value in known.items() if value is not None}


def spoken_socket(socket: Socket, local: bool = True) -> str:
    """One end of a socket as ``address:port``."""
    address, port = (socket.local_address, socket.local_port) if local else (socket.remote_address, socket.remote_port)
    shown = visible(address or "?", _NAME_LENGTH)
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"
