# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``processes``: every process, with rates over a sampling pause in which other sections may be read."""

import time
from functools import partial
from typing import Any, Callable, Dict, List, Optional

from . import cross_check, procfs, sampling
from .connections import count_connections
from .hidden import find_hidden
from .host_load import read_host
from .open_files import read_open_files
from .ports import read_listeners
from .process_record import ProcessReader, belongs_to
from .section import SectionBuilder, WrongOption
from .target import Target
from .threads import find_odd_threads

OPEN_FILES_LIMIT = 20000
OPEN_FILES_OF_ONE = 2000
INTERFACES_LIMIT = 1000
LONGEST_SAMPLE = 3600


def collect(
    target: Target,
    limit: int = 5000,
    sample_seconds: float = 1.0,
    users: Optional[List[str]] = None,
    pids: Optional[List[int]] = None,
    names: Optional[List[str]] = None,
    open_files: bool = False,
    environment: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Dict[str, Any]:
    """Read the processes that ``users``, ``pids`` and ``names`` ask for; all of them when none is given.

    ``meanwhile`` runs inside the sampling pause, which lasts ``sample_seconds`` or as long as ``meanwhile`` needs. Raises ``WrongOption``.
    """
    check_sample(sample_seconds)
    builder = SectionBuilder(limit)
    before = sampling.take(target, target.stats)
    reader = ProcessReader(target, builder, environment)
    records = [record for record in map(reader.read, target.stats.values()) if record]
    meanwhile()
    _add_connections(target, builder, records)
    find_odd_threads(target, builder)
    find_hidden(target, builder)
    builder.single("cross_check", cross_check.compare(target, lambda: read_listeners(target)))
    after = _sample_again(target, reader, before, sample_seconds, records) if sample_seconds else before
    for record in records:
        _add_rates(record, before, after, builder)
    builder.single("host", read_host(target, records, after.at - before.at))
    builder.declare("interfaces")
    for record in sampling.interface_rates(before, after):
        builder.add(record, to="interfaces", limit=INTERFACES_LIMIT)
    if not target.stats:
        builder.error("processes", target.no_list or "%s lists none: it is not the kernel's own file system of processes" % target.proc, target.proc)
    for pid in sorted(target.unreadable_processes):
        builder.error("process", "Permission denied", "pid %d" % pid)
    wanted = list(filter(_Wanted(target, builder, users, pids, names), records))
    for record in wanted:
        builder.add(record)
    _add_open_files(target, builder, wanted if open_files else [])
    return builder.finish()


def check_sample(seconds: float) -> None:
    """Raise ``WrongOption`` for a pause that is none."""
    if not 0 <= seconds <= LONGEST_SAMPLE:
        raise WrongOption("sample_seconds must be from 0 to %d, not %s" % (LONGEST_SAMPLE, seconds))


def _sample_again(target: Target, reader: ProcessReader, before: sampling.Sample, seconds: float, records: List[Dict[str, Any]]) -> sampling.Sample:
    """Wait until the pause is over, and add who was started in it; ``target.stats`` stays what every section saw."""
    time.sleep(max(0.0, before.at + seconds - time.monotonic()))
    stats = Target(target.root or "/", target.proc).stats
    after = sampling.take(target, stats)
    started = [stat for pid, stat in stats.items() if pid not in target.stats or target.stats[pid].starttime != stat.starttime]
    records += [record for record in map(reader.read, started) if record]
    return after


def _add_connections(target: Target, builder: SectionBuilder, records: List[Dict[str, Any]]) -> None:
    """Who owns which socket is known where the section of ports was read just now."""
    try:
        connections = count_connections(target, target.read_socket_owners() if target.socket_owners is None else target.socket_owners)
    except (OSError, ValueError) as error:
        builder.error("connections", error)
        return
    for record in records:
        if record["pid"] not in target.unreadable_descriptors:
            record["connections"] = connections.get(record["pid"], 0)


def _add_rates(record: Dict[str, Any], before: sampling.Sample, after: sampling.Sample, builder: SectionBuilder) -> None:
    identity = (record["pid"], record["start_ticks"])
    rates = sampling.rates(before, after, identity)
    if rates is None:
        return
    record.update(rates._asdict())
    # One that lived through the pause was there to be read at its beginning.
    if before.usage[identity].read is None and not record["is_kernel_thread"]:
        builder.error("bytes read and written", "not ours to read, or not counted by this kernel", "pid %d" % record["pid"])


class _Wanted:
    """Which processes were asked for: all of them when nothing was named."""

    def __init__(self, target: Target, builder: SectionBuilder, users: Optional[List[str]], pids: Optional[List[int]], names: Optional[List[str]]) -> None:
        self._pids, self._names = set(pids or ()), set(names or ())
        self._uids = target.uids_asked_for(users, builder)
        for pid in sorted(self._pids - set(target.stats)):
            builder.error("process asked for", "there is no such process", "pid %d" % pid)

    def __call__(self, record: Dict[str, Any]) -> bool:
        return (
            (not self._pids or record["pid"] in self._pids)
            and (not self._names or record["name"] in self._names)
            and (self._uids is None or belongs_to(record, self._uids))
        )


def _add_open_files(target: Target, builder: SectionBuilder, records: List[Dict[str, Any]]) -> None:
    """No process may use up the room of the others: past ``OPEN_FILES_OF_ONE`` its further descriptors are left out."""
    builder.declare("open_files")
    for record in records:
        subject = "pid %d" % record["pid"]
        unanswered = partial(builder.error, "open files", subject=subject)
        try:
            for number, entry in enumerate(read_open_files(target, record["pid"], OPEN_FILES_OF_ONE + 1, unanswered)):
                if number == OPEN_FILES_OF_ONE:
                    builder.reached("open files of pid %d" % record["pid"], OPEN_FILES_OF_ONE)
                elif not builder.add(entry, to="open_files", limit=OPEN_FILES_LIMIT):
                    builder.reached("open_files", OPEN_FILES_LIMIT)
                    return
        except OSError as error:
            if not procfs.is_gone(error):
                builder.error("open files", error, subject)
