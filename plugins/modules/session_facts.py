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
  - Returns the last logins and boots of wtmp and wtmpdb, newest first, and beside them what sshd and C(login) logged of the same
    people, by which method they came in, and the fingerprint of their key. Logins without a terminal are logged only. Damaged
    records are marked and passed.
  - Returns the logins that failed, of btmp and of what C(sshd), C(login), C(su) and C(sudo) logged, as one record where both know.
    The C(sshd) of Debian 13 writes no btmp.
  - Returns the last login of each account of lastlog and lastlog2, which survive where wtmp is wiped.
  - A service manager of an account is no session. It is in C(users), which has every account that is logged in, that may linger, or
    whose service manager runs. Jobs of cron are sessions, where logind has them.
  - Answers what C(w), C(who), C(loginctl), C(last), C(lastb), C(lastlog) and C(wtmpdb last) are typed for.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  users:
    description: Return only sessions and logins of these accounts, by name or uid.
    type: list
    elements: str
notes:
  - Of wtmp and the files it was rotated to the newest 4 MiB together are read, some 10,000 records, and as much of btmp.
    Of the journal and the logs, the newest 10,000 lines each of programs that let people in. C(limits) says so when there is more.
  - The journal is read through the C(journalctl) of the host, which is started only from a path that nobody but root can write to,
    and ended after 10 s. C(/var/log/auth.log), C(/var/log/secure), where there is neither C(/var/log/messages), and those they were
    rotated to are read as well. Anybody can write to the journal and to these logs in the name of sshd; C(trust) tells which lines
    are root's.
  - A wtmpdb or lastlog2 that is more than a plain table is not read, since a view or an expression in it would be run.
  - Who is not root sees neither btmp nor most of the journal and the logs; C(errors) says so.
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

- name: Show which keys opened a door here
  ansible.builtin.debug:
    msg: "{{ ansible_facts.incident_sessions.logins | selectattr('key_fingerprint') | map(attribute='key_fingerprint') | unique }}"

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
              sample:
                name: //4=
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample:
              - argv
        users:
          description: An account that is logged in, or whose services run without that.
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid; null for a name that may linger but is no account.
              returned: success
              type: int
              sample: 1001
            state:
              description: 'State that logind has: C(active), C(online), C(lingering), C(closing) …'
              returned: success
              type: str
              sample: lingering
            is_lingering:
              description: Whether its services start with the host and stay when nobody is logged in (C(enable-linger)).
              returned: success
              type: bool
              sample: true
            sessions:
              description: Ids of its sessions that logind has, without that of its service manager.
              returned: success
              type: list
              elements: str
              sample:
              - '12'
            slice:
              description: Unit that holds all its processes.
              returned: success
              type: str
              sample: user-1001.slice
            since:
              description: Since when logind has it.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            manager_pid:
              description: Its service manager, by the kernel; null where none runs.
              returned: success
              type: int
              sample: 4200
            sources:
              description: 'Who knows of it: C(logind), C(linger), C(processes).'
              returned: success
              type: list
              elements: str
              sample:
              - logind
              - processes
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
        logins:
          description: A login or system event from the login records and the logs, newest first.
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
              description: Process id as recorded; of what was only logged, that of the process which let the person
                in.
              returned: success
              type: int
              sample: 4200
            service:
              description: 'What let the person in, where that is known: C(sshd), C(login) …'
              returned: success
              type: str
              sample: sshd
            method:
              description: 'How, by the log of sshd: C(publickey), C(password), C(keyboard-interactive/pam) …'
              returned: success
              type: str
              sample: publickey
            key_type:
              description: Type of the key.
              returned: success
              type: str
              sample: ED25519
            key_fingerprint:
              description: 'Fingerprint of the key that opened the door: the same key on another host is the same
                person.'
              returned: success
              type: str
              sample: SHA256:11pJ64…
            key_detail:
              description: What the log says of a certificate, or of the host that vouched.
              returned: success
              type: str
            from_port:
              description: Remote port, by the log.
              returned: success
              type: int
              sample: 51234
            sources:
              description: 'Who knows of it: C(wtmp), C(wtmpdb), C(journal), or paths of logs.'
              returned: success
              type: list
              elements: str
              sample:
              - wtmp
              - journal
            trust:
              description: 'Of what was logged: C(kernel): by the journal''s C(_UID), which the kernel sets, root
                wrote it. C(forgeable): it stands in a log that anybody can write to. C(forged): by C(_UID) somebody
                else than root wrote it. Null for what was recorded only.'
              returned: success
              type: str
              sample: kernel
            line:
              description: Line of the log, from 1. When the log was cut, counted from the cut.
              returned: success
              type: int
              sample: 7
            year_inferred:
              description: Whether the log gives no year, so that the times have the one that fits its last change.
              returned: success
              type: bool
              sample: false
            is_damaged:
              description: Whether the record holds what no login writes.
              returned: success
              type: bool
              sample: false
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
        failed_logins:
          description: An attempt to log in that failed, newest first.
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account that was tried, as it was typed.
              returned: success
              type: str
              sample: root
            from:
              description: Remote host or address.
              returned: success
              type: str
              sample: 203.0.113.5
            from_port:
              description: Remote port, by the log.
              returned: success
              type: int
              sample: 51234
            terminal:
              description: Terminal as recorded or logged.
              returned: success
              type: str
              sample: ssh:notty
            by:
              description: Account that tried to become the other, of su and sudo.
              returned: success
              type: str
              sample: mallory
            service:
              description: 'Where it was tried: C(sshd), C(login), C(su), C(sudo) …; null for a record that does
                not tell.'
              returned: success
              type: str
              sample: sshd
            method:
              description: 'How, by the log: C(password), C(publickey) …; null where only the failure of the whole
                connection was logged.'
              returned: success
              type: str
              sample: password
            reason:
              description: 'Why, by the log: C(no such account), C(wrong password), C(too many attempts), or in
                the words of sshd.'
              returned: success
              type: str
              sample: wrong password
            attempts:
              description: How often, where one line tells of several.
              returned: success
              type: int
              sample: 1
            at:
              description: When.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            source:
              description: 'What this was read from, C(line) and C(trust) are of it: C(journal), C(btmp), or the
                path of a log.'
              returned: success
              type: str
              sample: journal
            sources:
              description: All that know of it.
              returned: success
              type: list
              elements: str
              sample:
              - journal
              - btmp
            trust:
              description: As for logins; of su and sudo as for sudo events of the history.
              returned: success
              type: str
              sample: kernel
            writer_uid:
              description: Real uid that wrote the record, where the journal knows.
              returned: success
              type: int
              sample: 0
            line:
              description: Line of the log, from 1. When the log was cut, counted from the cut.
              returned: success
              type: int
              sample: 7
            year_inferred:
              description: As for logins.
              returned: success
              type: bool
              sample: false
            is_ambiguous:
              description: Whether the name that was tried holds what looks like an address, and a certificate does,
                too.
              returned: success
              type: bool
              sample: false
            is_damaged:
              description: Whether the record holds what no login writes.
              returned: success
              type: bool
              sample: false
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
        last_logins:
          description: 'The last login of an account by lastlog or lastlog2, newest first: it survives where wtmp
            is wiped.'
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account; null where passwd has none of that uid.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid.
              returned: success
              type: int
              sample: 1001
            at:
              description: When.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
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
            service:
              description: What let the person in, where it was recorded.
              returned: success
              type: str
              sample: sshd
            source:
              description: C(lastlog) or C(lastlog2).
              returned: success
              type: str
              sample: lastlog
            is_damaged:
              description: Whether the record holds what no login writes.
              returned: success
              type: bool
              sample: false
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

from ansible_collections.incident.response.plugins.module_utils._collect.sessions import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(key="incident_sessions", collect=collect, options={"users": {"type": "list", "elements": "str"}})


if __name__ == "__main__":
    main()
