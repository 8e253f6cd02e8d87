# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether another host can reach a socket: its scope, and whether a packet filter stands before it."""

import errno
from typing import Any, Dict, NamedTuple, Optional, Tuple

from . import netlink
from .reading import read_kernel, reason_of
from .socket_tables import Socket
from .target import Target

# What a kernel without nftables answers.
_NO_NFTABLES = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)


class PacketFilter(NamedTuple):
    """``active``: whether packets are filtered, ``None`` where that could not be found out; ``detail`` says what was seen.

    ``is_cut_off``: nothing gets there anyhow.
    """

    active: Optional[bool]
    detail: str
    is_cut_off: bool = False


def scope_of(address: Optional[str]) -> Optional[str]:
    """``loopback``, ``address`` or ``all`` for an IP address."""
    if address is None:
        return None
    if address in ("0.0.0.0", "::", "::ffff:0.0.0.0"):
        return "all"
    if address == "::1" or address.startswith(("127.", "::ffff:127.")):
        return "loopback"
    return "address"


def read_packet_filter(target: Target) -> PacketFilter:
    """Look for tables of iptables and nftables in our network namespace.

    Their rules are not read: where there are any, exposure stays unknown.
    """
    tables = []
    for name in ("ip_tables_names", "ip6_tables_names"):
        try:
            tables += read_kernel("%s/net/%s" % (target.proc, name)).split()
        except FileNotFoundError:
            continue
        except OSError:
            return PacketFilter(None, "the packet filter may not be read")
    if tables:
        return PacketFilter(None, "iptables is active, its rules were not read")
    return _nftables(target)


def _nftables(target: Target) -> PacketFilter:
    if not netlink.kernel_has(target.proc, target.root, (b"nf_tables",)):
        return PacketFilter(False, "no packet filter is active")
    try:
        if netlink.has_nftables():
            return PacketFilter(None, "nftables is active, its rules were not read")
    except OSError as error:
        if error.errno in _NO_NFTABLES:
            return PacketFilter(False, "no packet filter is active")
        return PacketFilter(None, "whether nftables is active may not be asked: %s" % reason_of(error))
    return PacketFilter(False, "no packet filter is active")


def elsewhere(folder: str) -> PacketFilter:
    """The same of another network namespace, whose ``/proc/PID/net`` is ``folder``: its tables cannot be asked for from here."""
    try:
        rows = read_kernel(folder + "/dev").split(b"\n")[2:]
    except OSError:
        rows = [b"?:"]
    if {row.partition(b":")[0].strip() for row in rows if row} <= {b"lo"}:
        return PacketFilter(None, "its network namespace has no interface but loopback", True)
    return PacketFilter(None, "it is in another network namespace, whose packet filter was not read")


def exposure(entry: Socket, scope: Optional[str], packet_filter: PacketFilter) -> Tuple[Optional[bool], Optional[str]]:
    """``exposed`` and its reason; ``None`` for what is no listener on IP."""
    if not entry.is_listener or scope is None:
        return None, None
    if scope == "loopback":
        return False, "listens on loopback only"
    where = "listens on every interface" if scope == "all" else "listens on one address"
    if packet_filter.is_cut_off:
        return False, "%s; %s" % (where, packet_filter.detail)
    if packet_filter.active is None:
        return None, "%s; %s" % (where, packet_filter.detail)
    return True, "%s; %s" % (where, packet_filter.detail)


def as_fields(entry: Socket, packet_filter: PacketFilter) -> Dict[str, Any]:
    """``scope``, ``exposed`` and ``exposed_reason`` of a record ``socket``."""
    scope = scope_of(entry.address)
    exposed, reason = exposure(entry, scope, packet_filter)
    return {"scope": scope, "exposed": exposed, "exposed_reason": reason}
