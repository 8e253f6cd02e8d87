# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities of a file in words. Sources: capabilities(7), include/uapi/linux/capability.h, cap_text_formats(7)."""

import struct
from typing import Dict, List

# In the order of their bits.
_ALL = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw "
    "ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod "
    "lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
)
_BITS = 64
_EFFECTIVE = 1
# By revision: how many words of 32 bits each set has, and whether the user id follows that is root in the file's namespace.
_REVISIONS = {0x01000000: (1, False), 0x02000000: (2, False), 0x03000000: (2, True)}


def in_words(data: bytes) -> str:
    """What ``security.capability`` says, as getcap(8) writes it: ``cap_setuid=ep``, ``cap_net_raw=ep [rootid=100000]``; empty when it says nothing.

    Raises ``ValueError`` for what the kernel would not take.
    """
    if len(data) < 4:
        raise ValueError("is too short")
    (magic,) = struct.unpack_from("<I", data)
    words, has_root = _REVISIONS.get(magic & 0xFF000000, (0, False))
    if not words or len(data) != 4 * (1 + 2 * words + has_root):
        raise ValueError("has an unknown form")
    numbers = struct.unpack_from("<%dI" % (2 * words + has_root), data, 4)
    permitted = sum(number << 32 * index for index, number in enumerate(numbers[0 : 2 * words : 2]))
    inheritable = sum(number << 32 * index for index, number in enumerate(numbers[1 : 2 * words : 2]))
    effective = permitted | inheritable if magic & _EFFECTIVE else 0
    root = " [rootid=%d]" % numbers[-1] if has_root and numbers[-1] else ""
    return _write(effective, inheritable, permitted) + root


def _write(effective: int, inheritable: int, permitted: int) -> str:
    known = _ALL.split(" ")
    by_flags: Dict[str, List[str]] = {}
    for bit in range(_BITS):
        flags = "".join(flag for flag, numbers in (("e", effective), ("i", inheritable), ("p", permitted)) if numbers >> bit & 1)
        if flags:
            by_flags.setdefault(flags, []).append("cap_" + known[bit] if bit < len(known) else str(bit))
    # All that this knows, whether the kernel of the time had more or not, is all.
    return " ".join(("" if len(names) >= len(known) else ",".join(names)) + "=" + flags for flags, names in by_flags.items())
