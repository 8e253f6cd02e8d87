# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package owns a file, and which digest the package gave it: dpkg's database, read and not asked.

Sources: dpkg(1), deb-md5sums; the layout of /var/lib/dpkg. The database is the target's own: an intruder with root can change it.
"""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Set

from .reading import read_file
from .section import SectionBuilder
from .target import Target

_INFO = "/var/lib/dpkg/info"
_LARGEST = 1 << 26
# On a merged-/usr system /bin/su and /usr/bin/su are one file, and a package may know it by either name.
_MERGED = (b"/bin/", b"/sbin/", b"/lib/", b"/lib32/", b"/lib64/", b"/libx32/")


class Owner(NamedTuple):
    """A package, its version, and the MD5 it gave the file (``None``: it gave none, as for configuration files)."""

    package: str
    version: Optional[str]
    md5: Optional[str]


def aliases(path: bytes) -> List[bytes]:
    """The names that one path may have in a package: with and without ``/usr`` in front."""
    if path.startswith(_MERGED):
        return [path, b"/usr" + path]
    if path.startswith(b"/usr") and path[4:].startswith(_MERGED):
        return [path, path[4:]]
    return [path]


def has_dpkg(target: Target) -> bool:
    """Tell whether the host has dpkg's database."""
    return os.path.isdir(target.path(_INFO))


def find_owners(target: Target, paths: Iterable[bytes], builder: SectionBuilder) -> Dict[bytes, Owner]:
    """The owners of those paths that a package owns. Every list of files is read once, and searched for all paths together."""
    wanted: Dict[bytes, bytes] = {alias: path for path in paths for alias in aliases(path)}
    _apply_diversions(target, wanted)
    found: Dict[bytes, Owner] = {}
    versions: Optional[Dict[str, str]] = None
    for name in _lists(target, builder):
        mine = _listed(target, name, wanted, builder)
        if not mine:
            continue
        if versions is None:
            versions = _versions(target, builder)
        package = name[: -len(".list")]
        digests = _md5sums(target, package)
        for alias in mine:
            found.setdefault(wanted[alias], Owner(package.partition(":")[0], versions.get(package), digests.get(alias)))
    return found


def _lists(target: Target, builder: SectionBuilder) -> List[str]:
    try:
        return sorted(name for name in os.listdir(target.path(_INFO)) if name.endswith(".list"))
    except OSError as error:
        builder.error("package database", error, _INFO)
        return []


def _listed(target: Target, name: str, wanted: Dict[bytes, bytes], builder: SectionBuilder) -> Set[bytes]:
    try:
        data = read_file("%s/%s" % (target.path(_INFO), name), _LARGEST).data
    except OSError as error:
        builder.error("package database", error, name)
        return set()
    # Most lists have none of the paths: a look at all the lines as a set is dearer than it need be, and still a millisecond.
    return wanted.keys() & set(data.split(b"\n"))


def _md5sums(target: Target, package: str) -> Dict[bytes, str]:
    """``info/PACKAGE.md5sums``: digest, two blanks, path without its first slash."""
    try:
        data = read_file("%s/%s.md5sums" % (target.path(_INFO), package), _LARGEST).data
    except OSError:
        return {}
    digests = {}
    for line in data.split(b"\n"):
        digest, blanks, path = line.partition(b"  ")
        if blanks and len(digest) == 32:
            digests[b"/" + path] = digest.decode("ascii", "replace")
    return digests


def _versions(target: Target, builder: SectionBuilder) -> Dict[str, str]:
    """Versions by the name that the package's files in ``info`` have: with the architecture where it may be installed for several."""
    versions: Dict[str, str] = {}
    try:
        data = read_file(target.path("/var/lib/dpkg/status"), _LARGEST).data
    except OSError as error:
        builder.error("package versions", error, "/var/lib/dpkg/status")
        return versions
    for paragraph in data.split(b"\n\n"):
        fields = {}
        for line in paragraph.split(b"\n"):
            if line.startswith((b"Package:", b"Version:", b"Architecture:")):
                key, _colon, value = line.partition(b":")
                fields[key] = value.strip().decode("utf-8", "backslashreplace")
        if b"Package" in fields and b"Version" in fields:
            versions[fields[b"Package"]] = fields[b"Version"]
            versions["%s:%s" % (fields[b"Package"], fields.get(b"Architecture", ""))] = fields[b"Version"]
    return versions


def _apply_diversions(target: Target, wanted: Dict[bytes, bytes]) -> None:
    """A diverted file lies elsewhere than its package says (dpkg-divert(1)): triples of original, diverted to, and by whom."""
    try:
        lines = read_file(target.path("/var/lib/dpkg/diversions"), _LARGEST).data.split(b"\n")
    except OSError:
        return
    for original, diverted in zip(lines[0::3], lines[1::3]):
        if diverted in wanted and original not in wanted:
            wanted[original] = wanted[diverted]
