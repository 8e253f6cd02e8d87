# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of executables as a host sent them: which can be retrieved, and which are worth it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.incident.response.plugins.module_utils._schema.executables import EXECUTABLE
from ansible_collections.incident.response.plugins.module_utils._schema.record import Field

from .evidence import SHA256

_LONGEST_TEXT = 16384
_LONGEST_LIST = 65536
_MAX_INT = 1 << 63
_OF_NOTHING = hashlib.sha256().hexdigest()
# What its package vouches for is on every other host as well.
_VOUCHED_FOR = "unchanged"


class BadRecord(ValueError):
    """A record that no file can be retrieved by; the message says why."""


@dataclass(frozen=True, eq=False)
class Executable:
    """A record of the facts with everything that finds its file again. ``record`` has every declared field, of its type."""

    sha256: str
    size: int
    path: bytes
    device: int
    inode: int
    pids: list[int]
    start_ticks: list[int]
    record: Mapping[str, Any]

    @classmethod
    def of(cls, value: Any, max_size: int) -> Executable:
        """Take a record of a file of at most ``max_size`` bytes. Raises ``BadRecord``."""
        record = declared(value)
        sha256, size, device, inode = (record[name] for name in ("sha256", "size", "device", "inode"))
        if size is not None and size > max_size:
            raise BadRecord(f"is larger than max_file_size: {size} bytes")
        if sha256 is None:
            raise BadRecord("was not hashed, for the reason that stands with its hash")
        if not SHA256.fullmatch(sha256) or None in (size, device, inode) or size < 0 or len(record["pids"]) != len(record["start_ticks"]):
            raise BadRecord("the host sent a record that does not identify a file")
        if size == 0 and sha256 != _OF_NOTHING:
            raise BadRecord("has content and no size, as a file of procfs has: there is no telling what all of it is")
        return cls(sha256, size, _path_bytes(record), device, inode, record["pids"], record["start_ticks"], record)


@dataclass(frozen=True)
class Choice:
    """The executables to retrieve, the smallest first; and the records of others with why they are not."""

    taken: list[Executable]
    refused: list[tuple[Mapping[str, Any], str]]


def choose(values: Iterable[Any], is_everything_asked_for: bool, max_file_size: int, max_in_all: int) -> Choice:
    """Choose among the records of a section: all, or those whose content no package vouches for; within limits in bytes."""
    choice, left = Choice([], []), max_in_all
    for value in values:
        if not is_everything_asked_for and _is_vouched_for(value):
            continue
        try:
            choice.taken.append(Executable.of(value, max_file_size))
        except BadRecord as error:
            choice.refused.append((_declared_or_none(value), str(error)))
    choice.taken.sort(key=lambda executable: executable.size)
    counted: set[str] = set()  # copies are retrieved once
    for number, executable in enumerate(choice.taken):
        left -= 0 if executable.sha256 in counted else executable.size
        counted.add(executable.sha256)
        if left < 0:
            reason = f"no more than max_evidence_size are retrieved from a host at once, the smallest files first: {max_in_all} bytes"
            choice.refused.extend((entry.record, reason) for entry in choice.taken[number:])
            del choice.taken[number:]
            break
    return choice


def _is_vouched_for(value: Any) -> bool:
    return isinstance(value, dict) and value.get("package_state") == _VOUCHED_FOR


def _declared_or_none(value: Any) -> dict[str, Any]:
    """What of a record that is refused is as declared, to say which it was."""
    try:
        return declared(value)
    except BadRecord:
        return dict.fromkeys(field.name for field in EXECUTABLE.fields)


def declared(value: Any) -> dict[str, Any]:
    """The declared fields of a record, ``None`` for those that are not of their type, and the bytes of its path. Raises ``BadRecord``."""
    if not isinstance(value, dict):
        raise BadRecord("the host sent something that is no record")
    record = {field.name: value[field.name] if _is_declared(field, value.get(field.name)) else None for field in EXECUTABLE.fields}
    if any(field.required and record[field.name] is None for field in EXECUTABLE.fields):
        raise BadRecord("the host sent a record that lacks what every record has")
    record = {name: _plain(content) for name, content in record.items()}
    raw = value.get("raw")
    if isinstance(raw, dict) and _is_text(raw.get("path")):
        record["raw"] = {"path": raw["path"]}
    return record


def _is_declared(field: Field, value: Any) -> bool:
    if field.type.startswith("list["):
        return isinstance(value, list) and len(value) <= _LONGEST_LIST and all(_is_of(field.type[5:-1], element) for element in value)
    return _is_of(field.type, value)


def _is_of(kind: str, value: Any) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    return _is_integer(value) if kind == "int" else _is_text(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_MAX_INT <= value < _MAX_INT


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _plain(value: Any) -> Any:
    """JSON may carry lone surrogates, which nothing else takes."""
    if isinstance(value, list):
        return [_plain(element) for element in value]
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _path_bytes(record: Mapping[str, Any]) -> bytes:
    if "raw" not in record:
        return str(record["path"]).encode("utf-8")
    try:
        return base64.b64decode(record["raw"]["path"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecord(f"the bytes of its path are not base64: {error}") from error
