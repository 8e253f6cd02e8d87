# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running images as records: their state, their package, and whose copy they are."""

import grp
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import dpkg, executables, packages
from ansible_collections.incident.response.plugins.module_utils._collect.executables import collect
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.executables import EXECUTABLE
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS

SLEEP = os.path.realpath("/bin/sleep")
FIELDS = {field.name for field in EXECUTABLE.fields}
OPTIONAL = {field.name for field in OPTIONAL_FIELDS}


def sha256(path):
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program"
    shutil.copy(SLEEP, str(path))
    return str(path)


@pytest.fixture
def packaged():
    """Sleep's owner, on hosts that have dpkg."""
    found = (packages.find_owners(Target(), [os.fsencode(SLEEP)], executables.SectionBuilder(1)) or {}).get(os.fsencode(SLEEP))
    if found is None or found.digest is None:
        pytest.skip("no package owns %s here" % SLEEP)
    return found


def only(child, **options):
    section = collect(Target(), pids=[child.pid], **options)
    (record,) = section["items"]
    assert set(record) - OPTIONAL == FIELDS
    assert record["pids"] == [child.pid]
    return record


def test_every_image_of_this_host_is_there_once():
    target = Target()
    section = collect(target)
    assert all(set(record) - OPTIONAL == FIELDS for record in section["items"])
    inodes = [(record["device"], record["inode"]) for record in section["items"]]
    assert len(inodes) == len(set(inodes))
    pids = [pid for record in section["items"] for pid in record["pids"]]
    assert len(pids) == len(set(pids))
    assert os.getpid() in pids
    assert not [stat.pid for stat in target.stats.values() if stat.is_kernel_thread and stat.pid in pids]


def test_a_packaged_program(spawn, packaged):
    record = only(spawn([SLEEP, "99"]))
    assert (record["path"], record["state"], record["sha256"]) == (SLEEP, "present", sha256(SLEEP))
    assert (record["package"], record["package_version"], record["package_state"]) == (packaged.package, packaged.version, "unchanged")
    assert (record["same_as"], record["path_sha256"], record["md5"], record["sha1"]) == (None, None, None, None)
    status = os.stat(SLEEP)
    assert (record["size"], record["owner_uid"], record["inode"], record["mode"]) == (status.st_size, 0, status.st_ino, "0755")


def test_psutil_has_the_same_paths(spawn, program):
    psutil = pytest.importorskip("psutil")
    for path in (program, SLEEP):
        child = spawn([path, "99"])
        assert only(child)["path"] == psutil.Process(child.pid).exe()


def test_a_copy_under_another_name_is_called_one(spawn, program, packaged):
    record = only(spawn([program, "99"]))
    assert (record["state"], record["package"], record["package_state"]) == ("present", None, "unowned")
    assert (record["same_as"], record["same_as_package"]) == (SLEEP, packaged.package)


def test_a_deleted_image_is_hashed_and_called_a_copy_all_the_same(spawn, program, packaged):
    child = spawn([program, "99"])
    os.unlink(program)
    record = only(child)
    assert (record["path"], record["state"], record["sha256"], record["same_as"]) == (program, "deleted", sha256(SLEEP), SLEEP)


def test_what_replaced_an_image_is_hashed_beside_it(spawn, program):
    child = spawn([program, "99"])
    os.unlink(program)
    shutil.copy("/bin/sh", program)
    record = only(child)
    assert (record["state"], record["sha256"], record["path_sha256"]) == ("replaced", sha256(SLEEP), sha256("/bin/sh"))


@pytest.mark.parametrize("decoy", ["link", "fifo", "folder"])
def test_what_replaced_an_image_may_be_a_trap(spawn, program, tmp_path, decoy):
    child = spawn([program, "99"])
    os.unlink(program)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    {"link": lambda: os.symlink(str(secret), program), "fifo": lambda: os.mkfifo(program), "folder": lambda: os.mkdir(program)}[decoy]()
    record = only(child)
    assert (record["state"], record["sha256"], record["path_sha256"]) == ("replaced", sha256(SLEEP), None)


def test_several_processes_of_one_image_are_one_record(spawn, program):
    pids = [spawn([program, "99"]).pid for _number in range(3)]
    (record,) = collect(Target(), pids=pids)["items"]
    assert record["pids"] == sorted(pids)


def test_an_image_whose_first_process_ends_is_read_through_the_next(spawn, program, monkeypatch):
    first, second = spawn([program, "99"]), spawn([program, "99"])
    real = executables.digest_all

    def digest_all(*arguments):
        first.kill()
        first.wait()
        if os.path.exists(program):
            os.unlink(program)
        return real(*arguments)

    monkeypatch.setattr(executables, "digest_all", digest_all)
    section = collect(Target(), pids=[first.pid, second.pid])
    (record,) = section["items"]
    assert record["sha256"] == sha256(SLEEP)
    assert [error for error in section["errors"] if "hash" in error["what"]] == []


def test_an_image_whose_processes_all_end_is_read_through_its_path_or_left_out_without_an_error(spawn, program, monkeypatch):
    real, lost = executables.digest_all, []

    def digest_all(*arguments):
        child.kill()
        child.wait()
        if lost and os.path.exists(program):
            os.unlink(program)
        return real(*arguments)

    monkeypatch.setattr(executables, "digest_all", digest_all)
    for expected in (1, 0):
        child = spawn([program, "99"])
        section = collect(Target(), pids=[child.pid])
        assert len(section["items"]) == expected
        assert [error for error in section["errors"] if "hash" in error["what"]] == []
        lost.append(True)


def test_checksums_on_request(spawn):
    record = only(spawn([SLEEP, "99"]), checksums=["md5", "sha1"])
    with open(SLEEP, "rb") as stream:
        data = stream.read()
    assert (record["md5"], record["sha1"]) == (hashlib.md5(data).hexdigest(), hashlib.sha1(data).hexdigest())


def test_a_limit_of_size_is_an_error_that_says_so(spawn, program):
    child = spawn([program, "99"])
    section = collect(Target(), pids=[child.pid], max_file_size=100)
    assert section["items"][0]["sha256"] is None
    (error,) = [error for error in section["errors"] if error["what"] == "hash of an executable"]
    assert error["reason"] == "is larger than max_file_size: %d bytes" % os.stat(SLEEP).st_size
    assert error["subjects"] == [program]


def test_files_by_name(program, tmp_path, packaged):
    os.symlink(SLEEP, str(tmp_path / "link"))
    os.mkfifo(str(tmp_path / "fifo"))
    asked = [program, str(tmp_path / "link"), str(tmp_path / "fifo"), str(tmp_path / "none"), "relative", "/nul\0", SLEEP]
    section = collect(Target(), paths=asked)
    found = {record["path"]: record for record in section["items"]}
    assert sorted(found) == sorted([program, str(tmp_path / "link"), str(tmp_path / "fifo"), SLEEP])
    assert all(record["state"] == "file" and record["pids"] == [] for record in found.values())
    assert found[program]["same_as"] == SLEEP
    assert found[str(tmp_path / "link")]["package"] == found[SLEEP]["package"] == packaged.package
    assert found[str(tmp_path / "fifo")]["sha256"] is None
    reasons = {error["reason"]: error["subjects"] for error in section["errors"]}
    assert reasons["No such file or directory"] == [str(tmp_path / "none")]
    assert reasons["is not an absolute path"] == ["relative", "/nul\0"]
    assert reasons["is a fifo, not a regular file"] == [str(tmp_path / "fifo")]


def test_a_path_through_links_says_where_it_leads(program, tmp_path):
    os.symlink(program, str(tmp_path / "one"))
    os.symlink("one", str(tmp_path / "two"))
    (record,) = collect(Target(), paths=[str(tmp_path / "two")])["items"]
    assert (record["path"], record["resolved_path"], record["inode"]) == (str(tmp_path / "two"), os.path.realpath(program), os.stat(program).st_ino)
    assert collect(Target(), paths=[program])["items"][0]["resolved_path"] is None


def test_a_folder_is_told_and_is_nobodys(tmp_path):
    section = collect(Target(), paths=[str(tmp_path)])
    (record,) = section["items"]
    assert (record["sha256"], record["package"], record["package_state"], record["same_as"]) == (None, None, "unknown", None)
    assert [error["reason"] for error in section["errors"]] == ["is a directory, not a regular file"]


def test_an_empty_file_is_no_copy_of_another(tree):
    tree.file("/usr/bin/empty", b"", 0o755)
    tree.file("/tmp/empty", b"", 0o4755)
    tree.file("/var/lib/dpkg/info/x.list", b"/usr/bin/empty\n")
    (record,) = collect(tree.target(), paths=["/tmp/empty"])["items"]
    assert (record["size"], record["sha256"], record["same_as"], record["is_setuid"]) == (0, hashlib.sha256().hexdigest(), None, True)


def test_links_group_and_mount(program):
    os.link(program, program + ".link")
    (record,) = collect(Target(), paths=[program])["items"]
    assert record["links"] == 2
    assert record["group"] == grp.getgrgid(os.stat(program).st_gid).gr_name
    point = record["mount_point"]
    assert os.path.ismount(point) and os.path.commonpath([point, os.path.realpath(program)]) == point
    assert record["mount_options"][0] in ("rw", "ro")
    assert os.statvfs(program).f_flag & os.ST_NOSUID == (os.ST_NOSUID if "nosuid" in record["mount_options"] else 0)


def test_filters(spawn, program):
    child = spawn([program, "99"])
    assert [record["path"] for record in collect(Target(), pids=[child.pid, 2**30])["items"]] == [program]
    section = collect(Target(), pids=[2**30])
    assert section["items"] == []
    assert next((error["what"], error["subjects"]) for error in section["errors"]) == ("process asked for", ["pid %d" % 2**30])
    assert program in [record["path"] for record in collect(Target(), users=[str(os.getuid())])["items"]]
    assert collect(Target(), users=["nobody-of-that-name"])["items"] == []


def test_limit_1_works_and_is_flagged():
    section = collect(Target(), limit=1)
    assert len(section["items"]) == 1
    assert section["limits"][0]["limit"] == 1
    assert section["limits"][0]["total"] > 1


def test_setuid_and_capabilities_of_a_file(as_root, program):
    os.chmod(program, 0o6755)
    (record,) = collect(Target(), paths=[program])["items"]
    assert (record["mode"], record["is_setuid"], record["is_setgid"], record["capabilities"]) == ("6755", True, True, None)
    if shutil.which("setcap") and subprocess.call(["setcap", "cap_net_raw+ep", program]) == 0:
        (record,) = collect(Target(), paths=[program])["items"]
        assert (record["capabilities"][:8], record["capabilities_text"]) == ("01000002", "cap_net_raw=ep")


# A host of files: the package says what the program was, processes run what the test puts there.


@pytest.fixture
def host(tree):
    """A host whose package ``tool`` owns the file that processes run; ``ship`` gives the package another digest."""
    place = tree.file("/usr/bin/tool", b"running", 0o755)

    def ship(data, paths=("/usr/bin/tool",)):
        digest = hashlib.md5(data).hexdigest().encode()
        tree.file("/var/lib/dpkg/info/tool.list", b"".join(path.encode() + b"\n" for path in paths))
        tree.file("/var/lib/dpkg/info/tool.md5sums", b"".join(digest + b"  " + path[1:].encode() + b"\n" for path in paths))
        tree.file("/var/lib/dpkg/status", b"Package: tool\nVersion: 1\n\n")

    ship(b"running")
    tree.place, tree.ship = place, ship
    return tree


def of(host, monkeypatch, state, started_at=None, is_foreign=False, mounted=(b"/", b"/")):
    """The record of an image in that state, whose running file is ``/running`` on a mount of the process's: what is mounted, and where."""
    running = host.file("/running", b"running")
    image = executables.Image(b"/usr/bin/tool", state, os.stat(str(running)), os.fsencode(str(host.place)))
    entry = executables.Running(image, image.status, [4242], started_at, is_foreign)
    folder = host.proc / "4242"
    folder.mkdir()
    (folder / "exe").symlink_to(running)
    descriptor = os.open(str(running), os.O_RDONLY)
    number = re.search(r"mnt_id:\s*(\d+)", Path("/proc/self/fdinfo/%d" % descriptor).read_text()).group(1).encode()
    os.close(descriptor)
    (folder / "mountinfo").write_bytes(b"%s 1 8:1 %s %s rw - ext4 /dev/sda1 rw\n" % (number, *mounted))
    own = host.proc / "self"
    own.mkdir()
    (own / "mountinfo").write_bytes(b"7 1 8:1 / / rw - ext4 /dev/sda1 rw\n8 7 0:5 / /usr/bin/tools rw - tmpfs none rw\n")
    monkeypatch.setattr(executables, "_running", lambda *_arguments: [entry])
    section = collect(host.target())
    return section["items"][0]


def test_the_packages_content_is_unchanged(host, monkeypatch):
    assert of(host, monkeypatch, "present")["package_state"] == "unchanged"


def test_another_content_is_changed(host, monkeypatch):
    host.ship(b"as shipped")
    record = of(host, monkeypatch, "present")
    assert (record["package"], record["package_state"], record["same_as"]) == ("tool", "changed", None)


def test_an_upgrade_while_it_ran_is_an_update(host, monkeypatch):
    host.place.write_bytes(b"newer")
    host.ship(b"newer")
    now = os.stat(str(host.place)).st_ctime
    assert of(host, monkeypatch, "replaced", started_at=now - 86400)["package_state"] == "updated"


def test_a_file_that_was_there_before_the_process_is_no_update(host, monkeypatch):
    """Somebody mounted his own program over it for himself."""
    host.place.write_bytes(b"genuine")
    host.ship(b"genuine")
    now = os.stat(str(host.place)).st_ctime
    record = of(host, monkeypatch, "replaced", started_at=now + 2 * 3600)
    assert (record["package_state"], record["path_sha256"]) == ("changed", hashlib.sha256(b"genuine").hexdigest())


@pytest.mark.parametrize(
    ("mounted", "state"),
    [((b"/usr", b"/usr"), "updated"), ((b"/home/evil", b"/usr/bin/tool"), "changed"), ((b"/home/bin", b"/usr/bin"), "changed"), ((b"/", b"/opt"), "changed")],
)
def test_who_mounts_his_program_over_a_packages_and_touches_that_is_no_update(host, monkeypatch, mounted, state):
    """A service may have the same folder mounted anew for itself, as read-only."""
    host.place.write_bytes(b"genuine")
    host.ship(b"genuine")
    now = os.stat(str(host.place)).st_ctime
    assert of(host, monkeypatch, "replaced", started_at=now - 60, mounted=mounted)["package_state"] == state


def test_a_replacement_that_is_not_the_packages_is_no_update(host, monkeypatch):
    host.place.write_bytes(b"evil")
    host.ship(b"as shipped")
    assert of(host, monkeypatch, "replaced", started_at=0.0)["package_state"] == "changed"


def test_a_package_without_digests_leaves_it_unknown(host, monkeypatch):
    (host.root / "var" / "lib" / "dpkg" / "info" / "tool.md5sums").unlink()
    assert of(host, monkeypatch, "present")["package_state"] == "unknown"


def test_what_runs_in_another_root_is_no_business_of_the_hosts_packages(host, monkeypatch):
    record = of(host, monkeypatch, "present", is_foreign=True)
    assert (record["package"], record["package_state"], record["same_as"]) == (None, "foreign", None)


def test_a_host_without_dpkg(host, monkeypatch):
    shutil.rmtree(str(host.root / "var"))
    assert of(host, monkeypatch, "present")["package_state"] == "unreadable"


def test_a_copy_of_a_program_that_was_tampered_with_is_no_copy_of_the_package(tree):
    tree.file("/usr/bin/ls", b"evil", 0o755)
    tree.file("/tmp/x", b"evil", 0o755)
    tree.file("/var/lib/dpkg/info/coreutils.list", b"/usr/bin/ls\n")
    tree.file("/var/lib/dpkg/info/coreutils.md5sums", hashlib.md5(b"genuine").hexdigest().encode() + b"  usr/bin/ls\n")
    (record,) = collect(tree.target(), paths=["/tmp/x"])["items"]
    assert (record["package_state"], record["same_as"]) == ("unowned", None)
    tree.file("/usr/bin/ls", b"genuine", 0o755)
    tree.file("/tmp/x", b"genuine", 0o755)
    (record,) = collect(tree.target(), paths=["/tmp/x"])["items"]
    assert (record["same_as"], record["same_as_package"]) == ("/usr/bin/ls", "coreutils")


def test_a_packages_path_that_has_another_program_says_which(tree):
    for path, shipped in (("/usr/bin/pr", b"pr"), ("/usr/bin/bash", b"a shell")):
        tree.file(path, b"a shell", 0o755)
        package = path.rpartition("/")[2]
        tree.file("/var/lib/dpkg/info/%s.list" % package, path.encode() + b"\n")
        tree.file("/var/lib/dpkg/info/%s.md5sums" % package, hashlib.md5(shipped).hexdigest().encode() + b"  " + path[1:].encode() + b"\n")
    (record,) = collect(tree.target(), paths=["/usr/bin/pr"])["items"]
    assert (record["package"], record["package_state"]) == ("pr", "changed")
    assert (record["same_as"], record["same_as_package"]) == ("/usr/bin/bash", "bash")


def test_an_unowned_program_is_no_copy_of_itself(tree):
    tree.file("/usr/bin/mine", b"mine", 0o755)
    tree.file("/var/lib/dpkg/info/other.list", b"/usr/bin/other\n")
    (record,) = collect(tree.target(), paths=["/usr/bin/mine"])["items"]
    assert (record["package_state"], record["same_as"]) == ("unowned", None)


def test_a_thousand_copies_ask_the_database_twice(tree, monkeypatch):
    tree.file("/usr/bin/sleep", b"sleep", 0o755)
    tree.file("/var/lib/dpkg/info/coreutils.list", b"/usr/bin/sleep\n")
    for number in range(100):
        tree.file("/tmp/%d" % number, b"sleep", 0o755)
    asked, real = [], dpkg.find_owners

    def find_owners(*arguments):
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(dpkg, "find_owners", find_owners)
    section = collect(tree.target(), paths=["/tmp/%d" % number for number in range(100)])
    assert {record["same_as"] for record in section["items"]} == {"/usr/bin/sleep"}
    assert len(asked) == 2


def test_a_daemon_in_a_chroot_is_still_its_packages(as_root, tmp_path, spawn, python):
    child = python("os.chroot(%r); os.chdir('/')" % str(tmp_path))
    assert only(child)["package_state"] != "foreign"


def test_a_process_whose_first_thread_ended_is_hashed_through_another(python):
    code = "import ctypes\nthreading.Thread(target=time.sleep, args=(60,)).start()\nprint('ready', flush=True)\nctypes.CDLL(None).pthread_exit(None)"
    child = python(code, said=True)
    deadline = time.monotonic() + 10
    while os.path.exists("/proc/%d/exe" % child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    record = only(child)
    assert record["sha256"] == sha256(sys.executable)
    assert record["mount_point"]
