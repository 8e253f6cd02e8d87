# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is connected through sshd, by its processes: one worker for each connection that has logged in, and its monitor.

sshd says in its command line what each of its processes is for. The line alone proves nothing, since any process may
write one: the process has to run sshd, and has to descend from it or to be root's.
"""

import re
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import procfs
from .section import SectionBuilder
from .target import Target

_NAMES = (b"sshd", b"sshd-session", b"sshd-auth")
_TITLE = re.compile(rb"sshd(?:-session|-auth)?: (.*)\Z", re.DOTALL)
_SYSTEM_FOLDERS = (b"/usr/", b"/opt/", b"/sbin/", b"/nix/store/")
_MARK = re.compile(rb"(.*?) ?\[([a-z]+)\]\Z", re.DOTALL)


class Connection(NamedTuple):
    """``worker`` is the parent of whatever was asked for; ``pids`` is the worker and its monitor; ``user`` as sshd has it."""

    worker: int
    pids: Tuple[int, ...]
    user: bytes


class _Title(NamedTuple):
    """What a process of sshd is for: ``worker``, ``monitor``, ``listener`` or another mark of sshd's own (``net`` …)."""

    role: str
    user: bytes


def find_connections(target: Target, builder: SectionBuilder) -> List[Connection]:
    """Every connection that has logged in, with and without a terminal."""
    titles = dict(_sshd_processes(target, builder))
    parents = {pid: target.stats[pid].ppid for pid in titles}
    connections = []
    for pid, title in titles.items():
        children = [titles[child].role for child, parent in parents.items() if parent == pid]
        if title.role == "worker" and _is_ours(target, pid, parents):
            monitor = parents[pid] if parents[pid] in titles and titles[parents[pid]].role == "monitor" else None
            connections.append(Connection(pid, (pid,) if monitor is None else (pid, monitor), title.user))
        # Older servers have no worker for root: the monitor does its work. While somebody is still logging in it has children.
        elif title.role == "monitor" and not children and title.user != b"unknown" and _is_ours(target, pid, parents):
            connections.append(Connection(pid, (pid,), title.user))
    return connections


def parse_title(argv: List[bytes]) -> Tuple[str, bytes]:
    """The role that a command line of sshd tells, and the account."""
    match = _TITLE.match(argv[0].rstrip(b"\0 ")) if argv else None
    if not match:
        return "listener", b""
    body = match.group(1)
    if b" [listener] " in body:
        return "listener", b""
    marked = _MARK.match(body)
    if marked:
        mark = marked.group(2)
        return ("monitor" if mark == b"priv" else mark.decode("ascii")), marked.group(1)
    user, at, _terminals = body.rpartition(b"@")
    return "worker", user if at else body


def _sshd_processes(target: Target, builder: SectionBuilder) -> Iterator[Tuple[int, _Title]]:
    for pid, stat in target.stats.items():
        if stat.comm not in _NAMES or stat.is_kernel_thread or stat.state == "Z" or not _runs_sshd(target, pid):
            continue
        try:
            yield pid, _Title(*parse_title(procfs.read_argv(target.proc, pid)))
        except OSError as error:
            if not procfs.is_gone(error):
                builder.error("command line of sshd", error, "pid %d" % pid)


def _image(target: Target, pid: int) -> Optional[bytes]:
    """Path of the image, ``None`` where it may not be seen. Raises ``ProcessLookupError`` or ``FileNotFoundError`` when gone."""
    try:
        path = procfs.read_link(target.proc, pid, "exe")
    except PermissionError:
        return None
    return path[: -len(b" (deleted)")] if path.endswith(b" (deleted)") else path


def _runs_sshd(target: Target, pid: int) -> bool:
    try:
        path = _image(target, pid)
    except OSError:
        return False
    return path is None or path.rpartition(b"/")[2] in _NAMES


def _is_ours(target: Target, pid: int, parents: Dict[int, int]) -> bool:
    """Whether sshd started it. One whose listener is gone, or that was started for one connection, is root's own."""
    top = pid
    while parents[top] in parents and parents[top] != top:
        top = parents[top]
    if top != pid:
        return True
    try:
        path = _image(target, pid)
        is_root = procfs.read_status(target.proc, pid).get("Uid", b"").split()[:1] == [b"0"]
    except OSError:
        return False
    return is_root and (path is None or path.startswith(_SYSTEM_FOLDERS))
