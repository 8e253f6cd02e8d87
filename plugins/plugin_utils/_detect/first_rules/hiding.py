# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what was done so that nothing is seen: processes that are not listed, views that differ, history not recorded."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.incident.response.plugins.plugin_utils._quoting import visible

from ..facts import Facts
from ..finding import Level
from ..reason import Entity, Key, Look, Reason
from ..records import Disagreement, Tampering
from ..settings import Settings
from .subjects import LOOK_AT_PROCESS, process_entity, unseen_process_entity

# Level, title, clause. The detail of a sign on a file is what is said of the file.
_SIGNS: dict[str, tuple[Level, str, str]] = {
    "linked_away": ("medium", "Shell history goes elsewhere", "the history file {where} of {account} {detail}, so that nothing typed is kept there"),
    "not_a_file": ("medium", "Shell history is not a file", "the history file {where} of {account} {detail}, so that nothing typed is kept there"),
    "switched_off": ("medium", "Shell history is switched off", "the history of {account} is switched off at {where}: {detail}"),
    "immutable": ("medium", "Shell history cannot be written", "the history file {where} of {account} is {detail}"),
    "empty": ("low", "Shell history is empty", "the history file {where} of {account} is {detail}"),
    "not_owner": ("low", "Shell history belongs to somebody else", "the history file {where} of {account} {detail}"),
    "client_switched_off": ("low", "History of a client is switched off", "the history of a client of {account} is switched off at {where}: {detail}"),
    "writable_by_all": ("low", "Shell history can be forged", "the history file {where} of {account} {detail}"),
    "read_only": ("medium", "Shell history cannot be written", "the history file {where} of {account} {detail}"),
    "not_text": ("low", "Shell history is not text", "the history file {where} of {account} {detail}"),
    "changed_before_content": ("low", "Time of the shell history was set back", "the history file {where} of {account} {detail}"),
    "time_backwards": ("low", "Times in the shell history go back", "in the history file {where} of {account} {detail}"),
    "time_in_future": ("low", "Times in the shell history lie ahead", "in the history file {where} of {account} {detail}"),
}
_UNKNOWN_SIGN: tuple[Level, str, str] = ("low", "Sign of tampering with history", "the history of {account} was tampered with at {where}: {detail}")
_LINK = "is a link to "
_FROM_PACKAGES = ("/usr/share/", "/usr/lib/", "/etc/skel/")


def hidden_process(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """It runs, but who lists the processes does not see it, or sees another one in its place."""
    for hidden in facts.hidden:
        covered = hidden.how == "covered"
        shown = "something is mounted over its folder in /proc, so that another process is shown in its place" if covered else "it answers, but is not listed"
        yield Reason(
            rule="hidden_process",
            level="high",
            side="visibility",
            entity=unseen_process_entity(facts, hidden.pid),
            title="Masked process" if covered else "Hidden process",
            clause=f"process {hidden.pid} is hidden: {shown}",
            attack=("T1564.001", "T1014") if not covered else ("T1564.001",),
            evidence={"how": visible(hidden.how), "detail": visible(hidden.detail or "", 300)},
            look=LOOK_AT_PROCESS,
        )


def views_disagree(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """Two ways to look at the host do not see the same."""
    for difference in facts.disagreements:
        what, seen, missing = (visible(text, 120) for text in (difference.entity, difference.seen_by, difference.missing_from))
        yield Reason(
            rule="views_disagree",
            level="medium",
            side="visibility",
            entity=_differing_entity(facts, difference),
            title=f"Two views of the host differ: {what}",
            clause=f"{what} is there for {seen}, but not for {missing}: one of the two is lied to",
            attack=("T1014",),
            evidence={"kind": visible(difference.kind), "entity": what, "seen_by": seen, "missing_from": missing},
            look=LOOK_AT_PROCESS if difference.pid is not None else Look("port_facts"),
        )


def _differing_entity(facts: Facts, difference: Disagreement) -> Entity:
    if difference.pid is not None:
        return unseen_process_entity(facts, difference.pid)
    words = difference.entity.split()
    protocol, port = (words[0], words[2]) if len(words) == 3 and words[1] == "port" and words[2].isdecimal() else (difference.entity, "")
    fields = {"protocol": protocol, "address": None, "port": int(port) if 0 < len(port) < 6 else None}
    return Entity("socket", ("differing socket", difference.entity), fields)


def history_switched_off(facts: Facts, _settings: Settings) -> Iterator[Reason]:
    """What is typed is not, or not truly, recorded."""
    for sign in facts.tampering:
        level, title, clause = _SIGNS.get(sign.sign, _UNKNOWN_SIGN)
        if _is_usual(facts, sign):
            level = "low"
        account = visible(sign.user, 60) if sign.user is not None else "all accounts"
        yield Reason(
            rule="history_switched_off",
            level=level,
            side="history",
            entity=_tampered_entity(facts, sign),
            title=f"{title}: {account}",
            clause=clause.format(where=visible(sign.where, 160), account=account, detail=visible(sign.detail, 160)),
            attack=("T1070.003", "T1690") if sign.sign == "switched_off" else ("T1070.003",),
            evidence={name: value for name, value in _evidence(sign).items() if value is not None},
            look=Look("history_facts", {"users": str(sign.uid)} if sign.uid is not None else {}),
            causes=_tampering_causes(sign),
        )


def _is_usual(facts: Facts, sign: Tampering) -> bool:
    """What packages bring along, what guides for administrators advise (history that can only be added to), and this run itself."""
    append_only = sign.sign == "immutable" and "append" in sign.detail.lower()
    process = facts.processes_by_pid.get(sign.pid) if sign.pid is not None else None
    path = sign.path or ""
    return (
        append_only
        or (process is not None and process.is_own)
        or path.startswith(_FROM_PACKAGES)
        or (sign.sign == "linked_away" and _stays_at_home(sign, path))
    )


def _stays_at_home(sign: Tampering, path: str) -> bool:
    """Tell whether a history file is a link to another place in the same home, as of those who keep such files together."""
    home, target = path.rpartition("/")[0], sign.detail.removeprefix(_LINK)
    return bool(home) and ".." not in target and (not target.startswith("/") or target.startswith(f"{home}/"))


def _tampered_entity(facts: Facts, sign: Tampering) -> Entity:
    """The process whose environment says so, or else the file."""
    process = facts.processes_by_pid.get(sign.pid) if sign.pid is not None else None
    if process is not None:
        return process_entity(process)
    path = sign.path if sign.path is not None else sign.where
    return Entity("history", ("history", path, sign.uid if sign.path is None else None), {"path": path, "user": sign.user})


def _tampering_causes(sign: Tampering) -> tuple[Key, ...]:
    """All shells of an account with the same setting have one cause; files have one each."""
    return (("history", sign.uid, sign.user, sign.detail),) if sign.pid is not None else ()


def _evidence(sign: Tampering) -> dict[str, object]:
    return {
        "sign": visible(sign.sign),
        "where": visible(sign.where, 1000),
        "path": sign.path,
        "line": sign.line,
        "pid": sign.pid,
        "detail": visible(sign.detail, 1000),
        "user": sign.user,
    }
