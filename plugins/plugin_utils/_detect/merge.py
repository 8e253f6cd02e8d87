# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cause is one finding: reasons about the same entity, or with the same cause, become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ansible_collections.incident.response.plugins.plugin_utils._quoting import host_pattern, shell_quote

from .finding import Finding, Level, highest, rank
from .reason import Key, Look, Reason

_REASONS_OF_A_RULE = 5
_SENTENCE = 360
_LISTED_PIDS = 10


def merge(host: str, reasons: Iterable[Reason], ansible: Sequence[str] = ("ansible",)) -> list[Finding]:
    """Merge what the rules say about one host. ``ansible``: the program that commands call, and its options.

    A cause joins entities at ``medium`` and above. Below, it joins only entities that nothing worse is said of: an
    outdated shell must not pull in all other outdated shells when one of them has been caught.
    """
    loud = _groups(reasons, lambda reason: reason.causes if rank(reason.level) >= rank("medium") else ())
    quiet = [reason for group in loud if _is_quiet(group) for reason in group]
    groups = [group for group in loud if not _is_quiet(group)] + _groups(quiet, lambda reason: reason.causes)
    return [_finding(host, group, ansible) for group in groups]


def _is_quiet(group: Sequence[Reason]) -> bool:
    return all(rank(reason.level) < rank("medium") for reason in group)


def _groups(reasons: Iterable[Reason], causes_of: Callable[[Reason], tuple[Key, ...]]) -> list[list[Reason]]:
    """Partition reasons: two are together when a chain of shared entities and causes connects them (union-find)."""
    parent: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    listed = list(reasons)
    for reason in listed:
        for cause in causes_of(reason):
            parent[root(("cause", *cause))] = root(("entity", *reason.entity.key))
    groups: dict[Key, list[Reason]] = {}
    for reason in listed:
        groups.setdefault(root(("entity", *reason.entity.key)), []).append(reason)
    return list(groups.values())


def _finding(host: str, group: Sequence[Reason], ansible: Sequence[str]) -> Finding:
    order: dict[str, int] = {}
    for reason in group:
        order.setdefault(reason.rule, len(order))
    ordered = sorted(group, key=lambda reason: (-rank(reason.level), order[reason.rule], reason.entity.started))
    first, told = ordered[0], _told(ordered)
    pids = _pids(first, ordered)
    entity = {"kind": first.entity.kind, **first.entity.fields}
    if pids and first.entity.kind == "process":
        entity["pids"] = pids
    return Finding(
        host=host,
        rule=first.rule,
        title=_title(first, pids),
        level=_level(ordered),
        attack=_unique(technique for reason in told for technique in reason.attack),
        entity=entity,
        reason=_sentence(_fitting([reason.clause for reason in told])),
        evidence=_evidence(told),
        next_step=_command(host, first.look, pids, ansible),
        rules=_unique(reason.rule for reason in ordered),
        reasons=[_sentence(reason.clause) for reason in told],
    )


def _level(group: Sequence[Reason]) -> Level:
    """The highest level; ``high`` where two sides of the entity are ``medium``, since each confirms the other."""
    sides = {reason.side for reason in group if rank(reason.level) >= rank("medium")}
    return highest([reason.level for reason in group] + (["high"] if len(sides) > 1 else []))


def _told(ordered: Sequence[Reason]) -> list[Reason]:
    """The reasons that are written down: each clause once, and a few for each rule."""
    told: dict[tuple[str, str], Reason] = {}
    count: dict[str, int] = {}
    for reason in ordered:
        key = (reason.rule, reason.clause)
        if key not in told and count.get(reason.rule, 0) < _REASONS_OF_A_RULE:
            told[key] = reason
            count[reason.rule] = count.get(reason.rule, 0) + 1
    return list(told.values())


def _pids(first: Reason, group: Iterable[Reason]) -> list[int]:
    """Every process of the finding, the one that stands for it first."""
    pids = [reason.entity.fields["pid"] for reason in group if reason.entity.kind == "process"]
    own = [first.entity.fields["pid"]] if first.entity.kind == "process" else []
    return own + sorted(set(pids) - set(own))


def _title(first: Reason, pids: Sequence[int]) -> str:
    if first.entity.kind != "process" or not pids:
        return first.title
    more = f" and {len(pids) - 1} more" if len(pids) > 1 else ""
    return f"{first.title} (pid {pids[0]}{more})"


def _evidence(told: Iterable[Reason]) -> dict[str, Any]:
    """The evidence of all reasons; where two have the same field, that of the weightier one."""
    evidence: dict[str, Any] = {}
    for reason in told:
        evidence = {**evidence, **{name: value for name, value in reason.evidence.items() if name not in evidence}}
    return evidence


def _fitting(clauses: Sequence[str]) -> str:
    """As many clauses as a person reads in one breath; the first always. All of them are in ``reasons``."""
    text = clauses[0]
    for clause in clauses[1:]:
        if len(text) + len(clause) + 2 <= _SENTENCE:
            text = f"{text}; {clause}"
    return text


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _command(host: str, look: Look, pids: Sequence[int], ansible: Sequence[str]) -> str:
    """What to paste on the controller: the module that looks closer, at this host and these processes."""
    options = [f"pids={','.join(map(str, pids[:_LISTED_PIDS]))}"] if look.pids and pids else []
    options += [f"{name}={value}" for name, value in look.options.items()]
    words = [ansible[0], host_pattern(host), *ansible[1:], "-m", f"incident.response.{look.module}"]
    if options:
        words += ["-a", " ".join(options)]
    return " ".join(map(shell_quote, words))


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
