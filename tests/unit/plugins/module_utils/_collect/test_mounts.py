# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount of an open file, beside what the kernel and findmnt(8) say."""

import os
import subprocess

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.mounts import Mount, Mounts, unescape


@pytest.mark.parametrize("name, plain", [(rb"/mnt", b"/mnt"), (rb"/a\040b\011c\012d\134", b"/a b\tc\nd\\"), (b"/\xff", b"/\xff")])
def test_escapes_of_the_kernel(name, plain):
    assert unescape(name) == plain


def mount_of(path, mounts=None):
    handle = os.open(path, os.O_PATH)
    try:
        return (mounts or Mounts("/proc")).of(handle)
    finally:
        os.close(handle)


@pytest.mark.parametrize("path", ["/", "/proc", "/dev/null"])
def test_findmnt_says_the_same(path):
    try:
        line = subprocess.check_output(["findmnt", "--noheadings", "--output", "TARGET,VFS-OPTIONS,FSTYPE", "--target", path]).decode().splitlines()[-1]
    except OSError:
        pytest.skip("findmnt(8) is not installed")
    target, options, kind = line.split()
    assert mount_of(path) == Mount(os.fsencode(target), options.split(","), os.fsencode(kind))


def test_tables_that_are_missing_or_garbage_are_no_mounts(tmp_path):
    assert mount_of("/", Mounts(str(tmp_path))) is None
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_bytes(b"x\n1 2 - \n - \n\xff\n")
    assert mount_of("/", Mounts(str(tmp_path))) is None


def test_options_of_the_mount_a_file_is_on(as_root, run_elsewhere, tmp_path):
    code = """
import os, subprocess
from ansible_collections.incident.response.plugins.module_utils._collect.mounts import Mounts
subprocess.check_call(["mount", "-t", "tmpfs", "-o", "nosuid,noexec", "tmpfs", %r])
open(%r + "/x", "w").close()
found = Mounts("/proc").of(os.open(%r + "/x", os.O_PATH))
print(found.point.decode(), found.kind.decode(), "nosuid" in found.options, "noexec" in found.options)
""" % ((str(tmp_path),) * 3)
    assert run_elsewhere(["-m"], code).split() == [str(tmp_path), "tmpfs", "True", "True"]
