# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink, for what procfs does not say: addresses of interfaces, and whether an IPv6 wildcard is IPv6 only.

Sources: netlink(7), rtnetlink(7), sock_diag(7).
"""

import os
import socket
import struct
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

from .reading import read_file, read_kernel

_NETLINK_ROUTE = 0
_NETLINK_SOCK_DIAG = 4
SOCK_DIAG = (b"inet_diag", b"tcp_diag", b"udp_diag")
_SOCK_DIAG_BY_FAMILY = 20
_NETLINK_NETFILTER = 12
_NFT_GETTABLE = (10 << 8) | 1
_INET_DIAG_SKV6ONLY = 11
_RTM_GETADDR, _RTM_NEWADDR = 22, 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_SCOPES = {0: "global", 200: "global", 253: "link", 254: "host"}
_TCP_LISTEN, _TCP_CLOSE = 1 << 10, 1 << 7
_SECONDS = 2.0


class Address(NamedTuple):
    """An address of an interface of our network namespace."""

    interface: str
    family: str
    address: str
    prefix_length: int
    scope: str


def _dump(protocol: int, request: bytes, kind: int) -> Iterator[Tuple[int, bytes]]:
    """Send a dump request; yield (type, payload) of each answer. Raises ``OSError``."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as link:
        link.settimeout(_SECONDS)
        link.bind((0, 0))
        link.send(struct.pack("=IHHII", 16 + len(request), kind, _NLM_F_REQUEST_DUMP, 1, 0) + request)
        while True:
            data = link.recv(1 << 20)
            while len(data) >= 16:
                length, answer = struct.unpack_from("=IH", data)
                if length < 16:
                    return
                if answer == _NLMSG_ERROR:
                    number = -struct.unpack_from("=i", data, 16)[0]
                    raise OSError(number, os.strerror(number))
                if answer == _NLMSG_DONE:
                    return
                yield answer, data[16:length]
                data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def read_addresses() -> List[Address]:
    """The addresses of every interface. Raises ``OSError``."""
    addresses = []
    for kind, payload in _dump(_NETLINK_ROUTE, struct.pack("=BBBBI", 0, 0, 0, 0, 0), _RTM_GETADDR):
        if kind != _RTM_NEWADDR:
            continue
        family, prefix_length, _flags, scope, index = struct.unpack_from("=BBBBI", payload)
        attributes = _attributes(payload[8:])
        # On a point-to-point link IFA_ADDRESS is the peer's.
        raw = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
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


def read_ipv6_only() -> Tuple[Set[int], Set[int]]:
    """Inodes of the IPv6 listeners and unconnected sockets that take IPv6 only, and of those that take IPv4 as well.

    Raises ``OSError``. Call it only where ``kernel_has`` ``SOCK_DIAG``.
    """
    only: Set[int] = set()
    both: Set[int] = set()
    for protocol, states in ((socket.IPPROTO_TCP, _TCP_LISTEN), (socket.IPPROTO_UDP, _TCP_CLOSE)):
        request = struct.pack("=BBBBI48x", socket.AF_INET6, protocol, 0, 0, states)
        for _kind, payload in _dump(_NETLINK_SOCK_DIAG, request, _SOCK_DIAG_BY_FAMILY):
            inode = struct.unpack_from("=I", payload, 68)[0]
            flag = _attributes(payload[72:]).get(_INET_DIAG_SKV6ONLY)
            if flag is not None:
                (only if flag[0] else both).add(inode)
    return only, both


def has_nftables() -> bool:
    """Tell whether our network namespace has tables of nftables, which iptables-nft makes as well.

    Raises ``OSError``: only root may ask. Call it only where ``kernel_has`` nf_tables.
    """
    request = struct.pack("=BBH", 0, 0, 0)
    return any(True for _answer in _dump(_NETLINK_NETFILTER, request, _NFT_GETTABLE))


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
