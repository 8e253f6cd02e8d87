# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of the host, from its files: NSS would load the target's libraries and may wait for a directory server."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from .reading import read_file, text

_LIMIT = 1 << 24


class Account(NamedTuple):
    """A line of passwd(5). Names are bytes: they may be options, templates, paths, or not UTF-8."""

    name: bytes
    uid: int
    gid: int
    gecos: bytes
    home: bytes
    shell: bytes


def parse_passwd(data: bytes) -> Tuple[List[Account], List[bytes]]:
    """Parse passwd(5); return the accounts and the lines that are none."""
    accounts, broken = [], []
    for line in data.split(b"\n"):
        if not line or line.startswith(b"#"):
            continue
        field = line.split(b":")
        try:
            accounts.append(Account(field[0], int(field[2]), int(field[3]), field[4], field[5], field[6]))
        except (IndexError, ValueError):
            broken.append(line)
    return accounts, broken


class Accounts:
    """All accounts of a host. Raises ``OSError`` when passwd cannot be read."""

    def __init__(self, root: str = "/") -> None:
        self.all, self.broken = parse_passwd(read_file(root.rstrip("/") + "/etc/passwd", _LIMIT).data)
        self._by_uid: Dict[int, Account] = {}
        self._by_name: Dict[bytes, Account] = {}
        for account in self.all:
            self._by_name.setdefault(account.name, account)
            # A second account with uid 0 must not give its name to what root does.
            if account.uid not in self._by_uid or account.name == b"root":
                self._by_uid[account.uid] = account

    def by_uid(self, uid: Optional[int]) -> Optional[Account]:
        """The account that owns a uid: the first in the file, as getpwuid(3) has it, but root for 0."""
        return None if uid is None else self._by_uid.get(uid)

    def by_name(self, name: bytes) -> Optional[Account]:
        """The first account of that name. A name of digits is a name."""
        return self._by_name.get(name)

    def name_of(self, uid: Optional[int]) -> Optional[str]:
        """The name for a uid as text, ``None`` where passwd knows none."""
        account = self.by_uid(uid)
        return text(account.name) if account else None

    def uids_of(self, users: Iterable[str]) -> Tuple[Set[int], List[str]]:
        """The uids of users asked for, and those that do not exist. A name of digits is a name first, a uid otherwise."""
        uids: Set[int] = set()
        unknown: List[str] = []
        for user in users:
            name = user.encode("utf-8", "surrogateescape")
            account = self.by_name(name)
            if account:
                uids.add(account.uid)
            elif name.isdigit():  # ASCII only, as str.isdigit is not
                uids.add(int(user))
            else:
                unknown.append(user)
        return uids, unknown
