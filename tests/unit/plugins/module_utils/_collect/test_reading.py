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


def same_file(path):
    found, wanted = reading.stat_named(os.fsencode(str(path))), os.stat(str(path))
    return (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)


def test_a_named_file_is_found_through_links_of_root_and_ours(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("content")
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "absolute").symlink_to(tmp_path / "link" / "file")
    for path in ("folder/file", "link/file", "absolute", "link/../folder/./file", "folder//file"):
        assert same_file(str(tmp_path) + "/" + path)


def test_a_named_file_is_found_through_the_kernels_own_links(tmp_path):
    (tmp_path / "file").write_text("content")
    with open(str(tmp_path / "file")) as stream:
        assert same_file("/proc/self/fd/%d" % stream.fileno())
    assert same_file("/proc/self/root" + str(tmp_path / "file"))


@pytest.mark.parametrize("path", ["gone", "file/x", "loop"])
def test_a_name_that_leads_nowhere_raises(tmp_path, path):
    (tmp_path / "file").write_text("content")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError):
        reading.stat_named(os.fsencode(str(tmp_path / path)))


@pytest.mark.parametrize("way", ["link", "folder/file"])
def test_a_link_of_another_account_is_not_followed(tmp_path, monkeypatch, way):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "file").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secrets" / "file")
    (tmp_path / "folder").symlink_to("secrets")
    if os.geteuid() == 0:
        for name in ("link", "folder"):
            os.lchown(str(tmp_path / name), 65534, 65534)
    else:
        monkeypatch.setattr(reading.os, "geteuid", lambda: 65534)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:
        reading.stat_named(os.fsencode(str(tmp_path / way)))
    assert "which is not followed, leads to" in reading.reason_of(caught.value)
    assert "secrets" in reading.reason_of(caught.value)
    assert len(os.listdir("/proc/self/fd")) == before
