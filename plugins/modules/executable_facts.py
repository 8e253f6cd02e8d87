#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about running executables, by content."""

DOCUMENTATION = r"""
---
module: executable_facts
short_description: Facts about running executables, by content
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns the SHA-256 of every running image, read through C(/proc/PID/exe), each inode once, also where its file was
    deleted, replaced, or never existed.
  - Says which package owns an executable and whether it still has the package's content, and names the packaged program
    that has the same content where no package owns it.
  - Answers what C(ls -l /proc/PID/exe) and C(sha256sum /proc/PID/exe) are typed for.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  pids:
    description: Read only what these processes run.
    type: list
    elements: int
  users:
    description: Read only what these accounts run, by name or uid.
    type: list
    elements: str
  paths:
    description: Read these files. Running images are then only read when O(pids) or O(users) ask for them.
    type: list
    elements: str
  checksums:
    description: Return these digests beside the SHA-256.
    type: list
    elements: str
    choices:
      - md5
      - sha1
  max_file_size:
    description: Do not hash files larger than this many bytes. What is left out for that is listed in C(errors).
    type: int
    default: 536870912
seealso:
  - module: incident.response.process_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Hash whatever runs
  incident.response.executable_facts:

- name: See what a process really runs
  incident.response.executable_facts:
    pids: 4242

- name: See whether a program is what its package shipped
  incident.response.executable_facts:
    paths:
      - /usr/sbin/sshd
"""

RETURN = r""" """

from ansible_collections.incident.response.plugins.module_utils._collect.executables import MAX_FILE_SIZE, collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_executables",
        collect=collect,
        options={
            "pids": {"type": "list", "elements": "int"},
            "users": {"type": "list", "elements": "str"},
            "paths": {"type": "list", "elements": "str"},
            "checksums": {"type": "list", "elements": "str", "choices": ["md5", "sha1"]},
            "max_file_size": {"type": "int", "default": MAX_FILE_SIZE},
        },
    )


if __name__ == "__main__":
    main()
