# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package owns a file, and which digest the package gave it: dpkg's database, read and not asked.

Sources: dpkg(1), deb-md5sums; the layout of /var/lib/dpkg. The database is the target's own: an intruder with root can change it.
"""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Set

from .reading import read_file, text
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


class Diversion(NamedTuple):
    """Where a file was diverted to, and the package whose own file stands in its place (``:`` for the administrator)."""

    to: bytes
    by: bytes


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
    wanted: Dict[bytes, Set[bytes]] = {}
    for path in filter(os.path.isabs, paths):
        for alias in aliases(path):
            wanted.setdefault(alias, set()).add(path)
    diversions = _diversions(target)
    listed_as = set(wanted) | {original for original, diversion in diversions.items() if diversion.to in wanted}
    found: Dict[bytes, Owner] = {}
    versions: Optional[Dict[bytes, str]] = None
    for name in _lists(target, builder):
        package = name[: -len(b".list")]
        mine = {_lies_at(listed, package, diversions): listed for listed in _listed(target, name, listed_as, builder)}
        mine = {place: listed for place, listed in mine.items() if place in wanted}
        if not mine:
            continue
        if versions is None:
            versions = _versions(target, builder)
        digests = _md5sums(target, package)
        for place, listed in mine.items():
            owner = Owner(text(package.partition(b":")[0]), versions.get(package), digests.get(listed))
            for path in wanted[place]:
                found.setdefault(path, owner)
    return found


def _lists(target: Target, builder: SectionBuilder) -> List[bytes]:
    try:
        return sorted(name for name in os.listdir(os.fsencode(target.path(_INFO))) if name.endswith(b".list"))
    except OSError as error:
        builder.error("package database", error, _INFO)
        return []


def _listed(target: Target, name: bytes, wanted: Set[bytes], builder: SectionBuilder) -> Set[bytes]:
    try:
        content = read_file(os.fsencode(target.path(_INFO)) + b"/" + name, _LARGEST)
    except OSError as error:
        builder.error("package database", error, text(name))
        return set()
    if len(content.data) < content.stat.st_size:
        builder.error("package database", "is larger than %d bytes, the rest was not read" % _LARGEST, text(name))
    # Most lists have none of the paths: a look at all the lines as a set is dearer than it need be, and still a millisecond.
    return wanted & set(content.data.split(b"\n"))


def _md5sums(target: Target, package: bytes) -> Dict[bytes, str]:
    """``info/PACKAGE.md5sums``: digest, two blanks, path without its first slash."""
    try:
        data = read_file(os.fsencode(target.path(_INFO)) + b"/" + package + b".md5sums", _LARGEST).data
    except OSError:
        return {}
    digests = {}
    for line in data.split(b"\n"):
        digest, blanks, path = line.partition(b"  ")
        if blanks and len(digest) == 32:
            digests[b"/" + path] = digest.decode("ascii", "replace")
    return digests


def _versions(target: Target, builder: SectionBuilder) -> Dict[bytes, str]:
    """Versions by the name that the package's files in ``info`` have: with the architecture where it may be installed for several."""
    versions: Dict[bytes, str] = {}
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
                fields[key] = value.strip()
        if b"Package" in fields and b"Version" in fields:
            versions[fields[b"Package"]] = text(fields[b"Version"])
            versions[fields[b"Package"] + b":" + fields.get(b"Architecture", b"")] = text(fields[b"Version"])
    return versions


def _diversions(target: Target) -> Dict[bytes, Diversion]:
    """What was diverted (dpkg-divert(1)), by its original path: triples of original, diverted to, and by whom."""
    try:
        lines = read_file(target.path("/var/lib/dpkg/diversions"), _LARGEST).data.split(b"\n")
    except OSError:
        return {}
    return {original: Diversion(to, by) for original, to, by in zip(lines[0::3], lines[1::3], lines[2::3])}


def _lies_at(listed: bytes, package: bytes, diversions: Dict[bytes, Diversion]) -> bytes:
    """Where a file of a package lies: at the path that its list has, unless another package or the administrator diverted it."""
    diversion = diversions.get(listed)
    return listed if diversion is None or diversion.by == package.partition(b":")[0] else diversion.to
