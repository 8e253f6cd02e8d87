# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executables asked for by hand, beside what the host's own programs say of the same files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.cases import load_cases
from harness.rounds import states
from incident_lab.fleet import Fleet
from incident_lab.host import Host
from incident_lab.names import DEFAULT_HOSTS

pytestmark = pytest.mark.host_only

_HOSTS = [text.partition(":")[0] for text in DEFAULT_HOSTS]
# Files that nobody runs yet: an empty one with set-user-ID, a copy of a shell, set-group-ID, a capability, and a mount that makes the bit void.
_PLANT = """
touch /tmp/irl-empty && chmod 4755 /tmp/irl-empty
cp /bin/sh /var/tmp/.irl-shell && chmod 4755 /var/tmp/.irl-shell
cp /bin/sh /var/tmp/irl-group && chmod 2755 /var/tmp/irl-group
cp /usr/bin/env /usr/local/bin/irl-env
python3 -c "import os, struct; os.setxattr('/usr/local/bin/irl-env', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 7, 0, 0, 0))"
mkdir /opt/irl-void && mount -t tmpfs -o nosuid,noexec tmpfs /opt/irl-void && cp /bin/sh /opt/irl-void/sh && chmod 4755 /opt/irl-void/sh
runuser -u deploy -- ln -s /etc/shadow /tmp/irl-link
"""
_REMOVE = """
umount /opt/irl-void
rm -rf /tmp/irl-empty /var/tmp/.irl-shell /var/tmp/irl-group /usr/local/bin/irl-env /opt/irl-void /tmp/irl-link
"""
_PATHS = ["/tmp/irl-empty", "/var/tmp/.irl-shell", "/var/tmp/irl-group", "/usr/local/bin/irl-env", "/opt/irl-void/sh"]
_OTHERS = ["/bin/sh", "/usr/bin", "/tmp/irl-link", "/tmp/irl-*"]
# What stat and sha256sum say of each: path, mode, size, owner, group, links, mount, digest.
_SHOWN = 'for f in "$@"; do stat -c "%n %04a %s %U %G %h %m" "$f" | tr "\\n" " "; sha256sum <"$f" | cut -d" " -f1; done'
# What dpkg says of paths: "owner PATH PACKAGE", and "changed PATH" for each file of these packages whose content is not the package's.
_DPKG = r"""
declare -A packages
for path in "$@"; do
  for alias in "$path" "${path#/usr}"; do
    found=$(dpkg -S "$alias" 2>/dev/null | grep -v '^diversion' | head -1 | cut -d: -f1) || true
    if [ -n "$found" ]; then echo "owner $path $found"; packages[$found]=1; break; fi
  done
done
dpkg -V "${!packages[@]}" | sed -n 's/^..5...... *c\? *\//changed \//p' || true
"""
_STATES = ("packaged-path-with-other-content", "replaced-packaged-file", "deleted-in-temp")


def _bash(host: Host, script: str, *words: str) -> str:
    done = host.run(["bash", "-uc", script, "bash", *words])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def named(fleet: Fleet, session_ansible: Ansible) -> Iterator[Mapping[str, Any]]:
    """By host, what the module says of the planted files and what the host's programs say."""
    fleet.mark_dirty()
    try:
        fleet.each(lambda host: _bash(host, "set -e\n" + _PLANT))
        shown = dict(zip(_HOSTS, fleet.each(lambda host: _bash(host, _SHOWN, *_PATHS)), strict=True))
        facts = session_ansible.facts("lab", "executable_facts", {"paths": [*_PATHS, *_OTHERS]})
    finally:
        fleet.each(lambda host: _bash(host, _REMOVE))
        fleet.mark_clean()
    yield {host: (facts[host]["incident_executables"], shown[host]) for host in _HOSTS}


@pytest.mark.parametrize("host", _HOSTS)
def test_set_user_id_and_capabilities(named: Mapping[str, Any], host: str) -> None:
    """``stat`` and ``sha256sum`` say the same, and ours says what they do not: capabilities, a void bit, whose copy it is."""
    section, shown = named[host]
    found = {record["path"]: record for record in section["items"]}
    for line in shown.splitlines():
        path, *fields = line.split()
        record = found[path]
        ours = [record[name] for name in ("mode", "size", "owner", "group", "links", "mount_point", "sha256")]
        assert list(map(str, ours)) == fields
    assert [found[path]["is_setuid"] for path in _PATHS] == [True, True, False, False, True]
    assert [found[path]["is_setgid"] for path in _PATHS] == [False, False, True, False, False]
    assert [found[path]["capabilities_text"] for path in _PATHS] == [None, None, None, "cap_setuid=ep", None]
    assert [found[path]["same_as_package"] for path in _PATHS] == [None, "dash", "dash", "coreutils", "dash"]
    assert {"nosuid", "noexec"} <= set(found["/opt/irl-void/sh"]["mount_options"])
    assert "nosuid" not in found["/var/tmp/.irl-shell"]["mount_options"]
    assert found["/tmp/irl-empty"]["size"] == 0


@pytest.mark.parametrize("host", _HOSTS)
def test_links_folders_and_patterns(named: Mapping[str, Any], host: str) -> None:
    """A link of the system is followed and says where to, one of a user is not; a folder and a pattern are said to be no file."""
    section, _shown = named[host]
    found = {record["path"]: record for record in section["items"]}
    assert (found["/bin/sh"]["resolved_path"], found["/bin/sh"]["package"], found["/bin/sh"]["package_state"]) == ("/usr/bin/dash", "dash", "unchanged")
    assert "/tmp/irl-link" not in found
    reasons = {subject: error["reason"] for error in section["errors"] for subject in error["subjects"]}
    assert "leads to /etc/shadow" in reasons["/tmp/irl-link"]
    assert reasons["/usr/bin"] == "is a directory, not a regular file"
    assert reasons["/tmp/irl-*"] == "No such file or directory"


def test_dpkg_says_the_same(fleet: Fleet, session_ansible: Ansible) -> None:
    """``dpkg -S`` and ``dpkg -V`` of everything that runs, on hosts where programs of packages were exchanged."""
    cases = [case for case in load_cases() if case.id in _STATES]
    assert len(cases) == len(_STATES)
    with states(fleet, dict.fromkeys(_HOSTS, cases)):
        facts = session_ansible.facts("lab", "executable_facts", {"users": ["root"]})
        found = {host: {record["path"]: record for record in facts[host]["incident_executables"]["items"] if record["state"] == "present"} for host in _HOSTS}
        answers = dict(zip(_HOSTS, fleet.each(lambda host: _bash(host, _DPKG, *found[host.name])), strict=True))
    for host, answer in answers.items():
        ours = found[host]
        lines = [line.split() for line in answer.splitlines()]
        owners = {line[1]: line[2] for line in lines if line[0] == "owner"}
        changed = {path for line in lines if line[0] == "changed" for path in (line[1], "/usr" + line[1])}
        assert ours["/usr/bin/pr"]["package_state"] == "changed"
        assert len(owners) > len(_STATES)
        for path, record in ours.items():
            state = "unowned" if path not in owners else "changed" if path in changed else "unchanged"
            assert (record["package"], record["package_state"]) == (owners.get(path), state), (host, path)
