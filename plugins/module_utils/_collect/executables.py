# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``executables``: what is running, by content, and whether it is what its package shipped."""

import errno
import os
import stat as mode_bits
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from . import dpkg
from .hashing import Digests, Job, digest_all
from .procfs import Stat
from .reading import iso_time, put, text
from .running_images import Image, read_image, runs_in_our_root
from .same_content import find_same
from .section import SectionBuilder
from .target import Target

MAX_FILE_SIZE = 512 << 20
_CHECKED = ("sha256", "md5")  # what we report, and what dpkg knows
# An old image is its package's if its package's file came after it was started, or so shortly before that a child may be as old.
_UPDATE_SECONDS = 3600


class Running(NamedTuple):
    """An image, its own status, and the processes that run it; ``started_at`` is when the first of them was, ``None`` for a mere file."""

    image: Image
    status: os.stat_result
    pids: List[int]
    started_at: Optional[float]
    is_foreign: bool

    def paths(self, proc: str) -> List[Any]:
        """Paths that open it: through its processes whatever stands at its path, and that path when all of them have ended."""
        there = self.image.there if self.image.state != "replaced" else None
        return ["%s/%d/exe" % (proc, pid) for pid in self.pids] + ([there] if there else [])


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
    images += _named(target, paths or [], builder)
    algorithms = set(_CHECKED) | set(checksums or ())
    digests = digest_all({number: Job(entry.paths(target.proc), entry.status) for number, entry in enumerate(images)}, algorithms, max_file_size)
    there = _at_path_now(images)
    digests_there = digest_all(there, algorithms, max_file_size)
    owners = _owners(target, images, builder)
    strangers = []
    for number, entry in enumerate(images):
        if digests[number] == Digests({}):
            if not entry.pids:
                builder.error("file asked for", "was replaced while it was read", text(entry.image.path or b""))
            continue  # every process that ran it has ended meanwhile, and it has no path any more
        record = _record(target, entry, checksums or [])
        _add_digests(record, digests[number], digests_there.get(number), builder)
        owner = owners.get(_package_path(entry))
        if record["package_state"] == "unowned" and owner is not None:
            _add_package(record, digests[number], owner)
            if record["package_state"] == "changed" and _was_updated(entry, there.get(number), digests_there.get(number), owner):
                record["package_state"] = "updated"
        if record["package_state"] in ("unowned", "changed"):
            strangers.append((record, digests[number]))
        builder.add(record)
    _add_same(target, strangers, builder)
    return builder.finish()


def _running(target: Target, builder: SectionBuilder, pids: Optional[List[int]], users: Optional[List[str]]) -> List[Running]:
    """Every image once. Its identity is the inode; a path may stand for several, and several paths for one."""
    uids = target.uids_asked_for(users, builder)
    found: Dict[Tuple[int, int], Running] = {}
    for pid, stat in target.stats.items():
        if (pids and pid not in pids) or (uids is not None and not uids & target.uids_of(pid)):
            continue
        image = read_image(target, stat)
        if image.state == "unreadable":
            builder.error("running executable", image.reason, "pid %d" % pid)
        if image.status is None:
            continue
        key = (image.status.st_dev, image.status.st_ino)
        if key not in found:
            found[key] = Running(image, image.status, [], _started_at(target, stat), _is_foreign(target, pid, image))
        found[key].pids.append(pid)
    for pid in sorted(set(pids or ()) - set(target.stats)):
        builder.error("process asked for", "there is no such process", "pid %d" % pid)
    return list(found.values())


def _started_at(target: Target, stat: Stat) -> Optional[float]:
    try:
        return target.started_at(stat)
    except OSError:
        return None


def _is_foreign(target: Target, pid: int, image: Image) -> bool:
    """Tell whether an image runs in another root, as in a container: its path means nothing to the host's packages.

    A daemon in a chroot may run a program from outside it, which does.
    """
    ours = os.fsencode(target.root) + (image.path or b"")
    return image.there != ours and not runs_in_our_root(target, pid)


def _named(target: Target, paths: List[str], builder: SectionBuilder) -> List[Running]:
    found = []
    for path in paths:
        raw = path.encode("utf-8", "surrogateescape")
        try:
            if not raw.startswith(b"/") or b"\0" in raw:
                raise OSError(errno.EINVAL, "is not an absolute path")
            there = os.fsencode(target.root) + raw
            status = os.stat(there)
            found.append(Running(Image(raw, "file", status, there), status, [], None, False))
        except OSError as error:
            builder.error("file asked for", error, text(raw))
    return found


def _at_path_now(images: List[Running]) -> Dict[int, Job]:
    """The other files that now stand where a replaced image came from."""
    jobs = {}
    for number, entry in enumerate(images):
        if entry.image.state == "replaced" and entry.image.there:
            try:
                # A link is not followed: it may lead to what nobody but root can read.
                jobs[number] = Job([entry.image.there], os.lstat(entry.image.there))
            except OSError:
                continue  # gone again
    return jobs


def _owners(target: Target, images: List[Running], builder: SectionBuilder) -> Dict[bytes, dpkg.Owner]:
    if not dpkg.has_dpkg(target):
        builder.error("package ownership", "this host has no dpkg database, and other package managers are not read")
        return {}
    return dpkg.find_owners(target, {_package_path(entry) for entry in images if not entry.is_foreign}, builder)


def _package_path(entry: Running) -> bytes:
    """The path that a package may have. One that was asked for may lead through links, as /usr/bin/vi does."""
    path = entry.image.path or b""
    return path if entry.pids else os.path.realpath(path)


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
        "capabilities": _capabilities(entry.paths(target.proc)),
        "modified_at": iso_time(status.st_mtime),
        "changed_at": iso_time(status.st_ctime),
        "package": None,
        "package_version": None,
        "package_state": "foreign" if entry.is_foreign else "unowned" if dpkg.has_dpkg(target) else "unreadable",
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


def _capabilities(paths: List[Any]) -> Optional[str]:
    """The extended attribute ``security.capability`` (capabilities(7))."""
    try:
        return os.getxattr(paths[0], "security.capability").hex()
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


def _add_package(record: Dict[str, Any], digests: Digests, owner: dpkg.Owner) -> None:
    record["package"], record["package_version"] = owner.package, owner.version
    md5 = digests.by_algorithm.get("md5")
    if owner.md5 is None or md5 is None:
        record["package_state"] = "unknown"
    else:
        record["package_state"] = "unchanged" if md5 == owner.md5 else "changed"


def _was_updated(entry: Running, job: Optional[Job], there: Optional[Digests], owner: dpkg.Owner) -> bool:
    """Tell whether an image is that of an older version of the package.

    A package's file at the path is not enough: who mounts his own file over it for himself has it there all the time.
    """
    if job is None or there is None or owner.md5 is None or there.by_algorithm.get("md5") != owner.md5:
        return False
    return entry.started_at is None or job.status.st_ctime >= entry.started_at - _UPDATE_SECONDS


def _add_same(target: Target, strangers: List[Tuple[Dict[str, Any], Digests]], builder: SectionBuilder) -> None:
    """Say of images that are no package's, or not what their package shipped, which packaged program they are a copy of."""
    copies = []
    for record, digests in strangers:
        same = find_same(target, record["size"], digests.by_algorithm["sha256"]) if "sha256" in digests.by_algorithm else []
        if same:
            copies.append((record, digests.by_algorithm.get("md5"), same))
    owners = dpkg.find_owners(target, {path for _record, _md5, same in copies for path in same}, builder) if copies else {}
    for record, md5, same in copies:
        for path in same:
            # A program of a package is the copy's model only as long as it has the package's content.
            if path in owners and owners[path].md5 in (None, md5):
                put(record, "same_as", path)
                record["same_as_package"] = owners[path].package
                break
