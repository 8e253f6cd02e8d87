# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading hostile files and bytes."""

import base64
import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import reading


def test_a_fifo_is_named_and_not_waited_for(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    began = time.monotonic()
    with pytest.raises(reading.NotAFile) as caught:
        reading.read_file(str(tmp_path / "fifo"), 100)
    assert caught.value.kind == "fifo"
    assert time.monotonic() - began < 1


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(reading.NotAFile) as caught:
        reading.read_file(str(tmp_path / "link"), 100)
    assert caught.value.kind == "link"
    assert "is a link, not a regular file" in reading.reason_of(caught.value)


def test_no_component_beneath_a_home_may_be_a_link(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    (other / "sub").mkdir(parents=True)
    (other / "sub" / "file").write_text("secret")
    home.mkdir()
    (home / "sub").symlink_to(other / "sub")
    with pytest.raises(OSError):
        reading.read_file("sub/file", 100, beneath=str(home))
    (home / "sub").unlink()
    (home / "sub").mkdir()
    (home / "sub" / "file").write_text("mine")
    assert reading.read_file("sub/file", 100, beneath=str(home)).data == b"mine"


def test_the_end_of_a_sparse_file_is_read_within_the_limit(tmp_path):
    path = tmp_path / "sparse"
    with open(str(path), "wb") as stream:
        stream.truncate(8 << 30)
        stream.seek(0, 2)
        stream.write(b"the end")
    content = reading.read_file(str(path), 1024, tail=True)
    assert len(content.data) == 1024
    assert content.data.endswith(b"the end")
    assert content.offset == (8 << 30) + 7 - 1024


def test_reading_leaves_the_access_time_alone(tmp_path):
    path = tmp_path / "evidence"
    path.write_text("x")
    os.utime(str(path), (1, 1000000))
    reading.read_file(str(path), 10)
    assert os.stat(str(path)).st_atime == 1


def test_different_bytes_stay_different():
    one, two = {}, {}
    reading.put(one, "name", b"\xff\xfe")
    reading.put(two, "name", b"\\xff\\xfe")
    assert one["name"] == two["name"] == "\\xff\\xfe"
    assert base64.b64decode(one["raw"]["name"]) == b"\xff\xfe"
    assert "raw" not in two


def test_lists_keep_blanks_empty_parts_and_bytes():
    record = {}
    reading.put_list(record, "argv", [b"a b", b"", b"\xff"])
    assert record["argv"] == ["a b", "", "\\xff"]
    assert base64.b64decode(record["raw"]["argv"]) == b"a b\0\0\xff"


def test_clipping_is_said():
    record = {}
    reading.put(record, "name", b"x" * 10, limit=4)
    reading.put_list(record, "argv", [b"abc", b"defg"], limit=5)
    assert record["name"] == "xxxx"
    assert record["argv"] == ["abc", "d"]
    assert record["clipped"] == ["name", "argv"]
    exact = {}
    reading.put_list(exact, "argv", [b"abcde", b"the rest"], limit=5)
    assert exact == {"argv": ["abcde", ""], "clipped": ["argv"]}


@pytest.mark.parametrize("epoch", [-1, 2**62, float("inf"), float("nan"), None])
def test_times_that_no_calendar_holds_are_unknown(epoch):
    assert reading.iso_time(epoch) is None


def test_times_are_utc():
    assert reading.iso_time(1795446180) == "2026-11-23T15:03:00Z"
