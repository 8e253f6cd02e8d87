# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of login, whole, damaged and planted."""

import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import utmp
from ansible_collections.incident.response.plugins.module_utils._collect.reading import NotAFile

SIZE = utmp.LAYOUT.size


def record(kind=7, pid=4200, line=b"pts/0", user=b"mallory", host=b"203.0.113.5", at=1700000000, address=b""):
    return utmp.LAYOUT.pack(kind, pid, line, b"ts/0", user, host, 0, 0, 0, at, 0, address.ljust(16, b"\0"), b"")


def test_both_layouts_have_the_size_that_the_c_library_gives_them():
    assert utmp._NARROW.size == 384
    assert utmp._WIDE.size == 400


def test_a_record_is_read_field_by_field():
    (entry,) = utmp.parse(record(address=bytes([203, 0, 113, 5])), base=768)
    assert entry == (7, 4200, b"pts/0", b"mallory", b"203.0.113.5", "203.0.113.5", 1700000000, 768, False, False)


def test_ipv6_addresses():
    (entry,) = utmp.parse(record(address=bytes.fromhex("20010db8000000000000000000000001")))
    assert entry.address == "2001:db8::1"


def test_a_name_may_fill_its_field_to_the_end():
    (entry,) = utmp.parse(record(user=b"A" * 32))
    assert entry.user == b"A" * 32
    assert not entry.is_damaged


@pytest.mark.parametrize(
    "planted",
    [
        {"kind": 255},
        {"kind": -1},
        {"kind": 0},
        {"pid": -5},
        {"pid": 2**30},
        {"at": 0},
        {"at": -1},
        {"at": 2**31 - 1},
        {"user": b"\xff\xfe"},
        {"host": b"\x1b[2J{{7*7}}<b>"},
        {"line": b"pts/1\n"},
    ],
)
def test_what_no_login_writes_is_damage(planted):
    (entry,) = utmp.parse(record(**planted))
    assert entry.is_damaged


def test_an_empty_slot_is_told_from_other_damage():
    (entry,) = utmp.parse(bytes(SIZE))
    assert entry.is_damaged
    assert entry.is_zero


def test_garbage_is_passed_in_whole_steps(noise):
    data = record(user=b"before") + noise(3 * SIZE) + record(user=b"after")
    entries = list(utmp.parse(data))
    assert entries[0].user == b"before"
    assert entries[-1].user == b"after"
    assert all(entry.is_damaged for entry in entries[1:-1])


@pytest.mark.parametrize("shift", [1, 4, 100, SIZE - 1])
def test_records_behind_bytes_that_were_put_in_are_found(shift):
    data = record(user=b"before") + b"x" * shift + record(user=b"one") + record(user=b"two")
    assert [entry.user for entry in utmp.parse(data) if not entry.is_damaged] == [b"before", b"one", b"two"]


@pytest.mark.parametrize("lost", [1, 4, 100])
def test_records_behind_bytes_that_were_taken_out_are_found(lost):
    data = record(user=b"before") + record(user=b"torn")[lost:] + record(user=b"one") + record(user=b"two")
    assert [entry.user for entry in utmp.parse(data) if not entry.is_damaged][-2:] == [b"one", b"two"]


def test_bytes_that_are_left_over_are_counted(tmp_path):
    (tmp_path / "wtmp").write_bytes(record() + b"tail")
    content = utmp.read(str(tmp_path / "wtmp"), 1 << 20)
    assert len(content.entries) == 1
    assert content.left_over == 4


def test_the_newest_records_are_read_when_there_are_too_many(tmp_path):
    (tmp_path / "wtmp").write_bytes(b"".join(record(pid=number + 1) for number in range(100)))
    content = utmp.read(str(tmp_path / "wtmp"), 10 * SIZE + 7)
    assert [entry.pid for entry in content.entries] == list(range(91, 101))
    assert content.is_cut


def test_a_hole_of_a_gigabyte_costs_nothing_and_hides_nothing(tmp_path):
    path = tmp_path / "wtmp"
    path.write_bytes(record(user=b"before"))
    os.truncate(str(path), 1 << 30)
    with open(str(path), "r+b") as stream:
        stream.seek(SIZE * 2000000)
        stream.write(record(user=b"behind"))
    began = time.monotonic()
    content = utmp.read(str(path), 1 << 20)
    assert time.monotonic() - began < 1
    assert [entry.user for entry in content.entries if not entry.is_damaged] == [b"before", b"behind"]
    assert content.size == 1 << 30


def test_megabytes_of_garbage_are_read_in_time(tmp_path, noise):
    (tmp_path / "btmp").write_bytes(noise(4 << 20))
    began = time.process_time()
    utmp.read(str(tmp_path / "btmp"), 4 << 20)
    assert time.process_time() - began < 2


def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(str(tmp_path / "utmp"))
    with pytest.raises(NotAFile):
        utmp.read(str(tmp_path / "utmp"), 1 << 20)
