# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about what runs: deleted, replaced, in memory, in odd places."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host


def test_deleted_hidden_and_temporary_is_one_finding_with_three_reasons() -> None:
    host = Host()
    pid = host.runs("/tmp/.x", exe_state="deleted", same_as="/usr/bin/sleep")
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "deleted_executable")
    assert finding.rules[:2] == ["deleted_executable", "temp_or_hidden_path"]
    assert finding.entity["pid"] == pid
    assert finding.entity["path"] == "/tmp/.x"
    assert "/usr/bin/sleep" in finding.reason
    assert "deleted" in finding.reason and "/tmp" in finding.reason and "begins with a dot" in finding.reason
    assert finding.next_step == f"ansible web1 -m incident.response.executable_facts -a pids={pid}"
    assert finding.evidence["exe_state"] == "deleted"


@pytest.mark.parametrize(
    ("path", "package_state", "path_sha256", "level"),
    [
        ("/usr/bin/sleep", "updated", "1" * 64, "low"),
        ("/usr/bin/sleep", "unchanged", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "low"),
        ("/usr/bin/sleep", "unchanged", "1" * 64, "high"),
        ("/usr/bin/sleep", "unchanged", None, "medium"),
        ("/usr/bin/sleep", "changed", "1" * 64, "high"),
        ("/usr/bin/sleep", "unreadable", None, "low"),
        ("/opt/app/bin/app", "unowned", "1" * 64, "medium"),
        ("/usr/local/bin/app", "unowned", "1" * 64, "high"),
        ("/home/deploy/app", "unreadable", "1" * 64, "medium"),
        ("/var/tmp/app", "unowned", "1" * 64, "high"),
    ],
)
def test_an_upgrade_is_no_attack_and_a_swap_is(path: str, package_state: str, path_sha256: str | None, level: str) -> None:
    host = Host()
    host.runs(path, package_state, exe_state="replaced", path_sha256=path_sha256)
    finding = host.finding()
    assert (finding.level, finding.rule) == (level, "replaced_executable")


@pytest.mark.parametrize(("package_state", "level"), [("unchanged", "low"), ("changed", "high"), ("unowned", "high"), ("unreadable", "medium")])
def test_a_deleted_file_is_judged_by_whose_it_was(package_state: str, level: str) -> None:
    host = Host()
    host.runs("/usr/bin/sleep", package_state, exe_state="deleted")
    assert host.finding().level == level


def test_what_was_there_in_a_container_is_not_the_hosts_business_to_know() -> None:
    host = Host()
    host.runs("/usr/bin/app", "foreign", exe_state="deleted", container_id="f2c1d0")
    assert host.finding().level == "medium"


def test_trojaned_program_of_a_package() -> None:
    host = Host()
    host.runs("/usr/sbin/sshd", "changed")
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "replaced_executable")
    assert "some-package" in finding.reason


def test_the_sshd_that_this_run_came_in_through_is_judged_too() -> None:
    host = Host()
    host.runs("/usr/sbin/sshd", "changed", is_own=True)
    assert host.finding().level == "high"


def test_this_run_is_no_finding() -> None:
    host = Host()
    host.runs("/root/.ansible/tmp/ansible-tmp-1/x", "unowned", is_own=True, name="x", cpu_percent=100.0)
    assert host.findings() == []


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"exe": "/memfd:kthread-helper", "name": "memfd:kthread-h"}, "high"),
        ({"exe": "/memfd:runc_cloned:/proc/self/exe", "name": "runc:[2:INIT]", "same_as": "/usr/sbin/runc"}, "low"),
        ({"exe": "/memfd:runc_cloned:/proc/self/exe", "name": "6", "same_as": "/usr/bin/sleep"}, "medium"),
        ({"exe": "/memfd:runc_cloned:/proc/self/exe", "name": "6", "uid": 1001}, "high"),
    ],
)
def test_program_in_memory(fields: dict[str, Any], level: str) -> None:
    host = Host()
    host.runs(fields.pop("exe"), exe_state="memfd", argv=["run", "1"], **fields)
    finding = host.finding()
    assert (finding.level, finding.rule) == (level, "memfd_executable")
    assert "/memfd:" in finding.title


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/user/1000", "/run/lock"])
def test_temporary_folders(folder: str) -> None:
    host = Host()
    host.runs(f"{folder}/worker")
    finding = host.finding()
    assert (finding.level, finding.rule) == ("medium", "temp_or_hidden_path")
    assert folder.removesuffix("/1000") in finding.reason


@pytest.mark.parametrize("path", ["/usr/bin/list", "/tmpfiles/x-worker", "/opt/app/tmp/worker", "/srv/run/user/worker"])
def test_other_folders_are_none(path: str) -> None:
    host = Host()
    host.runs(path)
    assert host.findings() == []


@pytest.mark.parametrize(
    ("path", "uid", "owner", "level"),
    [
        ("/home/gtu/.vscode-server/bin/863d2581ecda/node", 1001, 1001, "info"),
        ("/root/.pyenv/versions/3.11.7/bin/python3.11", 0, 0, "info"),
        ("/home/gtu/.cargo/bin/ripgrep", 1001, 1001, "info"),
        ("/home/gtu/.vscode-server/bin/863d2581ecda/node", 1001, 33, "medium"),
        ("/home/gtu/.vscode-server/.x/node", 1001, 1001, "medium"),
        ("/home/gtu/.cargo/bin/.ripgrep", 1001, 1001, "medium"),
        ("/home/gtu/.ansible/tmp/ansible-tmp-1795447000.12-3456-99/helper", 1001, 1001, "low"),
        ("/opt/... /worker", 0, 0, "medium"),
        ("/usr/lib/.build-id/worker", 0, 0, "medium"),
    ],
)
def test_hidden_places_and_developers_tools(path: str, uid: int, owner: int, level: str) -> None:
    host = Host()
    host.runs(path, uid=uid)
    host.sections["executables"]["items"][0]["owner_uid"] = owner
    assert host.finding().level == level


def test_blanks_at_the_end_are_seen() -> None:
    host = Host()
    host.runs("/tmp/with blank /init ", name="init ")
    finding = host.finding()
    assert finding.level == "high"
    assert "'/tmp/with blank /init '" in finding.title
    assert finding.entity["path"] == "/tmp/with blank /init "


def test_processes_of_one_image_are_one_finding() -> None:
    host = Host()
    pids = [host.runs("/tmp/worker", exe_inode=7, pid=100 + number, start_ticks=900 - number) for number in range(12)]
    finding = host.finding()
    assert finding.entity["pid"] == pids[-1]
    assert finding.entity["pids"] == [pids[-1], *pids[:-1]]
    assert "and 11 more" in finding.title
    assert finding.next_step.count(",") == 9


def test_two_images_are_two_findings() -> None:
    host = Host()
    host.runs("/tmp/worker")
    host.runs("/tmp/worker2")
    assert len(host.findings()) == 2


def test_kernel_threads_and_zombies_run_nothing() -> None:
    host = Host()
    for name, state in (("kworker/R-rcu_g", "kernel"), ("kdamond.0", "kernel"), ("hwrng", "kernel"), ("rcu_exp_gp_kthr", "kernel")):
        host.runs(None, is_kernel_thread=True, exe_state=state, name=name, argv=[], ppid=2)
    host.runs(None, exe_state="none", name="x", argv=[], state="Z")
    assert host.findings() == []


def test_the_image_that_ran_when_the_process_was_read_counts() -> None:
    """A pid may have changed its image between the two readings: the inode says which one."""
    host = Host()
    host.runs("/usr/bin/sleep", "unchanged", exe_inode=1)
    host.sections["executables"]["items"][0].update(inode=2, package_state="changed")
    assert host.findings() == []


@pytest.mark.parametrize(
    ("argv", "level"),
    [
        (["/lib64/ld-linux-x86-64.so.2", "/tmp/.x", "900"], "medium"),
        (["ld.so", "--library-path", "/opt/app/lib", "--argv0", "app", "/dev/shm/app"], "medium"),
        (["ld.so", "--inhibit-cache", "/usr/local/lib/.x/app"], "medium"),
        (["ld.so", "--library-path", "/tmp/lib", "/opt/app/bin/app", "/tmp/file"], None),
        (["ld.so", "/home/rose/.vscode-server/node"], None),
        (["ld.so", "--preload"], None),
        (["ld.so"], None),
    ],
)
def test_a_program_that_the_loader_was_told_to_run(argv: list[str], level: str | None) -> None:
    for path in ("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/ld-2.31.so"):
        host = Host()
        pid = host.runs(path, "unchanged", argv=argv)
        found = [(finding.rule, finding.level, finding.entity["pid"]) for finding in host.findings()]
        assert found == ([("temp_or_hidden_path", level, pid)] if level else []), argv


def test_arguments_of_other_programs_are_no_programs() -> None:
    host = Host()
    host.runs("/usr/bin/less", "unchanged", argv=["less", "/tmp/.x"])
    assert host.findings() == []
