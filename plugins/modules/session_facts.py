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

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_sessions:
      returned: always
      description: Who is logged in.
      type: dict
      contains:
        each_item:
          description: A login session, merged from every source that knows it. This describes each record of the
            list C(items), which Jinja reaches as C(incident_sessions['items']).
          returned: as the records of C(items)
          type: dict
          contains:
            user:
              description: Account, by the uid that the kernel or logind has.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid.
              returned: success
              type: int
              sample: 1001
            recorded_user:
              description: 'Account that a record names instead: it was forged, or somebody else has taken over
                the terminal.'
              returned: success
              type: str
            terminal:
              description: Terminal; null for a session without one.
              returned: success
              type: str
              sample: pts/0
            from:
              description: Remote address by its connection, else the host that was recorded; null for a local session.
              returned: success
              type: str
              sample: 203.0.113.5
            from_port:
              description: Remote port, by its connection.
              returned: success
              type: int
              sample: 51234
            recorded_from:
              description: 'Remote host that a record names instead: a forged one, or the name of the address.'
              returned: success
              type: str
            login_at:
              description: When it began.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            idle:
              description: Since the terminal was last typed on; null without a terminal. In seconds.
              returned: success
              type: float
              sample: 12.0
            pid:
              description: 'Leader: the process that stands for the session.'
              returned: success
              type: int
              sample: 4200
            outer_pid:
              description: Leader of the session inside which this one was opened (by sudo, tmux, a shared SSH connection
                …).
              returned: success
              type: int
            foreground_pid:
              description: Process in the foreground of the terminal, or the leader's youngest child without one.
              returned: success
              type: int
              sample: 4242
            command:
              description: Arguments of the process in the foreground.
              returned: success
              type: list
              elements: str
              sample:
              - vim
              - /etc/passwd
            cpu_seconds:
              description: CPU time of all its processes, those without its terminal and the server's own included
                (JCPU of w(1) has only those with it). In seconds.
              returned: success
              type: float
              sample: 0.4
            foreground_cpu_seconds:
              description: CPU time of the process in the foreground (PCPU of w(1)). In seconds.
              returned: success
              type: float
              sample: 0.1
            processes:
              description: Number of processes in the session, the server's own included.
              returned: success
              type: int
              sample: 3
            rss:
              description: Resident memory of all its processes. In bytes.
              returned: success
              type: int
              sample: 12345678
            service:
              description: 'What let it in: C(sshd), C(login), C(cron) …; or the name of the program that opened
                the terminal.'
              returned: success
              type: str
              sample: sshd
            type:
              description: 'Type that logind has: C(tty), C(x11), C(unspecified) …'
              returned: success
              type: str
              sample: tty
            session:
              description: Id that logind has.
              returned: success
              type: str
              sample: '12'
            state:
              description: 'State that logind has: C(active), C(online), C(closing): its leader has gone.'
              returned: success
              type: str
              sample: active
            sources:
              description: 'Who knows of it: C(utmp), C(logind), C(processes).'
              returned: success
              type: list
              elements: str
              sample:
              - utmp
              - logind
              - processes
            stale:
              description: A record whose process is gone.
              returned: success
              type: bool
              sample: false
            is_damaged:
              description: Whether its record in utmp holds what no login writes.
              returned: success
              type: bool
              sample: false
            is_own:
              description: Whether this run came in through it.
              returned: success
              type: bool
              sample: false
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample: &id001
                name: //4=
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample: &id002
              - argv
        logins:
          description: A login or system event from the login records, newest first.
          returned: success
          type: list
          elements: dict
          contains:
            kind:
              description: C(login), C(boot), C(shutdown) or C(other).
              returned: success
              type: str
              sample: login
            user:
              description: Account as recorded.
              returned: success
              type: str
              sample: mallory
            terminal:
              description: Terminal as recorded.
              returned: success
              type: str
              sample: pts/0
            from:
              description: Remote host or address as recorded.
              returned: success
              type: str
              sample: 203.0.113.5
            login_at:
              description: When it began.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            logout_at:
              description: When it ended; null while it lasts or where that was not recorded.
              returned: success
              type: str
              sample: '2026-11-23T15:41:07Z'
            end:
              description: 'How it ended: C(logout); C(replaced) by the next login on its terminal; C(shutdown)
                of the host; C(crash), a boot came without a shutdown; C(gone), without a record. Null while it
                lasts.'
              returned: success
              type: str
              sample: logout
            pid:
              description: Process id as recorded.
              returned: success
              type: int
              sample: 4200
            sources:
              description: 'Who knows of it: C(wtmp), C(wtmpdb).'
              returned: success
              type: list
              elements: str
              sample:
              - wtmp
            is_damaged:
              description: Whether the record holds what no login writes.
              returned: success
              type: bool
              sample: false
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample: *id001
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample: *id002
        failed_logins:
          description: An attempt to log in that failed, newest first.
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account that was tried.
              returned: success
              type: str
              sample: root
            from:
              description: Remote host or address.
              returned: success
              type: str
              sample: 203.0.113.5
            terminal:
              description: Terminal as recorded.
              returned: success
              type: str
              sample: ssh:notty
            at:
              description: When.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            source:
              description: C(btmp).
              returned: success
              type: str
              sample: btmp
            is_damaged:
              description: Whether the record holds what no login writes.
              returned: success
              type: bool
              sample: false
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample: *id001
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample: *id002
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

from ansible_collections.incident.response.plugins.module_utils._collect.sessions import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(key="incident_sessions", collect=collect, options={"users": {"type": "list", "elements": "str"}})


if __name__ == "__main__":
    main()
