# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``processes``: every process, with rates over a sampling pause in which other sections may be read."""

import time
from typing import Any, Callable, Dict, List, Optional, Set

from . import cross_check, procfs, sampling
from .hidden import find_hidden
from .host_load import read_host
from .open_files import read_open_files
from .ports import read_listeners
from .process_record import ProcessReader, belongs_to
from .section import SectionBuilder
from .target import Target

OPEN_FILES_LIMIT = 20000


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

    ``meanwhile`` runs inside the sampling pause, which lasts ``sample_seconds`` or as long as ``meanwhile`` needs.
    """
    builder = SectionBuilder(limit)
    before = sampling.take(target, target.stats)
    reader = ProcessReader(target, builder, environment)
    records = [record for record in map(reader.read, target.stats.values()) if record]
    meanwhile()
    find_hidden(target, builder)
    builder.single("cross_check", cross_check.compare(target, lambda: read_listeners(target)))
    time.sleep(max(0.0, before.at + sample_seconds - time.monotonic()))
    stats = _stats_now(target)
    after = sampling.take(target, stats)
    started = [stat for pid, stat in stats.items() if pid not in target.stats or target.stats[pid].starttime != stat.starttime]
    records += [record for record in map(reader.read, started) if record]
    for record in records:
        _add_rates(record, before, after)
    builder.single("host", read_host(target, records, after.at - before.at))
    for record in sampling.interface_rates(before, after):
        builder.add(record, to="interfaces")
    builder.declare("interfaces")
    wanted = list(filter(_Wanted(target, builder, users or [], pids or [], names or []), records))
    for record in wanted:
        builder.add(record)
    _add_open_files(target, builder, wanted if open_files else [])
    return builder.finish()


def _stats_now(target: Target) -> Dict[int, procfs.Stat]:
    """``/proc/PID/stat`` again; ``target.stats`` stays what every section saw."""
    return Target(target.root or "/", target.proc).stats


def _add_rates(record: Dict[str, Any], before: sampling.Sample, after: sampling.Sample) -> None:
    rates = sampling.rates(before, after, (record["pid"], record["start_ticks"]))
    if rates:
        record.update(rates._asdict())


class _Wanted:
    """Which processes were asked for: all of them when nothing was named."""

    def __init__(self, target: Target, builder: SectionBuilder, users: List[str], pids: List[int], names: List[str]) -> None:
        self._pids, self._names = set(pids), set(names)
        self._uids: Optional[Set[int]] = None
        if users:
            self._uids, unknown = target.accounts.uids_of(users)
            for user in unknown:
                builder.error("user asked for", "no account of that name in /etc/passwd", user)

    def __call__(self, record: Dict[str, Any]) -> bool:
        return (
            (not self._pids or record["pid"] in self._pids)
            and (not self._names or record["name"] in self._names)
            and (self._uids is None or belongs_to(record, self._uids))
        )


def _add_open_files(target: Target, builder: SectionBuilder, records: List[Dict[str, Any]]) -> None:
    builder.declare("open_files")
    for record in records:
        try:
            for entry in read_open_files(target, record["pid"]):
                builder.add(entry, to="open_files", limit=OPEN_FILES_LIMIT)
        except OSError as error:
            if not procfs.is_gone(error):
                builder.error("open files", error, "pid %d" % record["pid"])
