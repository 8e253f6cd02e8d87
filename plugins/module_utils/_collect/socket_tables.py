# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's socket tables of one network namespace: ``/proc/PID/net/{tcp,udp,raw,sctp,packet,unix}``, proc(5)."""

import errno
import re
import socket
import struct
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Tuple

_BUFFER = 1 << 16
_MOST_ROWS = 500000

# include/net/tcp_states.h
_STATES = (
    "unknown",
    "established",
    "syn_sent",
    "syn_received",
    "fin_wait_1",
    "fin_wait_2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
    "new_syn_received",
)
_LISTEN = 10
_IP_TABLES = (
    ("tcp", "tcp", "ipv4"),
    ("tcp6", "tcp", "ipv6"),
    ("udp", "udp", "ipv4"),
    ("udp6", "udp", "ipv6"),
    ("udplite", "udplite", "ipv4"),
    ("udplite6", "udplite", "ipv6"),
    ("raw", "raw", "ipv4"),
    ("raw6", "raw", "ipv6"),
    ("icmp", "icmp", "ipv4"),
    ("icmp6", "icmp", "ipv6"),
)
# The path may begin with blanks and hold any byte but a newline.
_UNIX_ROW = re.compile(rb"[^:]+: \S+ \S+ ([0-9A-F]+) ([0-9A-F]+) ([0-9A-F]+) +([0-9]+)(?: (.*))?$", re.DOTALL)
_UNIX_STATES = {b"02": "syn_sent", b"03": "established"}
_DATAGRAM = 2  # SOCK_DGRAM


class Socket(NamedTuple):
    """A row of a socket table. ``port`` of a raw socket is the IP protocol; ``peer`` is ``None`` without one."""

    protocol: str
    family: str
    state: str
    address: Optional[str]
    port: Optional[int]
    peer: Optional[str]
    peer_port: Optional[int]
    inode: int
    uid: Optional[int]
    receive_queue: Optional[int]
    send_queue: Optional[int]
    path: Optional[bytes] = None
    interface_index: Optional[int] = None
    is_datagram: bool = False  # of a unix socket

    @property
    def is_listener(self) -> bool:
        """Whether it takes what others send: no peer, and for TCP and unix sockets in the state ``listen``.

        A unix datagram socket takes it as soon as it has a name.
        """
        if self.is_datagram:
            return self.path is not None and self.state == "unconnected"
        if self.protocol in ("tcp", "sctp", "unix"):
            return self.state == "listen"
        return self.peer is None


def read_tables(folder: str, failed: Callable[[str, OSError], None]) -> Iterator[Socket]:
    """Every socket that the tables in ``folder`` (``/proc/PID/net``) list; a table that cannot be read goes to ``failed``."""
    for name, protocol, family in _IP_TABLES:
        yield from _ip_table(_rows(folder, name, failed), protocol, family)
    yield from _sctp_endpoints(_rows(folder, "sctp/eps", failed))
    yield from _sctp_associations(_rows(folder, "sctp/assocs", failed))
    yield from _packet_table(_rows(folder, "packet", failed))
    yield from _unix_table(_rows(folder, "unix", failed))


def _rows(folder: str, name: str, failed: Callable[[str, OSError], None]) -> Iterator[bytes]:
    """The rows of a table without its head, one at a time: there may be a million."""
    try:
        with open("%s/%s" % (folder, name), "rb", buffering=_BUFFER) as table:
            next(table, None)
            for number, row in enumerate(table):
                if number == _MOST_ROWS:
                    failed(name, OSError(errno.EFBIG, "has more than %d rows, the rest was not read" % _MOST_ROWS))
                    return
                yield row.rstrip(b"\n")
    except (FileNotFoundError, ProcessLookupError):
        return  # a protocol that this kernel does not have; or its namespace has ended
    except OSError as error:
        failed(name, error)


def _ip_table(rows: Iterable[bytes], protocol: str, family: str) -> Iterator[Socket]:
    address_of = _ipv4 if family == "ipv4" else _ipv6
    for row in rows:
        field = row.split()
        try:
            address, port = _endpoint(field[1], address_of)
            peer, peer_port = _endpoint(field[2], address_of)
            number = int(field[3], 16)
            send, receive = field[4].split(b":")
            uid, inode = int(field[7]), int(field[9])
        except (IndexError, ValueError):
            continue
        connected = bool(peer_port) or peer not in ("0.0.0.0", "::")
        yield Socket(
            protocol=protocol,
            family=family,
            state=_state(protocol, number, connected),
            address=address,
            port=port,
            peer=peer if connected else None,
            peer_port=peer_port if connected else None,
            inode=inode,
            uid=uid,
            receive_queue=int(receive, 16),
            send_queue=int(send, 16),
        )


def _state(protocol: str, number: int, connected: bool) -> str:
    if protocol == "tcp":
        return _STATES[number] if number < len(_STATES) else "unknown"
    return "established" if connected else "unconnected"


def _endpoint(data: bytes, address_of: Callable[[bytes], str]) -> Tuple[str, int]:
    address, port = data.split(b":")
    return address_of(address), int(port, 16)


def _ipv4(data: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET, struct.pack("=I", int(data, 16)))


def _ipv6(data: bytes) -> str:
    """Four words, each in the byte order of the machine."""
    words = struct.pack("=4I", *(int(data[begin : begin + 8], 16) for begin in (0, 8, 16, 24)))
    return socket.inet_ntop(socket.AF_INET6, words)


def _sctp_endpoints(rows: Iterable[bytes]) -> Iterator[Socket]:
    """Columns ``ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS``, where one may have several addresses: a socket each. Source: net/sctp/proc.c."""
    for row in rows:
        field = row.split()
        try:
            state, port, uid, inode = int(field[3]), int(field[5]), int(field[6]), int(field[7])
        except (IndexError, ValueError):
            continue
        for address in field[8:]:
            yield _sctp("listen" if state == _LISTEN else "close", address, port, None, None, inode, uid)


def _sctp_associations(rows: Iterable[bytes]) -> Iterator[Socket]:
    """Columns ``ASSOC SOCK STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS …``; ``*`` marks the first address."""
    for row in rows:
        field = row.split()
        try:
            uid, inode, port, peer_port = (int(part) for part in field[9:13])
            middle = field.index(b"<->")
            address, peer = _first_of(field[13:middle]), _first_of(field[middle + 1 : middle + 2])
        except (IndexError, ValueError):
            continue
        yield _sctp("established", address, port, peer, peer_port, inode, uid)


def _first_of(addresses: List[bytes]) -> bytes:
    return next((address for address in addresses if address.startswith(b"*")), addresses[0])


def _sctp(state: str, address: bytes, port: int, peer: Optional[bytes], peer_port: Optional[int], inode: int, uid: int) -> Socket:
    local, remote = _plain_address(address), None if peer is None else _plain_address(peer)
    return Socket("sctp", "ipv6" if ":" in local else "ipv4", state, local, port, remote, peer_port, inode, uid, None, None)


def _plain_address(data: bytes) -> str:
    """The address as ``inet_ntop`` writes it: the kernel writes zeros here that it leaves out elsewhere. What is none stays as it is."""
    address = data.lstrip(b"*").decode("ascii", "replace")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.inet_ntop(family, socket.inet_pton(family, address))
    except OSError:
        return address


def _packet_table(rows: Iterable[bytes]) -> Iterator[Socket]:
    """Columns ``sk RefCnt Type Proto Iface R Rmem User Inode``."""
    for row in rows:
        field = row.split()
        try:
            yield Socket("packet", "packet", "unconnected", None, None, None, None, int(field[8]), int(field[7]), int(field[6]), None, None, int(field[4]))
        except (IndexError, ValueError):
            continue


def _unix_table(rows: Iterable[bytes]) -> Iterator[Socket]:
    """Columns ``Num RefCount Protocol Flags Type St Inode Path``; flag 0x10000 (``__SO_ACCEPTCON``) is a listener."""
    for row in rows:
        match = _UNIX_ROW.match(row)
        if not match:
            continue
        flags, kind, state, inode, path = match.groups()
        name = "listen" if int(flags, 16) & 0x10000 else _UNIX_STATES.get(state, "unconnected")
        yield Socket("unix", "unix", name, None, None, None, None, int(inode), None, None, None, path, is_datagram=int(kind, 16) == _DATAGRAM)
