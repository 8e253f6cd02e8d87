# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of targets, which may be anything."""

from __future__ import annotations

import base64
import gzip
import hashlib
from typing import Any

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._case import answer
from ansible_collections.incident.response.plugins.plugin_utils._case.answer import Answer, BadAnswer, unpack


def _result(data: bytes, **other: Any) -> dict[str, Any]:
    return {"packed": base64.b64encode(data).decode(), "sha256": hashlib.sha256(data).hexdigest(), **other}


def test_an_answer_is_kept_as_it_came() -> None:
    data = gzip.compress(b'{"sections": {}}')
    assert Answer.of(_result(data, ansible_facts={"ansible_connection": "local"})) == Answer(data, hashlib.sha256(data).hexdigest())
    assert unpack(data) == {"sections": {}}


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"packed": None, "sha256": "0" * 64},
        {"packed": ["x"], "sha256": "0" * 64},
        {"packed": "AAAA", "sha256": "../../x"},
        {"packed": "AAAA", "sha256": "0" * 64},
        {"packed": "not base64!", "sha256": "0" * 64},
    ],
)
def test_what_is_no_answer_is_refused(result: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        Answer.of(result)


@pytest.mark.parametrize("data", [b"", b"garbage", gzip.compress(b"{"), gzip.compress(b"\xff"), gzip.compress(b"[" * 100000)])
def test_damaged_facts_are_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer, match="damaged"):
        unpack(data)


def test_a_bomb_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "LARGEST_UNPACKED", 1 << 20)
    with pytest.raises(BadAnswer, match="unpack to more than 1 MiB"):
        unpack(gzip.compress(b" " * (4 << 20)))
