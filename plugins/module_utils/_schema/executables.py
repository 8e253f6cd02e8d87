# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executables: what is really running, by content."""

from .keys import KEYS
from .record import Field, Record, Section

EXECUTABLE = Record(
    "executable",
    "executables",
    "A running image, or a file that was asked for. One record for each inode, however many processes run it.",
    (
        Field("path", "str", "Path as the kernel shows it, without its mark as deleted.", "/usr/bin/sleep", required=True),
        Field(
            "resolved_path", "str", "Where a path that was asked for leads to, when it leads through links. All else is about that file.", "/usr/bin/vim.basic"
        ),
        Field("state", "str", "C(present), C(deleted), C(replaced), C(memfd) or C(file) for one that is not running.", "present", required=True),
        Field("pids", "list[int]", "Processes that run it.", [4242], required=True),
        Field("start_ticks", "list[int]", "Start of each of them since boot. A recycled pid has another one.", [812345], unit="clock ticks", required=True),
        Field(
            "sha256",
            "str",
            "SHA-256 of the running image, read through C(/proc/PID/exe).",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        Field("sha1", "str", "SHA-1 of it, when asked for.", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        Field("md5", "str", "MD5 of it, when asked for.", "d41d8cd98f00b204e9800998ecf8427e"),
        Field(
            "path_sha256",
            "str",
            "SHA-256 of the file at that path now, when it is another one.",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        Field("inode", "int", "Inode number.", 1835021),
        Field("device", "int", "Device number.", 65024),
        Field("links", "int", "Number of its hard links; 0 when no name is left.", 1),
        Field("size", "int", "Size.", 43888, unit="bytes"),
        Field("owner_uid", "int", "Uid of its owner.", 0),
        Field("owner", "str", "Account of its owner.", "root"),
        Field("owner_gid", "int", "Gid of its group.", 0),
        Field("group", "str", "Name of its group.", "root"),
        Field("mode", "str", "Permissions, octal.", "0755"),
        Field("is_setuid", "bool", "Whether it is set-user-ID. Void where C(mount_options) have C(nosuid).", False),
        Field("is_setgid", "bool", "Whether it is set-group-ID. Void where C(mount_options) have C(nosuid).", False),
        Field("capabilities", "str", "File capabilities (C(security.capability)), hexadecimal.", None),
        Field(
            "capabilities_text",
            "str",
            "They in words, as getcap(8) writes them. Void where C(mount_options) have C(nosuid).",
            "cap_net_raw=ep",
        ),
        Field("mount_point", "str", "Where the file system that it is on is mounted.", "/tmp"),
        Field("mount_options", "list[str]", "Options of that mount. C(noexec) stops new programs, not those that run.", ["rw", "nosuid", "nodev"]),
        Field("file_system", "str", "Type of that file system.", "tmpfs"),
        Field("modified_at", "time", "When its content last changed.", "2022-09-20T15:27:27Z"),
        Field("changed_at", "time", "When its inode last changed.", "2026-11-20T08:00:00Z"),
        Field("package", "str", "Package that owns the path.", "coreutils"),
        Field("package_version", "str", "Version of that package.", "9.1-1"),
        Field(
            "package_state",
            "str",
            "C(unchanged): the running image has the package's content. C(changed): it has not. C(updated): the file now at the path has. "
            "C(unknown): the package has no digest for it, or it is no regular file. C(unowned): no package owns the path. "
            "C(foreign): runs in another root, as in a container. C(unreadable): could not be found out.",
            "unchanged",
            required=True,
        ),
        Field("same_as", "str", "Path of a packaged program that has the same content under another name.", "/usr/bin/sleep"),
        Field("same_as_package", "str", "Package of that program.", "coreutils"),
    ),
)

EXECUTABLES = Section("executables", KEYS["executables"], "What is running, by content.", EXECUTABLE)
