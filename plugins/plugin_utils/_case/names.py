# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that become files: an inventory name may be a path, a template, or anything else."""

from __future__ import annotations

import hashlib
import re
import string
from urllib.parse import quote, unquote

_SAFE = string.ascii_letters + string.digits + "._-:@"
_LONGEST = 200
_CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class BadCaseId(ValueError):
    """A case id that could lead out of the case folder."""


def host_folder(inventory_name: str) -> str:
    """The folder name of a host: its inventory name, percent-encoded where it is not plain.

    Different names stay different; none is empty, hidden, a path, or longer than a file name may be.
    """
    name = quote(inventory_name.encode("utf-8", "surrogateescape"), safe=_SAFE)
    if not name or name.startswith("."):
        name = "%2E" + name[1:] if name else "%"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(inventory_name.encode("utf-8", "surrogateescape")).hexdigest()
        name = f"{name[: _LONGEST - 65]}%{digest}"
    return name


def plain_name(folder: str) -> str:
    """The inventory name of a folder that was not shortened; for merged cases that lost their host.json."""
    return unquote(folder, errors="surrogateescape")


def check_case_id(case: str) -> str:
    """Return ``case`` if it is one plain file name; raise ``BadCaseId`` otherwise."""
    if not _CASE_ID.fullmatch(case):
        raise BadCaseId(
            f"incident_case is the name of a case, not {case!r}: letters, digits, '.', '_' and '-' only, beginning with a letter or digit. "
            "Set incident_case_dir for the folder that holds the cases. Nothing was read or written."
        )
    return case
