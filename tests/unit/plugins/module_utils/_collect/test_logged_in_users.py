# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are logged in or linger, by logind, its folder of those who may linger, and the service managers that run."""

from ansible_collections.incident.response.plugins.module_utils._collect.logged_in_users import read_users
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._schema.sessions import LOGGED_IN_USER


def _manager(tree, pid, uid, comm=b"systemd", cgroup=None):
    folder = tree.process(pid, comm=comm)
    (folder / "cgroup").write_text(cgroup or "0::/user.slice/user-%d.slice/user@%d.service/init.scope\n" % (uid, uid))


def _read(tree):
    builder = SectionBuilder(100)
    read_users(tree.target(), builder, lambda record: True)
    section = builder.finish()
    for record in section["users"]:
        assert set(record) == {field.name for field in LOGGED_IN_USER.fields}
    assert section["errors"] == []
    return section["users"]


def test_each_source_alone_and_together(tree):
    tree.file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\nann:x:1001:1001::/:/bin/sh\nbob:x:1002:1002::/:/bin/sh\nsly:x:1003:1003::/:/bin/sh\n")
    tree.file("/run/systemd/users/1001", b"# private\nNAME=ann\nSTATE=lingering\nREALTIME=1700000000000000\nSESSIONS=3 c4\n")
    tree.file("/run/systemd/sessions/c4", b"UID=1001\nCLASS=manager\n")
    tree.file("/run/systemd/users/.#1001abc", b"NAME=half-written\n")
    for name in ("ann", "bob", "nobody-here"):
        tree.file("/var/lib/systemd/linger/" + name)
    _manager(tree, 400, 1001)
    _manager(tree, 401, 1001)
    _manager(tree, 500, 1003)
    _manager(tree, 600, 1004, cgroup="0::/user.slice/user-1004.slice/session-1.scope\n")
    _manager(tree, 601, 1004, comm=b"evil")
    ann, bob, sly, nobody = _read(tree)
    assert (ann["user"], ann["uid"], ann["state"], ann["is_lingering"], ann["manager_pid"]) == ("ann", 1001, "lingering", True, 400)
    assert (ann["sessions"], ann["since"], ann["slice"]) == (["3"], "2023-11-14T22:13:20Z", "user-1001.slice")
    assert ann["sources"] == ["logind", "linger", "processes"]
    assert (bob["user"], bob["state"], bob["sources"]) == ("bob", None, ["linger"])
    assert (sly["user"], sly["is_lingering"], sly["manager_pid"], sly["sources"]) == ("sly", False, 500, ["processes"])
    assert (nobody["user"], nobody["uid"], nobody["sources"]) == ("nobody-here", None, ["linger"])


def test_a_host_without_logind(tree):
    tree.file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    assert _read(tree) == []
