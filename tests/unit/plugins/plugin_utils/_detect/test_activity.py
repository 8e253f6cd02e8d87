# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about processor, mining and libraries pushed into programs."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings
from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host

POOL = ["/tmp/xmrig", "-c", "while :; do :; done", "xmrig", "-o", "stratum+tcp://127.0.0.1:3333", "--donate-level=0", "--algo=rx/0"]


@pytest.mark.parametrize(
    ("path", "package_state", "fields", "level"),
    [
        ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "unchanged", {}, "low"),
        ("/usr/lib/postgresql/15/bin/postgres", "unchanged", {}, "low"),
        ("/usr/bin/python3.11", "unchanged", {}, "low"),
        ("/usr/bin/busy", "unreadable", {}, "low"),
        ("/app/server", "foreign", {"container_id": "f2c1d0"}, "low"),
        ("/home/gtu/.cargo/bin/rustfmt", "unowned", {"uid": 0}, "low"),
        ("/opt/vendor/worker", "unowned", {}, "medium"),
        ("/usr/local/bin/worker", "unowned", {}, "medium"),
        ("/tmp/worker", "unowned", {}, "high"),
    ],
)
def test_much_cpu_is_judged_by_whose_program_it_is(path: str, package_state: str, fields: dict[str, Any], level: str) -> None:
    host = Host()
    host.runs(path, package_state, cpu_percent=99.4, **fields)
    finding = host.finding()
    assert finding.level == level
    assert "99 % of a processor" in finding.reason


def test_the_operator_says_what_is_much() -> None:
    host = Host()
    host.runs("/usr/local/bin/worker", cpu_percent=50.0)
    host.runs("/usr/local/bin/other", cpu_percent=None)
    assert host.findings() == []
    assert host.finding(Settings(cpu_percent=40)).rule == "high_cpu"


def test_workers_of_an_unknown_program_are_one_finding_and_two_packaged_ones_are_two() -> None:
    host = Host()
    for _number in range(3):
        host.runs("/usr/local/bin/worker", cpu_percent=90.0, exe_inode=7)
    assert len(host.finding().entity["pids"]) == 3
    host = Host()
    for _number in range(2):
        host.runs("/usr/bin/xz", "unchanged", cpu_percent=90.0, exe_inode=8)
    assert len(host.findings()) == 2


def test_miner_is_one_finding_that_joins_everything() -> None:
    host = Host()
    host.runs("/usr/bin/timeout", "unchanged", argv=["timeout", "120", *POOL])
    pid = host.runs("/tmp/xmrig", argv=POOL, cpu_percent=99.0, same_as="/usr/bin/bash", ppid=4242)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "coin_miner")
    assert set(finding.rules) == {"coin_miner", "temp_or_hidden_path", "high_cpu"}
    assert finding.entity["pids"] == [pid]
    assert "stratum+tcp://127.0.0.1:3333" in finding.reason


def test_a_miner_that_has_no_processor_is_still_one() -> None:
    host = Host()
    host.runs("/usr/local/bin/worker", argv=["worker", "--url=stratum+ssl://pool.example.net:443"])
    assert host.finding().level == "high"


def test_a_miner_that_names_no_pool_works_for_an_account() -> None:
    host = Host()
    host.runs("/opt/worker", argv=["worker", "pool.example.net:3333", "-u", f"4{'A' * 94}.web1"])
    host.runs("/opt/backup", argv=["backup", "--key", "4" + "A" * 60])
    assert [(finding.rule, finding.level) for finding in host.findings()] == [("coin_miner", "high")]


@pytest.mark.parametrize(
    ("path", "package_state", "argv", "level"),
    [
        ("/usr/bin/grep", "unchanged", ["grep", "-r", "stratum+tcp://", "/var/log"], None),
        ("/usr/bin/bash", "unchanged", ["bash", "-c", "grep -r stratum+tcp:// /var/log"], None),
        ("/usr/bin/python3.11", "unchanged", ["python3", "m.py", "-o", "stratum+tcp://192.0.2.1:3333"], "medium"),
        ("/usr/bin/xmrig", "unchanged", ["xmrig"], "medium"),
        ("/usr/local/bin/strata", "unowned", ["strata", "https://stratum.example.net"], None),
    ],
)
def test_who_only_names_a_pool_is_no_miner(path: str, package_state: str, argv: list[str], level: str | None) -> None:
    host = Host()
    host.runs(path, package_state, argv=argv)
    assert [finding.level for finding in host.findings()] == ([level] if level else [])


@pytest.mark.parametrize(
    ("environment", "level"),
    [
        ({"LD_PRELOAD": "/tmp/T1574006.so"}, "high"),
        ({"LD_AUDIT": "/dev/shm/a.so"}, "high"),
        ({"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 /var/tmp/a.so"}, "high"),
        ({"LD_PRELOAD": "/usr/lib/.x/libc.so"}, "high"),
        ({"LD_PRELOAD": "/usr/local/lib/libhide.so"}, "medium"),
        ({"LD_PRELOAD": "/home/gtu/libhide.so"}, "medium"),
        ({"LD_PRELOAD": "./libhide.so"}, "medium"),
        ({"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"}, "low"),
        ({"LD_PRELOAD": "libfakeroot-sysv.so"}, "low"),
        ({"LD_PRELOAD": ""}, None),
        ({"LD_PRELOAD": 7}, None),
        ({"LD_LIBRARY_PATH": "/opt/app/lib"}, None),
    ],
)
def test_preloaded_library(environment: dict[str, Any], level: str | None) -> None:
    host = Host()
    host.runs("/usr/bin/sleep", "unchanged", environment=environment)
    findings = host.findings()
    assert [(finding.level, finding.rule) for finding in findings] == ([(level, "preloaded_library")] if level else [])


def test_a_library_in_many_programs_is_one_finding() -> None:
    host = Host()
    for path in ("/usr/bin/sleep", "/usr/bin/bash", "/usr/sbin/cron"):
        host.runs(path, "unchanged", environment={"LD_PRELOAD": "/tmp/T1574006.so"})
    finding = host.finding()
    assert len(finding.entity["pids"]) == 3
    assert finding.next_step == "ansible web1 -m incident.response.process_facts -a 'pids=4242,4243,4244 open_files=true'"
