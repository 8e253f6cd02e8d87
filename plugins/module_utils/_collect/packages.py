# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package owns a file, and which digest the package gave it: one face over dpkg and RPM.

The databases are the target's own: an intruder with root can change them.
"""

import os
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from .section import SectionBuilder
from .target import Target

DPKG_INFO = "/var/lib/dpkg/info"
# Since RPM 4.16 some distributions keep the database below /usr.
_RPM_FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_RPM_FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
# On a merged-/usr system /bin/su and /usr/bin/su are one file, and a package may know it by either name.
_MERGED = (b"/bin/", b"/sbin/", b"/lib/", b"/lib32/", b"/lib64/", b"/libx32/")


class Owner(NamedTuple):
    """A package, its version, and the digest it gave the file with its algorithm (``None``: it gave none)."""

    package: str
    version: Optional[str]
    digest: Optional[str]
    algorithm: str = "md5"

    def has_content(self, digests: Dict[str, str]) -> Optional[bool]:
        """Tell whether digests, by algorithm, are those of the package's file; ``None`` where that cannot be compared."""
        found = digests.get(self.algorithm)
        return None if self.digest is None or found is None else found == self.digest


def aliases(path: bytes) -> List[bytes]:
    """The names that one path may have in a package: with and without ``/usr`` in front."""
    if path.startswith(_MERGED):
        return [path, b"/usr" + path]
    if path.startswith(b"/usr") and path[4:].startswith(_MERGED):
        return [path, path[4:]]
    return [path]


def package_manager(target: Target) -> Optional[str]:
    """``dpkg``, or ``rpm``, or ``None``: whose database has packages. A host with both has the other one as a mere tool."""
    try:
        if any(name.endswith(".list") for name in os.listdir(target.path(DPKG_INFO))):
            return "dpkg"
    except OSError:
        pass
    return "rpm" if rpm_folder(target) else None


def rpm_folder(target: Target) -> Optional[str]:
    """Where RPM's database is, in one of its formats; ``None`` where there is none."""
    for folder in _RPM_FOLDERS:
        for name in _RPM_FILES:
            try:
                if os.stat(target.path("%s/%s" % (folder, name))).st_size:
                    return folder
            except OSError:
                continue
    return None


def algorithms(target: Target) -> Tuple[str, ...]:
    """What packages give their files, to be computed for comparison; RPM's were MD5 before they were SHA-256."""
    return {"dpkg": ("md5",), "rpm": ("sha256", "md5")}.get(package_manager(target) or "", ())


def find_owners(target: Target, paths: Iterable[bytes], builder: SectionBuilder) -> Optional[Dict[bytes, Owner]]:
    """The owners of those paths that a package owns; ``None``, with an error in the section, where that cannot be found out."""
    manager = package_manager(target)
    if manager == "dpkg":
        from . import dpkg

        return dpkg.find_owners(target, paths, builder)
    if manager == "rpm":
        from . import rpm

        return rpm.find_owners(target, paths, builder)
    builder.error("package ownership", "this host has neither dpkg's nor RPM's database, and other package managers are not read")
    return None
