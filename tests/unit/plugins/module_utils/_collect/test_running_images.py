# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process runs, judged by its inode: against copies that are deleted, replaced, moved, masked and covered."""

import ctypes
import json
import os
import shutil
import subprocess
import sys

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import procfs
from ansible_collections.incident.response.plugins.module_utils._collect.running_images import path_as_seen, read_image, runs_in_our_root
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

SLEEP = os.path.realpath("/bin/sleep")
ANSWER = """
import json, os
from ansible_collections.incident.response.plugins.module_utils._collect import procfs, running_images
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
def answer(pid, target=None):
    image = running_images.read_image(target or Target(), procfs.read_stat("/proc", pid))
    return [os.fsdecode(image.path or b""), image.state, os.fsdecode(image.there or b"")]
"""

FURNISH = (
    """
import shutil, subprocess, time
def furnish(root):
    for folder in ("/usr/bin", "/old", "/lib", "/lib64", "/usr/lib"):
        os.makedirs(root + folder, exist_ok=True)
    for folder in ("/lib", "/lib64", "/usr/lib"):
        if os.path.isdir(folder):
            subprocess.check_call(["mount", "--bind", os.path.realpath(folder), root + folder])
    shutil.copy(%r, root + "/usr/bin/id")
def started(argv):
    child = subprocess.Popen(argv)
    for _number in range(200):
        time.sleep(0.02)
        if os.path.basename(os.readlink("/proc/%%d/exe" %% child.pid)) == "id":
            return child
    raise AssertionError("did not start")
"""
    % SLEEP
)


@pytest.fixture
def program(tmp_path):
    """A copy of sleep with a path of its own."""
    path = tmp_path / "program"
    shutil.copy(SLEEP, str(path))
    return str(path)


def image_of(child):
    return read_image(Target(), procfs.read_stat("/proc", child.pid))


def test_present(program, spawn):
    image = image_of(spawn([program, "99"]))
    there = os.stat(program)
    assert (os.fsdecode(image.path), image.state, image.inode, image.device) == (program, "present", there.st_ino, there.st_dev)
    assert os.fsdecode(image.there) == program


def test_deleted(program, spawn):
    child = spawn([program, "99"])
    inode = os.stat(program).st_ino
    os.unlink(program)
    image = image_of(child)
    assert (os.fsdecode(image.path), image.state, image.inode, image.there) == (program, "deleted", inode, None)


def test_replaced_by_another_file(program, spawn):
    child = spawn([program, "99"])
    os.unlink(program)
    shutil.copy(SLEEP, program)  # equal content is another file, nevertheless
    image = image_of(child)
    assert (os.fsdecode(image.path), image.state, os.fsdecode(image.there)) == (program, "replaced", program)


def test_moved_is_present_under_its_new_name(program, spawn):
    child = spawn([program, "99"])
    os.rename(program, program + "2")
    image = image_of(child)
    assert (os.fsdecode(image.path), image.state) == (program + "2", "present")


def test_the_last_but_one_hard_link_is_deleted_all_the_same(program, spawn):
    child = spawn([program, "99"])
    os.link(program, program + ".link")
    os.unlink(program)
    assert image_of(child).state == "deleted"


def test_a_name_that_ends_like_the_mark_is_a_name(program, spawn):
    name = program + " (deleted)"
    os.rename(program, name)
    image = image_of(spawn([name, "99"]))
    assert (os.fsdecode(image.path), image.state) == (name, "present")


@pytest.mark.parametrize("decoy", ["%s", "%s (deleted)"])
def test_a_link_back_to_the_process_does_not_make_a_deleted_program_present(program, spawn, decoy):
    child = spawn([program, "99"])
    os.unlink(program)
    os.symlink("/proc/%d/exe" % child.pid, decoy % program)
    assert image_of(child).state in ("deleted", "replaced")


@pytest.mark.parametrize("name", [b"a b ", b"x\ny", b"\xff\xfe", b") R 1 (", "\u202egpj".encode()])
def test_hostile_names_are_carried_byte_by_byte(program, spawn, name):
    path = os.path.join(os.path.dirname(os.fsencode(program)), name)
    os.rename(os.fsencode(program), path)
    child = spawn([path, b"99"])
    image = image_of(child)
    assert (image.path, image.state) == (path, "present")
    assert procfs.read_stat("/proc", child.pid).comm == name[:15]
    os.unlink(path)
    image = image_of(child)
    assert (image.path, image.state) == (path, "deleted")


def test_memfd(spawn):
    number = {"x86_64": 319, "aarch64": 279}.get(os.uname().machine)
    if number is None:
        pytest.skip("memfd_create(2) has another number on %s" % os.uname().machine)
    descriptor = ctypes.CDLL(None, use_errno=True).syscall(number, b"kthread-helper", 0)
    assert descriptor >= 0
    with open(SLEEP, "rb") as stream:
        os.write(descriptor, stream.read())
    # The child runs it through its own descriptor, while ours that may write is closed.
    reader = os.open("/proc/self/fd/%d" % descriptor, os.O_RDONLY)
    os.close(descriptor)
    child = spawn(["[kworker/u8:2]", "99"], executable="/proc/self/fd/%d" % reader, pass_fds=[reader])
    os.close(reader)
    image = image_of(child)
    assert (image.path, image.state, image.there) == (b"/memfd:kthread-helper", "memfd", None)
    assert image.status.st_size == os.stat(SLEEP).st_size


def test_a_file_that_is_called_like_a_memfd_is_a_file(tree):
    tree.process(10, links={"exe": "/memfd:x (deleted)"})
    # The link of a tree leads nowhere: nothing can be said of what ended.
    assert read_image(tree.target(), tree.target().stats[10]).state == "none"


def test_kernel_threads_and_zombies_run_nothing(spawn):
    threads = [stat for stat in Target().stats.values() if stat.is_kernel_thread]
    assert all(read_image(Target(), stat).state == "kernel" for stat in threads)
    child = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert image_of(child).state == "none"
    child.wait()


def test_what_is_not_ours_is_unreadable_with_a_reason():
    if os.geteuid() == 0:
        pytest.skip("root may see everything")
    image = read_image(Target(), procfs.read_stat("/proc", 1))
    assert (image.path, image.state, image.reason) == (None, "unreadable", "Permission denied")


def test_a_closed_file_system_hides_the_file_but_not_its_path(tree, monkeypatch):
    tree.process(10, links={"exe": "/mnt/fuse/x"})
    real = os.stat

    def stat(path, **how):
        if str(path).endswith("/10/exe"):
            raise PermissionError(13, "Permission denied")
        return real(path, **how)

    target = tree.target()
    stats = target.stats
    monkeypatch.setattr(os, "stat", stat)
    image = read_image(target, stats[10])
    assert (image.path, image.state, image.reason) == (b"/mnt/fuse/x", "unreadable", "Permission denied")


def test_a_daemon_in_a_chroot_still_runs_a_program_from_outside(as_root, tmp_path, python):
    child = python("os.chroot(%r); os.chdir('/')" % str(tmp_path))
    image = image_of(child)
    assert (os.fsdecode(image.path), image.state) == (os.path.realpath(sys.executable), "present")
    assert not runs_in_our_root(Target(), child.pid)
    assert path_as_seen(Target(), child.pid, b"/x") == b"/proc/%d/root/x" % child.pid


def test_a_program_inside_a_chroot_has_its_path_from_outside(as_root, run_elsewhere, tmp_path):
    code = (
        ANSWER
        + FURNISH
        + """
furnish(%r)
child = started(["chroot", %r, "/usr/bin/id", "99"])
print(json.dumps(answer(child.pid)))
child.kill()
"""
        % (str(tmp_path), str(tmp_path))
    )
    path, state, _there = json.loads(run_elsewhere(["-m"], code))
    assert (path, state) == (str(tmp_path) + "/usr/bin/id", "present")


def test_a_file_mounted_over_a_program_for_oneself_has_replaced_it(run_elsewhere, program):
    victim = os.path.realpath("/usr/bin/id")
    code = """
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mount(%r, %r, None, 4096, None) == 0, os.strerror(ctypes.get_errno())
child = subprocess.Popen([%r, "99"])
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
""" % (os.fsencode(program), os.fsencode(victim), victim)
    if subprocess.call(["unshare", "-Urm", "true"], stderr=subprocess.DEVNULL) != 0:
        pytest.skip("user namespaces may not be made here")
    outer = subprocess.Popen(["unshare", "-Urm", sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pid = int(outer.stdout.readline())
    link = os.readlink("/proc/%d/exe" % pid)
    image = read_image(Target(), procfs.read_stat("/proc", pid))
    outer.communicate()
    assert link == victim  # the kernel's text is what the user chose
    assert (os.fsdecode(image.path), image.state, image.inode) == (victim, "replaced", os.stat(program).st_ino)


def test_a_folder_of_its_own_is_no_deletion(as_root, run_elsewhere, tmp_path):
    # As PrivateTmp= does: the path exists in the mounts of the process only.
    code = (
        ANSWER
        + """
import subprocess, shutil, sys
subprocess.check_call(["mount", "-t", "tmpfs", "tmpfs", %r])
program = %r + "/service"
shutil.copy(%r, program)
inner = subprocess.Popen([program, "99"])
# Our side: a mount namespace in which that folder is empty.
subprocess.check_call(["unshare", "-m", sys.executable, "-c", '''
import subprocess, sys
subprocess.check_call(["umount", %r])
''' + %r + '''
print(json.dumps(answer(int(sys.argv[1]))))
''', str(inner.pid)])
inner.kill()
"""
        % (str(tmp_path), str(tmp_path), SLEEP, str(tmp_path), ANSWER)
    )
    path, state, there = json.loads(run_elsewhere(["-m"], code))
    assert (path, state) == (str(tmp_path / "service"), "present")
    assert there.startswith("/proc/")


def test_a_program_under_a_mount_that_was_taken_away_is_deleted(as_root, run_elsewhere, tmp_path):
    code = (
        ANSWER
        + """
import subprocess, shutil
subprocess.check_call(["mount", "-t", "tmpfs", "tmpfs", %r])
shutil.copy(%r, %r + "/x")
child = subprocess.Popen([%r + "/x", "99"])
subprocess.check_call(["umount", "-l", %r])
print(json.dumps(answer(child.pid)))
child.kill()
"""
        % (str(tmp_path), SLEEP, str(tmp_path), str(tmp_path), str(tmp_path))
    )
    _path, state, _there = json.loads(run_elsewhere(["-m"], code))
    assert state == "deleted"


def test_a_container_sees_its_own_files(as_root, run_elsewhere, tmp_path):
    # A root of its own, with another file at the path of a program of ours.
    code = (
        ANSWER
        + FURNISH
        + """
subprocess.check_call(["mount", "-t", "tmpfs", "tmpfs", %r])
furnish(%r)
child = started(["unshare", "-m", "sh", "-c", "cd %s && pivot_root . old && exec /usr/bin/id 99"])
print(json.dumps(answer(child.pid)))
child.kill()
"""
        % (str(tmp_path), str(tmp_path), str(tmp_path))
    )
    if not shutil.which("pivot_root"):
        pytest.skip("pivot_root(8) is not installed")
    path, state, there = json.loads(run_elsewhere(["-m"], code))
    assert (path, state) == ("/usr/bin/id", "present")
    assert there.startswith("/proc/")
    assert there.endswith("/root/usr/bin/id")
