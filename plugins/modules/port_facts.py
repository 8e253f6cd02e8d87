#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about listeners and connections of a host."""

DOCUMENTATION = r"""
---
module: port_facts
short_description: Facts about what listens and what is connected
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns the sockets of every network namespace, TCP, UDP, SCTP, raw and packet, IPv4 and IPv6, with every process that holds
    them, whether they are bound to loopback, to an address or to every interface, and whether others can reach them.
  - Answers what C(lsof -nP -i), C(ss -tulpn) and C(hostname -I) are typed for.
  - Reads the kernel's tables once for all sockets, however many there are.
  - Unix sockets are returned when they listen outside the folders of the system.
  - Whether others can reach a listener is worked out from the rules of the packet filter of its network namespace, nftables and
    iptables, for the first packet of a connection. Where a rule asks what is not known here, or a program decides, the answer is
    null, and C(exposed_reason) names the rule's chain.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  protocol:
    description: Return only sockets of these protocols.
    type: list
    elements: str
    choices:
      - tcp
      - udp
      - udplite
      - sctp
      - raw
      - icmp
      - packet
      - unix
  state:
    description: Return only sockets in these states, such as V(listen), V(established) and V(unconnected).
    type: list
    elements: str
  exposed:
    description:
      - With V(true), return only listeners that others can reach, or may be able to for all that is known.
      - With V(false), return only listeners that others cannot reach.
    type: bool
  users:
    description: Return only sockets that were made by these accounts, or that a process of theirs holds, by name or uid.
    type: list
    elements: str
  ports:
    description: Return only sockets with these local ports, each a number or a range such as V(8000-8100).
    type: list
    elements: str
notes:
  - Only root may read the packet filter, and enter other network namespaces. For anybody else C(exposed) is null
    where a packet filter may be active.
  - Network namespaces are entered in a thread of the module's own. One that no process lives in is found by its mount, as C(ip netns) makes it.
  - No module of the kernel is loaded to answer. What would need one is an entry in C(errors).
  - XDP and eBPF programs, and firewalls between the hosts, are not looked at.
  - A TCP socket that is bound, and neither listens nor is connected, stands in no table of the kernel.
seealso:
  - module: incident.response.process_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: See what others can reach
  incident.response.port_facts:
    exposed: true

- name: See who is connected to SSH
  incident.response.port_facts:
    protocol: tcp
    state: established
    ports: 22
"""

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_ports:
      returned: always
      description: What listens and what is connected.
      type: dict
      contains:
        each_item:
          description: A socket. This describes each record of the list C(items), which Jinja reaches as C(incident_ports['items']).
          returned: as the records of C(items)
          type: dict
          contains:
            protocol:
              description: C(tcp), C(udp), C(udplite), C(sctp), C(raw), C(icmp), C(packet) or C(unix).
              returned: success
              type: str
              sample: tcp
            family:
              description: C(ipv4), C(ipv6), C(packet) or C(unix).
              returned: success
              type: str
              sample: ipv6
            state:
              description: C(listen), C(established), C(syn_sent) …, as the kernel names TCP states; C(unconnected)
                or C(established) for UDP and raw.
              returned: success
              type: str
              sample: listen
            is_listener:
              description: 'Whether it accepts from others: TCP and SCTP in C(listen), UDP and raw without a peer,
                unix datagrams with a name.'
              returned: success
              type: bool
              sample: true
            local_address:
              description: Local address.
              returned: success
              type: str
              sample: '::'
            local_port:
              description: Local port; for raw sockets the IP protocol number.
              returned: success
              type: int
              sample: 31337
            remote_address:
              description: Peer's address; null for a listener.
              returned: success
              type: str
              sample: 203.0.113.5
            remote_port:
              description: Peer's port; null for a listener.
              returned: success
              type: int
              sample: 51234
            path:
              description: Path or abstract name (C(@…)) of a unix socket.
              returned: success
              type: str
              sample: /run/docker.sock
            interface:
              description: Interface it is bound to.
              returned: success
              type: str
              sample: eth0
            scope:
              description: 'For IP: C(loopback), C(address) (one address, or one interface) or C(all) (every interface).'
              returned: success
              type: str
              sample: all
            is_dual_stack:
              description: An IPv6 wildcard that IPv4 reaches too; null where the kernel did not say.
              returned: success
              type: bool
              sample: true
            exposed:
              description: 'Whether a first packet of some other host gets to it, past the packet filter of its
                network namespace. Null: it cannot be told.'
              returned: success
              type: bool
              sample: true
            exposed_reason:
              description: 'Why C(exposed) is what it is: the chain that decides, and whom it lets in when that
                is not everybody.'
              returned: success
              type: str
              sample: listens on every interface; the packet filter drops it (policy of table ip filter, chain INPUT)
            inode:
              description: Inode number of the socket.
              returned: success
              type: int
              sample: 41234
            uid:
              description: Uid that made it.
              returned: success
              type: int
              sample: 0
            user:
              description: Account that made it.
              returned: success
              type: str
              sample: root
            pids:
              description: Every process that holds it; empty for the kernel's own.
              returned: success
              type: list
              elements: int
              sample:
              - 4242
            process:
              description: Name of the first of them.
              returned: success
              type: str
              sample: python3
            exe:
              description: Executable of the first of them.
              returned: success
              type: str
              sample: /usr/bin/python3.11
            owner_state:
              description: C(known), C(kernel) (no process holds it) or C(unreadable) (we may not see).
              returned: success
              type: str
              sample: known
            network_namespace:
              description: Inode number of its network namespace; null for that of process 1.
              returned: success
              type: int
              sample: 4026532201
            network_namespace_name:
              description: Name of that, as C(ip netns) or Docker gave it, or where it is mounted.
              returned: success
              type: str
              sample: vpn
            container_id:
              description: Container of its first owner.
              returned: success
              type: str
              sample: f2c1d0…
            receive_queue:
              description: Bytes not yet read; connections not yet accepted for a listener.
              returned: success
              type: int
              sample: 0
            send_queue:
              description: Bytes not yet sent; longest accept queue for a listener.
              returned: success
              type: int
              sample: 128
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample:
                name: //4=
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample:
              - argv
        addresses:
          description: An address of the host (C(hostname -I), by interface).
          returned: success
          type: list
          elements: dict
          contains:
            interface:
              description: Interface.
              returned: success
              type: str
              sample: eth0
            family:
              description: C(ipv4) or C(ipv6).
              returned: success
              type: str
              sample: ipv4
            address:
              description: Address.
              returned: success
              type: str
              sample: 192.0.2.11
            prefix_length:
              description: Length of the network part.
              returned: success
              type: int
              sample: 24
            scope:
              description: C(host), C(link) or C(global).
              returned: success
              type: str
              sample: global
            network_namespace:
              description: Inode number of its network namespace; null for that of process 1.
              returned: success
              type: int
              sample: 4026532201
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample:
                name: //4=
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample:
              - argv
        errors:
          description: What could not be read, and why.
          returned: success
          type: list
          elements: dict
          sample: []
          contains:
            what:
              description: What could not be read.
              returned: success
              type: str
              sample: process executable
            reason:
              description: Why.
              returned: success
              type: str
              sample: Permission denied
            count:
              description: How often.
              returned: success
              type: int
              sample: 12
            subjects:
              description: The first few things concerned.
              returned: success
              type: list
              elements: str
              sample:
              - pid 4242
        truncated:
          description: Whether a limit was reached.
          returned: success
          type: bool
          sample: false
        limits:
          description: The limits that were reached.
          returned: success
          type: list
          elements: dict
          sample: []
          contains:
            what:
              description: The list that was cut.
              returned: success
              type: str
              sample: items
            limit:
              description: The limit.
              returned: success
              type: int
              sample: 5000
            total:
              description: How many there were.
              returned: success
              type: int
              sample: 6123
        collected_at:
          description: When this section was read, by the clock of the target.
          returned: success
          type: str
          sample: '2026-11-23T15:45:00Z'
        seconds:
          description: How long reading it took. In seconds.
          returned: success
          type: float
          sample: 0.042
"""

from ansible_collections.incident.response.plugins.module_utils._collect.ports import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_ports",
        collect=collect,
        options={
            "protocol": {"type": "list", "elements": "str", "choices": ["tcp", "udp", "udplite", "sctp", "raw", "icmp", "packet", "unix"]},
            "state": {"type": "list", "elements": "str"},
            "exposed": {"type": "bool"},
            "users": {"type": "list", "elements": "str"},
            "ports": {"type": "list", "elements": "str"},
        },
    )


if __name__ == "__main__":
    main()
