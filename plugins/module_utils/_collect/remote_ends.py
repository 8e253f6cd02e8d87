# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of a process's connection, by its own descriptor and the kernel's table: nobody can have written it."""

from itertools import takewhile
from typing import Dict, Iterable, NamedTuple, Optional

from . import procfs
from .section import SectionBuilder
from .socket_tables import read_tables
from .target import Target

_MAPPED = "::ffff:"
_DESCRIPTORS = 1000


class RemoteEnd(NamedTuple):
    """Address and port of a peer."""

    address: str
    port: int


class RemoteEnds:
    """Answers for processes; each network namespace is read once."""

    def __init__(self, target: Target, builder: SectionBuilder) -> None:
        self._target = target
        self._builder = builder
        self._tables: Dict[int, Dict[int, RemoteEnd]] = {}

    def of(self, pids: Iterable[int]) -> Optional[RemoteEnd]:
        """The peer of the first TCP connection that one of the processes holds.

        The first is the one with the lowest descriptor: a server is handed its connection before it opens others.
        """
        for pid in pids:
            try:
                descriptors = sorted(procfs.list_descriptors(self._target.proc, pid, _DESCRIPTORS))
                inodes = [int(descriptor.target[8:-1]) for descriptor in descriptors if descriptor.target.startswith(b"socket:[")]
                table = self._table(pid) if inodes else {}
            except OSError as error:
                if not procfs.is_gone(error):
                    self._builder.error("connection of a session", error, "pid %d" % pid)
                continue
            for inode in inodes:
                if inode in table:
                    return table[inode]
        return None

    def _table(self, pid: int) -> Dict[int, RemoteEnd]:
        namespace = procfs.namespace(self._target.proc, pid, "net")
        if namespace not in self._tables:
            folder = "%s/%d/net" % (self._target.proc, pid)
            sockets = read_tables(folder, lambda name, error: self._builder.error("socket table " + name, error, "pid %d" % pid))
            tcp = takewhile(lambda entry: entry.protocol == "tcp", sockets)
            self._tables[namespace] = {
                entry.inode: RemoteEnd(_plain(entry.peer), entry.peer_port) for entry in tcp if entry.inode and entry.peer is not None and entry.peer_port
            }
        return self._tables[namespace]


def _plain(address: str) -> str:
    """An IPv4 peer of a socket that takes both families, as the IPv4 address that it is."""
    return address[len(_MAPPED) :] if address.startswith(_MAPPED) and "." in address else address
