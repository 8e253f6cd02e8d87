# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities of files in words, and the words of getcap(8) for the same file."""

import os
import shutil
import struct
import subprocess

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.file_capabilities import in_words


def attribute(permitted, inheritable=0, effective=True, root=None):
    """The extended attribute; with ``root``, of revision 3."""
    words = [permitted & 0xFFFFFFFF, inheritable & 0xFFFFFFFF, permitted >> 32, inheritable >> 32]
    magic = (0x02000000 if root is None else 0x03000000) | effective
    return struct.pack("<%dI" % (5 + (root is not None)), magic, *words, *([] if root is None else [root]))


@pytest.mark.parametrize(
    "data, words",
    [
        (attribute(1 << 7), "cap_setuid=ep"),
        (attribute(1 << 7, effective=False), "cap_setuid=p"),
        (attribute(0, 1 << 13), "cap_net_raw=ei"),
        (attribute(1 << 13 | 1 << 21, 1 << 13), "cap_net_raw=eip cap_sys_admin=ep"),
        (attribute(1 << 39 | 1 << 40), "cap_bpf,cap_checkpoint_restore=ep"),
        (attribute((1 << 41) - 1), "=ep"),
        (attribute(1 << 63), "63=ep"),
        (attribute(1, root=100000), "cap_chown=ep [rootid=100000]"),
        (attribute(1, root=0), "cap_chown=ep"),
        (struct.pack("<3I", 0x01000001, 1 << 10, 0), "cap_net_bind_service=ep"),
        (attribute(0), ""),
    ],
)
def test_words(data, words):
    assert in_words(data) == words


@pytest.mark.parametrize(
    "data", [b"", b"\1", b"\1\0\0\2", attribute(1) + b"\0", attribute(1)[:-1], b"\xff" * 20, struct.pack("<6I", 0x02000001, 0, 0, 0, 0, 0)]
)
def test_what_the_kernel_would_not_take_says_so(data):
    with pytest.raises(ValueError):
        in_words(data)


@pytest.mark.parametrize("words", ["cap_setuid=ep", "cap_net_bind_service,cap_net_raw=ep", "cap_dac_read_search=p", "cap_sys_admin=eip", "=ep"])
def test_getcap_says_the_same(as_root, tmp_path, words):
    if not shutil.which("setcap"):
        pytest.skip("setcap(8) is not installed")
    path = str(tmp_path / "x")
    open(path, "w").close()
    subprocess.check_call(["setcap", words, path])
    shown = subprocess.check_output(["getcap", path]).decode().strip()[len(path) :].lstrip(" =+")
    ours = in_words(os.getxattr(path, "security.capability"))
    assert ours == words
    # Older ones write a plus.
    assert ours.lstrip("=") == shown.replace("+", "=")
