# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outer shape that every section shares."""

from .record import Field, Record

ERROR = Record(
    "error",
    "errors",
    "Something that could not be read, and why. Equal causes are counted in one record.",
    (
        Field("what", "str", "What could not be read.", "process executable", required=True),
        Field("reason", "str", "Why.", "Permission denied", required=True),
        Field("count", "int", "How often.", 12, required=True),
        Field("subjects", "list[str]", "The first few things concerned.", ["pid 4242"], required=True),
    ),
)

LIMIT = Record(
    "limit",
    "limits",
    "A limit that was reached.",
    (
        Field("what", "str", "The list that was cut.", "items", required=True),
        Field("limit", "int", "The limit.", 5000, required=True),
        Field("total", "int", "How many there were.", 6123),
    ),
)

# Beside ``items`` and the parts of the section.
OUTER = (
    Field("errors", "list[dict]", "What could not be read, and why.", [], required=True),
    Field("truncated", "bool", "Whether a limit was reached.", False, required=True),
    Field("limits", "list[dict]", "The limits that were reached.", [], required=True),
    Field("collected_at", "time", "When this section was read, by the clock of the target.", "2026-11-23T15:45:00Z", required=True),
    Field("seconds", "float", "How long reading it took.", 0.042, unit="seconds", required=True),
)
