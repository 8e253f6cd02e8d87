# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left on a host: its files before and after a triage are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness.ansible import Ansible
from incident_lab.fleet import Fleet
from incident_lab.host import Host

# Every file with what tells that it was touched. Prints JSON: path -> [kind and mode, owner, group, size, time of change, digest].
_LISTING = r"""
import hashlib, json, os, stat
found = {}
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    for name in folders + files:
        path = os.path.join(folder, name)
        try:
            info = os.lstat(path)
            digest = None
            if stat.S_ISREG(info.st_mode) and info.st_size < 65536:
                with open(path, "rb") as stream:
                    digest = hashlib.sha256(stream.read()).hexdigest()
        except OSError:
            continue
        entry = [info.st_mode, info.st_uid, info.st_gid, info.st_size, info.st_mtime_ns, digest]
        found[path.encode("utf-8", "backslashreplace").decode()] = entry if not stat.S_ISDIR(info.st_mode) else entry[:3] + [None, info.st_mtime_ns, None]
print(json.dumps(found))
"""
# What any login by ssh writes, with Ansible or without: logs, login records, and the session that logind keeps while it lasts.
_OF_LOGINS = (
    "/dev/pts",
    "/run/log",
    "/run/motd.dynamic",
    "/run/systemd",
    "/run/user",
    "/run/utmp",
    "/var/lib/systemd/timers",
    "/var/lib/wtmpdb",
    "/var/log",
)


def _files(host: Host) -> Any:
    done = host.run(["/usr/bin/python3", "-I", "-B", "-c", _LISTING], timeout=120)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    return {path: entry for path, entry in listed.items() if not any(path == place or path.startswith(place + "/") for place in _OF_LOGINS)}


def _differences(before: Any, after: Any) -> set[str]:
    # Folders that hold what logins write change with it; in /tmp, Ansible unpacks every module for as long as it runs.
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return changed - {"/run", "/tmp", "/var/lib"}


@pytest.mark.parametrize("account", ["root", "deploy"])
def test_nothing_is_left(fleet: Fleet, ansible: Ansible, account: str) -> None:
    """With pipelining, as the documentation advises, not even a folder."""
    words = () if account == "root" else ("-b",)
    options = {"triage_sample_seconds": 0, "ansible_user": account}
    ansible.run("ansible", "lab", "-m", "ansible.builtin.raw", "-a", "true", "-e", f"ansible_user={account}")
    before = fleet.each(_files)
    done, _case = ansible.triage("trace", *words, options=options)
    after = fleet.each(_files)
    assert done.status == 0, done.output[-2000:]
    assert all(len(listing) > 5000 for listing in before)
    for host, was, is_now in zip(fleet.hosts, before, after, strict=True):
        assert not _differences(was, is_now), host.name


def test_without_pipelining_only_ansibles_empty_folder(fleet: Fleet, ansible: Ansible) -> None:
    """Ansible makes a folder for modules where it may not pipe them, and leaves it; nothing is in it."""
    host = fleet.host("d12")
    host.run(["rm", "-rf", "/root/.ansible"])
    before = _files(host)
    done, _case = ansible.triage("trace", "-l", "d12", options={"triage_sample_seconds": 0, "ansible_pipelining": False})
    after = _files(host)
    host.run(["rm", "-rf", "/root/.ansible"])
    assert done.status == 0, done.output[-2000:]
    assert _differences(before, after) == {"/root", "/root/.ansible", "/root/.ansible/tmp"}
