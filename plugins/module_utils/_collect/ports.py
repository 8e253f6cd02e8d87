# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section ``ports``: listeners and connections of every network namespace, with owners, scope and exposure."""

import os
import re
import socket
from itertools import islice
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import netlink, procfs, stray_sockets
from .cgroups import parse_cgroup
from .exposure import Exposure, Surroundings
from .network_namespaces import Namespace, namespaces
from .packet_filter import Allowance
from .packet_filter_rules import PacketFilter, read_packet_filter
from .reading import put, read_kernel, reason_of, text
from .running_images import read_image
from .section import SectionBuilder, WrongOption
from .socket_tables import Socket, read_tables
from .target import MAX_DESCRIPTORS, Target

# Unix sockets below these are the system's own; a control socket elsewhere is worth a look.
_SYSTEM_FOLDERS = (b"/run/", b"/var/run/", b"/dev/log", b"/tmp/.X11-unix/", b"/tmp/.ICE-unix/", b"/var/lib/", b"@/tmp/.X11-unix/", b"@/org/", b"@/com/")
# The name that the kernel gives who asks for none (unix(7), autobind).
_AUTOMATIC = re.compile(rb"@[0-9a-f]{5}\Z")
_WITH_PORTS = ("tcp", "udp", "udplite", "sctp")
# Sockets that are looked at, of listeners and of others: a host may have a million connections.
_MOST = 50000
_MOST_OWNERS = 1000
_FORWARDING = ((4, "/sys/net/ipv4/ip_forward"), (6, "/sys/net/ipv6/conf/all/forwarding"))
# Work for packet filters.
_SECONDS = 3.0


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
    wanted = _Wanted(target, protocol, state, exposed, parse_ports(ports or []), target.uids_asked_for(users, builder))
    builder.declare("addresses")
    may_ask, allowance = _may_ask(target, builder), Allowance(_SECONDS)
    views = [_view(target, builder, namespace, may_ask, allowance) for namespace in namespaces(target, builder)]
    entries = list(_entries(views, builder))
    owners = target.read_socket_owners()
    strays = _follow_strays(target, views, entries, owners, builder)
    entries += _passed_over(views, strays.perhaps_passed_over)
    strays.report(target, builder)
    try:
        added = [_view(target, builder, _namespace_of(stranger), may_ask, allowance) for stranger in strays.namespaces]
    finally:
        strays.close()
    views += added
    entries += _entries(added, builder)
    _introduce_host(views)
    entries.sort(key=lambda entry: not entry[1].is_listener)
    for record in _Records(target, owners).of(_still_there(target, entries, owners)):
        if wanted(record):
            builder.add(record)
    if target.unreadable_descriptors:
        builder.error("owners of sockets", "Permission denied", "%d processes" % len(target.unreadable_descriptors))
    for pid in sorted(target.cut_descriptors):
        builder.reached("descriptors of pid %d" % pid, MAX_DESCRIPTORS)
    _add_addresses(views, builder)
    return builder.finish()


def read_listeners(target: Target) -> Set[Tuple[str, int]]:
    """Protocol and port of every TCP and UDP listener of our network namespace, read anew: for the second view."""
    sockets = read_tables(target.proc + "/self/net", lambda _name, _error: None)
    return {(entry.protocol, entry.port) for entry in sockets if entry.is_listener and entry.protocol in ("tcp", "udp") and entry.port}


class _View(NamedTuple):
    """What was seen from inside of a network namespace; ``sockets`` where no process shows its tables."""

    namespace: Namespace
    exposure: Exposure
    addresses: List[netlink.Address]
    flags: netlink.SocketFlags
    sockets: Optional[List[Socket]]


_NO_FLAGS = netlink.SocketFlags(set(), set(), {})


def _view(target: Target, builder: SectionBuilder, namespace: Namespace, may_ask: "_MayAsk", allowance: Allowance) -> _View:
    """See a network namespace from inside, or say what can be said of one that cannot be entered."""
    try:
        view: _View = namespace.inside(lambda: _look(target, builder, namespace, may_ask, allowance))
        return view
    except OSError as error:
        if not namespace.places:
            builder.error("sockets of a network namespace", error, text(namespace.name or b"") or "pid %d" % namespace.pids[0])
        return _from_outside(namespace, error, allowance)


def _introduce_host(views: List[_View]) -> None:
    """Let the others know the host's own, which may lead packets to them."""
    host = next((view.exposure for view in views if view.namespace.inode is None), None)
    for view in views:
        view.exposure.host = host if view.exposure is not host else None


class _MayAsk(NamedTuple):
    """What the kernel can answer without loading a module."""

    socket_flags: bool
    nftables: bool


def _may_ask(target: Target, builder: SectionBuilder) -> _MayAsk:
    may_ask = _MayAsk(
        netlink.kernel_has(target.proc, target.root, netlink.SOCK_DIAG),
        netlink.kernel_has(target.proc, target.root, (b"nf_tables",)),
    )
    if not may_ask.socket_flags:
        builder.error("whether IPv6 wildcards take IPv4 as well", "the kernel would have to load a module (tcp_diag, udp_diag) to say")
    return may_ask


def _look(target: Target, builder: SectionBuilder, namespace: Namespace, may_ask: _MayAsk, allowance: Allowance) -> _View:
    """See a network namespace, from a thread that is in it."""
    folder = target.proc + ("/net" if namespace.is_ours else "/thread-self/net")
    flags, addresses = _NO_FLAGS, None
    try:
        addresses = netlink.read_addresses()
    except OSError as error:
        builder.error("addresses", error)
    try:
        if may_ask.socket_flags:
            flags = netlink.read_socket_flags()
    except OSError as error:
        builder.error("whether IPv6 wildcards take IPv4 as well", error)
    surroundings = Surroundings(
        packet_filter=read_packet_filter(folder, may_ask.nftables, allowance),
        addresses=addresses,
        interfaces=_interfaces(),
        bound=flags.interfaces,
        is_cut_off=namespace.inode is not None and _is_cut_off(folder),
        is_host=namespace.inode is None,
        forwards=frozenset(family for family, switch in _FORWARDING if _is_on(target.proc + switch)),
    )
    sockets = None
    if not namespace.places:
        sockets = list(islice(_sockets(folder, folder, builder), 2 * _MOST))
        if len(sockets) == 2 * _MOST:
            builder.reached("sockets of the network namespace %s" % text(namespace.name or b""), 2 * _MOST)
    return _View(namespace, Exposure(surroundings, allowance), addresses or [], flags, sockets)


def _is_on(path: str) -> bool:
    """Whether a switch of the kernel is on; one that cannot be read may be."""
    try:
        return read_kernel(path).strip() != b"0"
    except OSError:
        return True


def _interfaces() -> Dict[int, str]:
    try:
        return dict(socket.if_nameindex())
    except OSError:
        return {}


def _from_outside(namespace: Namespace, error: OSError, allowance: Allowance) -> _View:
    """What can be said of a network namespace that cannot be entered."""
    unknown = PacketFilter(None, "it is in another network namespace, whose packet filter could not be read: %s" % reason_of(error))
    is_cut_off = _is_cut_off(namespace.folder() or "")
    return _View(namespace, Exposure(Surroundings(unknown, None, {}, {}, is_cut_off, False), allowance), [], _NO_FLAGS, None)


def _is_cut_off(folder: str) -> bool:
    """Whether a network namespace has no interface but loopback."""
    try:
        rows = read_kernel(folder + "/dev").split(b"\n")[2:]
    except OSError:
        return False
    return {row.partition(b":")[0].strip() for row in rows if row} <= {b"lo"}


Entry = Tuple[_View, Socket]


def _entries(views: List[_View], builder: SectionBuilder) -> Iterator[Entry]:
    """Listeners first; of both not more than ``_MOST``."""
    others: List[Entry] = []
    count = {True: 0, False: 0}
    for view in views:
        for entry in _sockets_of(view, builder):
            count[entry.is_listener] += 1
            if count[entry.is_listener] > _MOST:
                continue
            if entry.is_listener:
                yield view, entry
            else:
                others.append((view, entry))
    yield from others
    for is_listener, what in ((True, "listeners"), (False, "connections")):
        if count[is_listener] > _MOST:
            builder.reached(what, _MOST, count[is_listener])


def _sockets_of(view: _View, builder: SectionBuilder) -> Iterator[Socket]:
    folder = view.namespace.folder()
    # Where everybody in it has ended meanwhile, it has ended with them.
    return iter(view.sockets or []) if folder is None else _sockets(folder, folder, builder)


def _sockets(folder: str, subject: str, builder: SectionBuilder) -> Iterator[Socket]:
    for entry in read_tables(folder, lambda name, error: builder.error("socket table " + name, error, subject)):
        if entry.protocol != "unix" or _is_odd_control_socket(entry):
            yield entry


def _is_odd_control_socket(entry: Socket) -> bool:
    if not entry.is_listener or not entry.path or _AUTOMATIC.match(entry.path):
        return False
    # The kernel shows what was asked for: "/run/../tmp/x" is in /tmp.
    path = entry.path if entry.path.startswith(b"@") else os.path.normpath(entry.path)
    return not path.startswith(_SYSTEM_FOLDERS)


def _follow_strays(target: Target, views: List[_View], entries: List[Entry], owners: Dict[int, List[int]], builder: SectionBuilder) -> stray_sockets.Strays:
    """Ask where the sockets are that processes hold and no table had."""
    known = {entry.inode for _view, entry in entries}
    missing = {inode: pids for inode, pids in owners.items() if inode not in known}
    return stray_sockets.follow(target, missing, {view.namespace.number for view in views}, builder)


def _namespace_of(stranger: stray_sockets.Found) -> Namespace:
    return Namespace(stranger.number, False, [], [stranger.pid], stranger.number, [], [b"/proc/self/fd/%d" % stranger.descriptor])


def _passed_over(views: List[_View], inodes: Set[int]) -> Iterator[Entry]:
    """Look for sockets once more."""
    for view in views if inodes else []:
        folder = view.namespace.folder()
        for entry in read_tables(folder, lambda _name, _error: None) if folder else []:
            if entry.inode in inodes and entry.protocol != "unix":
                inodes.discard(entry.inode)
                yield view, entry


def _still_there(target: Target, entries: List[Entry], owners: Dict[int, List[int]]) -> List[Entry]:
    """Leave out what was closed before its owners were looked for: it would pass for one that no process holds."""
    missing = {entry.inode for view, entry in entries if entry.inode and view.namespace.places and entry.inode not in owners}
    if not missing or target.unreadable_descriptors or target.cut_descriptors:
        return entries
    folders = {view.namespace.number: view.namespace.folder() for view, entry in entries if entry.inode in missing}
    for folder in filter(None, folders.values()):
        missing -= {entry.inode for entry in read_tables(folder, lambda _name, _error: None)}
    owners.update(target.owners_among_threads({entry.inode for _view, entry in entries if entry.inode and entry.inode not in owners} - missing))
    return [(view, entry) for view, entry in entries if entry.inode not in missing]


class _Records:
    """Makes records of sockets; what is said of a process or a namespace is read once."""

    def __init__(self, target: Target, owners: Dict[int, List[int]]) -> None:
        self._target = target
        self._owners = owners
        self._processes: Dict[int, _Process] = {}
        # Where we may not see some descriptors, the owner of a socket may be behind them.
        self._not_known = "unreadable" if target.unreadable_descriptors or target.cut_descriptors else "kernel"

    def of(self, entries: List[Entry]) -> Iterator[Dict[str, Any]]:
        """Records ``socket``."""
        for view, entry in entries:
            yield self._record(view, entry)

    def _record(self, view: _View, entry: Socket) -> Dict[str, Any]:
        namespace = view.namespace
        is_dual_stack = self._is_dual_stack(view, entry)
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
            "interface": view.exposure.interface_of(entry),
            "is_dual_stack": is_dual_stack,
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
        record.update(view.exposure.fields(entry, is_dual_stack))
        put(record, "path", entry.path)
        put(record, "network_namespace_name", None if namespace.inode is None else namespace.name)
        owner = self._process(pids[0]) if pids else _NOBODY
        record["container_id"] = owner.container_id if pids or namespace.inode is None else self._container(namespace)
        put(record, "process", owner.name)
        put(record, "exe", owner.exe)
        return record

    @staticmethod
    def _is_dual_stack(view: _View, entry: Socket) -> Optional[bool]:
        if entry.family != "ipv6" or entry.address != "::" or not entry.is_listener:
            return False
        if entry.inode not in view.flags.ipv6_only and entry.inode not in view.flags.dual_stack:
            return None
        return entry.inode in view.flags.dual_stack

    def _user(self, uid: Optional[int]) -> Optional[str]:
        try:
            return self._target.accounts.name_of(uid)
        except OSError:
            return None

    def _container(self, namespace: Namespace) -> Optional[str]:
        return self._process(namespace.pids[0]).container_id if namespace.pids else None

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


def _add_addresses(views: List[_View], builder: SectionBuilder) -> None:
    for view in views:
        for address in view.addresses:
            builder.add(dict(address._asdict(), network_namespace=view.namespace.inode), to="addresses")


def parse_ports(ports: List[str]) -> List[Tuple[int, int]]:
    """Ports and ranges (``22``, ``8000-8100``) as pairs. Raises ``ValueError`` that says which one is none."""
    ranges = []
    for port in ports:
        first, dash, last = str(port).partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or not 0 <= int(first) <= int(last or first) <= 65535:
            raise WrongOption("%r is no port: give a number from 0 to 65535, or a range such as 8000-8100" % port)
        ranges.append((int(first), int(last or first)))
    return ranges


class _Wanted(NamedTuple):
    """Which sockets were asked for."""

    target: Target
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
            and (self.uids is None or self._user_matches(record, self.uids))
            and (not self.ports or self._port_matches(record))
        )

    def _user_matches(self, record: Dict[str, Any], uids: Set[int]) -> bool:
        """Who made it, and who holds it now: a service opens its socket as root and runs as somebody else."""
        return record["uid"] in uids or any(uids & self.target.uids_of(pid) for pid in record["pids"])

    def _port_matches(self, record: Dict[str, Any]) -> bool:
        """The number of a raw socket is a protocol, that of an ICMP socket an identifier."""
        return record["protocol"] in _WITH_PORTS and any(first <= record["local_port"] <= last for first, last in self.ports)

    def _exposure_matches(self, record: Dict[str, Any]) -> bool:
        if record["scope"] is None or not record["is_listener"]:
            return False
        return record["exposed"] is not False if self.exposed else record["exposed"] is False
