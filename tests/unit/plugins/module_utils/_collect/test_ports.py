# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets of our own, opened for the tests, as records; and psutil's view of the same host."""

import contextlib
import glob
import os
import socket
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import ports, procfs
from ansible_collections.incident.response.plugins.module_utils._collect.ports import collect, parse_ports
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.ports import ADDRESS, SOCKET
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS

FIELDS = {field.name for field in SOCKET.fields}
OPTIONAL = {field.name for field in OPTIONAL_FIELDS}
HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def sockets():
    with contextlib.ExitStack() as stack:

        def make(family, kind, address=None, listen=True, options=(), protocol=0):
            try:
                link = stack.enter_context(socket.socket(family, kind, protocol))
                for option in options:
                    link.setsockopt(*option)
                if address is not None:
                    link.bind(address)
            except OSError as error:
                pytest.skip("such a socket cannot be had here: %s" % error)
            if listen and kind == socket.SOCK_STREAM:
                link.listen(3)
            return link

        yield make


def record_of(link, section=None):
    inode = os.fstat(link.fileno()).st_ino
    found = [record for record in (section or collect(Target()))["items"] if record["inode"] == inode]
    assert len(found) == 1
    return found[0]


def assert_ours(record):
    assert record["pids"] == [os.getpid()]
    assert record["owner_state"] == "known"
    assert record["process"] == procfs.read_stat("/proc", os.getpid()).comm.decode()
    assert record["exe"] == os.readlink("/proc/self/exe")
    assert set(record) - OPTIONAL == FIELDS


@pytest.mark.parametrize(
    "family, address, scope, name, dual",
    [
        (socket.AF_INET, "0.0.0.0", "all", "ipv4", False),
        (socket.AF_INET, "127.0.0.1", "loopback", "ipv4", False),
        (socket.AF_INET6, "::1", "loopback", "ipv6", False),
        (socket.AF_INET6, "::", "all", "ipv6", True),
    ],
)
@pytest.mark.parametrize("kind, protocol, state", [(socket.SOCK_STREAM, "tcp", "listen"), (socket.SOCK_DGRAM, "udp", "unconnected")])
def test_listeners(sockets, family, address, scope, name, dual, kind, protocol, state):
    options = [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)] if family == socket.AF_INET6 else []
    link = sockets(family, kind, (address, 0), options=options)
    record = record_of(link)
    assert_ours(record)
    assert (record["protocol"], record["family"], record["state"], record["is_listener"]) == (protocol, name, state, True)
    assert (record["local_address"], record["local_port"]) == link.getsockname()[:2]
    assert (record["remote_address"], record["remote_port"]) == (None, None)
    assert (record["scope"], record["network_namespace"]) == (scope, None)
    assert record["is_dual_stack"] in ((dual,) if not dual else (True, None))  # a kernel with modules may not be asked
    assert record["exposed"] is (False if scope == "loopback" else record["exposed"])
    assert record["uid"] == os.geteuid()


def test_a_row_that_the_kernel_passed_over_is_looked_for_once_more(sockets, monkeypatch):
    link = sockets(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0))
    inode = os.fstat(link.fileno()).st_ino
    real, read = ports.read_tables, set()

    def hasty(folder, failed):
        hidden = inode if folder not in read else None
        read.add(folder)
        return (entry for entry in real(folder, failed) if entry.inode != hidden)

    monkeypatch.setattr(ports, "read_tables", hasty)
    section = collect(Target())
    assert [record["local_port"] for record in section["items"] if record["inode"] == inode] == [link.getsockname()[1]]
    listeners = [record["is_listener"] for record in section["items"]]
    assert listeners == sorted(listeners, reverse=True)


def test_an_ipv6_only_wildcard_is_not_dual(sockets):
    link = sockets(socket.AF_INET6, socket.SOCK_STREAM, ("::", 0), options=[(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)])
    record = record_of(link)
    assert record["scope"] == "all"
    assert record["is_dual_stack"] in (False, None)


def test_a_connection_has_two_ends_and_is_no_listener(sockets):
    server = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    client = sockets(socket.AF_INET, socket.SOCK_STREAM, listen=False)
    client.connect(server.getsockname())
    accepted, _peer = server.accept()
    with accepted:
        section = collect(Target())
        one, other = record_of(client, section), record_of(accepted, section)
    for record in (one, other):
        assert_ours(record)
        assert (record["state"], record["is_listener"], record["exposed"]) == ("established", False, None)
    assert (one["remote_address"], one["remote_port"]) == server.getsockname()
    assert (other["remote_address"], other["remote_port"]) == client.getsockname()


def test_a_connection_over_ipv4_to_a_dual_stack_listener(sockets):
    server = sockets(socket.AF_INET6, socket.SOCK_STREAM, ("::", 0), options=[(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)])
    client = sockets(socket.AF_INET, socket.SOCK_STREAM, listen=False)
    client.connect(("127.0.0.1", server.getsockname()[1]))
    accepted, _peer = server.accept()
    with accepted:
        record = record_of(accepted)
    assert (record["family"], record["local_address"], record["remote_address"]) == ("ipv6", "::ffff:127.0.0.1", "::ffff:127.0.0.1")
    assert (record["scope"], record["exposed"]) == ("loopback", None)


def test_a_connected_udp_socket_is_no_listener(sockets):
    server = sockets(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    client = sockets(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(server.getsockname())
    record = record_of(client)
    assert (record["state"], record["is_listener"], record["remote_port"]) == ("established", False, server.getsockname()[1])


def test_raw_and_packet_sockets(as_root, sockets):
    raw = sockets(socket.AF_INET, socket.SOCK_RAW, protocol=socket.IPPROTO_ICMP)
    packet = sockets(socket.AF_PACKET, socket.SOCK_RAW, ("lo", 3), protocol=0)
    section = collect(Target())
    one, other = record_of(raw, section), record_of(packet, section)
    assert (one["protocol"], one["local_port"], one["is_listener"]) == ("raw", socket.IPPROTO_ICMP, True)
    assert (other["protocol"], other["interface"], other["scope"], other["exposed"]) == ("packet", "lo", None, None)
    assert_ours(one)
    assert_ours(other)


def test_control_sockets_outside_the_systems_folders(sockets, tmp_path, monkeypatch):
    monkeypatch.chdir(str(tmp_path))
    places = ["\0incident-test", str(tmp_path / "a b"), "relative", "/run/../" + str(tmp_path) + "/dots"]
    links = [sockets(socket.AF_UNIX, socket.SOCK_STREAM, place) for place in places]
    section = collect(Target(), protocol=["unix"])
    assert [record_of(link, section)["path"] for link in links] == ["@incident-test", places[1], "relative", places[3]]
    assert record_of(links[0], section)["scope"] is None


def test_the_systems_own_control_sockets_are_left_out(tree):
    tree.process(1)
    (tree.proc / "1" / "ns").mkdir()
    (tree.proc / "1" / "net").mkdir()
    (tree.root / "namespace").touch()
    (tree.proc / "1" / "ns" / "net").symlink_to(tree.root / "namespace")
    row = b"0000000000000000: 00000002 00000000 00010000 0001 01 %d %s\n"
    paths = [b"/run/docker.sock", b"/var/run/x", b"/dev/log", b"@/tmp/.X11-unix/X0", b"/runaway", b"/run/../tmp/x", b"/tmp/../run/y"]
    table = b"head\n" + b"".join(row % (number + 1, path) for number, path in enumerate(paths))
    (tree.proc / "1" / "net" / "unix").write_bytes(table)
    section = collect(tree.target())
    assert [record["path"] for record in section["items"]] == ["/runaway", "/run/../tmp/x"]


def test_every_owner_of_an_inherited_socket(sockets, spawn):
    link = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    child = spawn(["sleep", "99"], pass_fds=[link.fileno()])
    record = record_of(link)
    assert record["pids"] == sorted([os.getpid(), child.pid])


def test_both_sockets_of_a_shared_port(sockets, python):
    link = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), options=[(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)])
    port = link.getsockname()[1]
    child = python("s = socket.socket(); s.setsockopt(1, 15, 1); s.bind(('127.0.0.1', %d)); s.listen(1)" % port)
    found = [record["pids"] for record in collect(Target(), ports=[str(port)])["items"]]
    assert sorted(found) == sorted([[os.getpid()], [child.pid]])


def test_an_owner_that_started_after_the_processes_were_listed(python):
    target = Target()
    assert target.stats
    child = python("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1); print(s.getsockname()[1], flush=True)", said=True)
    (record,) = collect(target, ports=[child.line])["items"]
    assert (record["pids"], record["owner_state"]) == ([child.pid], "known")
    assert record["process"].startswith("python")


def test_a_socket_that_closed_meanwhile_is_not_the_kernels(monkeypatch, sockets):
    link = socket.socket()
    link.bind(("127.0.0.1", 0))
    link.listen(1)
    port, real, calls = link.getsockname()[1], ports.read_tables, []

    def read_tables(folder, failed):
        found = list(real(folder, failed))
        calls.append(folder)
        link.close()
        return iter(found)

    monkeypatch.setattr(ports, "read_tables", read_tables)
    monkeypatch.setattr(Target, "unreadable_descriptors", property(lambda _self: set(), lambda _self, _value: None), raising=False)
    section = collect(Target(), ports=[str(port)])
    assert len(calls) >= 2
    assert section["items"] == []


def test_a_closed_connection_that_waits_belongs_to_the_kernel(sockets):
    server = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    accepted, _peer = server.accept()
    port = client.getsockname()[1]
    client.shutdown(socket.SHUT_WR)
    accepted.recv(1)
    accepted.close()
    client.close()
    found = [record for record in collect(Target(), ports=[str(port)])["items"] if record["state"] == "time_wait"]
    assert [(record["pids"], record["owner_state"], record["inode"]) for record in found] == [([], "kernel", None)]


def test_descriptors_that_are_closed_to_us_leave_owners_open(monkeypatch, sockets):
    link = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    real = procfs.list_descriptors

    def list_descriptors(proc, pid, limit=None):
        if pid == os.getpid():
            raise PermissionError(13, "Permission denied")
        return real(proc, pid, limit)

    monkeypatch.setattr(procfs, "list_descriptors", list_descriptors)
    section = collect(Target())
    record = record_of(link, section)
    assert (record["pids"], record["owner_state"], record["process"]) == ([], "unreadable", None)
    assert [error["reason"] for error in section["errors"] if error["what"] == "owners of sockets"] == ["Permission denied"]


def test_connections_never_cut_listeners(sockets):
    server = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), options=[])
    udp = sockets(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    clients = []
    for _number in range(3):
        clients.append(sockets(socket.AF_INET, socket.SOCK_STREAM, listen=False))
        clients[-1].connect(server.getsockname())
    target = Target()
    # Those of other programs come and go.
    ours = [str(link.getsockname()[1]) for link in (server, udp)]
    listeners = [record for record in collect(target, ports=ours)["items"] if record["is_listener"]]
    section = collect(target, limit=len(listeners), ports=ours)
    assert section["truncated"] is True
    assert all(record["is_listener"] for record in section["items"])
    assert os.fstat(udp.fileno()).st_ino in [record["inode"] for record in section["items"]]


def test_limit_1():
    section = collect(Target(), limit=1)
    assert len(section["items"]) <= 1
    assert section["addresses"]


def test_many_owners_are_clipped_and_that_is_said(sockets, spawn, monkeypatch):
    monkeypatch.setattr(ports, "_MOST_OWNERS", 1)
    link = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    spawn(["sleep", "99"], pass_fds=[link.fileno()])
    record = record_of(link)
    assert (len(record["pids"]), record["clipped"]) == (1, ["pids"])


def test_more_sockets_than_are_looked_at_are_counted(sockets, monkeypatch):
    monkeypatch.setattr(ports, "_MOST", 1)
    for _number in range(3):
        sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    section = collect(Target())
    (limit,) = [limit for limit in section["limits"] if limit["what"] == "listeners"]
    assert limit["limit"] == 1
    assert limit["total"] >= 3


def test_filters(sockets):
    tcp = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    udp = sockets(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    port, user = tcp.getsockname()[1], str(os.geteuid())

    def found(**options):
        inodes = {record["inode"] for record in collect(Target(), **options)["items"]}
        return os.fstat(tcp.fileno()).st_ino in inodes, os.fstat(udp.fileno()).st_ino in inodes

    assert found() == (True, True)
    assert found(protocol=["tcp"]) == (True, False)
    assert found(state=["unconnected"]) == (False, True)
    assert found(ports=["%d" % port]) == (True, udp.getsockname()[1] == port)
    assert found(ports=["%d-%d" % (port, port)])[0]
    assert found(ports=["0-65535"]) == (True, True)
    assert found(exposed=False) == (True, True)
    assert found(exposed=True) == (False, False)
    assert found(users=[user]) == (True, True)
    assert found(users=["nobody-of-that-name"]) == (False, False)


def test_a_range_of_ports_means_no_unix_or_raw_sockets(sockets):
    sockets(socket.AF_UNIX, socket.SOCK_STREAM, "\0incident-test-ports")
    protocols = {record["protocol"] for record in collect(Target(), ports=["0-65535"])["items"]}
    assert protocols <= {"tcp", "udp", "udplite"}


def test_unknown_users_are_an_error():
    section = collect(Target(), users=["nobody-of-that-name"])
    assert section["items"] == []
    assert ("user asked for", ["nobody-of-that-name"]) in [(error["what"], error["subjects"]) for error in section["errors"]]


@pytest.mark.parametrize("text, expected", [("22", (22, 22)), ("8000-8100", (8000, 8100)), ("0", (0, 0)), ("65535", (65535, 65535)), ("0-65535", (0, 65535))])
def test_ports_asked_for(text, expected):
    assert parse_ports([text]) == [expected]


@pytest.mark.parametrize("text", ["", "-", "x", "-1", "65536", "22-", "-22", "9-8", "1-2-3", "0x16", " 22", "\u0662\u0662-x", "\u00b2", "22,23"])
def test_ports_that_are_none(text):
    with pytest.raises(ValueError, match="is no port"):
        parse_ports([text])


def test_psutil_sees_the_same_sockets(sockets):
    psutil = pytest.importorskip("psutil")
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        sockets(family, socket.SOCK_STREAM, (address, 0))
        sockets(family, socket.SOCK_DGRAM, (address, 0))

    def ours():
        records = collect(Target(), protocol=["tcp", "udp"])["items"]
        # psutil looks at our network namespace only.
        here = [record for record in records if record["network_namespace"] is None]
        return {
            (record["protocol"], record["local_address"], record["local_port"], record["remote_address"], record["remote_port"], pid)
            for record in here
            for pid in record["pids"] or [None]
        }

    def theirs():
        found = set()
        for entry in psutil.net_connections("inet"):
            remote = (entry.raddr.ip, entry.raddr.port) if entry.raddr else (None, None)
            if entry.laddr:
                found.add(("tcp" if entry.type == socket.SOCK_STREAM else "udp", entry.laddr.ip, entry.laddr.port) + remote + (entry.pid,))
        return found

    # Of several owners psutil names one or all, and it writes mapped addresses as IPv4; what comes or goes is no difference.
    def plain(rows):
        return {tuple(str(part).replace("::ffff:", "") for part in row[:5]) for row in rows}

    for _attempt in range(5):
        before, there, after = plain(ours()), plain(theirs()), plain(ours())
        if there - (before | after) == set() and (before & after) - there == set():
            break
        time.sleep(0.2)
    assert there - (before | after) == set()
    assert (before & after) - there == set()
    assert len(there) >= 4
    mine = {row for row in ours() if row[5] == os.getpid()}
    assert mine == {row for row in theirs() if row[5] == os.getpid()}
    assert len(mine) >= 4


def test_listeners_for_the_second_view(sockets):
    link = sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    assert ("tcp", link.getsockname()[1]) in ports.read_listeners(Target())


def test_addresses_are_declared_records():
    section = collect(Target())
    assert all(set(record) == {field.name for field in ADDRESS.fields} for record in section["addresses"])
    assert "127.0.0.1" in [record["address"] for record in section["addresses"]]


def _namespaces():
    return len({os.readlink(place) for place in glob.glob("/proc/[0-9]*/ns/net") if os.access(place, os.R_OK)})


def test_200_listeners_cost_less_than_a_tenth_of_a_second(sockets):
    for _number in range(200):
        sockets(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    best = min(_cost() for _attempt in range(3))
    # The bar is for a host that has nothing else; what its processes and network namespaces cost is another.
    assert best < 0.1 + 0.0005 * len(Target().stats) + 0.01 * _namespaces()


def _cost():
    began = time.process_time()
    collect(Target(), state=["listen"])
    return time.process_time() - began
