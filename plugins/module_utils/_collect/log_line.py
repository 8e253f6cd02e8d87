# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that a program which lets people in, sudo, su or one that changes accounts logged, wherever it was found, and how far it can be trusted.

Measured on Debian 11, 12 and 13: the journal's ``_UID`` of sudo's own lines is the real uid of the caller, not root's, since that is
what the kernel passes on; warnings before sudo has found its caller have 0. ``_CAP_EFFECTIVE`` of sudo's lines has root's
capabilities. journald reads it from /proc after the message came: it is missing where the process had ended, may be up to a
second old, and a program that logs and then executes sudo can borrow it. So the absence of it proves nothing.
"""

import re
from typing import NamedTuple, Optional

# What runs for root only, and what anybody may run because it is setuid.
FOR_ROOT = (
    "adduser",
    "chgpasswd",
    "chpasswd",
    "groupadd",
    "groupdel",
    "groupmod",
    "newusers",
    "runuser",
    "useradd",
    "userdel",
    "usermod",
    "vipw",
)
FOR_ALL = ("chage", "chfn", "chsh", "doas", "gpasswd", "newgrp", "passwd", "pkexec", "polkit-agent-helper-1", "polkitd", "sg", "su", "sudo")
ACCOUNT_PROGRAMS = FOR_ROOT + FOR_ALL
# What lets people in, and runs as root while it does. OpenSSH 9.8 and newer has a program for each connection.
LOGIN_PROGRAMS = ("login", "sshd", "sshd-auth", "sshd-session")
PROGRAMS = ACCOUNT_PROGRAMS + LOGIN_PROGRAMS

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class LogLine(NamedTuple):
    """What was logged.

    ``at`` in seconds since 1970; ``year_inferred``: the log gave no year. ``source``: ``journal``, or the path of a log, with its
    ``line``. From the journal: ``uid`` of the writer, whether it was ``privileged`` (``None``: unknown), its ``pid``, the transport,
    and ``also``: the path of a log that has it as well.
    """

    at: Optional[float]
    program: str
    message: bytes
    source: str
    line: Optional[int] = None
    uid: Optional[int] = None
    privileged: Optional[bool] = None
    pid: Optional[int] = None
    by_syslog: bool = False
    year_inferred: bool = False
    also: Optional[str] = None

    @property
    def is_of_login(self) -> bool:
        """Whether a program that lets people in wrote it."""
        return self.program in LOGIN_PROGRAMS

    @property
    def key(self) -> bytes:
        """The same for one message in the journal and in a log: rsyslog writes control characters as ``#ooo``."""
        return self.program.encode("ascii") + b":" + _CONTROL.sub(lambda match: b"#%03o" % match.group()[0], self.message.strip())


def trust(line: LogLine, named_uid: Optional[int] = None) -> str:
    """``kernel``, ``forgeable`` or ``forged`` (schema ``sudo_event``); ``named_uid``: of the account that the line is about as its caller."""
    if line.uid is None:
        return "forgeable"
    if line.uid and line.is_of_login:
        return "forged"
    if line.uid and named_uid is not None and named_uid != line.uid:
        return "forged"
    if line.uid and not line.privileged:
        return "forged" if line.program in FOR_ROOT and line.privileged is False else "forgeable"
    if not line.by_syslog:
        return "forgeable"
    if line.uid and named_uid is None and line.program not in FOR_ALL:
        return "forgeable"
    return "kernel"
