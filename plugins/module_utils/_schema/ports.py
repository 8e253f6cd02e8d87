# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports: listeners, connections and the host's own addresses."""

from .keys import KEYS
from .record import Field, Part, Record, Section

SOCKET = Record(
    "socket",
    "sockets",
    "A socket.",
    (
        Field("protocol", "str", "C(tcp), C(udp), C(udplite), C(sctp), C(raw), C(icmp), C(packet) or C(unix).", "tcp", required=True),
        Field("family", "str", "C(ipv4), C(ipv6), C(packet) or C(unix).", "ipv6", required=True),
        Field(
            "state",
            "str",
            "C(listen), C(established), C(syn_sent) …, as the kernel names TCP states; C(unconnected) or C(established) for UDP and raw.",
            "listen",
            required=True,
        ),
        Field(
            "is_listener",
            "bool",
            "Whether it accepts from others: TCP and SCTP in C(listen), UDP and raw without a peer, unix datagrams with a name.",
            True,
            required=True,
        ),
        Field("local_address", "str", "Local address.", "::"),
        Field("local_port", "int", "Local port; for raw sockets the IP protocol number.", 31337),
        Field("remote_address", "str", "Peer's address; null for a listener.", "203.0.113.5"),
        Field("remote_port", "int", "Peer's port; null for a listener.", 51234),
        Field("path", "str", "Path or abstract name (C(@…)) of a unix socket.", "/run/docker.sock"),
        Field("interface", "str", "Interface it is bound to.", "eth0"),
        Field("scope", "str", "For IP: C(loopback), C(address) (one address, or one interface) or C(all) (every interface).", "all"),
        Field("is_dual_stack", "bool", "An IPv6 wildcard that IPv4 reaches too; null where the kernel did not say.", True),
        Field(
            "exposed",
            "bool",
            "Whether a first packet of some other host gets to it, past the packet filter of its network namespace. Null: it cannot be told.",
            True,
        ),
        Field(
            "exposed_reason",
            "str",
            "Why C(exposed) is what it is: the chain that decides, and whom it lets in when that is not everybody.",
            "listens on every interface; the packet filter drops it (policy of table ip filter, chain INPUT)",
        ),
        Field("inode", "int", "Inode number of the socket.", 41234),
        Field("uid", "int", "Uid that made it.", 0),
        Field("user", "str", "Account that made it.", "root"),
        Field("pids", "list[int]", "Every process that holds it; empty for the kernel's own.", [4242], required=True),
        Field("process", "str", "Name of the first of them.", "python3"),
        Field("exe", "str", "Executable of the first of them.", "/usr/bin/python3.11"),
        Field("owner_state", "str", "C(known), C(kernel) (no process holds it) or C(unreadable) (we may not see).", "known", required=True),
        Field("network_namespace", "int", "Inode number of its network namespace; null for that of process 1.", 4026532201),
        Field("network_namespace_name", "str", "Name of that, as C(ip netns) or Docker gave it, or where it is mounted.", "vpn"),
        Field("container_id", "str", "Container of its first owner.", "f2c1d0…"),
        Field("receive_queue", "int", "Bytes not yet read; connections not yet accepted for a listener.", 0),
        Field("send_queue", "int", "Bytes not yet sent; longest accept queue for a listener.", 128),
    ),
)

ADDRESS = Record(
    "address",
    "addresses",
    "An address of the host (C(hostname -I), by interface).",
    (
        Field("interface", "str", "Interface.", "eth0", required=True),
        Field("family", "str", "C(ipv4) or C(ipv6).", "ipv4", required=True),
        Field("address", "str", "Address.", "192.0.2.11", required=True),
        Field("prefix_length", "int", "Length of the network part.", 24, required=True),
        Field("scope", "str", "C(host), C(link) or C(global).", "global", required=True),
        Field("network_namespace", "int", "Inode number of its network namespace; null for that of process 1.", 4026532201),
    ),
)

PORTS = Section("ports", KEYS["ports"], "What listens and what is connected.", SOCKET, (Part("addresses", ADDRESS),))
