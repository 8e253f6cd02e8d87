# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the facts and findings of a host are what a case expects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .cases import LEVELS, Expectation

Notes = Mapping[str, int | str]
_NOTE = re.compile(r"\$([a-z_]+)")
# A value that is a mapping with one of these is a condition.
_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "contains": lambda value, wanted: value is not None and wanted in value,
    "any_contains": lambda value, wanted: value is not None and any(wanted in entry for entry in value),
    "starts_with": lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
    "matches": lambda value, wanted: isinstance(value, str) and re.search(wanted, value) is not None,
    "at_least": lambda value, wanted: value is not None and value >= wanted,
    "any_of": lambda value, wanted: value in wanted,
    "is_not": lambda value, wanted: bool(value != wanted),
    "same_as": lambda value, wanted: isinstance(value, list) and sorted(value) == sorted(wanted),
}


def problems(expect: Expectation, notes: Notes, facts: Any, findings: list[dict[str, Any]]) -> list[str]:
    """What of an expectation is not met, as sentences; empty when all of it is."""
    known = {name: resolve(getattr(expect, name), notes) for name in ("findings", "facts", "absent", "errors")}
    found = [problem for wanted in known["findings"] for problem in _finding_problems(wanted, findings)]
    found += [problem for wanted in known["facts"] for problem in _fact_problems(wanted, facts)]
    found += [problem for wanted in known["absent"] for problem in _absent_problems(wanted, facts)]
    found += [problem for wanted in known["errors"] for problem in _error_problems(wanted, facts)]
    return found + (_noise(expect.not_above, notes, findings) if expect.not_above else [])


def resolve(value: Any, notes: Notes) -> Any:
    """Put what the setup noted in the place of ``$NAME``."""
    if isinstance(value, dict):
        return {key: resolve(part, notes) for key, part in value.items()}
    if isinstance(value, list):
        return [resolve(part, notes) for part in value]
    match = _NOTE.fullmatch(value) if isinstance(value, str) else None
    return notes[match[1]] if match else value


def _agrees(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and len(wanted) == 1 and (condition := _CONDITIONS.get(next(iter(wanted)))):
        return condition(value, next(iter(wanted.values())))
    return bool(value == wanted)


def _all_agree(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(_agrees(record.get(name), value) for name, value in wanted.items())


def records(facts: Any, place: str) -> list[dict[str, Any]]:
    """The records at ``section.list``; one that stands alone, there or beside the sections, as a list of one."""
    section, _dot, part = place.partition(".")
    found = facts["sections"][section][part] if part else facts[section]
    return found if isinstance(found, list) else [found]


def _fact_problems(wanted: Mapping[str, Any], facts: Any) -> list[str]:
    where, fields, count = wanted.get("where", {}), wanted.get("fields", {}), wanted.get("count")
    found = [record for record in records(facts, wanted["in"]) if _all_agree(record, where)]
    if not found or (count is not None and len(found) != count):
        return [f"{wanted['in']} has {len(found)} records with {where}, not {'any' if count is None else count}: {found}"]
    return [
        f"{wanted['in']} with {where} has {name} {record.get(name)!r}, not {value!r}"
        for record in found
        for name, value in fields.items()
        if not _agrees(record.get(name), value)
    ]


def _absent_problems(wanted: Mapping[str, Any], facts: Any) -> list[str]:
    found = [record for record in records(facts, wanted["in"]) if _all_agree(record, wanted["where"])]
    return [f"{wanted['in']} should have nothing with {wanted['where']}: {found}"] if found else []


def _error_problems(wanted: Mapping[str, Any], facts: Any) -> list[str]:
    errors = facts["sections"][wanted["section"]]["errors"]
    for error in errors:
        subject = wanted.get("subject")
        texts = (("what", error["what"]), ("reason", error["reason"]))
        if all(wanted.get(key, "") in text for key, text in texts) and (subject is None or any(str(subject) in entry for entry in error["subjects"])):
            return []
    return [f"{wanted['section']} has no error like {wanted}: {errors}"]


def pids_of(finding: Mapping[str, Any]) -> set[int]:
    """Every process that a finding is about."""
    entity = finding["entity"]
    return {pid for pid in (entity.get("pid"), *entity.get("pids", ())) if pid is not None}


def _is_about(finding: Mapping[str, Any], entity: Mapping[str, Any]) -> bool:
    rest = {name: value for name, value in entity.items() if name != "pid"}
    return _all_agree(finding["entity"], rest) and ("pid" not in entity or entity["pid"] in pids_of(finding))


def _finding_problems(wanted: Mapping[str, Any], findings: list[dict[str, Any]]) -> list[str]:
    entity = wanted.get("entity", {})
    about = [finding for finding in findings if _is_about(finding, entity)]
    fired = [finding for finding in about if wanted["rule"] in finding["rules"]]
    if not fired:
        return [f"no finding of {wanted['rule']} about {entity}, but {_brief(about)}"]
    complaints = [_complaints(wanted, finding) for finding in fired]
    # One cause is one finding.
    split = [f"more than one finding about pid {entity['pid']}: {_brief(_loud(about))}"] if "pid" in entity and len(_loud(about)) > 1 else []
    return min(complaints, key=len) + split


def _complaints(wanted: Mapping[str, Any], finding: Mapping[str, Any]) -> list[str]:
    found = []
    if "level" in wanted and finding["level"] != wanted["level"]:
        found.append(f"level {finding['level']}, not {wanted['level']}: {_brief([finding])}")
    if "at_least" in wanted and LEVELS.index(finding["level"]) < LEVELS.index(wanted["at_least"]):
        found.append(f"level {finding['level']}, not at least {wanted['at_least']}: {_brief([finding])}")
    said = " ".join(finding["reasons"])
    found += [f"no reason says {text!r}: {finding['reasons']}" for text in wanted.get("reasons", ()) if text not in said]
    evidence = wanted.get("evidence", {})
    found += [f"evidence has {name} {finding['evidence'].get(name)!r}" for name, value in evidence.items() if not _agrees(finding["evidence"].get(name), value)]
    return found


def _loud(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [finding for finding in findings if LEVELS.index(finding["level"]) > LEVELS.index("low")]


def _noise(limit: str, notes: Notes, findings: list[dict[str, Any]]) -> list[str]:
    """Findings above a level about anything that the setup noted: pids, paths, accounts."""
    noted = set(notes.values())
    loud = [finding for finding in findings if LEVELS.index(finding["level"]) > LEVELS.index(limit)]
    return [f"should not be above {limit}: {_brief([finding])}" for finding in loud if noted & {*pids_of(finding), *map(_plain, finding["entity"].values())}]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else None


def _brief(findings: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{finding['level']} {finding['rules']} {finding['title']!r} {finding['reasons']}" for finding in findings) or "nothing"
