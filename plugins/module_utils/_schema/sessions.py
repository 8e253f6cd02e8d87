# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: who is logged in, who was, and who tried."""

from .keys import KEYS
from .record import Field, Part, Record, Section

SESSION = Record(
    "session",
    "sessions",
    "A login session, merged from every source that knows it.",
    (
        Field("user", "str", "Account, by the uid that the kernel or logind has.", "mallory"),
        Field("uid", "int", "Uid.", 1001),
        Field("recorded_user", "str", "Account that a record names instead: it was forged, or somebody else has taken over the terminal.", None),
        Field("terminal", "str", "Terminal; null for a session without one.", "pts/0"),
        Field("from", "str", "Remote address by its connection, else the host that was recorded; null for a local session.", "203.0.113.5"),
        Field("from_port", "int", "Remote port, by its connection.", 51234),
        Field("recorded_from", "str", "Remote host that a record names instead: a forged one, or the name of the address.", None),
        Field("login_at", "time", "When it began.", "2026-11-23T15:01:07Z"),
        Field("idle", "float", "Since the terminal was last typed on; null without a terminal.", 12.0, unit="seconds"),
        Field("pid", "int", "Leader: the process that stands for the session.", 4200),
        Field("outer_pid", "int", "Leader of the session inside which this one was opened (by sudo, tmux, a shared SSH connection …).", None),
        Field("foreground_pid", "int", "Process in the foreground of the terminal, or the leader's youngest child without one.", 4242),
        Field("command", "list[str]", "Arguments of the process in the foreground.", ["vim", "/etc/passwd"]),
        Field(
            "cpu_seconds",
            "float",
            "CPU time of all its processes, those without its terminal and the server's own included (JCPU of w(1) has only those with it).",
            0.4,
            unit="seconds",
        ),
        Field("foreground_cpu_seconds", "float", "CPU time of the process in the foreground (PCPU of w(1)).", 0.1, unit="seconds"),
        Field("processes", "int", "Number of processes in the session, the server's own included.", 3, required=True),
        Field("rss", "int", "Resident memory of all its processes.", 12345678, unit="bytes"),
        Field("service", "str", "What let it in: C(sshd), C(login), C(cron) …; or the name of the program that opened the terminal.", "sshd"),
        Field("type", "str", "Type that logind has: C(tty), C(x11), C(unspecified) …", "tty"),
        Field("session", "str", "Id that logind has.", "12"),
        Field("state", "str", "State that logind has: C(active), C(online), C(closing): its leader has gone.", "active"),
        Field("sources", "list[str]", "Who knows of it: C(utmp), C(logind), C(processes).", ["utmp", "logind", "processes"], required=True),
        Field("stale", "bool", "A record whose process is gone.", False, required=True),
        Field("is_damaged", "bool", "Whether its record in utmp holds what no login writes.", False, required=True),
        Field("is_own", "bool", "Whether this run came in through it.", False, required=True),
    ),
)

LOGIN = Record(
    "login",
    "logins",
    "A login or system event from the login records and the logs, newest first.",
    (
        Field("kind", "str", "C(login), C(boot), C(shutdown) or C(other).", "login", required=True),
        Field("user", "str", "Account as recorded.", "mallory"),
        Field("terminal", "str", "Terminal as recorded.", "pts/0"),
        Field("from", "str", "Remote host or address as recorded.", "203.0.113.5"),
        Field("login_at", "time", "When it began.", "2026-11-23T15:01:07Z"),
        Field("logout_at", "time", "When it ended; null while it lasts or where that was not recorded.", "2026-11-23T15:41:07Z"),
        Field(
            "end",
            "str",
            "How it ended: C(logout); C(replaced) by the next login on its terminal; C(shutdown) of the host; C(crash), a boot came without a shutdown; "
            "C(gone), without a record. Null while it lasts.",
            "logout",
        ),
        Field("pid", "int", "Process id as recorded; of what was only logged, that of the process which let the person in.", 4200),
        Field("service", "str", "What let the person in, where that is known: C(sshd), C(login) …", "sshd"),
        Field("method", "str", "How, by the log of sshd: C(publickey), C(password), C(keyboard-interactive/pam) …", "publickey"),
        Field("key_type", "str", "Type of the key.", "ED25519"),
        Field("key_fingerprint", "str", "Fingerprint of the key that opened the door: the same key on another host is the same person.", "SHA256:11pJ64…"),
        Field("key_detail", "str", "What the log says of a certificate, or of the host that vouched.", None),
        Field("from_port", "int", "Remote port, by the log.", 51234),
        Field("sources", "list[str]", "Who knows of it: C(wtmp), C(wtmpdb), C(journal), or paths of logs.", ["wtmp", "journal"], required=True),
        Field(
            "trust",
            "str",
            "Of what was logged: C(kernel): by the journal's C(_UID), which the kernel sets, root wrote it. C(forgeable): it stands in a log that anybody "
            "can write to. C(forged): by C(_UID) somebody else than root wrote it. Null for what was recorded only.",
            "kernel",
        ),
        Field("line", "int", "Line of the log, from 1. When the log was cut, counted from the cut.", 7),
        Field("year_inferred", "bool", "Whether the log gives no year, so that the times have the one that fits its last change.", False),
        Field("is_damaged", "bool", "Whether the record holds what no login writes.", False, required=True),
    ),
)

FAILED_LOGIN = Record(
    "failed_login",
    "failed_logins",
    "An attempt to log in that failed, newest first.",
    (
        Field("user", "str", "Account that was tried, as it was typed.", "root"),
        Field("from", "str", "Remote host or address.", "203.0.113.5"),
        Field("from_port", "int", "Remote port, by the log.", 51234),
        Field("terminal", "str", "Terminal as recorded or logged.", "ssh:notty"),
        Field("by", "str", "Account that tried to become the other, of su and sudo.", "mallory"),
        Field("service", "str", "Where it was tried: C(sshd), C(login), C(su), C(sudo) …; null for a record that does not tell.", "sshd"),
        Field("method", "str", "How, by the log: C(password), C(publickey) …; null where only the failure of the whole connection was logged.", "password"),
        Field(
            "reason",
            "str",
            "Why, by the log: C(no such account), C(wrong password), C(too many attempts), or in the words of sshd.",
            "wrong password",
        ),
        Field("attempts", "int", "How often, where one line tells of several.", 1, required=True),
        Field("at", "time", "When.", "2026-11-23T15:01:07Z"),
        Field("source", "str", "What this was read from, C(line) and C(trust) are of it: C(journal), C(btmp), or the path of a log.", "journal", required=True),
        Field("sources", "list[str]", "All that know of it.", ["journal", "btmp"], required=True),
        Field("trust", "str", "As for logins; of su and sudo as for sudo events of the history.", "kernel"),
        Field("writer_uid", "int", "Real uid that wrote the record, where the journal knows.", 0),
        Field("line", "int", "Line of the log, from 1. When the log was cut, counted from the cut.", 7),
        Field("year_inferred", "bool", "As for logins.", False),
        Field("is_ambiguous", "bool", "Whether the name that was tried holds what looks like an address, and a certificate does, too.", False, required=True),
        Field("is_damaged", "bool", "Whether the record holds what no login writes.", False, required=True),
    ),
)

LAST_LOGIN = Record(
    "last_login",
    "last_logins",
    "The last login of an account by lastlog or lastlog2, newest first: it survives where wtmp is wiped.",
    (
        Field("user", "str", "Account; null where passwd has none of that uid.", "mallory"),
        Field("uid", "int", "Uid.", 1001),
        Field("at", "time", "When.", "2026-11-23T15:01:07Z"),
        Field("terminal", "str", "Terminal as recorded.", "pts/0"),
        Field("from", "str", "Remote host or address as recorded.", "203.0.113.5"),
        Field("service", "str", "What let the person in, where it was recorded.", "sshd"),
        Field("source", "str", "C(lastlog) or C(lastlog2).", "lastlog", required=True),
        Field("is_damaged", "bool", "Whether the record holds what no login writes.", False, required=True),
    ),
)

LOGGED_IN_USER = Record(
    "logged_in_user",
    "logged_in_users",
    "An account that is logged in, or whose services run without that.",
    (
        Field("user", "str", "Account.", "mallory"),
        Field("uid", "int", "Uid; null for a name that may linger but is no account.", 1001),
        Field("state", "str", "State that logind has: C(active), C(online), C(lingering), C(closing) …", "lingering"),
        Field("is_lingering", "bool", "Whether its services start with the host and stay when nobody is logged in (C(enable-linger)).", True, required=True),
        Field("sessions", "list[str]", "Ids of its sessions that logind has, without that of its service manager.", ["12"], required=True),
        Field("slice", "str", "Unit that holds all its processes.", "user-1001.slice"),
        Field("since", "time", "Since when logind has it.", "2026-11-23T15:01:07Z"),
        Field("manager_pid", "int", "Its service manager, by the kernel; null where none runs.", 4200),
        Field("sources", "list[str]", "Who knows of it: C(logind), C(linger), C(processes).", ["logind", "processes"], required=True),
    ),
)

SESSIONS = Section(
    "sessions",
    KEYS["sessions"],
    "Who is logged in.",
    SESSION,
    (Part("users", LOGGED_IN_USER), Part("logins", LOGIN), Part("failed_logins", FAILED_LOGIN), Part("last_logins", LAST_LOGIN)),
)
