# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about names: imitations, deceptive letters, names that are hardly one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host


def test_brackets_of_a_kernel_thread_on_a_packaged_program() -> None:
    host = Host()
    host.runs("/usr/bin/sleep", "unchanged", argv=["[kworker/0:1]", "99999"])
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "imitated_name")
    assert "'[kworker/0:1]'" in finding.reason
    assert "/usr/bin/sleep" in finding.reason
    assert finding.attack == ["T1036.004"]


def test_imitation_and_memory_are_one_finding() -> None:
    host = Host()
    host.runs("/memfd:kthread-helper", exe_state="memfd", name="memfd:kthread-h", argv=["[kworker/u8:2]", "99999"], same_as="/usr/bin/sleep")
    finding = host.finding()
    assert finding.level == "high"
    assert finding.rules == ["memfd_executable", "imitated_name"]
    assert "[kworker/u8:2]" in finding.reason and "/memfd:kthread-helper" in finding.reason


@pytest.mark.parametrize(
    ("path", "package_state", "fields", "level"),
    [
        ("/usr/local/bin/kswapd0", "unowned", {}, "high"),
        ("/usr/bin/python3.11", "unchanged", {"name": "kworker/u8:1", "argv": ["python3", "-c", "0"]}, "high"),
        ("/usr/bin/sleep", "unchanged", {"name": "jbd2/sda1-8"}, "high"),
        ("/usr/bin/python3.11", "unchanged", {"argv": ["[foo]"]}, "medium"),
        ("/usr/bin/python3.11", "unchanged", {"argv": ["[celeryd: worker@web1:ForkPoolWorker-1]"]}, None),
        ("/usr/bin/[", "unchanged", {"argv": ["[", "-e", "/tmp", "]"]}, None),
    ],
)
def test_names_of_kernel_threads(path: str, package_state: str, fields: dict[str, Any], level: str | None) -> None:
    host = Host()
    host.runs(path, package_state, **fields)
    assert [finding.level for finding in host.findings()] == ([level] if level else [])


def test_a_thread_that_this_kernel_has_is_not_imitated_by_others() -> None:
    host = Host()
    host.runs(None, is_kernel_thread=True, exe_state="kernel", name="zvol_tq-0", argv=[], ppid=2)
    host.runs("/usr/local/bin/zvol_tq-0")
    assert host.finding().level == "high"


@pytest.mark.parametrize(
    ("path", "package_state", "percent", "level"),
    [
        ("/usr/local/bin/worker", "unowned", 0.0, "medium"),
        ("/usr/bin/python3.11", "unchanged", 0.0, "medium"),
        ("/usr/sbin/odd-daemon", "unchanged", 0.0, "low"),
        # Without a rate it may just have been ending.
        ("/usr/local/bin/worker", "unowned", None, None),
    ],
)
def test_erased_command_line(path: str, package_state: str, percent: float | None, level: str | None) -> None:
    host = Host()
    host.runs(path, package_state, argv=[], cpu_percent=percent)
    assert [finding.level for finding in host.findings()] == ([level] if level else [])


@pytest.mark.parametrize(
    ("path", "package_state", "fields", "level"),
    [
        # The file has the name of a daemon.
        ("/usr/sbin/sshd", "unchanged", {}, None),
        ("/usr/local/bin/sshd", "unowned", {}, "medium"),
        ("/tmp/sshd", "unowned", {}, "high"),
        ("/var/lib/.cache/cron", "unowned", {}, "high"),
        ("/usr/local/nginx/sbin/nginx", "unowned", {}, None),
        ("/home/web/nginx", "unowned", {}, "medium"),
        ("/usr/lib/systemd/systemd-network-helper", "unowned", {}, "medium"),
        # It only says that it is one.
        ("/usr/bin/perl", "unchanged", {"argv": ["/usr/sbin/apache2 -k start"]}, "high"),
        ("/usr/bin/python3.11", "unchanged", {"name": "sshd", "argv": ["sshd: root@notty"]}, "high"),
        ("/usr/local/bin/agent", "unowned", {"argv": ["/usr/sbin/cron", "-f"]}, "high"),
        ("/usr/bin/sleep", "unchanged", {"name": "sshd", "argv": ["/usr/sbin/sshd"]}, "medium"),
        # Scripts are named after themselves.
        ("/usr/bin/python3.11", "unchanged", {"name": "fail2ban-server", "argv": ["/usr/bin/python3", "/usr/bin/fail2ban-server", "-xf", "start"]}, None),
        ("/usr/bin/dash", "unchanged", {"name": "cron", "argv": ["/bin/sh", "/home/web/cron"]}, "medium"),
        # Daemons of packages write what they do into their arguments, or are one program under several names.
        ("/usr/sbin/sshd", "unchanged", {"argv": ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"]}, None),
        ("/usr/lib/openssh/sshd-session", "unchanged", {"argv": ["sshd-session: root [priv]"]}, None),
        ("/usr/lib/postgresql/15/bin/postgres", "unchanged", {"argv": ["postgres: checkpointer "]}, None),
        ("/usr/sbin/nginx", "unchanged", {"argv": ["nginx: worker process"]}, None),
        ("/usr/bin/udevadm", "unchanged", {"name": "systemd-udevd", "argv": ["/lib/systemd/systemd-udevd"]}, None),
        ("/usr/lib/systemd/systemd", "unchanged", {"argv": ["/sbin/init"]}, None),
        ("/usr/lib/systemd/systemd", "unchanged", {"name": "(sd-pam)", "argv": ["(sd-pam)"]}, None),
        ("/usr/bin/redis-check-rdb", "unchanged", {"name": "redis-server", "argv": ["/usr/bin/redis-server 127.0.0.1:6379"]}, None),
        ("/usr/bin/bash", "unchanged", {"argv": ["-bash"]}, None),
        # What containers run is theirs.
        ("/usr/sbin/nginx", "foreign", {"container_id": "f2c1d0"}, None),
        # Another program's name and place.
        ("/home/web/agent", "unowned", {"argv": ["/usr/lib/policykit-1/agentx"]}, None),
        ("/home/web/agent", "unowned", {"argv": ["/usr/bin/less", "x"]}, "medium"),
    ],
)
def test_names_of_daemons_and_programs(path: str, package_state: str, fields: dict[str, Any], level: str | None) -> None:
    host = Host()
    host.runs(path, package_state, **fields)
    assert [(finding.level, finding.rule) for finding in host.findings()] == ([(level, "imitated_name")] if level else [])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u0455shd", "\\u0455shd"),
        ("cod\u202egpj.sh", "cod\\u202egpj.sh"),
        ("ss\u200bhd", "ss\\u200bhd"),
        ("\uff53shd", "\\uff53shd"),
        ("p\u0430ypal", "p\\u0430ypal"),
    ],
)
def test_deceptive_letters_become_code_points(name: str, shown: str) -> None:
    host = Host()
    host.runs(f"/usr/local/bin/{name}", name=name)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("medium", "imitated_name")
    for text in (finding.title, finding.reason):
        assert shown in text
        assert name not in text


@pytest.mark.parametrize("name", ["сервер", "überwachung", "监控程序", "данные-sync", "café"])
def test_other_alphabets_are_no_deception(name: str) -> None:
    host = Host()
    host.runs(f"/usr/local/bin/{name}", name=name)
    assert host.findings() == []


def test_a_name_of_another_alphabet_may_be_cut_within_a_letter() -> None:
    host = Host()
    host.runs("/usr/local/bin/мониторинг", name="монитор\\xd0", raw={"name": "0LzQvtC90LjRgtC+0YDQ"})
    assert host.findings() == []


@pytest.mark.parametrize("name", ["[", "w", "nl", "id", "ip", "od", "tr", "X", "R"])
def test_short_names_of_packages_are_silent(name: str) -> None:
    host = Host()
    host.runs(f"/usr/bin/{name}", "unchanged")
    assert host.findings() == []


@pytest.mark.parametrize(
    ("path", "package_state", "fields", "level"),
    [
        ("/usr/local/bin/x", "unowned", {}, "medium"),
        ("/usr/local/bin/ab", "unowned", {}, "medium"),
        ("/usr/local/bin/...", "unowned", {}, "medium"),
        ("/usr/local/bin/-", "unowned", {}, "medium"),
        ("/usr/local/bin/abc", "unowned", {}, None),
        ("/usr/local/bin/jq", "unowned", {}, "low"),
        ("/tmp/jq", "unowned", {}, "medium"),
        ("/usr/local/bin/worker", "unowned", {"name": "x"}, "medium"),
        ("/usr/local/bin/x", "unowned", {"name": "worker"}, "medium"),
        ("/usr/local/bin/worker", "unowned", {"name": " "}, "medium"),
        ("/usr/local/bin/worker", "unowned", {"name": ""}, "medium"),
        ("/usr/local/bin/worker", "unowned", {"name": "a\tb\x1b[2J"}, "medium"),
        # A blank may be where the kernel cut a name.
        ("/usr/local/bin/my long program name", "unowned", {"name": "my long program"}, None),
        ("/usr/local/bin/my long program", "unowned", {"name": "a program with "}, None),
        # Links of packages, scripts, and what renamed itself.
        ("/usr/bin/vim.basic", "unchanged", {"name": "vi", "argv": ["vi"]}, None),
        ("/usr/bin/dash", "unchanged", {"name": "sh", "argv": ["sh", "-c", "true"]}, None),
        ("/usr/bin/bash", "unchanged", {"name": "a", "argv": ["/bin/bash", "/usr/bin/a"]}, None),
        ("/usr/bin/bash", "unchanged", {"name": "a", "argv": ["/bin/bash", "/home/web/a"]}, "low"),
        ("/usr/bin/bash", "unchanged", {"name": "a", "argv": ["/bin/bash", "/tmp/a"]}, "medium"),
        ("/usr/bin/python3.11", "unchanged", {"name": "x", "argv": ["python3", "-c", "0"]}, "medium"),
        ("/usr/bin/sleep", "unchanged", {"name": "  "}, "medium"),
        # What containers run, and what we may not see, are called as they are.
        ("/bin/x", "foreign", {"container_id": "f2c1d0"}, None),
        ("/usr/bin/x", "unreadable", {}, None),
    ],
)
def test_very_simple_names(path: str, package_state: str, fields: dict[str, Any], level: str | None) -> None:
    host = Host()
    host.runs(path, package_state, **fields)
    findings = host.findings()
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all("odd_name" in finding.rules for finding in findings)


def test_bytes_that_are_no_text() -> None:
    host = Host()
    host.runs("/usr/local/bin/\\xff\\xfe", name="\\xff\\xfe", raw={"name": "//4=", "exe": "L3Vzci9sb2NhbC9iaW4v//4="})
    finding = host.finding()
    assert (finding.level, finding.rule) == ("medium", "odd_name")
    assert "\\xff\\xfe" in finding.reason


def test_a_name_that_comes_from_the_file_confirms_nothing() -> None:
    """That a file in /tmp has an odd name is one observation, made twice; that a process renamed itself is another."""
    host = Host()
    host.runs("/tmp/x")
    assert host.finding().level == "medium"
    host = Host()
    host.runs("/tmp/worker", name="x")
    assert host.finding().level == "high"
