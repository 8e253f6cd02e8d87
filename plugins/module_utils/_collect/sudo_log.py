# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of sudo taken apart: ``user : [reason ; ] [TTY=… ; ] PWD=… ; USER=… ; [GROUP=… ; ] COMMAND=…``.

sudo escapes no `` ; ``, so a directory, and before 1.9.13 an argument, can hold what looks like further fields. Source: sudoers(5)
and lines recorded from 1.9.5, 1.9.13 and 1.9.16.
"""

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .accounts import Account
from .homes import Mounts
from .log_line import LogLine, trust
from .reading import iso_time, put
from .target import Target

_FIRST_FIELD = re.compile(rb"(?:^|(?<= ; ))(?:HOST|TTY|CHROOT|PWD)=")
_LEADING = re.compile(rb"(HOST|TTY|CHROOT)=(.*?) ; ")
# From the target user on: no name of a user or group holds a blank and a semicolon.
_TAIL = re.compile(rb" ; USER=((?:(?! ; ).)*?)(?: ; GROUP=((?:(?! ; ).)*?))?(?: ; TSID=\w+)?(?: ; ENV=(?:(?! ; USER=).)*?)?(?: ; COMMAND=| ;\s*$|$)", re.DOTALL)
_CONTINUED = b"(command continued) "
_FULL_CHUNK = 950  # bytes; a shorter chunk was split at a blank, which was left out
_MOST_JOINED = 1 << 16
_ANSIBLE = re.compile(rb"/\S+ -c ['\"]?\s*echo BECOME-SUCCESS-[a-z]{32}\b")
_SHELL = re.compile(rb"/(?:[^/ ]+/)*(?:su|sh|bash|dash|zsh|ksh|mksh|fish|csh|tcsh|ash|rbash|busybox)(?: |$)")
# Warnings that have the fields of a command, but say nothing of one.
_WARNINGS = (b"problem with defaults entries", b"unable to ", b"ignoring ", b"time stamp ", b"timestamp ")


class SudoLine(NamedTuple):
    """What a line says. ``reason``: why it was denied, ``None`` for one that was carried out."""

    user: bytes
    reason: Optional[bytes]
    terminal: Optional[bytes]
    cwd: Optional[bytes]
    run_as: Optional[bytes]
    run_as_group: Optional[bytes]
    command: Optional[bytes]
    is_ambiguous: bool


def parse_sudo(message: bytes, is_directory: Any = None) -> Optional[SudoLine]:
    """Take a line apart; ``None`` when it is not about a command. ``is_directory`` tells whether a path is a directory of the host, where known."""
    user, colon, rest = message.lstrip(b" ").partition(b" : ")
    if not colon:
        return None
    first = _FIRST_FIELD.search(rest)
    if not user or not first or (first.start() and rest[: first.start()].startswith(_WARNINGS)):
        return None
    reason = rest[: first.start()].rstrip(b" ;") or None
    leading, place = {}, first.start()
    match = _LEADING.match(rest, place)
    while match:
        leading[match.group(1)] = match.group(2)
        place = match.end()
        match = _LEADING.match(rest, place)
    if not rest.startswith(b"PWD=", place):
        return None
    cwd, tail, command, is_ambiguous = _split(rest[place + 4 :], is_directory)
    if tail is None or (command is None and reason is None):
        return None
    terminal = leading.get(b"TTY")
    return SudoLine(user, reason, None if terminal in (b"unknown", b"none") else terminal, cwd, tail.group(1) or None, tail.group(2), command, is_ambiguous)


def _split(rest: bytes, is_directory: Any) -> Tuple[bytes, Any, Optional[bytes], bool]:
    """Where the directory ends. Return it, the match of the fields after it, the command, and whether other readings were possible.

    Fields may have been forged by the name of the directory (the last reading is right) or by an argument (the first is).
    """
    matches, place = [], 0
    while True:
        match = _TAIL.search(rest, place)
        if not match:
            break
        matches.append(match)
        place = match.start() + 1
    if not matches:
        return rest, None, None, False
    chosen = matches[-1]
    if len(matches) > 1 and _is_forged_by_an_argument(rest, matches, is_directory):
        chosen = matches[0]
    has_command = chosen.group().endswith(b"COMMAND=")
    return rest[: chosen.start()], chosen, rest[chosen.end() :] if has_command else None, len(matches) > 1


def _is_forged_by_an_argument(rest: bytes, matches: List[Any], is_directory: Any) -> bool:
    if _is_quoted(rest[matches[0].end() : matches[1].start()]):
        return True
    if is_directory is None:
        return False
    return is_directory(rest[: matches[0].start()]) and not is_directory(rest[: matches[-1].start()])


def _is_quoted(text: bytes) -> bool:
    """Tell whether a text ends within single quotes, as sudo 1.9.13 and newer put them around arguments."""
    return re.sub(rb"\\.", b"", text, flags=re.DOTALL).count(b"'") % 2 == 1


def join_continued(lines: List[LogLine]) -> List[LogLine]:
    """Put together the commands that sudo split over several lines of at most some 960 bytes."""
    joined: List[LogLine] = []
    begun: Dict[Tuple[str, Optional[int], bytes], int] = {}
    for line in lines:
        if line.program != "sudo":
            joined.append(line)
            continue
        user, _colon, rest = line.message.lstrip(b" ").partition(b" : ")
        key = (line.source, line.pid, user)
        if rest.startswith(_CONTINUED) and key in begun:
            before = joined[begun[key]]
            if len(before.message) < _MOST_JOINED:
                blank = b"" if _ends_full(before.message) else b" "
                joined[begun[key]] = before._replace(message=before.message + blank + rest[len(_CONTINUED) :])
            continue
        if b"COMMAND=" in rest:
            begun[key] = len(joined)
        joined.append(line)
    return joined


def _ends_full(message: bytes) -> bool:
    """Tell whether the last chunk was as long as sudo makes them, so that it was split within a word."""
    return len(message) >= _FULL_CHUNK and b" " not in message[-_FULL_CHUNK // 2 :]


class Reader:
    """Makes records ``sudo_event`` of lines."""

    def __init__(self, target: Target, mounts: Mounts, remade: Optional[Dict[bytes, float]] = None) -> None:
        """``remade``: when accounts were last made, or given another uid, in seconds since 1970."""
        self._target = target
        self._mounts = mounts
        self._remade = remade or {}

    def event(self, line: LogLine) -> Optional[Dict[str, Any]]:
        """The record; ``None`` when the line is not about a command."""
        parsed = parse_sudo(line.message, self._is_directory)
        if parsed is None:
            return None
        account = self._account(parsed.user)
        record: Dict[str, Any] = {
            "at": iso_time(line.at),
            "result": "denied" if parsed.reason else "executed",
            "is_configuration_management": bool(parsed.command and _ANSIBLE.match(parsed.command)),
            "is_ambiguous": parsed.is_ambiguous,
            "runs_shell": bool(parsed.command and _SHELL.match(parsed.command)),
            "year_inferred": line.year_inferred,
            "source": line.source,
            "trust": self._trust(line, account),
            "writer_uid": line.uid,
            "line": line.line,
        }
        for name in ("user", "run_as", "run_as_group", "terminal", "cwd", "command", "reason"):
            put(record, name, getattr(parsed, name), limit=16384)
        return record

    def _trust(self, line: LogLine, account: Optional[Account]) -> str:
        """By the accounts of now an older line may look forged which was not: then it proves nothing."""
        told = trust(line, account.uid if account else None)
        if told == "forged" and account and line.at is not None and line.at < self._remade.get(account.name, 0.0):
            return "forgeable"
        return told

    def _account(self, name: bytes) -> Optional[Account]:
        try:
            return self._target.accounts.by_name(name)
        except OSError:
            return None

    def _is_directory(self, path: bytes) -> bool:
        """Only asked where a line can be read in two ways; never of a remote file system, which might not answer."""
        if b"\0" in path or not path.startswith(b"/") or self._mounts.type_of(path):
            return False
        return os.path.isdir(os.fsencode(self._target.root) + path)
