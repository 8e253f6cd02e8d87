# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process tree as sessions see it: terminals with who is on them, and which session a process belongs to."""

import os
import re
import stat as mode_bits
from typing import Dict, List, NamedTuple, Optional, Set

from . import procfs
from .reading import read_kernel
from .target import Target

_SCOPE = re.compile(rb"/session-([A-Za-z0-9]+)\.scope(?:/|\n|\Z)")
_GETTY_UNIT = re.compile(rb"/[a-z-]*getty(?:@[^/\n]*)?\.service(?:\n|\Z)")
_PROMPTS = (b"agetty", b"getty", b"mingetty", b"mgetty", b"fgetty", b"login", b"(agetty)")
_NO_AUDIT_SESSION = (0, 4294967295)


class Terminal(NamedTuple):
    """A terminal in use. ``leader`` leads the kernel's session on it: containers may have another terminal of the same name."""

    leader: procfs.Stat
    name: str
    number: int
    is_ours: bool


def find_terminals(target: Target) -> List[Terminal]:
    """Every terminal that somebody is on, oldest first; those that only ask for a name are left out."""
    on_terminal: Dict[int, List[procfs.Stat]] = {}
    for stat in target.stats.values():
        if stat.tty_nr and stat.state != "Z":
            on_terminal.setdefault(stat.session, []).append(stat)
    terminals = []
    for session, stats in on_terminal.items():
        leader = next((stat for stat in stats if stat.pid == session), None) or min(stats, key=lambda stat: (stat.starttime, stat.pid))
        name = procfs.terminal_name(leader.tty_nr)
        if name and not (len(stats) == 1 and _only_asks(target, leader)):
            terminals.append(Terminal(leader, name, leader.tty_nr, _is_in_our_pid_namespace(target, leader.pid)))
    return sorted(terminals, key=lambda terminal: (terminal.leader.starttime, terminal.leader.pid))


def _only_asks(target: Target, stat: procfs.Stat) -> bool:
    """Whether it is a getty at its prompt. A name is free to choose: it has to be where the system's manager put it."""
    if stat.comm not in _PROMPTS or any(other.ppid == stat.pid for other in target.stats.values()):
        return False
    group = control_group(target, stat.pid) or b""
    return bool(_GETTY_UNIT.search(group)) or (stat.ppid == 1 and b".scope" not in group and b".service" not in group)


def _is_in_our_pid_namespace(target: Target, pid: int) -> bool:
    """By the number of its pids (``NSpid``, proc(5)); the names of terminals belong to a container as its pids do."""
    try:
        return len(procfs.read_status(target.proc, pid).get("NSpid", b"1").split()) == 1
    except OSError:
        return True


def last_typed(target: Target, terminal: Terminal) -> Optional[float]:
    """When a terminal was last read from, in seconds since 1970: its own device, as the process sees it or as we do."""
    places = ["%s/%d/root" % (target.proc, terminal.leader.pid)] + ([target.root] if terminal.is_ours else [])
    for place in places:
        try:
            status = os.stat("%s/dev/%s" % (place, terminal.name))
        except OSError:
            continue
        if mode_bits.S_ISCHR(status.st_mode) and _same_number(status.st_rdev, terminal.number):
            return status.st_atime
    return None


def _same_number(device: int, tty_nr: int) -> bool:
    return (os.major(device), os.minor(device)) == ((tty_nr >> 8) & 0xFFF, (tty_nr & 0xFF) | ((tty_nr >> 12) & 0xFFF00))


def login_session_of(target: Target, pid: int) -> Optional[str]:
    """The id of the logind session in whose scope a process is: one that leaves its parents behind stays in it."""
    group = control_group(target, pid)
    match = _SCOPE.search(group) if group else None
    return match.group(1).decode("ascii") if match else None


def audit_session_of(target: Target, pid: int) -> Optional[int]:
    """The kernel's own number of the login that a process descends from, where it keeps one."""
    try:
        number = int(read_kernel("%s/%d/sessionid" % (target.proc, pid), 64))
    except (OSError, ValueError):
        return None
    return None if number in _NO_AUDIT_SESSION else number


def control_group(target: Target, pid: int) -> Optional[bytes]:
    """The control groups of a process as the kernel lists them, ``None`` when it is gone."""
    try:
        return read_kernel("%s/%d/cgroup" % (target.proc, pid), 1 << 16)
    except OSError:
        return None


def ancestors(target: Target, pid: int) -> List[int]:
    """A process and its ancestors, nearest first, without process 1."""
    found: List[int] = []
    seen: Set[int] = set()
    while pid > 1 and pid not in seen and pid in target.stats:
        found.append(pid)
        seen.add(pid)
        pid = target.stats[pid].ppid
    return found
