# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``executables``: what is running, by content, and whether it is what its package shipped."""

import os
import stat as mode_bits
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple

from . import dpkg
from .hashing import Digests, digest_all
from .reading import iso_time, put
from .running_images import Image, path_as_seen, read_image
from .same_content import find_same
from .section import SectionBuilder
from .target import Target

MAX_FILE_SIZE = 512 << 20
_CHECKED = ("sha256", "md5")  # what we report, and what dpkg knows


class Running(NamedTuple):
    """An image, its own status, and the processes that run it; ``handle`` opens it, whatever stands at its path."""

    image: Image
    status: os.stat_result
    pids: List[int]
    handle: str


def collect(
    target: Target,
    limit: int = 5000,
    pids: Optional[List[int]] = None,
    users: Optional[List[str]] = None,
    paths: Optional[List[str]] = None,
    checksums: Optional[List[str]] = None,
    max_file_size: int = MAX_FILE_SIZE,
) -> Dict[str, Any]:
    """Read the running images that ``pids`` and ``users`` ask for, and the files in ``paths``; all images when none is given."""
    builder = SectionBuilder(limit)
    images = [] if paths and not pids and not users else _running(target, builder, pids, users)
    images += _named(paths or [], builder)
    algorithms = set(_CHECKED) | set(checksums or ())
    digests = digest_all([(number, entry.handle) for number, entry in enumerate(images)], algorithms, max_file_size)
    there = _at_path_now(target, images, algorithms, max_file_size)
    has_dpkg = dpkg.has_dpkg(target)
    owners = _owners(target, images, builder)
    for number, entry in enumerate(images):
        record = _record(target, entry, checksums or [])
        _add_digests(record, digests[number], there.get(number), builder)
        owner = owners.get(entry.image.path or b"")
        record["package_state"] = "foreign" if is_foreign(target, entry) else "unowned" if has_dpkg else "unreadable"
        if record["package_state"] == "unowned" and owner is not None:
            _add_package(record, digests[number], there.get(number), owner)
        elif record["package_state"] == "unowned":
            _add_same(target, record, entry, digests[number], builder)
        builder.add(record)
    return builder.finish()


def _running(target: Target, builder: SectionBuilder, pids: Optional[List[int]], users: Optional[List[str]]) -> List[Running]:
    """Every image once. Its identity is the inode; a path may stand for several, and several paths for one."""
    uids = _uids(target, builder, users)
    found: Dict[Tuple[int, int], Running] = {}
    for pid, stat in target.stats.items():
        if (pids and pid not in pids) or (uids is not None and not uids & target.uids_of(pid)):
            continue
        image = read_image(target, stat)
        if image.state == "unreadable":
            builder.error("running executable", "Permission denied", "pid %d" % pid)
        if image.status is None:
            continue
        key = (image.status.st_dev, image.status.st_ino)
        if key in found:
            found[key].pids.append(pid)
        else:
            found[key] = Running(image, image.status, [pid], "%s/%d/exe" % (target.proc, pid))
    for pid in sorted(set(pids or ()) - set(target.stats)):
        builder.error("process asked for", "there is no such process", "pid %d" % pid)
    return list(found.values())


def _uids(target: Target, builder: SectionBuilder, users: Optional[List[str]]) -> Optional[Set[int]]:
    if not users:
        return None
    uids, unknown = target.accounts.uids_of(users)
    for user in unknown:
        builder.error("user asked for", "no account of that name in /etc/passwd", user)
    return uids


def _named(paths: List[str], builder: SectionBuilder) -> List[Running]:
    found = []
    for path in paths:
        raw = path.encode("utf-8", "surrogateescape")
        try:
            status = os.stat(raw)
            found.append(Running(Image(raw, "file", status), status, [], path))
        except OSError as error:
            builder.error("file asked for", error, path)
    return found


def _at_path_now(target: Target, images: List[Running], algorithms: Set[str], max_file_size: int) -> Dict[int, Digests]:
    """Digests of the other files that now stand where a replaced image came from."""
    jobs = [
        (number, os.fsdecode(path_as_seen(target, entry.pids[0], entry.image.path)))
        for number, entry in enumerate(images)
        if entry.image.state == "replaced" and entry.image.path
    ]
    return digest_all(jobs, algorithms, max_file_size)


def _owners(target: Target, images: List[Running], builder: SectionBuilder) -> Dict[bytes, dpkg.Owner]:
    if not dpkg.has_dpkg(target):
        builder.error("package ownership", "this host has no dpkg database, and other package managers are not read")
        return {}
    return dpkg.find_owners(target, [entry.image.path for entry in images if entry.image.path], builder)


def _record(target: Target, entry: Running, checksums: Iterable[str]) -> Dict[str, Any]:
    status = entry.status
    record: Dict[str, Any] = {
        "state": entry.image.state,
        "pids": entry.pids,
        "sha256": None,
        "sha1": None,
        "md5": None,
        "path_sha256": None,
        "inode": status.st_ino,
        "device": status.st_dev,
        "size": status.st_size,
        "owner_uid": status.st_uid,
        "owner": _name(target, status.st_uid),
        "owner_gid": status.st_gid,
        "mode": "%04o" % mode_bits.S_IMODE(status.st_mode),
        "is_setuid": bool(status.st_mode & mode_bits.S_ISUID),
        "is_setgid": bool(status.st_mode & mode_bits.S_ISGID),
        "capabilities": _capabilities(entry.handle),
        "modified_at": iso_time(status.st_mtime),
        "changed_at": iso_time(status.st_ctime),
        "package": None,
        "package_version": None,
        "same_as": None,
        "same_as_package": None,
    }
    put(record, "path", entry.image.path)
    record.update({name: "" for name in checksums if name in ("md5", "sha1")})
    return record


def _name(target: Target, uid: int) -> Optional[str]:
    try:
        return target.accounts.name_of(uid)
    except OSError:
        return None


def _capabilities(handle: str) -> Optional[str]:
    """The extended attribute ``security.capability`` (capabilities(7))."""
    try:
        return os.getxattr(handle, "security.capability").hex()
    except OSError:
        return None


def _add_digests(record: Dict[str, Any], digests: Digests, there: Optional[Digests], builder: SectionBuilder) -> None:
    if digests.error:
        builder.error("hash of an executable", digests.error, record["path"])
    record["sha256"] = digests.by_algorithm.get("sha256")
    for name in ("md5", "sha1"):
        if record[name] == "":
            record[name] = digests.by_algorithm.get(name)
    if there is not None:
        record["path_sha256"] = there.by_algorithm.get("sha256")


def is_foreign(target: Target, entry: Running) -> bool:
    """Tell whether an image runs in another root, as in a container: its path means nothing to the host's packages."""
    try:
        inside, outside = os.stat("%s/%d/root" % (target.proc, entry.pids[0])), os.stat(target.root or "/")
    except (OSError, IndexError):
        return False
    return (inside.st_dev, inside.st_ino) != (outside.st_dev, outside.st_ino)


def _add_package(record: Dict[str, Any], digests: Digests, there: Optional[Digests], owner: dpkg.Owner) -> None:
    record["package"], record["package_version"] = owner.package, owner.version
    md5 = digests.by_algorithm.get("md5")
    if owner.md5 is None or md5 is None:
        record["package_state"] = "unknown"
    elif md5 == owner.md5:
        record["package_state"] = "unchanged"
    elif there is not None and there.by_algorithm.get("md5") == owner.md5:
        record["package_state"] = "updated"
    else:
        record["package_state"] = "changed"


def _add_same(target: Target, record: Dict[str, Any], entry: Running, digests: Digests, builder: SectionBuilder) -> None:
    sha256 = digests.by_algorithm.get("sha256")
    same = find_same(target, entry.image.status.st_size, sha256) if sha256 and entry.image.status else None
    if same is not None:
        put(record, "same_as", same)
        owner = dpkg.find_owners(target, [same], builder).get(same)
        record["same_as_package"] = owner.package if owner else None
