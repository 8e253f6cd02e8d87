# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The homes of a host: of every account, and those beside them that belong to none. Each is named once."""

import os
import stat
from collections import OrderedDict
from typing import Dict, List, NamedTuple, Optional, Set, Tuple

from .accounts import Account
from .mounts import parse_mountinfo
from .procfs import is_gone
from .reading import read_kernel, text
from .section import SectionBuilder
from .target import Target

_MOST = 5000
_FIRST_PERSON = 1000  # login.defs(5), UID_MIN
_NO_BASES = (b"//", b"/bin", b"/boot", b"/dev", b"/etc", b"/lib", b"/mnt", b"/opt", b"/proc", b"/run", b"/sbin", b"/srv", b"/sys", b"/tmp", b"/usr", b"/var")

# A dead server behind one of these holds up whoever touches the mount; autofs would have to mount first.
_REMOTE = (b"nfs", b"nfs4", b"cifs", b"smb3", b"smbfs", b"9p", b"ceph", b"afs", b"autofs", b"lustre", b"glusterfs")


class Home(NamedTuple):
    """A home: its path as passwd has it, where it is found, its owner's uid, and the account it is read for.

    Also the names of all accounts that have it (none: it was left behind), and where it points to if it is a link.
    """

    path: bytes
    found_at: bytes
    owner_uid: int
    account: Optional[Account]

    accounts: Tuple[bytes, ...] = ()
    link_target: Optional[bytes] = None

    @property
    def uid(self) -> Optional[int]:
        """Uid of the account."""
        return self.account.uid if self.account else None

    def find(self, path: bytes) -> bytes:
        """Where an absolute path of the same host is found."""
        return self.found_at[: len(self.found_at) - len(self.path)] + path


class Mounts(NamedTuple):
    """Mount points of remote file systems: (path, type)."""

    remote: List[Tuple[bytes, bytes]]

    def type_of(self, path: bytes) -> Optional[bytes]:
        """The remote file system that a path lies on, ``None`` for a local one."""
        matching = [(point, kind) for point, kind in self.remote if path == point or path.startswith(point.rstrip(b"/") + b"/")]
        return max(matching)[1] if matching else None


def read_mounts(target: Target) -> Mounts:
    """Read ``/proc/self/mountinfo`` (proc(5)); none where it cannot be read."""
    remote = []
    try:
        table = read_kernel(target.proc + "/self/mountinfo")
    except OSError:
        return Mounts([])
    for line in parse_mountinfo(table):
        if line.kind in _REMOTE or line.kind.startswith(b"fuse"):
            remote.append((line.point, line.kind))
    return Mounts(remote)


def find_homes(target: Target, builder: SectionBuilder, uids: Optional[Set[int]] = None) -> List[Home]:
    """Every home that is there, each directory once; only those that belong to ``uids`` when they are given."""
    mounts = read_mounts(target)
    sharing: OrderedDict[Tuple[int, int], List[Home]] = OrderedDict()
    seen: Dict[bytes, Optional[os.stat_result]] = {}
    candidates = _candidates(target, mounts, builder)
    for path, account in candidates:
        if path not in seen:
            if len(seen) >= _MOST:
                builder.reached("homes", _MOST, len({path for path, _account in candidates}))
                break
            seen[path] = _directory(target, mounts, path, builder)
        status = seen[path]
        if status is not None:
            where = os.fsencode(target.root) + path
            home = Home(path, where, status.st_uid, account, (), _link(target, where))
            sharing.setdefault((status.st_dev, status.st_ino), []).append(home)
    return [_owner(homes) for homes in sharing.values() if uids is None or any(home.uid in uids for home in homes)]


def _owner(homes: List[Home]) -> Home:
    """Of several accounts with one home, the one that owns it, root before its namesakes; else the first."""
    owning = [home for home in homes if home.uid == home.owner_uid]
    owner = next((home for home in owning if home.account and home.account.name == b"root"), (owning or homes)[0])
    return owner._replace(accounts=tuple(OrderedDict.fromkeys(home.account.name for home in homes if home.account)))


def _link(target: Target, path: bytes) -> Optional[bytes]:
    try:
        return target.file_servers.ask(path, os.readlink, path)  # type: ignore[no-any-return]
    except OSError:
        return None


def _candidates(target: Target, mounts: Mounts, builder: SectionBuilder) -> List[Tuple[bytes, Optional[Account]]]:
    found: List[Tuple[bytes, Optional[Account]]] = []
    bases = [b"/home"]
    try:
        for account in target.accounts.all:
            if account.home.startswith(b"/") and b"\0" not in account.home:
                found.append((account.home, account))
                bases += _base_of(account)
            elif account.home:
                builder.error("home", "is no absolute path", text(account.home))
    except OSError as error:
        builder.error("accounts", error, "/etc/passwd")
    found.append((b"/root", None))
    for base in OrderedDict.fromkeys(bases):
        if _directory(target, mounts, base, builder) is None:
            continue
        found += [(base + b"/" + name, None) for name in _names_in(target, base, builder)]
    return found


def _base_of(account: Account) -> List[bytes]:
    """The folder that holds homes only, by the look of it: that of a person's home, unless other things lie there too."""
    base = os.path.dirname(os.path.normpath(account.home))
    return [base] if account.uid >= _FIRST_PERSON and base.count(b"/") and not base.startswith(_NO_BASES) and base != b"/" else []


def _names_in(target: Target, base: bytes, builder: SectionBuilder) -> List[bytes]:
    try:
        return [name for name in sorted(target.file_servers.ask(base, os.listdir, os.fsencode(target.root) + base)) if name != b"lost+found"]
    except OSError as error:
        if not is_gone(error):
            builder.error("homes", error, text(base))
        return []


def _directory(target: Target, mounts: Mounts, path: bytes, builder: SectionBuilder) -> Optional[os.stat_result]:
    kind = mounts.type_of(path)
    where = os.fsencode(target.root) + path
    subject = text(path)
    if kind == b"autofs":
        builder.error("home", "lies on autofs, which would have to be mounted", subject)
        return None
    try:
        status: os.stat_result = target.file_servers.ask(where, os.stat, where)
        may_enter = target.file_servers.ask(where, _may_enter, where)
    except OSError as error:
        if not is_gone(error) and not isinstance(error, NotADirectoryError):
            builder.error("home", error, subject)
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    if not may_enter:
        builder.error("home", "Permission denied", subject)
        return None
    return status


def _may_enter(path: bytes) -> bool:
    return os.access(path, os.X_OK, effective_ids=True)
