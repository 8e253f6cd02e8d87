# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``ports``: listeners and connections of every network namespace, with owners, scope and exposure."""

import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import netlink, procfs
from .cgroups import parse_cgroup
from .exposure import PacketFilter, as_fields, elsewhere, read_packet_filter
from .network_namespaces import Namespace, namespaces
from .reading import put, read_kernel, text
from .running_images import read_image
from .section import SectionBuilder
from .socket_tables import Socket, read_tables
from .target import MAX_DESCRIPTORS, Target

Entry = Tuple[Namespace, Socket]

# Unix sockets below these are the system's own; a control socket elsewhere is worth a look.
_SYSTEM_FOLDERS = (b"/run/", b"/var/run/", b"/dev/log", b"/tmp/.X11-unix/", b"/tmp/.ICE-unix/", b"/var/lib/", b"@/tmp/.X11-unix/", b"@/org/", b"@/com/")
_WITH_PORTS = ("tcp", "udp", "udplite")
# Sockets that are looked at, of listeners and of others: a host may have a million connections.
_MOST = 50000
_MOST_OWNERS = 1000


def collect(
    target: Target,
    limit: int = 5000,
    protocol: Optional[List[str]] = None,
    state: Optional[List[str]] = None,
    exposed: Optional[bool] = None,
    users: Optional[List[str]] = None,
    ports: Optional[List[str]] = None,
) -> Dict[str, Any]:
    """Read every socket that the options ask for; all of them when none is given. Listeners come first: no limit may cut them for connections.

    ``exposed`` true also keeps what may be exposed for all that is known. Raises ``ValueError`` for ports that are none.
    """
    builder = SectionBuilder(limit)
    wanted = _Wanted(protocol, state, exposed, parse_ports(ports or []), target.uids_asked_for(users, builder))
    entries = list(_entries(namespaces(target, builder), builder))
    owners = target.read_socket_owners()
    for record in _Records(target, builder, owners).of(_still_there(target, entries, owners)):
        if wanted(record):
            builder.add(record)
    if target.unreadable_descriptors:
        builder.error("owners of sockets", "Permission denied", "%d processes" % len(target.unreadable_descriptors))
    for pid in sorted(target.cut_descriptors):
        builder.reached("descriptors of pid %d" % pid, MAX_DESCRIPTORS)
    _add_addresses(builder)
    return builder.finish()


def read_listeners(target: Target) -> Set[Tuple[str, int]]:
    """Protocol and port of every TCP and UDP listener of our network namespace, read anew: for the second view."""
    sockets = read_tables(target.proc + "/self/net", lambda _name, _error: None)
    return {(entry.protocol, entry.port) for entry in sockets if entry.is_listener and entry.protocol in ("tcp", "udp") and entry.port}


def _entries(spaces: List[Namespace], builder: SectionBuilder) -> Iterator[Entry]:
    """Listeners first; of both not more than ``_MOST``."""
    others: List[Entry] = []
    count = {True: 0, False: 0}
    for namespace in spaces:
        for entry in _sockets(namespace, builder):
            count[entry.is_listener] += 1
            if count[entry.is_listener] > _MOST:
                continue
            if entry.is_listener:
                yield namespace, entry
            else:
                others.append((namespace, entry))
    yield from others
    for is_listener, what in ((True, "listeners"), (False, "connections")):
        if count[is_listener] > _MOST:
            builder.reached(what, _MOST, count[is_listener])


def _sockets(namespace: Namespace, builder: SectionBuilder) -> Iterator[Socket]:
    folder = namespace.folder()
    if folder is None:
        return  # everybody in it has ended meanwhile, and it with them
    for entry in read_tables(folder, lambda name, error: builder.error("socket table " + name, error, folder)):
        if entry.protocol != "unix" or _is_odd_control_socket(entry):
            yield entry


def _is_odd_control_socket(entry: Socket) -> bool:
    if not entry.is_listener or not entry.path:
        return False
    # The kernel shows what was asked for: "/run/../tmp/x" is in /tmp.
    path = entry.path if entry.path.startswith(b"@") else os.path.normpath(entry.path)
    return not path.startswith(_SYSTEM_FOLDERS)


def _still_there(target: Target, entries: List[Entry], owners: Dict[int, List[int]]) -> List[Entry]:
    """Leave out what was closed before its owners were looked for: it would pass for one that no process holds."""
    missing = {entry.inode for _namespace, entry in entries if entry.inode and entry.inode not in owners}
    if not missing or target.unreadable_descriptors or target.cut_descriptors:
        return entries
    folders = {namespace.inode: namespace.folder() for namespace, entry in entries if entry.inode in missing}
    for folder in filter(None, folders.values()):
        missing -= {entry.inode for entry in read_tables(folder, lambda _name, _error: None)}
    return [(namespace, entry) for namespace, entry in entries if entry.inode not in missing]


class _Records:
    """Makes records of sockets; what is said of a process or a namespace is read once."""

    def __init__(self, target: Target, builder: SectionBuilder, owners: Dict[int, List[int]]) -> None:
        self._target = target
        self._owners = owners
        self._packet_filter = read_packet_filter(target)
        self._ipv6_only, self._dual_stack = _ipv6_only(target, builder)
        self._packet_filters: Dict[Optional[int], PacketFilter] = {}
        self._processes: Dict[int, _Process] = {}
        # Where we may not see some descriptors, the owner of a socket may be behind them.
        self._not_known = "unreadable" if target.unreadable_descriptors or target.cut_descriptors else "kernel"

    def of(self, entries: List[Entry]) -> Iterator[Dict[str, Any]]:
        """Records ``socket``."""
        for namespace, entry in entries:
            yield self._record(namespace, entry)

    def _record(self, namespace: Namespace, entry: Socket) -> Dict[str, Any]:
        pids = self._owners.get(entry.inode, []) if entry.inode else []
        record: Dict[str, Any] = {
            "protocol": entry.protocol,
            "family": entry.family,
            "state": entry.state,
            "is_listener": entry.is_listener,
            "local_address": entry.address,
            "local_port": entry.port,
            "remote_address": entry.peer,
            "remote_port": entry.peer_port,
            "interface": self._interface(namespace, entry),
            "is_dual_stack": self._is_dual_stack(namespace, entry),
            "inode": entry.inode or None,
            "uid": entry.uid,
            "user": self._user(entry.uid),
            "pids": pids[:_MOST_OWNERS],
            # A socket without an inode has left its process: the kernel only ends the connection.
            "owner_state": "known" if pids else (self._not_known if entry.inode else "kernel"),
            "network_namespace": namespace.inode,
            "receive_queue": entry.receive_queue,
            "send_queue": entry.send_queue,
        }
        if len(pids) > _MOST_OWNERS:
            record["clipped"] = ["pids"]
        record.update(as_fields(entry, self._packet_filter_of(namespace)))
        put(record, "path", entry.path)
        owner = self._process(pids[0]) if pids else _NOBODY
        record["container_id"] = owner.container_id if pids or namespace.inode is None else self._container(namespace)
        put(record, "process", owner.name)
        put(record, "exe", owner.exe)
        return record

    def _packet_filter_of(self, namespace: Namespace) -> PacketFilter:
        if namespace.is_ours:
            return self._packet_filter
        if namespace.inode not in self._packet_filters:
            self._packet_filters[namespace.inode] = elsewhere(namespace.folder() or "")
        return self._packet_filters[namespace.inode]

    @staticmethod
    def _interface(namespace: Namespace, entry: Socket) -> Optional[str]:
        if not entry.interface_index:
            return None
        return netlink.interface_name(entry.interface_index) if namespace.is_ours else "#%d" % entry.interface_index

    def _is_dual_stack(self, namespace: Namespace, entry: Socket) -> Optional[bool]:
        if entry.family != "ipv6" or entry.address != "::" or not entry.is_listener:
            return False
        if not namespace.is_ours or not (entry.inode in self._ipv6_only or entry.inode in self._dual_stack):
            return None
        return entry.inode in self._dual_stack

    def _user(self, uid: Optional[int]) -> Optional[str]:
        try:
            return self._target.accounts.name_of(uid)
        except OSError:
            return None

    def _container(self, namespace: Namespace) -> Optional[str]:
        return self._process(namespace.pids[0]).container_id

    def _process(self, pid: int) -> "_Process":
        if pid not in self._processes:
            self._processes[pid] = _read_process(self._target, pid)
        return self._processes[pid]


class _Process(NamedTuple):
    """What a record says of the process that holds the socket."""

    name: Optional[bytes]
    exe: Optional[bytes]
    container_id: Optional[str]


_NOBODY = _Process(None, None, None)


def _read_process(target: Target, pid: int) -> _Process:
    try:
        stat = target.stats.get(pid) or procfs.read_stat(target.proc, pid)
    except (OSError, ValueError, IndexError):
        return _NOBODY
    try:
        group = parse_cgroup(text(read_kernel("%s/%d/cgroup" % (target.proc, pid))))
    except OSError:
        group = None
    return _Process(stat.comm, read_image(target, stat).path, group.container_id if group else None)


def _ipv6_only(target: Target, builder: SectionBuilder) -> Tuple[Set[int], Set[int]]:
    if not netlink.kernel_has(target.proc, target.root, netlink.SOCK_DIAG):
        builder.error("whether IPv6 wildcards take IPv4 as well", "the kernel would have to load a module (tcp_diag, udp_diag) to say")
        return set(), set()
    try:
        return netlink.read_ipv6_only()
    except OSError as error:
        builder.error("whether IPv6 wildcards take IPv4 as well", error)
        return set(), set()


def _add_addresses(builder: SectionBuilder) -> None:
    builder.declare("addresses")
    try:
        for address in netlink.read_addresses():
            builder.add(dict(address._asdict(), network_namespace=None), to="addresses")
    except OSError as error:
        builder.error("addresses", error)


def parse_ports(ports: List[str]) -> List[Tuple[int, int]]:
    """Ports and ranges (``22``, ``8000-8100``) as pairs. Raises ``ValueError`` that says which one is none."""
    ranges = []
    for port in ports:
        first, dash, last = str(port).partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or not 0 <= int(first) <= int(last or first) <= 65535:
            raise ValueError("%r is no port: give a number from 0 to 65535, or a range such as 8000-8100" % port)
        ranges.append((int(first), int(last or first)))
    return ranges


class _Wanted(NamedTuple):
    """Which sockets were asked for."""

    protocol: Optional[List[str]]
    state: Optional[List[str]]
    exposed: Optional[bool]
    ports: List[Tuple[int, int]]
    uids: Optional[Set[int]]

    def __call__(self, record: Dict[str, Any]) -> bool:
        return (
            (not self.protocol or record["protocol"] in self.protocol)
            and (not self.state or record["state"] in self.state)
            and (self.exposed is None or self._exposure_matches(record))
            and (self.uids is None or record["uid"] in self.uids)
            and (not self.ports or self._port_matches(record))
        )

    def _port_matches(self, record: Dict[str, Any]) -> bool:
        """The number of a raw socket is a protocol, that of an ICMP socket an identifier."""
        return record["protocol"] in _WITH_PORTS and any(first <= record["local_port"] <= last for first, last in self.ports)

    def _exposure_matches(self, record: Dict[str, Any]) -> bool:
        if record["scope"] is None or not record["is_listener"]:
            return False
        return record["exposed"] is not False if self.exposed else record["exposed"] is False
