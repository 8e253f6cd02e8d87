#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about who is logged in on a host, who was, and who tried."""

DOCUMENTATION = r"""
---
module: session_facts
short_description: Facts about who is logged in, who was, and who tried
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns one record for each session, merged from utmp, from C(systemd-logind) and from the processes, with C(sources).
    Any of them may be missing or forged; Debian 13 has no utmp at all.
  - Sessions without a terminal (C(ssh -T), C(scp), tunnels) and terminals that no login recorded are sessions, too.
    A session that opened further terminals (by C(sudo), C(tmux) or a shared SSH connection) has one record for each,
    which names the session it was opened in as C(outer_pid).
  - Returns the last logins and boots of wtmp and wtmpdb, and the failed logins of btmp, newest first. Damaged records are marked
    and passed.
  - Answers what C(w), C(who), C(loginctl), C(last) and C(lastb) are typed for.
  - A service manager of an account is no session. Jobs of cron are, where logind has them.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  users:
    description: Return only sessions and logins of these accounts, by name or uid.
    type: list
    elements: str
notes:
  - Of wtmp and wtmp.1 together the newest 4 MiB are read, some 10,000 records, and as much of btmp and btmp.1. C(limits) says
    so when there is more.
seealso:
  - module: incident.response.process_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: See who is logged in
  incident.response.session_facts:

- name: See what an account did here
  incident.response.session_facts:
    users: mallory

- name: Show sessions that utmp does not know
  ansible.builtin.debug:
    msg: "{{ ansible_facts.incident_sessions['items'] | rejectattr('sources', 'contains', 'utmp') }}"
"""

RETURN = r""" """

from ansible_collections.incident.response.plugins.module_utils._collect.sessions import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(key="incident_sessions", collect=collect, options={"users": {"type": "list", "elements": "str"}})


if __name__ == "__main__":
    main()
