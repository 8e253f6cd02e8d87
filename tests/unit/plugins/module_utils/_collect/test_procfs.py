# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing what the kernel says about a process."""

import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import procfs

LINE = b"4242 (%s) S 1 4242 4241 34816 4300 4194560 100 0 0 0 7 3 0 0 20 5 2 0 812345 8192000 450 18446744073709551615 1 1 0 0 0 0 0 0 0\n"


@pytest.mark.parametrize("name", [b"sleep", b"a b", b") R 1 (", b"\xff\xfe", b"x\n) Z 0", b""])
def test_names_cannot_shift_the_fields(name):
    stat = procfs.parse_stat(LINE % name)
    assert (stat.pid, stat.comm, stat.state, stat.ppid) == (4242, name, "S", 1)
    assert (stat.session, stat.tty_nr, stat.tpgid) == (4241, 34816, 4300)
    assert (stat.utime, stat.stime, stat.nice, stat.num_threads, stat.starttime, stat.rss) == (7, 3, 5, 2, 812345, 450)


def test_kernel_threads_are_told_by_their_flag():
    assert not procfs.parse_stat(LINE % b"kworker/0:1").is_kernel_thread
    assert procfs.parse_stat((LINE % b"sleep").replace(b"4194560", b"%d" % (4194560 | procfs.PF_KTHREAD))).is_kernel_thread


@pytest.mark.parametrize(
    "number, name",
    [
        (0, None),
        (34816, "pts/0"),
        (34816 + 255, "pts/255"),
        ((136 << 8) | (1 << 20), "pts/256"),
        (4 << 8 | 1, "tty1"),
        (4 << 8 | 64, "ttyS0"),
        (5 << 8 | 1, "console"),
        (250 << 8 | 3, "250:3"),
    ],
)
def test_terminals_have_their_names(number, name):
    assert procfs.terminal_name(number) == name


def test_this_process_reads_itself():
    pid = os.getpid()
    stat = procfs.read_stat("/proc", pid)
    assert (stat.pid, stat.ppid, stat.session) == (pid, os.getppid(), os.getsid(0))
    assert procfs.read_status("/proc", pid)["Uid"].split()[0] == b"%d" % os.getuid()
    assert dict(procfs.read_environment("/proc", pid)).get(b"PATH") is not None
    assert any(descriptor.number == 0 for descriptor in procfs.list_descriptors("/proc", pid))
    assert procfs.namespace("/proc", pid, "net") == os.stat("/proc/self/ns/net").st_ino


def test_who_is_gone_is_told_from_who_is_closed():
    with pytest.raises(OSError) as caught:
        procfs.read_stat("/proc", 2**30)
    assert procfs.is_gone(caught.value)
    assert not procfs.is_gone(PermissionError(13, "Permission denied"))


@pytest.mark.parametrize(
    "data, argv",
    [
        (b"", []),
        (b"\0", [b""]),
        (b"\0\0", [b"", b""]),
        (b"a\0b c\0", [b"a", b"b c"]),
        (b"sshd: root@pts/0", [b"sshd: root@pts/0"]),
        (b"a\0\0\0", [b"a", b"", b""]),
    ],
)
def test_arguments(tmp_path, data, argv):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes(data)
    assert procfs.read_argv(str(tmp_path), 7) == argv


def test_descriptors_up_to_a_limit():
    held = [os.dup(0) for _number in range(20)]
    try:
        assert len(list(procfs.list_descriptors("/proc", os.getpid(), 5))) == 5
        assert len(list(procfs.list_descriptors("/proc", os.getpid()))) >= 20
    finally:
        for descriptor in held:
            os.close(descriptor)


def test_descriptors_that_close_while_they_are_listed_are_left_out(tmp_path):
    held = [os.dup(0) for _number in range(5)]
    listing = procfs.list_descriptors("/proc", os.getpid())
    first = next(listing)
    for descriptor in held:
        os.close(descriptor)
    assert first.number not in [descriptor.number for descriptor in listing]


def test_listing_leaves_nothing_open():
    before = len(os.listdir("/proc/self/fd"))
    for _number in range(10):
        next(procfs.list_descriptors("/proc", os.getpid()))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("data, expected", [("4294967295", None), ("0", 0), ("1001", 1001), ("", None), ("x", None)])
def test_logins(tmp_path, data, expected):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "loginuid").write_text(data)
    assert procfs.read_loginuid(str(tmp_path), 7) == expected


def test_a_stat_file_without_its_end_is_no_process():
    for data in (b"", b"1", b"1 (x", b"1 (x) S", b"x (x) S 1 1 1"):
        with pytest.raises((ValueError, IndexError)):
            procfs.parse_stat(data)


def test_descriptors_are_counted_up_to_a_limit():
    mine = len(os.listdir("/proc/self/fd"))
    assert procfs.count_descriptors("/proc", [os.getpid()], 10**6) == pytest.approx(mine, abs=2)
    assert procfs.count_descriptors("/proc", [os.getpid()], 2) == 2
    assert procfs.count_descriptors("/proc", [2**30], 10**6) == 0
