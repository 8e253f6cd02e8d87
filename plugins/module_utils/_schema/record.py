# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a record is declared: the one source of RETURN documentation, schema page, tables and checks."""

from typing import Any, NamedTuple, Tuple

# The types a field may have. ``time`` is a string, UTC, ISO 8601 (``2026-11-23T15:45:00Z``).
TYPES = ("str", "int", "float", "bool", "time", "list[str]", "list[int]", "list[dict]", "dict")


class Field(NamedTuple):
    """One field of a record; ``None`` is allowed for every field that is not ``required``."""

    name: str
    type: str
    meaning: str
    sample: Any
    unit: str = ""
    required: bool = False


class Record(NamedTuple):
    """A flat record: ``name`` in the singular, ``table`` its SQL table."""

    name: str
    table: str
    meaning: str
    fields: Tuple[Field, ...]


class Part(NamedTuple):
    """A further member of a section beside ``items``: a list of records, or one record when ``single``."""

    name: str
    record: Record
    single: bool = False


class Section(NamedTuple):
    """What one ``_facts`` module returns under ``key``."""

    name: str
    key: str
    meaning: str
    items: Record
    parts: Tuple[Part, ...] = ()


# A record carries these only when there is something to say.
OPTIONAL_FIELDS = (
    Field("raw", "dict", "Base64 of the bytes of each field whose bytes are not valid UTF-8.", {"name": "//4="}),
    Field("clipped", "list[str]", "Names of the fields that were cut at their limit.", ["argv"]),
)
