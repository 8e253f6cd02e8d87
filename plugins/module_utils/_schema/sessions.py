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
    "A login or system event from the login records, newest first.",
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
        Field("pid", "int", "Process id as recorded.", 4200),
        Field("sources", "list[str]", "Who knows of it: C(wtmp), C(wtmpdb).", ["wtmp"], required=True),
        Field("is_damaged", "bool", "Whether the record holds what no login writes.", False, required=True),
    ),
)

FAILED_LOGIN = Record(
    "failed_login",
    "failed_logins",
    "An attempt to log in that failed, newest first.",
    (
        Field("user", "str", "Account that was tried.", "root"),
        Field("from", "str", "Remote host or address.", "203.0.113.5"),
        Field("terminal", "str", "Terminal as recorded.", "ssh:notty"),
        Field("at", "time", "When.", "2026-11-23T15:01:07Z"),
        Field("source", "str", "C(btmp).", "btmp", required=True),
        Field("is_damaged", "bool", "Whether the record holds what no login writes.", False, required=True),
    ),
)

SESSIONS = Section(
    "sessions",
    KEYS["sessions"],
    "Who is logged in.",
    SESSION,
    (Part("logins", LOGIN), Part("failed_logins", FAILED_LOGIN)),
)
