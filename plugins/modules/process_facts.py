#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the processes of a host."""

DOCUMENTATION = r"""
---
module: process_facts
short_description: Facts about every process of a host
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns every process with its identity, owner, executable and the state of that, arguments, unit, container and
    namespaces, and what it used of processor and storage over a sampling pause.
  - Answers what C(htop), C(iotop), C(iftop), C(ps aux), C(lsof -u) and C(ls -l /proc/PID/exe) are typed for.
  - Judges executables by inode and kernel threads by the kernel's flag, since names, arguments and the text of links are
    free to choose for whoever runs the process.
  - Names processes that answer but are not listed, and places under C(/proc) that something is mounted over.
  - Where the target has psutil, its view is taken too, and what one view has and the other lacks is returned.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  users:
    description:
      - Return only processes of these accounts, by name or uid. One of the real, effective, saved or filesystem uid, or the
        login that the process descends from, has to match.
    type: list
    elements: str
  pids:
    description: Return only these processes.
    type: list
    elements: int
  names:
    description: Return only processes that the kernel knows under one of these names.
    type: list
    elements: str
  open_files:
    description: Also return the open files and sockets of the processes, as C(lsof) does.
    type: bool
    default: false
  environment:
    description:
      - Return the whole environment of the processes. It may hold secrets.
      - By default only variables are returned that change what is loaded, run or recorded, such as C(LD_PRELOAD) and C(HISTFILE).
    type: bool
    default: false
  sample_seconds:
    description: How long to watch what the processes use. V(0) returns no rates.
    type: float
    default: 1.0
seealso:
  - module: incident.response.executable_facts
  - module: incident.response.port_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Look at every process
  incident.response.process_facts:

- name: See everything that mallory runs and holds open
  incident.response.process_facts:
    users:
      - mallory
    open_files: true

- name: Watch two processes for ten seconds
  incident.response.process_facts:
    pids:
      - 4242
      - 4243
    sample_seconds: 10
"""

RETURN = r""" """

from ansible_collections.incident.response.plugins.module_utils._collect.processes import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_processes",
        collect=collect,
        options={
            "users": {"type": "list", "elements": "str"},
            "pids": {"type": "list", "elements": "int"},
            "names": {"type": "list", "elements": "str"},
            "open_files": {"type": "bool", "default": False},
            "environment": {"type": "bool", "default": False},
            "sample_seconds": {"type": "float", "default": 1.0},
        },
    )


if __name__ == "__main__":
    main()
