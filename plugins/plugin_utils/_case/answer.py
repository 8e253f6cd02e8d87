# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a target: compressed, unparsed, and not trusted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.incident.response.plugins.module_utils._schema.keys import KEYS

LARGEST_PACKED = 64 << 20
LARGEST_UNPACKED = 64 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadAnswer(ValueError):
    """An answer that is not what the module sends; the message says in what."""


@dataclass(frozen=True)
class Answer:
    """gzip-compressed JSON as it came, and the SHA-256 that the target took of it."""

    packed: bytes
    sha256: str

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Answer:
        """Take the answer out of a module's result. Nothing else of the result is used. Raises ``BadAnswer``."""
        packed, sha256 = result.get("packed"), result.get("sha256")
        if not isinstance(packed, str) or not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise BadAnswer("the answer of the host has no packed facts: its Python or the module there may have been tampered with")
        if len(packed) > LARGEST_PACKED:
            raise BadAnswer(f"the answer of the host is larger than {LARGEST_PACKED >> 20} MiB: lower triage_limit")
        try:
            data = base64.b64decode(packed, validate=True)
        except binascii.Error as error:
            raise BadAnswer(f"the answer of the host is not base64: {error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BadAnswer("the answer of the host does not have the SHA-256 that the host says it has")
        return cls(data, sha256)


def only_ours(result: dict[str, Any]) -> dict[str, Any]:
    """Let no fact through but ours: a host's answer must not set variables of the controller."""
    facts = result.get("ansible_facts")
    if facts is not None:
        result["ansible_facts"] = {key: facts[key] for key in KEYS.values() if key in facts} if isinstance(facts, dict) else {}
    return result


def failure_of(result: Mapping[str, Any]) -> str:
    """Why a module did not answer, in its own words."""
    parts = [str(result[key]).strip() for key in ("msg", "module_stderr") if result.get(key)]
    return ": ".join(parts) or "its Python did not answer"


def unpack(packed: bytes) -> Any:
    """Parse gzip-compressed JSON. Raises ``BadAnswer``; a bomb ends at a limit, not in memory."""
    expander = zlib.decompressobj(wbits=31)
    try:
        data = expander.decompress(packed, LARGEST_UNPACKED)
        if not expander.unconsumed_tail:
            return json.loads(data)
    except (zlib.error, ValueError, RecursionError, MemoryError) as error:
        raise BadAnswer(f"the facts are damaged: {error}") from error
    raise BadAnswer(f"the facts unpack to more than {LARGEST_UNPACKED >> 20} MiB: lower triage_limit")
