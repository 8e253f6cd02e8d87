# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit shared fairly: a flood in one place must not push everything else out."""

from collections import OrderedDict
from typing import Any, Hashable, List, Sequence


def allowances(sizes: Sequence[int], limit: int) -> List[int]:
    """How much of ``limit`` each size gets: the small ones all they want, the large ones the same share of what is left."""
    granted, left = [0] * len(sizes), limit
    for done, index in enumerate(sorted(range(len(sizes)), key=lambda index: sizes[index])):
        granted[index] = min(sizes[index], left // (len(sizes) - done))
        left -= granted[index]
    return granted


class FairShare:
    """Groups of records, each with its newest last. Never holds much more than twice ``limit`` records.

    Dropping early is safe: a group's share only ever gets smaller while more groups and records come.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._groups: OrderedDict[Hashable, List[Any]] = OrderedDict()
        self._kept = 0

    def add(self, group: Hashable, records: Sequence[Any]) -> None:
        """Add records to a group, in order."""
        self.total += len(records)
        self._groups.setdefault(group, []).extend(records)
        self._kept += len(records)
        if self._kept > 2 * self.limit:
            self._shrink()

    def _shrink(self) -> None:
        shares = allowances([len(records) for records in self._groups.values()], self.limit)
        for records, share in zip(self._groups.values(), shares):
            del records[: len(records) - share]
        self._kept = sum(shares)

    def finish(self) -> List[Any]:
        """At most ``limit`` records, group by group: the newest of each."""
        self._shrink()
        return [record for records in self._groups.values() for record in records]
