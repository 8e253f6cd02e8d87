# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing the kernel's socket tables, rows that a user wrote parts of included."""

import errno
import os
import socket
import sys

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import socket_tables
from ansible_collections.incident.response.plugins.module_utils._collect.socket_tables import read_tables

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = b"   0: %s %s %s 0000000A:00000005 00:00000000 00000000  1001        0 %d 1 0000000000000000 100 0 0 10 0\n"
ANY6 = b"0" * 32
UNIX = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
LITTLE = sys.byteorder == "little"


def read(folder, **tables):
    for name, data in tables.items():
        (folder / name).write_bytes(data)
    failed = []
    found = list(read_tables(str(folder), lambda name, error: failed.append((name, error))))
    return found, failed


@pytest.mark.skipif(not LITTLE, reason="the rows are of a little-endian machine")
@pytest.mark.parametrize(
    "table, row, expected",
    [
        ("tcp", ROW % (b"00000000:7A69", b"00000000:0000", b"0A", 7), ("tcp", "ipv4", "listen", "0.0.0.0", 31337, None, None, True)),
        ("tcp", ROW % (b"0100007F:0016", b"0200007F:C000", b"01", 7), ("tcp", "ipv4", "established", "127.0.0.1", 22, "127.0.0.2", 49152, False)),
        ("tcp", ROW % (b"0100007F:0016", b"0200007F:C000", b"06", 0), ("tcp", "ipv4", "time_wait", "127.0.0.1", 22, "127.0.0.2", 49152, False)),
        ("tcp", ROW % (b"0100007F:0016", b"0200007F:C000", b"FF", 7), ("tcp", "ipv4", "unknown", "127.0.0.1", 22, "127.0.0.2", 49152, False)),
        ("tcp6", ROW % (ANY6 + b":7A69", ANY6 + b":0000", b"0A", 7), ("tcp", "ipv6", "listen", "::", 31337, None, None, True)),
        (
            "tcp6",
            ROW % (b"0000000000000000FFFF00000100007F:0016", b"0000000000000000FFFF00000200007F:C000", b"01", 7),
            ("tcp", "ipv6", "established", "::ffff:127.0.0.1", 22, "::ffff:127.0.0.2", 49152, False),
        ),
        ("tcp6", ROW % (b"B80D0120000000000000000001000000:01BB", ANY6 + b":0000", b"0A", 7), ("tcp", "ipv6", "listen", "2001:db8::1", 443, None, None, True)),
        ("udp", ROW % (b"00000000:9C41", b"00000000:0000", b"07", 7), ("udp", "ipv4", "unconnected", "0.0.0.0", 40001, None, None, True)),
        ("udp", ROW % (b"0100007F:9C43", b"0100007F:9C44", b"01", 7), ("udp", "ipv4", "established", "127.0.0.1", 40003, "127.0.0.1", 40004, False)),
        ("raw", ROW % (b"00000000:0001", b"00000000:0000", b"07", 7), ("raw", "ipv4", "unconnected", "0.0.0.0", 1, None, None, True)),
        ("raw", ROW % (b"00000000:0001", b"0100007F:0000", b"01", 7), ("raw", "ipv4", "established", "0.0.0.0", 1, "127.0.0.1", 0, False)),
    ],
)
def test_rows(tmp_path, table, row, expected):
    (found,), failed = read(tmp_path, **{table: HEAD + row})
    assert (found.protocol, found.family, found.state, found.address, found.port, found.peer, found.peer_port, found.is_listener) == expected
    assert (found.uid, found.send_queue, found.receive_queue) == (1001, 10, 5)
    assert failed == []


@pytest.mark.parametrize("row", [b"garbage\n", b"\n", b"   0: xx:yy zz 0A\n", b"   0: 00000000:0016 00000000:0000\n", b"   0: :: :: 0A 0:0 0 0 0 0 7\n"])
def test_rows_that_are_none_are_passed_over(tmp_path, row):
    good = ROW % (b"00000000:0016", b"00000000:0000", b"0A", 7)
    found, _failed = read(tmp_path, tcp=HEAD + row + good)
    assert [entry.port for entry in found] == [22]


def test_packet_sockets(tmp_path):
    data = b"sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n0000000000000000 3      3    0003   2     1 0      0      777\n"
    (found,), _failed = read(tmp_path, packet=data)
    assert (found.protocol, found.inode, found.uid, found.interface_index, found.is_listener) == ("packet", 777, 0, 2, True)


@pytest.mark.parametrize(
    "row, expected",
    [
        (b"0000000000000000: 00000002 00000000 00010000 0001 01 777 /run/x.sock", ("listen", 777, b"/run/x.sock")),
        (b"0000000000000000: 00000002 00000000 00010000 0001 01 777 @a b", ("listen", 777, b"@a b")),
        (b"0000000000000000: 00000002 00000000 00010000 0001 01 777  /tmp/ x ", ("listen", 777, b" /tmp/ x ")),
        (b"0000000000000000: 00000002 00000000 00010000 0001 01 777 /tmp/\xff", ("listen", 777, b"/tmp/\xff")),
        (b"0000000000000000: 00000003 00000000 00000000 0001 03 777 /run/x.sock", ("established", 777, b"/run/x.sock")),
        (b"0000000000000000: 00000002 00000000 00000000 0002 01   777", ("unconnected", 777, None)),
        (b"0000000000000000: 00000002 00000000 00000000 0001 01 777 /tmp/bound", ("unconnected", 777, b"/tmp/bound")),
    ],
)
def test_unix_sockets(tmp_path, row, expected):
    (found,), _failed = read(tmp_path, unix=UNIX + row + b"\n")
    assert (found.state, found.inode, found.path) == expected
    assert found.is_listener == (found.state == "listen")


@pytest.mark.parametrize("state, listens", [(b"01", True), (b"03", False)])
def test_a_unix_datagram_socket_with_a_name_takes_what_others_send(tmp_path, state, listens):
    (found,), _failed = read(tmp_path, unix=UNIX + b"0000000000000000: 00000002 00000000 00000000 0002 %s 777 /tmp/d\n" % state)
    assert found.is_datagram and found.is_listener is listens


def test_a_table_that_is_not_there_is_none_and_one_that_is_closed_is_said(tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "udp").mkdir()
    else:
        (tmp_path / "udp").write_bytes(HEAD)
        (tmp_path / "udp").chmod(0)
    found, failed = read(tmp_path, tcp=HEAD)
    assert found == []
    assert [name for name, _error in failed] == ["udp"]


def test_a_table_that_is_too_long_is_cut_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(socket_tables, "_MOST_ROWS", 10)
    row = ROW % (b"00000000:0016", b"00000000:0000", b"0A", 7)
    found, failed = read(tmp_path, tcp=HEAD + row * 10)
    assert (len(found), failed) == (10, [])
    found, failed = read(tmp_path, tcp=HEAD + row * 11)
    assert len(found) == 10
    assert failed[0][1].errno == errno.EFBIG
    assert "10 rows" in failed[0][1].strerror


def test_our_own_sockets_are_in_the_tables():
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(7)
        udp.bind(("127.0.0.1", 0))
        unix.bind("\0incident test %d" % os.getpid())
        unix.listen(1)
        found = {entry.inode: entry for entry in read_tables("/proc/self/net", lambda _name, _error: None)}
        mine = [found[os.fstat(link.fileno()).st_ino] for link in (tcp, udp, unix)]
        assert [(entry.protocol, entry.state) for entry in mine] == [("tcp", "listen"), ("udp", "unconnected"), ("unix", "listen")]
        assert (mine[0].address, mine[0].port) == tcp.getsockname()
        assert (mine[1].address, mine[1].port) == udp.getsockname()
        assert mine[2].path == b"@incident test %d" % os.getpid()
        assert (mine[0].uid, mine[1].uid) == (os.geteuid(), os.geteuid())


def test_sctp(tmp_path):
    """Endpoints have a row for all their addresses, associations name the first of each side with a star."""
    (tmp_path / "sctp").mkdir()
    (tmp_path / "sctp" / "eps").write_bytes(
        b" ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n0 0 2   10  29   5000   33 777 192.0.2.11 2001:0db8:0000:0000:0000:0000:0000:0011 \nx\n"
    )
    row = b"0 0 2   1   3  0    1    0        0        0 778 5000  40000  *192.0.2.11 <-> *192.0.2.1 7500 10 10 10 0 0 0 1 0 0 0\n"
    (tmp_path / "sctp" / "assocs").write_bytes(b" ASSOC     SOCK   STY SST ST HBKT\n" + row)
    found = [
        (entry.state, entry.family, entry.address, entry.port, entry.peer, entry.peer_port, entry.inode, entry.uid, entry.is_listener)
        for entry in read_tables(str(tmp_path), lambda name, error: pytest.fail(name))
    ]
    assert found == [
        ("listen", "ipv4", "192.0.2.11", 5000, None, None, 777, 33, True),
        ("listen", "ipv6", "2001:db8::11", 5000, None, None, 777, 33, True),
        ("established", "ipv4", "192.0.2.11", 5000, "192.0.2.1", 40000, 778, 0, False),
    ]
