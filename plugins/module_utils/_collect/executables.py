# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``executables``: what is running, by content, and whether it is what its package shipped."""

import errno
import os
from stat import S_ISREG
from typing import Any, Dict, List, Optional, Set, Tuple

from . import packages
from .executable_record import Recorder, Running
from .hashing import Digests, Job, digest_all
from .mounts import place_of_image, place_of_path
from .packages import Owner
from .procfs import Stat
from .reading import put, stat_named, text
from .running_images import Image, read_image, runs_in_our_root
from .same_content import find_same
from .section import SectionBuilder
from .target import Target

MAX_FILE_SIZE = 512 << 20
# An old image is its package's if its package's file came after it was started, or so shortly before that a child may be as old.
_UPDATE_SECONDS = 3600


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
    algorithms = {"sha256"} | set(packages.algorithms(target)) | set(checksums or ())
    servers = target.file_servers
    digests = digest_all({number: Job(entry.paths(target), entry.status) for number, entry in enumerate(images)}, algorithms, max_file_size, servers)
    there = _at_path_now(target, images)
    digests_there = digest_all(there, algorithms, max_file_size, servers)
    owners = packages.find_owners(target, {entry.package_path for entry in images if not entry.is_foreign}, builder)
    recorder, strangers = Recorder(target, builder), []
    for number, entry in enumerate(images):
        if digests[number] == Digests({}):
            if not entry.pids:
                builder.error("file asked for", "was replaced while it was read", text(entry.image.path or b""))
            continue  # every process that ran it has ended meanwhile, and it has no path any more
        record = recorder.record(entry)
        _add_digests(record, digests[number], digests_there.get(number), set(checksums or ()), builder)
        _add_package(record, entry, digests[number], owners)
        if record["package_state"] == "changed" and _was_updated(target, entry, there.get(number), digests_there.get(number), owners):
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
            status, real = target.file_servers.ask(there, _follow, there)
            resolved = real[len(target.root) :] if real.startswith(os.fsencode(target.root)) else real
            found.append(Running(Image(raw, "file", status, there), status, [], None, False, resolved))
        except OSError as error:
            builder.error("file asked for", error, text(raw))
    return found


def _follow(path: bytes) -> Tuple[os.stat_result, bytes]:
    """The status of what a path leads to, and where that is."""
    return stat_named(path), os.path.realpath(path)


def _at_path_now(target: Target, images: List[Running]) -> Dict[int, Job]:
    """The other files that now stand where a replaced image came from."""
    jobs = {}
    for number, entry in enumerate(images):
        there = entry.image.there
        if entry.image.state == "replaced" and there:
            try:
                # A link is not followed: it may lead to what nobody but root can read.
                jobs[number] = Job([there], target.file_servers.ask(there, os.lstat, there))
            except OSError:
                continue  # gone again, or it does not answer
    return jobs


def _add_digests(record: Dict[str, Any], digests: Digests, there: Optional[Digests], checksums: Set[str], builder: SectionBuilder) -> None:
    if digests.error:
        builder.error("hash of an executable", digests.error, record["path"])
    for name in {"sha256"} | checksums:
        record[name] = digests.by_algorithm.get(name)
    if there is not None:
        record["path_sha256"] = there.by_algorithm.get("sha256")


def _add_package(record: Dict[str, Any], entry: Running, digests: Digests, owners: Optional[Dict[bytes, Owner]]) -> None:
    if entry.is_foreign:
        record["package_state"] = "foreign"
    elif not S_ISREG(entry.status.st_mode):
        record["package_state"] = "unknown"  # many packages have the same folder
    elif owners is None:
        record["package_state"] = "unreadable"
    elif entry.package_path not in owners:
        record["package_state"] = "unowned"
    else:
        owner = owners[entry.package_path]
        record["package"], record["package_version"] = owner.package, owner.version
        record["package_state"] = {None: "unknown", True: "unchanged", False: "changed"}[owner.has_content(digests.by_algorithm)]


def _was_updated(target: Target, entry: Running, job: Optional[Job], there: Optional[Digests], owners: Optional[Dict[bytes, Owner]]) -> bool:
    """Tell whether an image is that of an older version of the package.

    A package's file at the path is not enough: who mounts his own file over it for himself has it there all the time, and may touch it.
    """
    owner = (owners or {}).get(entry.package_path)
    if job is None or there is None or owner is None or not owner.has_content(there.by_algorithm):
        return False
    if entry.started_at is not None and job.status.st_ctime < entry.started_at - _UPDATE_SECONDS:
        return False
    return any(_runs_from_its_path(target, pid, entry.image.path or b"") for pid in entry.pids)


def _runs_from_its_path(target: Target, pid: int, path: bytes) -> bool:
    """Tell whether a process was started from the place that its path leads to in our namespace too."""
    try:
        place = place_of_image(target.proc, target.place(pid), path)
        return place is not None and place == place_of_path(target.proc, path)
    except (OSError, ValueError):
        return False  # it has ended


def _add_same(target: Target, strangers: List[Tuple[Dict[str, Any], Digests]], builder: SectionBuilder) -> None:
    """Say of images that are no package's, or not what their package shipped, which packaged program they are a copy of."""
    copies = []
    for record, digests in strangers:
        same = find_same(target, record["size"], digests.by_algorithm["sha256"]) if "sha256" in digests.by_algorithm else []
        if same:
            copies.append((record, digests.by_algorithm, same))
    owners = packages.find_owners(target, {path for _record, _digests, same in copies for path in same}, builder) if copies else {}
    for record, by_algorithm, same in copies:
        for path in same:
            # A program of a package is the copy's model only as long as it has the package's content.
            if owners and path in owners and owners[path].has_content(by_algorithm) is not False:
                put(record, "same_as", path)
                record["same_as_package"] = owners[path].package
                break
