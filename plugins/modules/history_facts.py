#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about what was typed on a host, and what sudo recorded."""

DOCUMENTATION = r"""
---
module: history_facts
short_description: Facts about what was typed, and what sudo recorded
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns the histories of shells and clients of every account, service accounts and homes without an account included, with
    the time of each command where the file has it.
  - Returns signs that history is not, or not truly, recorded, such as a link in its place, a start-up file or an environment that
    switches it off, and times that cannot be.
  - Returns the uses of sudo, executed and denied, and the events of C(su), C(passwd), C(useradd) and their kin, from the journal
    and from the logs with those that were rotated and compressed, each with how far it can be trusted.
  - Answers what C(less ~/.bash_history), C(su -l USER) with C(history), and C(journalctl -e _COMM=sudo) are typed for.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  users:
    description:
      - Read only the histories of these accounts, by name or uid, and return only events that name them or that they wrote.
      - What concerns all accounts, such as a start-up file of the host, is returned as well.
    type: list
    elements: str
notes:
  - The journal is read through the C(journalctl) of the host, which is started only from a path that nobody but root can write to, and
    is ended after 10 seconds. No other program is started. Start-up files are read and never run.
  - Below a home no link is followed. Of a history file at most its newest 4 MiB are read, of all of them 32 MiB; C(limits) says where
    that was not everything. When there are more commands than O(limit), the newest of each file are kept.
seealso:
  - module: incident.response.session_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: See what one account typed and did with sudo
  incident.response.history_facts:
    users: mallory

- name: Read all histories, up to the newest 20000 commands
  incident.response.history_facts:
    limit: 20000
"""

RETURN = r""" """

from ansible_collections.incident.response.plugins.module_utils._collect.history import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(key="incident_history", collect=collect, options={"users": {"type": "list", "elements": "str"}})


if __name__ == "__main__":
    main()
