# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether records are what the schema declares: every field, no other, and of its type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.incident.response.plugins.module_utils._schema.case import (
    ATTEMPT,
    CASE,
    DOCUMENT,
    EVIDENCE,
    HOST,
    HOST_SUMMARY,
    INTERPRETER,
    RUN,
    SUMMARY,
    TOTALS,
)
from ansible_collections.incident.response.plugins.module_utils._schema.findings import FINDING
from ansible_collections.incident.response.plugins.module_utils._schema.outer import ERROR, LIMIT, OUTER
from ansible_collections.incident.response.plugins.module_utils._schema.processes import DISAGREEMENT
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS, Field, Record
from ansible_collections.incident.response.plugins.module_utils._schema.sections import SECTIONS

from .case_folder import CaseFolder

_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_OPTIONAL = {field.name for field in OPTIONAL_FIELDS}


def departures(document: Any) -> list[str]:
    """Where the facts of a host depart from the schema, as sentences."""
    found: list[str] = []
    if list(document["sections"]) != [section.name for section in SECTIONS]:
        found.append(f"sections: {list(document['sections'])}")
    for section in SECTIONS:
        found += section_departures(section.name, document["sections"].get(section.name, {}))
    return found


def section_departures(name: str, body: Mapping[str, Any]) -> list[str]:
    """Where one section departs from the schema."""
    section = next(section for section in SECTIONS if section.name == name)
    lists = [("items", section.items), *((part.name, part.record) for part in section.parts if not part.single), ("errors", ERROR), ("limits", LIMIT)]
    singles = [(part.name, part.record) for part in section.parts if part.single]
    wanted = {"items", *(part.name for part in section.parts), *(field.name for field in OUTER)}
    found = [] if set(body) == wanted else [f"{name}: {sorted(set(body) ^ wanted)}"]
    for part, record in lists:
        found += [f"{name}.{part}[{number}]: {problem}" for number, entry in enumerate(body.get(part, ())) for problem in _problems(record, entry)]
    for part, record in singles:
        found += [f"{name}.{part}: {problem}" for problem in _problems(record, body.get(part))]
    found += [f"{name}: {problem}" for field in OUTER for problem in _field_problems(field, body.get(field.name))]
    check = body.get("cross_check") or {}
    return found + [f"{name}.cross_check: {problem}" for entry in check.get("disagreements", ()) for problem in _problems(DISAGREEMENT, entry)]


def case_departures(case: CaseFolder) -> list[str]:
    """Where the files of a case depart from the schema."""
    summary = case.summary
    records = [("case.json", CASE, case.head), ("summary.json", SUMMARY, summary), ("summary.json totals", TOTALS, summary["totals"])]
    records += [("case.json runs", RUN, run) for run in case.head["runs"]]
    records += [(f"summary.json {name}", HOST_SUMMARY, host) for name, host in summary["hosts"].items()]
    for name in case.hosts:
        records += [(f"{name} attempts", ATTEMPT, attempt) for attempt in case.attempts(name)]
        records.append((f"{name}/host.json", HOST, case.host(name)))
    for name in case.head["reached"]:
        records += [(f"{name} facts", DOCUMENT, case.facts(name)), (f"{name} interpreter", INTERPRETER, case.facts(name)["interpreter"])]
    return [f"{where}: {problem}" for where, record, entry in records for problem in _problems(record, entry)]


def evidence_departures(case: CaseFolder) -> list[str]:
    """Where the records of retrieved files depart from the schema."""
    lines = [(path, line) for path in case.path.rglob("evidence-*.jsonl") for line in path.read_text(encoding="utf-8").splitlines()]
    return [f"{path}: {problem}" for path, line in lines for problem in _problems(EVIDENCE, json.loads(line))]


def finding_departures(findings: list[dict[str, Any]]) -> list[str]:
    """Where findings depart from the schema."""
    return [f"{finding.get('title')}: {problem}" for finding in findings for problem in _problems(FINDING, finding)]


def _problems(record: Record, entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"not a record: {entry!r}"
        return
    declared = {field.name for field in record.fields}
    if missing := declared - set(entry):
        yield f"lacks {sorted(missing)}"
    if extra := set(entry) - declared - _OPTIONAL:
        yield f"has {sorted(extra)}"
    for field in (*record.fields, *OPTIONAL_FIELDS):
        if field.name in entry:
            yield from _field_problems(field, entry[field.name])


def _field_problems(field: Field, value: Any) -> Iterator[str]:
    if value is None:
        if field.required:
            yield f"{field.name} is null"
    elif not _has_type(field.type, value):
        yield f"{field.name} is no {field.type}: {value!r}"


def _has_type(declared: str, value: Any) -> bool:
    if declared.startswith("list["):
        return isinstance(value, list) and all(_has_type(declared[5:-1], entry) for entry in value)
    if declared == "time":
        return isinstance(value, str) and _TIME.fullmatch(value) is not None
    if declared == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if declared == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"str": str, "bool": bool, "dict": dict}[declared])
