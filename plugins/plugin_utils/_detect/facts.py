# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one host, checked against the schema. The host may be hostile: what is not as declared is left out and told."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

from ansible_collections.incident.response.plugins.module_utils._schema.processes import DISAGREEMENT
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS, Field, Record
from ansible_collections.incident.response.plugins.module_utils._schema.sections import SECTIONS

from .records import Disagreement, Executable, HiddenProcess, Process, Program, Session, Socket, Tampering

MAX_RECORDS = 200_000
_MAX_ELEMENTS = 100_000
_MAX_TEXT = 1 << 20
_MAX_PROBLEMS = 50
_MAX_INT = 1 << 63
_SECTIONS = {section.name: section for section in SECTIONS}

Kind = TypeVar("Kind")
Check = Callable[[Any], Any]


class _Wrong(ValueError):
    """A value that does not have the declared type."""


@dataclass
class Facts:
    """What rules look at. Everything has the declared type; ``problems`` are sentences about what was left out."""

    processes: list[Process]
    hidden: list[HiddenProcess]
    disagreements: list[Disagreement]
    sockets: list[Socket]
    executables: list[Executable]
    tampering: list[Tampering]
    sessions: list[Session]
    problems: list[str]

    @cached_property
    def images(self) -> list[Program]:
        """Processes that run a program, this run and what it came in through among them: whose sshd it is concerns it too."""
        return [
            Program(process, self._executable_of(process))
            for process in self.processes
            if not process.is_kernel_thread and process.exe_state not in ("kernel", "none")
        ]

    @cached_property
    def programs(self) -> list[Program]:
        """``images`` without this run: what it is called and what it does is known."""
        return [program for program in self.images if not program.process.is_own]

    @cached_property
    def programs_by_pid(self) -> dict[int, Program]:
        """``programs`` by pid; of two with the same pid, the later."""
        return {program.process.pid: program for program in self.programs}

    @cached_property
    def processes_by_pid(self) -> dict[int, Process]:
        """``processes`` by pid; of two with the same pid, the later."""
        return {process.pid: process for process in self.processes}

    @cached_property
    def sockets_by_inode(self) -> dict[int, Socket]:
        """Sockets that processes hold, by the inode number that their descriptors show."""
        return {socket.inode: socket for socket in self.sockets if socket.inode}

    @cached_property
    def _executables_by_pid(self) -> dict[int, Executable]:
        return {pid: executable for executable in self.executables for pid in executable.pids}

    @cached_property
    def _executables_by_inode(self) -> dict[tuple[int | None, int | None], Executable]:
        return {(executable.device, executable.inode): executable for executable in self.executables}

    def _executable_of(self, process: Process) -> Executable | None:
        """The image that a process runs: by inode, since a pid may have changed its image between the two readings."""
        if process.exe_inode is None:
            return self._executables_by_pid.get(process.pid)
        found = self._executables_by_inode.get((process.exe_device, process.exe_inode))
        # overlayfs may give the same file another device number.
        by_pid = self._executables_by_pid.get(process.pid)
        return found or (by_pid if by_pid and by_pid.inode == process.exe_inode else None)


def read_facts(document: Any) -> Facts:
    """Read the document of a host: any JSON. A section that was not collected is empty; what is not as declared is a problem."""
    reader = _Reader(document)
    return Facts(
        processes=reader.records("processes", "items", Process),
        hidden=reader.records("processes", "hidden", HiddenProcess),
        disagreements=reader.disagreements(),
        sockets=reader.records("ports", "items", Socket),
        executables=reader.records("executables", "items", Executable),
        tampering=reader.records("history", "tampering", Tampering),
        sessions=reader.records("sessions", "items", Session),
        problems=reader.problems(),
    )


class _Reader:
    """Takes records out of a document, and counts what was not as declared."""

    def __init__(self, document: Any) -> None:
        self._wrong: Counter[str] = Counter()
        sections = document.get("sections") if isinstance(document, dict) else None
        if not isinstance(sections, dict):
            self._wrong["the facts have no sections"] += 1
        self._sections: Mapping[str, Any] = sections if isinstance(sections, dict) else {}

    def problems(self) -> list[str]:
        """What was left out, each with how often."""
        texts = [text if count == 1 else f"{text} ({count} times)" for text, count in self._wrong.most_common(_MAX_PROBLEMS)]
        return texts + ([f"and {len(self._wrong) - _MAX_PROBLEMS} more"] if len(self._wrong) > _MAX_PROBLEMS else [])

    def records(self, section: str, part: str, kind: type[Kind]) -> list[Kind]:
        """The records of a list of a section."""
        values = self._member(section, part)
        return [] if values is None else self._checked(f"{section}.{part}", values, kind, _record_of(section, part))

    def disagreements(self) -> list[Disagreement]:
        """The list within the single record ``cross_check``."""
        check = self._member("processes", "cross_check")
        if check is None:
            return []
        if not isinstance(check, dict):
            self._wrong["processes.cross_check is not a record"] += 1
            return []
        return self._checked("processes.cross_check.disagreements", check.get("disagreements"), Disagreement, DISAGREEMENT)

    def _member(self, section: str, part: str) -> Any:
        body = self._sections.get(section)
        if body is None:
            return None
        if not isinstance(body, dict):
            self._wrong[f"the section {section} is not one"] += 1
            return None
        if body.get(part) is None:
            self._wrong[f"{section}.{part} is missing"] += 1
        return body.get(part)

    def _checked(self, where: str, values: Any, kind: type[Kind], record: Record) -> list[Kind]:
        if not isinstance(values, list):
            self._wrong[f"{where} is not a list"] += 1
            return []
        if len(values) > MAX_RECORDS:
            self._wrong[f"{where} has {len(values)} records: only the first {MAX_RECORDS} were judged"] += 1
        checks = _checks(kind, record)
        found = []
        for value in values[:MAX_RECORDS]:
            try:
                found.append(kind(**self._fields(where, value, checks)))
            except _Wrong as error:
                self._wrong[f"{where}: a record was left out: {error}"] += 1
        return found

    def _fields(self, where: str, value: Any, checks: tuple[tuple[str, Check, bool], ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _Wrong("it is not a record")
        taken = {}
        for name, check, required in checks:
            content = value.get(name)
            try:
                taken[name] = None if content is None and not required else check(content)
            except _Wrong as error:
                if required:
                    raise _Wrong(f"{name} {error}") from None
                self._wrong[f"{where}: {name} was left out: it {error}"] += 1
                taken[name] = None
        return taken


def _record_of(section: str, part: str) -> Record:
    declared = _SECTIONS[section]
    return declared.items if part == "items" else next(entry.record for entry in declared.parts if entry.name == part)


def _checks(kind: type[Any], record: Record) -> tuple[tuple[str, Check, bool], ...]:
    """Name, check and whether it is required, of each field of ``kind``, as the schema declares it."""
    declared: dict[str, Field] = {field.name: field for field in (*OPTIONAL_FIELDS, *record.fields)}
    return tuple((field.name, _CHECKS[declared[field.name].type], declared[field.name].required) for field in fields(kind))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise _Wrong(f"is not text of at most {_MAX_TEXT} characters")
    if value.isascii():
        return value
    # JSON may carry lone surrogates, which nothing else takes.
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_MAX_INT <= value < _MAX_INT:
        raise _Wrong("is not an integer of 64 bits")
    return value


def _number(value: Any) -> float:
    if isinstance(value, float) and math.isfinite(value):
        return value
    try:
        return float(_integer(value))
    except _Wrong:
        raise _Wrong("is not a number") from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("is neither true nor false")
    return value


def _list_of(check: Check) -> Check:
    def checked(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > _MAX_ELEMENTS:
            raise _Wrong(f"is not a list of at most {_MAX_ELEMENTS}")
        return [check(element) for element in value]

    return checked


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > _MAX_ELEMENTS:
        raise _Wrong(f"is not a mapping of at most {_MAX_ELEMENTS}")
    return value


_CHECKS: dict[str, Check] = {
    "str": _text,
    "time": _text,
    "int": _integer,
    "float": _number,
    "bool": _flag,
    "list[str]": _list_of(_text),
    "list[int]": _list_of(_integer),
    "list[dict]": _list_of(_mapping),
    "dict": _mapping,
}
