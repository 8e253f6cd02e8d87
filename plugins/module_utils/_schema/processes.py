# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes: one record a process, the host's totals, and what the second view saw differently."""

from .keys import KEYS
from .record import Field, Part, Record, Section

PROCESS = Record(
    "process",
    "processes",
    "A process. Its identity is C(pid) together with C(start_ticks).",
    (
        Field("pid", "int", "Process id.", 4242, required=True),
        Field("ppid", "int", "Process id of the parent.", 1, required=True),
        Field("start_ticks", "int", "Start since boot. A recycled pid has another one.", 812345, unit="clock ticks", required=True),
        Field(
            "started_at",
            "time",
            "Start, by the clock of the target as it is set now: a clock that was wrong and put right does not change it.",
            "2026-11-23T15:01:07Z",
        ),
        Field("name", "str", "The kernel's name of it (C(comm)), 15 bytes at most, free to choose for the process.", "sleep", required=True),
        Field("is_kernel_thread", "bool", "Whether the kernel's C(PF_KTHREAD) flag is set.", False, required=True),
        Field("exe", "str", "Text of C(/proc/PID/exe), without its mark as deleted. Null where there is none.", "/usr/bin/sleep"),
        Field(
            "exe_state",
            "str",
            "C(present): the running file is the one at that path. C(deleted): no file is there now. C(replaced): another file is there now. "
            "C(memfd): it never was a file. C(unreadable): we may not see. C(kernel): a kernel thread. C(none): a zombie.",
            "present",
            required=True,
        ),
        Field("exe_inode", "int", "Inode number of the running file.", 1835021),
        Field("exe_device", "int", "Device number of the running file.", 65024),
        Field("argv", "list[str]", "The arguments, apart. Free to choose for the process.", ["/bin/sleep", "99999"], required=True),
        Field(
            "argv_padding",
            "int",
            "Empty arguments at the end that were left out of C(argv): one that writes a title over its arguments leaves a row of them.",
            0,
            required=True,
        ),
        Field("cwd", "str", "Current directory; with the kernel's mark as deleted behind it when it was removed.", "/"),
        Field("root", "str", "Root directory.", "/"),
        Field("user", "str", "Account of the real uid.", "mallory"),
        Field("uid", "int", "Real uid.", 1001),
        Field("euid", "int", "Effective uid.", 1001),
        Field("suid", "int", "Saved uid.", 1001),
        Field("fsuid", "int", "Filesystem uid.", 1001),
        Field("gid", "int", "Real gid.", 1001),
        Field("egid", "int", "Effective gid.", 1001),
        Field("sgid", "int", "Saved gid.", 1001),
        Field("fsgid", "int", "Filesystem gid.", 1001),
        Field("loginuid", "int", "Uid of the login it descends from, kept through sudo and su. Null where it never was set.", 1001),
        Field("terminal", "str", "Controlling terminal.", "pts/0"),
        Field("state", "str", "State letter of proc(5).", "S", required=True),
        Field(
            "is_headless",
            "bool",
            "Whether its first thread has ended while others live on: it lists as a zombie. What else is said here is of one that lives.",
            False,
            required=True,
        ),
        Field("session_id", "int", "Session id (setsid(2)).", 4242, required=True),
        Field("process_group", "int", "Process group id.", 4242, required=True),
        Field("nice", "int", "Nice value.", 0, required=True),
        Field("threads", "int", "Number of threads.", 1, required=True),
        Field("rss", "int", "Resident memory.", 1843200, unit="bytes"),
        Field("cpu_seconds", "float", "CPU time used since its start.", 0.01, unit="seconds", required=True),
        Field("cpu_percent", "float", "CPU use over the sampling pause; 100 is one processor. Null for one that started or ended in it.", 0.0, unit="percent"),
        Field("read_rate", "float", "Read from storage over the sampling pause.", 0.0, unit="bytes/s"),
        Field("write_rate", "float", "Written to storage over the sampling pause.", 0.0, unit="bytes/s"),
        Field("connections", "int", "Sockets with a peer that it holds, in every network namespace. Null where they may not be seen.", 3),
        Field("cgroup", "str", "Control group path.", "/system.slice/cron.service"),
        Field("unit", "str", "Unit of the system's systemd that it belongs to, by its control group.", "cron.service"),
        Field("user_unit", "str", "Unit of a user's own systemd, who is free in what it is called.", "app.service"),
        Field(
            "container_id",
            "str",
            "Id of its container, by the name of its control group. Who may make groups, such as a user below his own, is free in their names: "
            "C(foreign_namespaces) tells whether there is a container at all.",
            "f2c1d0…",
        ),
        Field("container_engine", "str", "Engine of its container, by the same name.", "docker"),
        Field("foreign_namespaces", "list[str]", "Namespaces that are not those of process 1.", ["net", "mnt"]),
        Field("capabilities", "str", "Effective capabilities, as the hexadecimal mask of proc(5).", "0000000000000000"),
        Field(
            "capability_names",
            "list[str]",
            "Names of the effective capabilities; C(all) for all that process 1 has.",
            ["net_bind_service", "net_raw"],
        ),
        Field("seccomp", "int", "Seccomp mode: 0 off, 1 strict, 2 filter.", 0),
        Field("no_new_privileges", "bool", "Whether C(no_new_privs) is set (see prctl(2)).", False),
        Field("tracer_pid", "int", "Process that traces it; null for none.", 4300),
        Field(
            "environment",
            "dict",
            "Variables that change what is loaded or recorded (C(LD_*), C(HIST*) …); all of them only when asked for.",
            {"LD_PRELOAD": "/tmp/x.so"},
        ),
        Field("stdio", "list[str]", "What descriptors 0, 1 and 2 are.", ["socket:[41234]", "socket:[41234]", "socket:[41234]"]),
        Field("is_own", "bool", "Whether it is this run itself or an ancestor of it.", False, required=True),
    ),
)

OPEN_FILE = Record(
    "open_file",
    "open_files",
    "An open file descriptor.",
    (
        Field("pid", "int", "Process id.", 4242, required=True),
        Field("descriptor", "int", "Number of the descriptor.", 3, required=True),
        Field("kind", "str", "C(file), C(directory), C(socket), C(pipe), C(device), C(anonymous) or C(other).", "file", required=True),
        Field("path", "str", "Path, or the kernel's text for what has none.", "/var/tmp/.log", required=True),
        Field("mode", "str", "C(r), C(w) or C(rw).", "rw"),
        Field("is_deleted", "bool", "Whether the file has no name any more.", False, required=True),
        Field("inode", "int", "Inode number; for sockets the one that C(port_facts) shows.", 1835099),
    ),
)

THREAD = Record(
    "thread",
    "threads",
    "A thread that is not what the rest of its process is: another owner, or in other namespaces.",
    (
        Field("pid", "int", "Process id.", 4242, required=True),
        Field("tid", "int", "Thread id.", 4243, required=True),
        Field("name", "str", "The kernel's name of it.", "worker", required=True),
        Field("uid", "int", "Real uid of the thread.", 0, required=True),
        Field("euid", "int", "Effective uid of the thread.", 0, required=True),
        Field("network_namespace", "int", "Inode number of its network namespace.", 4026532281, required=True),
        Field("differs", "list[str]", "In what it differs: C(owner), C(net), C(mnt), C(user).", ["owner"], required=True),
    ),
)

PROC_MOUNT = Record(
    "proc_mount",
    "proc_mounts",
    "Something that is mounted below C(/proc), or over it once more. Containers cover some of it; on a host hardly anything does.",
    (
        Field("mount_point", "str", "Where.", "/proc/sys", required=True),
        Field("type", "str", "Type of the file system.", "tmpfs", required=True),
        Field("source", "str", "What was mounted.", "tmpfs", required=True),
        Field("root", "str", "What of that file system: of a bind mount the folder or file.", "/sys", required=True),
    ),
)

INTERFACE_RATE = Record(
    "interface_rate",
    "interface_rates",
    "Traffic of a network interface over the sampling pause.",
    (
        Field("interface", "str", "Name.", "eth0", required=True),
        Field("receive_rate", "float", "Received.", 120.0, unit="bytes/s", required=True),
        Field("transmit_rate", "float", "Sent.", 80.0, unit="bytes/s", required=True),
    ),
)

HOST = Record(
    "host_load",
    "host_loads",
    "What the host as a whole is doing.",
    (
        Field("hostname", "str", "Name that the kernel has.", "web1", required=True),
        Field("kernel", "str", "Release of the kernel.", "6.1.0-37-amd64", required=True),
        Field("distribution", "str", "C(PRETTY_NAME) of os-release(5).", "Debian GNU/Linux 12 (bookworm)"),
        Field("python", "str", "Version of the Python that read the host.", "3.11.2", required=True),
        Field("booted_at", "time", "When the kernel booted.", "2026-11-20T08:00:00Z"),
        Field("processors", "int", "Number of processors.", 2),
        Field("load", "list[str]", "Load averages over 1, 5 and 15 minutes.", ["0.10", "0.05", "0.01"]),
        Field("memory_total", "int", "Memory.", 25769803776, unit="bytes"),
        Field("memory_available", "int", "Memory that can be had without swapping.", 20000000000, unit="bytes"),
        Field("swap_total", "int", "Swap space.", 0, unit="bytes"),
        Field("swap_free", "int", "Swap space not used.", 0, unit="bytes"),
        Field("processes", "int", "Processes that the kernel lists.", 108, required=True),
        Field("sample_seconds", "float", "Length of the sampling pause.", 1.0, unit="seconds", required=True),
        Field("is_root", "bool", "Whether the host was read as root: otherwise much of it cannot be seen.", True, required=True),
        Field("top_cpu", "list[int]", "Pids that used most CPU in the pause, most first.", [4242], required=True),
        Field("top_memory", "list[int]", "Pids with most resident memory, most first.", [900], required=True),
        Field("top_connections", "list[int]", "Pids that hold most sockets with a peer, most first.", [900], required=True),
        Field("top_disk", "list[int]", "Pids that read and wrote most in the pause, most first.", [900], required=True),
    ),
)

DISAGREEMENT = Record(
    "disagreement",
    "disagreements",
    "Something that one view of the host has and the other lacks, races ruled out.",
    (
        Field("kind", "str", "C(process) or C(socket).", "process", required=True),
        Field("pid", "int", "Process id.", 4242),
        Field("entity", "str", "What it is.", "tcp 0.0.0.0:31337", required=True),
        Field("seen_by", "str", "The view that has it: C(kernel) or C(psutil).", "psutil", required=True),
        Field("missing_from", "str", "The view that lacks it.", "kernel", required=True),
    ),
)

CROSS_CHECK = Record(
    "cross_check",
    "cross_checks",
    "The second view of the same host, by psutil where the target has it.",
    (
        Field("available", "bool", "Whether the target has psutil.", True, required=True),
        Field("version", "str", "Version of psutil.", "7.2.2"),
        Field("reason", "str", "Why there is no second view.", "psutil is not installed on the target"),
        Field("compared", "int", "Records compared.", 108, required=True),
        Field("disagreements", "list[dict]", "What one view has and the other lacks.", [], required=True),
    ),
)

HIDDEN = Record(
    "hidden_process",
    "hidden_processes",
    "A process that is there but is not listed, or whose place under /proc is covered.",
    (
        Field("pid", "int", "Process id; of a thread that its process does not list the id of that process.", 4242, required=True),
        Field("how", "str", "C(unlisted): answers but is not listed. C(covered): something is mounted over its directory.", "covered", required=True),
        Field("detail", "str", "What was seen.", "/proc/4242 is a mount point"),
    ),
)

PROCESSES = Section(
    "processes",
    KEYS["processes"],
    "Every process of the host.",
    PROCESS,
    (
        Part("host", HOST, single=True),
        Part("interfaces", INTERFACE_RATE),
        Part("open_files", OPEN_FILE),
        Part("threads", THREAD),
        Part("hidden", HIDDEN),
        Part("proc_mounts", PROC_MOUNT),
        Part("cross_check", CROSS_CHECK, single=True),
    ),
)
