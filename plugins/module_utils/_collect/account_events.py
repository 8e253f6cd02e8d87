# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What su, passwd, useradd and their kin logged, and what sudo logged beside commands, as records ``account_event``."""

import re
from typing import Any, Dict, Optional

from .log_line import LogLine, trust
from .reading import iso_time, put

# The account concerned, where the line names it; the first that matches.
_NAMING = tuple(
    re.compile(pattern)
    for pattern in (
        rb"^new user: name=([^,]+),",
        rb"^(?:FAILED SU |FAILED su |)\(to ([^)]+)\)",
        rb"session (?:opened|closed) for user ([^( ]+)",
        rb"password changed for (\S+)$",
        rb"^password for '([^']+)' changed",
        rb"^(?:delete user|change user|changed user|lock user|unlock user|add|added|delete|removed|remove|set) '([^']+)'",
        rb"^user ([^ ]+) (?:added|removed)",
        rb"expiry for (\S+)$",
        rb" user=(\S+)$",
        rb"^(?:Successful su for|FAILED su for) (\S+) by",
        rb"^password for ([^ ]+) changed by",
        rb"^(\S+) : ",
        rb"(?:user|for) '([^']+)'",
    )
)


def account_of(message: bytes) -> Optional[bytes]:
    """The account that a line is about."""
    for pattern in _NAMING:
        match = pattern.search(message.strip())
        if match:
            return match.group(1)
    return None


def account_event(line: LogLine) -> Dict[str, Any]:
    """The record of a line."""
    record: Dict[str, Any] = {
        "at": iso_time(line.at),
        "program": line.program,
        "year_inferred": line.year_inferred,
        "source": line.source,
        "trust": trust(line),
        "writer_uid": line.uid,
        "line": line.line,
    }
    put(record, "user", account_of(line.message))
    put(record, "message", line.message.strip())
    return record
