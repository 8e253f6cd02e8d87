# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink, for what procfs does not say: addresses of interfaces, whether an IPv6 wildcard is IPv6 only, what a socket is bound to.

Sources: netlink(7), rtnetlink(7), sock_diag(7). All of it is about the network namespace of the thread that asks.
"""

import errno
import os
import socket
import struct
import time
from typing import Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from .reading import read_file, read_kernel

_NETLINK_ROUTE = 0
_NETLINK_SOCK_DIAG = 4
_NETLINK_NETFILTER = 12
_NFT_GETTABLE = (10 << 8) | 1
SOCK_DIAG = (b"inet_diag", b"tcp_diag", b"udp_diag")
_SOCK_DIAG_BY_FAMILY = 20
_INET_DIAG_SKV6ONLY = 11
_RTM_GETADDR, _RTM_NEWADDR = 22, 20
_NLM_F_REQUEST_DUMP = 0x301
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_SCOPES = {0: "global", 200: "global", 253: "link", 254: "host"}
_TCP_LISTEN, _TCP_CLOSE = 1 << 10, 1 << 7
_SECONDS = 2.0
# What this thread has worked: on a busy host the time of day says little. Python 3.6 knows that of all threads only.
clock = getattr(time, "thread_time", time.process_time)
_MOST_BYTES = 1 << 26


class Address(NamedTuple):
    """An address of an interface of our network namespace."""

    interface: str
    family: str
    address: str
    prefix_length: int
    scope: str


class SocketFlags(NamedTuple):
    """Inodes of the IPv6 listeners that take IPv6 only, of those that take IPv4 as well, and what sockets are bound to (SO_BINDTODEVICE)."""

    ipv6_only: Set[int]
    dual_stack: Set[int]
    interfaces: Dict[int, int]


def dump(protocol: int, request: bytes, kind: int, until: Optional[float] = None) -> Iterator[Tuple[int, bytes]]:
    """Send a dump request; yield (type, payload) of each answer.

    ``until`` is a moment of ``clock``; the kernel may take two seconds for each answer. Raises ``OSError``: ``EAGAIN`` when it changed meanwhile.
    """
    until = clock() + _SECONDS if until is None else until
    left = _MOST_BYTES
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as link:
        link.settimeout(_SECONDS)
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(request), kind, _NLM_F_REQUEST_DUMP, 1, 0) + request)
        while True:
            data, sender = link.recvfrom(1 << 20)
            if sender[0] != 0:
                continue  # not the kernel
            left -= len(data)
            if left < 0 or clock() > until:
                raise OSError(errno.EFBIG, "is more than is read")
            at = 0
            while len(data) - at >= 16:
                length, answer, flags = struct.unpack_from("=IHH", data, at)
                if length < 16:
                    return
                if answer == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", data, at + 16)[0]
                    raise OSError(number, os.strerror(number))
                if flags & _NLM_F_DUMP_INTR:
                    raise OSError(errno.EAGAIN, "changed while it was read")
                if answer == _NLMSG_DONE:
                    return
                yield answer, data[at + 16 : at + length]
                at += (length + 3) & ~3


def attribute(kind: int, data: bytes) -> bytes:
    """An attribute for a request."""
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def each_attribute(data: bytes) -> Iterator[Tuple[int, bytes]]:
    """Attributes one by one, for lists whose entries are of one kind."""
    at = 0
    while len(data) - at >= 4:
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def attributes(data: bytes) -> Dict[int, bytes]:
    """Attributes by kind."""
    return dict(each_attribute(data))


def read_addresses() -> List[Address]:
    """The addresses of every interface. Raises ``OSError``."""
    addresses = []
    for kind, payload in dump(_NETLINK_ROUTE, struct.pack("=BBBBI", 0, 0, 0, 0, 0), _RTM_GETADDR):
        if kind != _RTM_NEWADDR:
            continue
        family, prefix_length, _flags, scope, index = struct.unpack_from("=BBBBI", payload)
        found = attributes(payload[8:])
        # On a point-to-point link IFA_ADDRESS is the peer's.
        raw = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
        if raw and family in (socket.AF_INET, socket.AF_INET6):
            name = "ipv4" if family == socket.AF_INET else "ipv6"
            addresses.append(Address(interface_name(index), name, socket.inet_ntop(family, raw), prefix_length, _SCOPES.get(scope, "global")))
    return addresses


def interface_name(index: int) -> str:
    """The name of an interface, or its number once it is gone."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return "#%d" % index


def read_socket_flags() -> SocketFlags:
    """What the kernel says of TCP listeners and unconnected UDP sockets. Raises ``OSError``. Call it only where ``kernel_has`` ``SOCK_DIAG``."""
    flags = SocketFlags(set(), set(), {})
    for family in (socket.AF_INET, socket.AF_INET6):
        for protocol, states in ((socket.IPPROTO_TCP, _TCP_LISTEN), (socket.IPPROTO_UDP, _TCP_CLOSE)):
            request = struct.pack("=BBBBI48x", family, protocol, 0, 0, states)
            for _kind, payload in dump(_NETLINK_SOCK_DIAG, request, _SOCK_DIAG_BY_FAMILY):
                # struct inet_diag_msg
                interface, inode = struct.unpack_from("=I", payload, 40)[0], struct.unpack_from("=I", payload, 68)[0]
                if interface:
                    flags.interfaces[inode] = interface
                flag = attributes(payload[72:]).get(_INET_DIAG_SKV6ONLY) if family == socket.AF_INET6 else None
                if flag is not None:
                    (flags.ipv6_only if flag[0] else flags.dual_stack).add(inode)
    return flags


def has_nftables() -> bool:
    """Tell whether our network namespace has tables of nftables, which iptables-nft makes as well.

    Raises ``OSError``: only root may ask. Call it only where ``kernel_has`` nf_tables.
    """
    return any(True for _answer in dump(_NETLINK_NETFILTER, bytes(4), _NFT_GETTABLE))


def kernel_has(proc: str, root: str, names: Tuple[bytes, ...]) -> bool:
    """Tell whether the kernel can answer without loading a module: modprobe runs what /etc/modprobe.d says, as root."""
    try:
        loaded = {line.split(b" ", 1)[0] for line in read_kernel(proc + "/modules").split(b"\n")}
    except FileNotFoundError:
        return True  # this kernel loads no modules
    except OSError:
        return False
    try:
        builtin = read_file("%s/lib/modules/%s/modules.builtin" % (root, os.uname().release), 1 << 22).data
    except OSError:
        builtin = b""
    return all(name in loaded or b"/%s.ko" % name in builtin for name in names)
