# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings: what detection makes of facts."""

from collections import OrderedDict

from .record import Field, Record

FINDING = Record(
    "finding",
    "findings",
    "One cause that somebody should look at. Reasons about the same entity are one finding.",
    (
        Field("host", "str", "Inventory name of the host.", "web1", required=True),
        Field("rule", "str", "Rule of the weightiest reason.", "deleted_executable", required=True),
        Field("title", "str", "What it is, in a few words.", "Deleted executable still runs: /tmp/.x", required=True),
        Field("level", "str", "C(info), C(low), C(medium), C(high) or C(critical).", "high", required=True),
        Field("attack", "list[str]", "Techniques of MITRE ATT&CK.", ["T1070.004"], required=True),
        Field("entity", "dict", "What it is about.", {"kind": "process", "pid": 4242, "path": "/tmp/.x", "user": "mallory"}, required=True),
        Field("reason", "str", "Why, in plain words.", "Its file was deleted while it runs.", required=True),
        Field("evidence", "dict", "The fields that made it fire.", {"exe_state": "deleted"}, required=True),
        Field(
            "next_step",
            "str",
            "The command that looks closer or contains it.",
            "ansible web1 -m incident.response.executable_facts -a pids=4242",
            required=True,
        ),
        Field("rules", "list[str]", "Every rule that fired for this entity.", ["deleted_executable", "temp_or_hidden_path"], required=True),
        Field("reasons", "list[str]", "Every reason, the weightiest first.", ["Its file was deleted while it runs."], required=True),
    ),
)

ENTITY_KINDS = OrderedDict(
    [
        ("process", ("pid", "pids", "path", "name", "user", "started_at")),
        ("socket", ("protocol", "address", "port")),
        ("history", ("path", "user")),
        ("host", ()),
    ]
)
