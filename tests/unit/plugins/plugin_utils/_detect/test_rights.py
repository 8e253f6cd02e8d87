# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about rights that a process has and its account has not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host


def test_a_copy_of_a_shell_with_the_set_user_id_bit_is_one_finding() -> None:
    host = Host()
    pid = host.runs("/var/tmp/.sh", same_as="/usr/bin/bash", user="mallory", uid=1001, euid=0)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "setuid_interpreter")
    assert finding.entity["pid"] == pid
    assert "with root's rights for mallory, and 'bash' runs" in finding.reason
    assert "temp_or_hidden_path" in finding.rules
    assert finding.evidence["uid"] == 1001


def test_an_account_without_a_name_is_its_number() -> None:
    host = Host()
    host.runs("/usr/bin/python3.11", "unchanged", user=None, uid=4711, euid=0)
    assert "for uid 4711, and 'python3.11' runs" in host.finding().reason


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/usr/bin/bash", {"user": "root", "uid": 0, "euid": 0}),
        ("/usr/bin/bash", {"user": "rose", "uid": 1001, "euid": 1001}),
        ("/usr/bin/bash", {"user": "root", "uid": 0, "euid": 1001}),
        ("/usr/bin/bash", {"uid": None, "euid": None}),
        ("/usr/bin/passwd", {"user": "rose", "uid": 1001, "euid": 0}),
        ("/usr/bin/bash", {"user": "rose", "uid": 1001, "euid": 0, "container_id": "f2c1d0"}),
    ],
)
def test_what_has_the_rights_that_it_should_have(path: str, fields: dict[str, Any]) -> None:
    host = Host()
    host.runs(path, "unchanged", **fields)
    assert host.findings() == []
