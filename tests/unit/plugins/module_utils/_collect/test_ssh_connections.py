# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sshd's processes say they are for, in the words of OpenSSH 8.4, 9.2 and 10.0."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.ssh_connections import parse_title


@pytest.mark.parametrize(
    "argv, role, user",
    [
        ([b"sshd: mallory@pts/1"], "worker", b"mallory"),
        ([b"sshd: mallory@pts/1,pts/2", b"", b""], "worker", b"mallory"),
        ([b"sshd: root@notty    "], "worker", b"root"),
        ([b"sshd-session: mallory@notty"], "worker", b"mallory"),
        ([b"sshd: mallory@example.org@pts/1"], "worker", b"mallory@example.org"),
        ([b"sshd: mallory"], "worker", b"mallory"),
        ([b"sshd: mallory [priv]"], "monitor", b"mallory"),
        ([b"sshd-session: root [priv]"], "monitor", b"root"),
        ([b"sshd: unknown [priv]"], "monitor", b"unknown"),
        ([b"sshd: root [net]"], "net", b"root"),
        ([b"sshd-auth: root [net]"], "net", b"root"),
        ([b"sshd: [accepted]"], "accepted", b""),
        ([b"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"], "listener", b""),
        ([b"/usr/sbin/sshd", b"-D"], "listener", b""),
        ([], "listener", b""),
    ],
)
def test_titles(argv, role, user):
    assert parse_title(argv) == (role, user)
