# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter of the network namespace that the calling thread is in: nftables, and the tables of iptables and ip6tables."""

import errno
import os
import socket
import struct
from typing import Dict, List, NamedTuple, Optional

from . import netlink
from .packet_filter import BRIDGE, FORWARD, INGRESS, INPUT, PREROUTING, Allowance, Chain, Hooked, TooMuch
from .reading import read_kernel, reason_of

# What a kernel without nftables answers.
_NO_NFTABLES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)
_ATTEMPTS = 3


class PacketFilter(NamedTuple):
    """``is_active``: whether packets are filtered, ``None`` where its rules could not be read; ``detail`` says what was seen."""

    is_active: Optional[bool]
    detail: str
    chains: List[Hooked] = []

    def before_routing(self, family: int) -> List[Chain]:
        """The base chains that a packet meets first."""
        return self._at(INGRESS, family) + self._at(PREROUTING, family)

    def to_this_host(self, family: int) -> List[Chain]:
        """Those that it meets on its way to a socket."""
        return self._at(INPUT, family)

    def to_others(self, family: int) -> List[Chain]:
        """Those that it meets on its way through this host."""
        return self._at(FORWARD, family)

    @property
    def has_bridge(self) -> bool:
        """Whether frames are filtered before they are packets."""
        return any(entry.hook == BRIDGE and (entry.chain.sources or entry.chain.policy == "drop") for entry in self.chains)

    def _at(self, hook: int, family: int) -> List[Chain]:
        chains = [entry.chain for entry in self.chains if entry.hook == hook and entry.family in (None, family)]
        return sorted(chains, key=lambda chain: chain.priority)


NONE = PacketFilter(False, "no packet filter is active")


def read_packet_filter(folder: str, may_ask_nftables: bool, allowance: Allowance) -> PacketFilter:
    """Read it. ``folder`` has the tables of our network namespace (``/proc/thread-self/net``). Never loads a module, never makes a table."""
    names: Dict[int, List[str]] = {}
    for family, name in ((4, "ip_tables_names"), (6, "ip6_tables_names")):
        try:
            names[family] = [word.decode("ascii", "replace") for word in read_kernel("%s/%s" % (folder, name)).split()]
        except FileNotFoundError:
            continue
        except OSError as error:
            return PacketFilter(None, "the packet filter may not be read: %s" % reason_of(error))
    try:
        with allowance as until:
            chains = _nftables(until) if may_ask_nftables else []
            if any(names.values()):
                chains += _iptables(names)
    except (OSError, ValueError, LookupError, struct.error, TooMuch) as error:
        why = str(error) if isinstance(error, (ValueError, TooMuch)) else reason_of(error)
        return PacketFilter(None, "the rules of the packet filter could not be read: %s" % why)
    return PacketFilter(True, "a packet filter is active", chains) if chains else NONE


def _nftables(until: float) -> List[Hooked]:
    for attempt in range(_ATTEMPTS):
        try:
            if not netlink.has_nftables():
                return []
            from . import nftables

            return nftables.read(until)
        except OSError as error:
            if error.errno in _NO_NFTABLES:
                return []
            if error.errno != errno.EAGAIN or attempt == _ATTEMPTS - 1:
                raise
    return []


def _iptables(names: Dict[int, List[str]]) -> List[Hooked]:
    from . import xtables

    found = []
    for family, tables in names.items():
        for hook, chain in xtables.read(family, tables, _GetOption(family)):
            found.append(Hooked(family, hook, chain))
    return found


class _GetOption:
    """getsockopt(2) that hands something in, which Python's does not. Raises ``OSError``."""

    def __init__(self, family: int) -> None:
        self._family = socket.AF_INET if family == 4 else socket.AF_INET6

    def __call__(self, level: int, option: int, head: bytes, size: int) -> bytes:
        try:
            import ctypes
        except ImportError:
            raise OSError(errno.ENOSYS, "this Python cannot ask for the rules of iptables") from None
        with socket.socket(self._family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW) as link:
            buffer = ctypes.create_string_buffer(size)
            ctypes.memmove(buffer, head, min(len(head), size))
            length = ctypes.c_uint32(size)
            if ctypes.CDLL(None, use_errno=True).getsockopt(link.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            return bytes(memoryview(buffer)[: length.value])
