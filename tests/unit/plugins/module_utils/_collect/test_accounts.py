# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts from files, hostile names included."""

import os
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.accounts import Accounts


def _accounts(tmp_path, data):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_bytes(data)
    return Accounts(str(tmp_path))


def test_a_second_uid_0_does_not_take_the_name_of_root(tmp_path):
    accounts = _accounts(tmp_path, b"toor2:x:0:0::/root:/bin/bash\nroot:x:0:0:root:/root:/bin/bash\n")
    assert accounts.name_of(0) == "root"
    assert accounts.by_name(b"toor2").uid == 0


def test_a_name_of_digits_is_a_name_first(tmp_path):
    accounts = _accounts(tmp_path, b"root:x:0:0::/root:/bin/sh\n1000:x:8003:8003::/home/x:/bin/sh\n-rf:x:8001:8001::/:/bin/sh\n\xff:x:8002:8002::/:/bin/sh\n")
    assert accounts.uids_of(["1000", "-rf", "4711", "nobody-here", "\u00b2"]) == ({8003, 8001, 4711}, ["nobody-here", "\u00b2"])
    assert accounts.name_of(8002) == "\\xff"


def test_broken_lines_are_kept_apart(tmp_path):
    accounts = _accounts(tmp_path, b"root:x:0:0::/root:/bin/sh\nbroken\nx:x:notanumber:0::/:/bin/sh\n# comment\n\n")
    assert len(accounts.all) == 1
    assert accounts.broken == [b"broken", b"x:x:notanumber:0::/:/bin/sh"]


@pytest.mark.parametrize("kind", ["missing", "fifo", "link"])
def test_a_passwd_that_is_none_is_an_error_and_nothing_is_waited_for(tree, kind):
    (tree.root / "etc").mkdir()
    if kind == "fifo":
        os.mkfifo(str(tree.root / "etc" / "passwd"))
    elif kind == "link":
        (tree.root / "etc" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        Accounts(str(tree.root))


def test_a_hundred_thousand_accounts(tree):
    lines = b"".join(b"u%d:x:%d:%d:of many:/home/u%d:/bin/bash\n" % (number, number, number, number) for number in range(1, 100001))
    tree.file("/etc/passwd", b"root:x:0:0::/root:/bin/bash\n" + lines)
    began = time.monotonic()
    accounts = Accounts(str(tree.root))
    assert len(accounts.all) == 100001
    assert [accounts.by_name(b"u%d" % number).uid for number in range(90000, 95000)] == list(range(90000, 95000))
    assert accounts.name_of(100000) == "u100000"
    assert time.monotonic() - began < 10
