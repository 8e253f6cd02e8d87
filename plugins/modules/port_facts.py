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
  - Returns the sockets of every network namespace, TCP, UDP, raw and packet, IPv4 and IPv6, with every process that holds
    them, whether they are bound to loopback, to an address or to every interface, and whether others can reach them.
  - Answers what C(lsof -nP -i), C(ss -tulpn) and C(hostname -I) are typed for.
  - Reads the kernel's tables once for all sockets, however many there are.
  - Unix sockets are returned when they listen outside the folders of the system.
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
    description: Return only sockets that were made by these accounts, by name or uid.
    type: list
    elements: str
  ports:
    description: Return only sockets with these local ports, each a number or a range such as V(8000-8100).
    type: list
    elements: str
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

RETURN = r""" """

from ansible_collections.incident.response.plugins.module_utils._collect.ports import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_ports",
        collect=collect,
        options={
            "protocol": {"type": "list", "elements": "str", "choices": ["tcp", "udp", "udplite", "raw", "icmp", "packet", "unix"]},
            "state": {"type": "list", "elements": "str"},
            "exposed": {"type": "bool"},
            "users": {"type": "list", "elements": "str"},
            "ports": {"type": "list", "elements": "str"},
        },
    )


if __name__ == "__main__":
    main()
