# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of kernel threads, daemons and tools that rules know."""

from __future__ import annotations

import re

# No name that matters is longer; a hostile one may be.
_LONGEST = 256
# Names that only threads of the kernel have (seen on Linux 4.19 to 6.18).
_KERNEL_NAMES = re.compile(
    r"kthreadd|(?:ksoftirqd|migration|cpuhp|idle_inject|watchdog|irq|rcuo[a-z]|rcuc|rcub|ktimers|ktimersoftd|jbd2|posixcputmr|card\d+-crtc\d+)/.*"
    r"|kworker.*|rcu_(?:sched|bh|preempt|gp|par_gp|tasks.*|exp_.*)|pool_workqueue_release|k(?:swapd|compactd)\d*|khugepaged|ksmd|khungtaskd"
    r"|oom_reaper|kdevtmpfs|kauditd|kintegrityd|kblockd|kthrotld|kpsmoused|kstrp|kdmflush.*|kcryptd.*|kaluad|kmpath.*|khubd|kacpid|kacpi_.*|kdamond.*"
    r"|scsi_(?:eh|tmf|wq)_\d+|xfsaild.*|xfs-[^/]*/.*|mm_percpu_wq|inet_frag_wq|devfreq_wq"
    r"|ext4-rsv-conver|zswap-shrink|ata_sff|edac-poller|acpi_thermal_pm|nvme-(?:wq|reset-wq|delete-wq)|ecryptfs-kthread",
    re.DOTALL,
)
# Daemons that come with the system: no other program has reason to be called so.
_CORE = frozenset(
    (
        "sshd", "init", "cron", "crond", "anacron", "atd", "dbus-daemon", "dbus-broker", "rsyslogd", "syslogd", "klogd", "syslog-ng", "udevd",
        "agetty", "getty", "mingetty", "auditd", "polkitd", "accounts-daemon", "udisksd", "irqbalance", "acpid", "rngd", "haveged", "lvmetad",
        "dmeventd", "multipathd", "NetworkManager", "wpa_supplicant", "dhclient", "dhcpcd", "chronyd", "ntpd", "rpcbind", "rpc.statd", "avahi-daemon",
        "cupsd", "inetd", "xinetd", "smartd", "thermald", "ModemManager", "packagekitd", "upowerd", "bluetoothd", "gdm", "lightdm",
    )
)  # fmt: skip
# Servers that are often built from source or unpacked: outside temporary places their name is nobody's.
_SERVERS = frozenset(
    (
        "nginx", "apache2", "httpd", "lighttpd", "haproxy", "caddy", "varnishd", "squid", "mysqld", "mariadbd", "postgres", "redis-server",
        "memcached", "mongod", "named", "dnsmasq", "unbound", "dovecot", "exim4", "postfix", "vsftpd", "proftpd", "smbd", "nmbd", "slapd", "php-fpm",
        "dockerd", "containerd", "docker-proxy", "docker", "kubelet", "kube-proxy", "etcd", "crio", "podman", "libvirtd", "zabbix_agentd",
        "fail2ban-server",
    )
)  # fmt: skip
# Short names of tools that are installed by hand.
SHORT_TOOLS = frozenset(("go", "uv", "rg", "fd", "gh", "jq", "yq", "sd", "xh", "hx", "fx", "sk", "bw", "op", "k6", "mc", "nu", "bb", "k9", "ag"))
# What a program is called as, and what really runs then.
_SAME_PROGRAM = frozenset(
    (("systemd-udevd", "udevadm"), ("udevd", "udevadm"), ("mysqld", "mariadbd"), ("init", "systemd"), ("httpd", "apache2"), ("dbus-daemon", "dbus-broker"))
)


def is_kernel_name(name: str) -> bool:
    """Tell whether only a thread of the kernel has such a name."""
    return _KERNEL_NAMES.fullmatch(name[:_LONGEST]) is not None


def daemon_named(name: str) -> str | None:
    """``core`` or ``server`` for the name of a daemon, which the kernel may have cut at 15 bytes; ``None`` for any other."""
    if name in _CORE or name.startswith("systemd-"):
        return "core"
    return "server" if name in _SERVERS else None


def is_name_of(name: str, tool: str) -> bool:
    """Tell whether a program may well call itself so: one name is part of the other, or they are names of the same program."""
    return name in tool or (len(tool) > 3 and name.startswith(tool)) or (name, tool) in _SAME_PROGRAM or tool in ("busybox", "toybox")
