# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program under another name."""

import hashlib
import os

from ansible_collections.incident.response.plugins.module_utils._collect import same_content
from ansible_collections.incident.response.plugins.module_utils._collect.same_content import find_same

CONTENT = b"\x7fELF something"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_programs_of_the_systems_folders_are_found_by_content(tree):
    tree.file("/usr/bin/sleep", CONTENT)
    tree.file("/usr/sbin/other", CONTENT)
    tree.file("/usr/bin/same-size", b"x" * len(CONTENT))
    tree.file("/opt/elsewhere", CONTENT)
    assert find_same(tree.target(), len(CONTENT), SHA256) == [b"/usr/bin/sleep", b"/usr/sbin/other"]
    assert find_same(tree.target(), len(CONTENT), "0" * 64) == []
    assert find_same(tree.target(), 1, SHA256) == []


def test_links_and_devices_are_not_followed_or_opened(tree):
    tree.file("/opt/x", CONTENT)
    (tree.root / "usr" / "bin").mkdir(parents=True)
    (tree.root / "usr" / "bin" / "link").symlink_to(tree.root / "opt" / "x")
    os.mkfifo(str(tree.root / "usr" / "bin" / "fifo"))
    assert find_same(tree.target(), len(CONTENT), SHA256) == []


def test_a_merged_usr_is_looked_at_once(tree):
    tree.file("/usr/bin/sleep", CONTENT)
    (tree.root / "bin").symlink_to("usr/bin")
    assert find_same(tree.target(), len(CONTENT), SHA256) == [b"/usr/bin/sleep"]


def test_each_program_is_hashed_once_however_many_images_have_its_size(tree, monkeypatch):
    tree.file("/usr/bin/sleep", CONTENT)
    target, hashed, real = tree.target(), [], same_content.digest_file

    def digest_file(path, *rest):
        hashed.append(path)
        return real(path, *rest)

    monkeypatch.setattr(same_content, "digest_file", digest_file)
    for number in range(1000):
        find_same(target, len(CONTENT), "%064x" % number)
    assert len(hashed) == 1


def test_a_program_that_is_gone_since_is_no_match(tree):
    target = tree.target()
    place = tree.file("/usr/bin/sleep", CONTENT)
    assert find_same(target, 1, SHA256) == []
    place.unlink()
    assert find_same(target, len(CONTENT), SHA256) == []
