# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many connections each process holds: of the kernel's tables (proc(5)) only what is needed to count."""

from itertools import islice
from typing import Dict, Iterator, List, Set

from .network_namespaces import namespaces
from .section import SectionBuilder
from .target import Target

_TABLES = ("tcp", "tcp6", "udp", "udp6")
_MOST_ROWS = 500000


def count_connections(target: Target, owners: Dict[int, List[int]]) -> Dict[int, int]:
    """TCP and UDP sockets with a peer by process, in every network namespace; ``owners`` as ``Target.read_socket_owners`` gives them."""
    count: Dict[int, int] = {}
    seen: Set[int] = set()
    # What cannot be read of a namespace is said in the section of ports.
    for namespace in namespaces(target, SectionBuilder(0)):
        folder = namespace.folder()
        for inode in _connected(folder) if folder else ():
            for pid in owners.get(inode, ()) if inode not in seen else ():
                count[pid] = count.get(pid, 0) + 1
            seen.add(inode)
    return count


def _connected(folder: str) -> Iterator[int]:
    """Inode numbers of the sockets with a peer."""
    for name in _TABLES:
        try:
            with open("%s/%s" % (folder, name), "rb") as table:
                for row in islice(table, 1, _MOST_ROWS):
                    field = row.split(None, 10)
                    # The third column is the other end, in hexadecimal digits: all zero for none.
                    if len(field) > 9 and field[2].strip(b"0:") and field[9] != b"0":
                        yield int(field[9])
        except (OSError, ValueError):
            continue
