# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``ports``: listeners and connections of every network namespace, with owners, scope and exposure."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import netlink, procfs
from .cgroups import parse_cgroup
from .exposure import PacketFilter, as_fields, read_packet_filter
from .reading import put, read_kernel, text
from .section import SectionBuilder
from .socket_tables import Socket, read_tables
from .target import Target

# Unix sockets below these are the system's own; a control socket elsewhere is worth a look.
_SYSTEM_FOLDERS = (b"/run/", b"/var/run/", b"/dev/log", b"/tmp/.X11-unix/", b"/tmp/.ICE-unix/", b"/var/lib/", b"@/tmp/.X11-unix/", b"@/org/", b"@/com/")


class Namespace(NamedTuple):
    """A network namespace: its inode number, ``None`` for that of process 1, and a process that lives in it."""

    inode: Optional[int]
    pid: int


def collect(
    target: Target,
    limit: int = 5000,
    protocol: Optional[List[str]] = None,
    state: Optional[List[str]] = None,
    exposed: Optional[bool] = None,
    users: Optional[List[str]] = None,
    ports: Optional[List[str]] = None,
) -> Dict[str, Any]:
    """Read every socket that the options ask for; all of them when none is given.

    ``exposed`` true also keeps what may be exposed for all that is known. Raises ``ValueError`` for ports that are none.
    """
    builder = SectionBuilder(limit)
    wanted = _Wanted(protocol, state, exposed, parse_ports(ports or []), _uids(target, users, builder))
    packet_filter = read_packet_filter(target)
    ipv6_only, dual_stack = _ipv6_only(target, builder)
    for namespace in namespaces(target, builder):
        own = namespace.inode is None
        for entry in _sockets(target, namespace, builder):
            record = _record(target, entry, namespace, packet_filter)
            record["is_dual_stack"] = _dual_stack(entry, ipv6_only, dual_stack) if own else None
            if wanted(record):
                builder.add(record)
    if target.unreadable_descriptors:
        builder.error("owners of sockets", "Permission denied", "%d processes" % len(target.unreadable_descriptors))
    _add_addresses(builder)
    return builder.finish()


def read_listeners(target: Target) -> Set[Tuple[str, int]]:
    """Protocol and port of every TCP and UDP listener of our network namespace, read anew: for the second view."""
    sockets = read_tables(target.proc + "/self/net", lambda _name, _error: None)
    return {(entry.protocol, entry.port) for entry in sockets if entry.is_listener and entry.protocol in ("tcp", "udp") and entry.port is not None}


def namespaces(target: Target, builder: SectionBuilder) -> List[Namespace]:
    """One process for each network namespace, that of process 1 (or ours, where process 1 is closed to us) first."""
    found: Dict[int, int] = {}
    for pid in target.stats:
        try:
            found.setdefault(procfs.namespace(target.proc, pid, "net"), pid)
        except OSError as error:
            if not procfs.is_gone(error):
                builder.error("network namespace of a process", error, "pid %d" % pid)
    try:
        first = procfs.namespace(target.proc, 1, "net")
    except OSError:
        first = procfs.namespace(target.proc, "self", "net")
    others = [Namespace(inode, pid) for inode, pid in sorted(found.items()) if inode != first]
    return [Namespace(None, found.get(first, 1))] + others


def _sockets(target: Target, namespace: Namespace, builder: SectionBuilder) -> Iterator[Socket]:
    folder = "%s/%d/net" % (target.proc, namespace.pid)
    for entry in read_tables(folder, lambda name, error: builder.error("socket table " + name, error, "pid %d" % namespace.pid)):
        if entry.protocol != "unix" or _is_odd_control_socket(entry):
            yield entry


def _is_odd_control_socket(entry: Socket) -> bool:
    if not entry.is_listener or not entry.path:
        return False
    return not entry.path.startswith(_SYSTEM_FOLDERS) and entry.path.startswith((b"/", b"@"))


def _record(target: Target, entry: Socket, namespace: Namespace, packet_filter: PacketFilter) -> Dict[str, Any]:
    pids = target.socket_owners.get(entry.inode, []) if entry.inode else []
    record: Dict[str, Any] = {
        "protocol": entry.protocol,
        "family": entry.family,
        "state": entry.state,
        "is_listener": entry.is_listener,
        "local_address": entry.address,
        "local_port": entry.port,
        "remote_address": entry.peer,
        "remote_port": entry.peer_port,
        "interface": netlink.interface_name(entry.interface_index) if entry.interface_index else None,
        "inode": entry.inode or None,
        "uid": entry.uid,
        "user": _user(target, entry.uid),
        "pids": pids,
        "owner_state": "known" if pids else ("unreadable" if target.unreadable_descriptors else "kernel"),
        "network_namespace": namespace.inode,
        "container_id": _container(target, pids[0] if pids else namespace.pid) if namespace.inode else None,
        "receive_queue": entry.receive_queue,
        "send_queue": entry.send_queue,
    }
    record.update(as_fields(entry, packet_filter))
    put(record, "path", entry.path)
    put(record, "process", target.stats[pids[0]].comm if pids else None)
    put(record, "exe", _exe(target, pids[0]) if pids else None)
    return record


def _user(target: Target, uid: Optional[int]) -> Optional[str]:
    try:
        return target.accounts.name_of(uid)
    except OSError:
        return None


def _exe(target: Target, pid: int) -> Optional[bytes]:
    try:
        return procfs.read_link(target.proc, pid, "exe")
    except OSError:
        return None


def _container(target: Target, pid: int) -> Optional[str]:
    try:
        group = parse_cgroup(text(read_kernel("%s/%d/cgroup" % (target.proc, pid))))
    except OSError:
        return None
    return group.container_id if group else None


def _ipv6_only(target: Target, builder: SectionBuilder) -> Tuple[Set[int], Set[int]]:
    if not netlink.kernel_has(target.proc, target.root, netlink.SOCK_DIAG):
        builder.error("whether IPv6 wildcards take IPv4 as well", "the kernel would have to load a module (tcp_diag, udp_diag) to say")
        return set(), set()
    try:
        return netlink.read_ipv6_only()
    except OSError as error:
        builder.error("whether IPv6 wildcards take IPv4 as well", error)
        return set(), set()


def _dual_stack(entry: Socket, ipv6_only: Set[int], dual_stack: Set[int]) -> Optional[bool]:
    if entry.family != "ipv6" or entry.address != "::" or not entry.is_listener:
        return False
    if entry.inode in dual_stack:
        return True
    return False if entry.inode in ipv6_only else None


def _add_addresses(builder: SectionBuilder) -> None:
    builder.declare("addresses")
    try:
        for address in netlink.read_addresses():
            builder.add(dict(address._asdict(), network_namespace=None), to="addresses")
    except OSError as error:
        builder.error("addresses", error)


def _uids(target: Target, users: Optional[List[str]], builder: SectionBuilder) -> Optional[Set[int]]:
    if not users:
        return None
    uids, unknown = target.accounts.uids_of(users)
    for user in unknown:
        builder.error("user asked for", "no account of that name in /etc/passwd", user)
    return uids


def parse_ports(ports: List[str]) -> List[Tuple[int, int]]:
    """Ports and ranges (``22``, ``8000-8100``) as pairs. Raises ``ValueError`` that says which one is none."""
    ranges = []
    for port in ports:
        first, dash, last = str(port).partition("-")
        if not first.isdigit() or (dash and not last.isdigit()) or not 0 <= int(first) <= int(last or first) <= 65535:
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
            and (not self.ports or any(first <= (record["local_port"] or 0) <= last for first, last in self.ports))
        )

    def _exposure_matches(self, record: Dict[str, Any]) -> bool:
        if record["scope"] is None or not record["is_listener"]:
            return False
        return record["exposed"] is not False if self.exposed else record["exposed"] is False
