# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about hiding: processes, views that differ, history that is not recorded."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host


@pytest.mark.parametrize(("how", "says"), [("covered", "mounted over"), ("unlisted", "not listed")])
def test_hidden_process(how: str, says: str) -> None:
    host = Host()
    host.hides(4242, how)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "hidden_process")
    assert finding.entity["pid"] == 4242
    assert says in finding.reason and "4242" in finding.reason
    assert finding.next_step == "ansible web1 -m incident.response.process_facts -a 'pids=4242 open_files=true'"


def test_hidden_from_both_views_is_one_finding() -> None:
    host = Host()
    host.hides(4242, "unlisted")
    host.differs(kind="process", pid=4242, entity="pid 4242")
    finding = host.finding()
    assert (finding.level, finding.rules) == ("high", ["hidden_process", "views_disagree"])


def test_views_that_differ() -> None:
    host = Host()
    host.differs(kind="socket", pid=None, entity="tcp port 31337")
    host.differs(kind="process", pid=7, entity="pid 7", seen_by="kernel", missing_from="psutil")
    socket, process = sorted(host.findings(), key=lambda finding: str(finding.entity["kind"]), reverse=True)
    assert (socket.level, process.level) == ("medium", "medium")
    assert socket.entity == {"kind": "socket", "protocol": "tcp", "address": None, "port": 31337}
    assert process.entity["pid"] == 7


@pytest.mark.parametrize(
    ("sign", "fields", "level"),
    [
        ("linked_away", {"path": "/home/gtu/.bash_history", "where": "/home/gtu/.bash_history", "detail": "is a link to /dev/null"}, "medium"),
        ("linked_away", {"path": "/home/gtu/.bash_history", "detail": "is a link to /etc/shadow"}, "medium"),
        ("linked_away", {"path": "/home/gtu/.bash_history", "detail": "is a link to ../mallory/x"}, "medium"),
        ("linked_away", {"path": "/home/gtu/.bash_history", "detail": "is a link to dotfiles/bash_history"}, "low"),
        ("linked_away", {"path": "/home/gtu/.bash_history", "detail": "is a link to /home/gtu/dotfiles/bash_history"}, "low"),
        ("not_a_file", {}, "medium"),
        ("switched_off", {}, "medium"),
        ("switched_off", {"path": "/etc/profile.d/zz.sh", "where": "/etc/profile.d/zz.sh:1", "user": None, "uid": None, "detail": "unset HISTFILE"}, "medium"),
        ("switched_off", {"path": "/usr/share/defaults/etc/profile", "where": "/usr/share/defaults/etc/profile:3"}, "low"),
        ("immutable", {"detail": "immutable (chattr +i)"}, "medium"),
        ("immutable", {"detail": "append-only (chattr +a)"}, "low"),
        ("empty", {}, "low"),
        ("not_owner", {}, "low"),
        ("time_backwards", {}, "low"),
        ("time_in_future", {}, "low"),
        ("something_new", {}, "low"),
    ],
)
def test_signs_of_tampering(sign: str, fields: dict[str, Any], level: str) -> None:
    host = Host()
    host.tampered(sign, **fields)
    finding = host.finding()
    assert (finding.level, finding.rule) == (level, "history_switched_off")
    assert finding.entity == {"kind": "history", "path": finding.evidence["path"], "user": finding.evidence.get("user")}
    assert finding.evidence["where"] in finding.reason
    assert finding.next_step.startswith("ansible web1 -m incident.response.history_facts")


def test_lines_of_one_file_are_one_finding_and_files_are_two() -> None:
    host = Host()
    for line, text in ((1, "unset HISTFILE"), (2, "export HISTFILESIZE=0")):
        host.tampered("switched_off", path="/etc/profile.d/zz.sh", where=f"/etc/profile.d/zz.sh:{line}", line=line, detail=text, user=None, uid=None)
    finding = host.finding()
    assert "unset HISTFILE" in finding.reason and "HISTFILESIZE=0" in finding.reason
    host.tampered("switched_off", path="/home/gtu/.bashrc", where="/home/gtu/.bashrc:114")
    assert len(host.findings()) == 2


def test_a_shell_whose_environment_says_so() -> None:
    host = Host()
    pids = [host.runs("/usr/bin/bash", "unchanged", argv=["-bash"], user="gtu", uid=1001) for _number in range(2)]
    for pid in pids:
        host.tampered("switched_off", pid=pid, path=None, line=None, where=f"process {pid}", detail="HISTFILE=/dev/null")
    finding = host.finding()
    assert (finding.level, finding.entity["pids"]) == ("medium", pids)


def test_this_runs_own_shell_stays_low() -> None:
    host = Host()
    pid = host.runs("/usr/bin/bash", "unchanged", argv=["-bash"], is_own=True)
    host.tampered("switched_off", pid=pid, path=None, line=None, where=f"process {pid}", detail="HISTFILE=/dev/null")
    assert host.finding().level == "low"


def test_a_process_that_is_gone_still_has_its_sign() -> None:
    host = Host()
    host.tampered("switched_off", pid=99, path=None, line=None, where="process 99", detail="HISTFILE=/dev/null")
    assert host.finding().entity == {"kind": "history", "path": "process 99", "user": "mallory"}
