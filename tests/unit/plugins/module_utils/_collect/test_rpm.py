# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of RPM: a real package in a real database, beside what rpm itself says of it; and programs in rpm's place."""

import hashlib
import os
import shutil
import subprocess
import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import packages, rpm, trusted_program
from ansible_collections.incident.response.plugins.module_utils._collect.executables import Image, Running, collect
from ansible_collections.incident.response.plugins.module_utils._collect.packages import Owner, find_owners, package_manager
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder

SPEC = """
Name: irl-%(name)s
Version: %(version)s
Release: 3
Epoch: 4
Summary: A package of the tests
License: none
BuildArch: noarch
AutoReqProv: no
%%description
%%install
mkdir -p %%{buildroot}/usr/bin %%{buildroot}/usr/sbin %%{buildroot}/etc "%%{buildroot}/usr/lib/irl-%(name)s"
printf '%(content)s' >%%{buildroot}/usr/bin/irl-%(name)s
printf admin >%%{buildroot}/usr/sbin/irl-%(name)s-admin
touch "%%{buildroot}/usr/lib/irl-%(name)s/ a %%%%n [x] "
chmod 755 %%{buildroot}/usr/bin/*
printf conf >%%{buildroot}/etc/irl-%(name)s.conf
touch %%{buildroot}/usr/bin/irl-%(name)s-ghost
%%files
/usr/bin/irl-%(name)s
/usr/sbin/irl-%(name)s-admin
/usr/lib/irl-%(name)s
%%config /etc/irl-%(name)s.conf
%%ghost /usr/bin/irl-%(name)s-ghost
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def built(folder, name, content, version="1.2", define=()):
    """Build a package, and return its file."""
    folder.mkdir(parents=True)
    spec = folder / "x.spec"
    spec.write_text(SPEC % {"name": name, "version": version, "content": content})
    command = ["rpmbuild", "-bb", "--define", "_topdir %s/top" % folder]
    for words in define:
        command += ["--define", words]
    done = subprocess.run(command + [str(spec)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()
    (package,) = (folder / "top" / "RPMS").rglob("*.rpm")
    return str(package)


def install(tree, package, name, content):
    """Put a package into the database, and its files into the tree: unpacking them takes root, and a chroot."""
    folder = tree.root / "var" / "lib" / "rpm"
    if not folder.is_dir():
        folder.mkdir(parents=True)
    command = ["rpm", "--dbpath", str(folder), "-U", "--justdb", "--nodeps", "--noscripts", package]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()
    for path, data in (("bin/irl-%s", content), ("sbin/irl-%s-admin", b"admin"), ("lib/irl-%s/ a %%n [x] ", b""), ("../etc/irl-%s.conf", b"conf")):
        tree.file("/usr/" + path % name, data, 0o755)


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    if not shutil.which("rpmbuild"):
        pytest.skip("rpmbuild is not installed")
    return built(tmp_path_factory.mktemp("rpm") / "tool", "tool", "tool")


@pytest.fixture
def host(tree, tool):
    """A host with a package of RPM and the machine's own rpm."""
    install(tree, tool, "tool", b"tool")
    (tree.root / "usr" / "bin" / "rpm").symlink_to(shutil.which("rpm"))
    tree.file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    tree.file("/etc/group", b"root:x:0:\n")
    return tree


def owners_of(tree, *paths):
    builder = SectionBuilder(10)
    return find_owners(tree.target(), [os.fsencode(path) for path in paths], builder), builder.finish()["errors"]


def test_owner_version_and_digest_are_rpms_own(host):
    owners, errors = owners_of(host, "/usr/bin/irl-tool", "/usr/sbin/irl-tool-admin", "/etc/irl-tool.conf", "/usr/bin/sleep", "/nowhere/x")
    assert errors == []
    assert owners == {
        b"/usr/bin/irl-tool": Owner("irl-tool", "4:1.2-3", sha256(b"tool"), "sha256"),
        b"/usr/sbin/irl-tool-admin": Owner("irl-tool", "4:1.2-3", sha256(b"admin"), "sha256"),
        b"/etc/irl-tool.conf": Owner("irl-tool", "4:1.2-3", sha256(b"conf"), "sha256"),
    }


def test_hostile_paths_confuse_nobody(host, tmp_path):
    canary = tmp_path / "canary"
    hostile = [
        b"/tmp/-x",
        b"/--eval=%%(touch %s)" % os.fsencode(str(canary)),
        b"/tmp/%%(touch %s)" % os.fsencode(str(canary)),
        b"/tmp/a\n1\nfile x is not owned by any package\n1",
        b"/tmp/\nerror: cannot open Packages database",
        b"/tmp/\xff\xfe",
        b"/usr/bin/irl-tool\n",
        b"/tmp/*",
        b"/tmp/" + b"x" * 4000,
        b"relative",
        b"/nul\0",
        b"",
    ]
    odd = b"/usr/lib/irl-tool/ a %n [x] "
    builder = SectionBuilder(10)
    owners = find_owners(host.target(), hostile + [odd], builder)
    assert builder.finish()["errors"] == []
    assert {path: owner.package for path, owner in owners.items()} == {odd: "irl-tool"}
    assert not canary.exists()


def test_more_paths_than_one_command_takes(host, monkeypatch):
    monkeypatch.setattr(rpm, "_BATCH_BYTES", 64)
    owners, _errors = owners_of(host, "/usr/bin/irl-tool", *["/opt/%040d" % number for number in range(20)])
    assert list(owners) == [b"/usr/bin/irl-tool"]


def test_a_file_may_have_another_name_through_a_link_of_folders(host):
    """As where /usr/sbin became a link to /usr/bin, and packages know both."""
    (host.root / "usr" / "sbin" / "irl-tool-admin").rename(host.root / "usr" / "bin" / "irl-tool-admin")
    (host.root / "usr" / "sbin").rmdir()
    (host.root / "usr" / "sbin").symlink_to("bin")
    (host.root / "bin").symlink_to("usr/bin")
    places = rpm._Places(host.target(), [b"/usr/bin/irl-tool-admin", b"/bin/irl-tool"])
    assert places.named(b"/usr/sbin/irl-tool-admin") == {b"/usr/bin/irl-tool-admin"}
    assert places.named(b"/usr/bin/irl-tool") == {b"/bin/irl-tool"}
    assert places.named(b"/usr/lib/irl-tool-admin") == set()


def test_states_of_a_file(host):
    """Unchanged, changed, gone from its package, and a copy: what rpm itself says as well."""
    host.file("/opt/copy", b"tool", 0o755)
    host.file("/opt/mine", b"mine", 0o755)
    found = {record["path"]: record for record in collect(host.target(), paths=["/usr/bin/irl-tool", "/opt/copy", "/opt/mine"])["items"]}
    assert [found[path]["package_state"] for path in ("/usr/bin/irl-tool", "/opt/copy", "/opt/mine")] == ["unchanged", "unowned", "unowned"]
    assert (found["/usr/bin/irl-tool"]["package"], found["/usr/bin/irl-tool"]["package_version"]) == ("irl-tool", "4:1.2-3")
    assert (found["/opt/copy"]["same_as"], found["/opt/copy"]["same_as_package"]) == ("/usr/bin/irl-tool", "irl-tool")
    assert found["/opt/mine"]["same_as"] is None
    host.file("/usr/bin/irl-tool", b"evil", 0o755)
    host.file("/usr/bin/irl-tool-ghost", b"", 0o755)
    found = {record["path"]: record for record in collect(host.target(), paths=["/usr/bin/irl-tool", "/usr/bin/irl-tool-ghost", "/opt/copy"])["items"]}
    assert found["/usr/bin/irl-tool"]["package_state"] == "changed"
    assert found["/usr/bin/irl-tool-ghost"]["package_state"] == "unknown"
    assert found["/opt/copy"]["same_as"] is None


def test_an_upgrade_while_it_ran_is_an_update(host, tmp_path, monkeypatch):
    running = host.file("/running", b"tool")
    install(host, built(tmp_path / "newer", "tool", "newer", version="1.3"), "tool", b"newer")
    place = host.root / "usr" / "bin" / "irl-tool"
    image = Image(b"/usr/bin/irl-tool", "replaced", os.stat(str(running)), os.fsencode(str(place)))
    entry = Running(image, image.status, [4242], 0.0, False)
    folder = host.process(4242, links={"exe": str(running)})
    with open(str(running)) as stream, open("/proc/self/fdinfo/%d" % stream.fileno()) as about:
        (number,) = [line.split()[1] for line in about if line.startswith("mnt_id:")]
    (host.proc / "self").mkdir()
    for process in (folder, host.proc / "self"):
        (process / "mountinfo").write_text("%s 1 8:1 / / rw - ext4 /dev/sda1 rw\n" % number)
    monkeypatch.setattr("%s._running" % collect.__module__, lambda *_arguments: [entry])
    (record,) = collect(host.target())["items"]
    assert (record["package_state"], record["package_version"], record["sha256"]) == ("updated", "4:1.3-3", sha256(b"tool"))
    place.write_bytes(b"evil")
    (record,) = collect(host.target())["items"]
    assert record["package_state"] == "changed"


def test_rpm_verify_says_the_same(as_root, host, tool):
    def verified():
        folder = ["rpm", "--root", str(host.root), "--dbpath", "/var/lib/rpm", "-V", "--nodeps", "irl-tool"]
        lines = subprocess.run(folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode().splitlines()
        return {line.split()[-1] for line in lines if line[2] == "5"}

    paths = ["/usr/bin/irl-tool", "/usr/sbin/irl-tool-admin", "/etc/irl-tool.conf"]

    def ours():
        return {record["path"] for record in collect(host.target(), paths=paths)["items"] if record["package_state"] == "changed"}

    assert ours() == verified() == set()
    host.file("/usr/sbin/irl-tool-admin", b"ADMIN")
    host.file("/etc/irl-tool.conf", b"mine")
    assert ours() == verified() == {"/usr/sbin/irl-tool-admin", "/etc/irl-tool.conf"}


def test_rpm_file_says_the_same(host):
    paths = ["/usr/bin/irl-tool", "/usr/lib/irl-tool", "/etc/irl-tool.conf", "/usr/bin/env"]
    command = ["rpm", "--dbpath", str(host.root / "var" / "lib" / "rpm"), "-qf", "--queryformat", "%{NAME} %{EVR}\n", "--"]
    lines = subprocess.run(command + paths, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode().splitlines()
    owners, _errors = owners_of(host, *paths)
    shown = [line if "not owned" not in line else None for line in lines]
    assert shown == [("%s %s" % owners[os.fsencode(path)][:2] if os.fsencode(path) in owners else None) for path in paths]


def test_older_packages_have_md5(tree, tmp_path, tool):
    install(tree, built(tmp_path / "old", "old", "old", define=["_binary_filedigest_algorithm 1"]), "old", b"old")
    (tree.root / "usr" / "bin" / "rpm").symlink_to(shutil.which("rpm"))
    owners, _errors = owners_of(tree, "/usr/bin/irl-old")
    assert owners[b"/usr/bin/irl-old"] == Owner("irl-old", "4:1.2-3", hashlib.md5(b"old").hexdigest(), "md5")
    (record,) = collect(tree.target(), paths=["/usr/bin/irl-old"])["items"]
    assert record["package_state"] == "unchanged"


def test_asking_leaves_nothing(host, as_root):
    folder = host.root / "var" / "lib" / "rpm"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    owners_of(host, "/usr/bin/irl-tool")
    assert {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")} == before


def test_dpkg_comes_first_where_it_has_packages(host):
    assert package_manager(host.target()) == "rpm"
    host.file("/var/lib/dpkg/status")
    (host.root / "var" / "lib" / "dpkg" / "info").mkdir()
    assert package_manager(host.target()) == "rpm"
    host.file("/var/lib/dpkg/info/irl.list", b"/usr/bin/irl-tool\n")
    assert package_manager(host.target()) == "dpkg"
    owners, _errors = owners_of(host, "/usr/bin/irl-tool")
    assert owners == {b"/usr/bin/irl-tool": Owner("irl", None, None)}


def test_a_damaged_database_is_said_and_nothing_is_called_unowned(host):
    for path in (host.root / "var" / "lib" / "rpm").iterdir():
        path.write_bytes(b"garbage" * 1000)
    section = collect(host.target(), paths=["/usr/bin/irl-tool"])
    assert section["items"][0]["package_state"] == "unreadable"
    assert [error["what"] for error in section["errors"]] == ["package database"]


def test_no_package_manager_is_said(tree):
    tree.file("/usr/bin/x", b"x", 0o755)
    section = collect(tree.target(), paths=["/usr/bin/x"])
    assert section["items"][0]["package_state"] == "unreadable"
    assert "package ownership" in [error["what"] for error in section["errors"]]


# A program in rpm's place.


def placed(tree, text, mode=0o755):
    tree.file("/var/lib/rpm/rpmdb.sqlite", b"x")
    return tree.file("/usr/bin/rpm", b"#!/bin/sh\n" + text.encode(), mode)


@pytest.fixture
def trusting(monkeypatch):
    """Folders of the tests belong to whoever runs them."""
    monkeypatch.setattr(rpm, "why_not_trusted", lambda _path: "")


def test_a_program_that_others_can_write_is_not_started(tree, tmp_path):
    placed(tree, "touch %s/started" % tmp_path, 0o777)
    owners, errors = owners_of(tree, "/usr/bin/x")
    assert owners is None
    assert "so rpm was not started" in errors[0]["reason"]
    assert not (tmp_path / "started").exists()


def test_a_database_without_a_program_to_read_it(tree):
    placed(tree, "").unlink()
    owners, errors = owners_of(tree, "/usr/bin/x")
    assert (owners, errors[0]["reason"]) == (None, "there is no /usr/bin/rpm to read RPM's database with")


def test_one_that_hangs_is_ended(tree, trusting, monkeypatch, tmp_path):
    monkeypatch.setattr(rpm, "_SECONDS", 0.3)
    placed(tree, "echo $$ >%s/pid; exec sleep 60" % tmp_path)
    began = time.monotonic()
    owners, errors = owners_of(tree, "/usr/bin/x")
    assert (owners, errors[0]["reason"]) == (None, "rpm took longer than 0.3 s")
    assert time.monotonic() - began < 5
    assert not os.path.exists("/proc/%s" % (tmp_path / "pid").read_text().strip())


@pytest.mark.parametrize("stream", [1, 2])
def test_one_that_floods_is_ended(tree, trusting, monkeypatch, stream):
    monkeypatch.setattr(rpm, "_MOST_BYTES", 1 << 17)
    monkeypatch.setattr(rpm, "_SECONDS", 1.0)
    placed(tree, "exec yes 1 >&%d" % stream)
    owners, errors = owners_of(tree, "/usr/bin/x")
    assert owners is None
    assert errors[0]["reason"] == ("rpm said more than 131072 bytes" if stream == 1 else "rpm took longer than 1 s")


@pytest.mark.parametrize("said", ["", "//\\n//\\n", "P//a//b//\\nF//\\n//", "F//0//x", "P//n//v//99//\\nF//0//aa///usr/bin/x//\\n"])
def test_garbage_is_no_owner_that_matches(tree, trusting, said):
    placed(tree, "case \"$*\" in *DBINSTANCE*) echo 7;; *) printf '%s';; esac" % said)
    tree.file("/usr/bin/x", b"x", 0o755)
    (record,) = collect(tree.target(), paths=["/usr/bin/x"])["items"]
    assert record["package_state"] == ("unknown" if "99" in said else "unowned")


def test_it_is_started_with_a_clean_environment(tree, trusting, monkeypatch, tmp_path):
    monkeypatch.setenv("RPM_CONFIGDIR", str(tmp_path))
    monkeypatch.setenv("LD_PRELOAD", "")
    placed(tree, "/usr/bin/env >%s/env" % tmp_path)
    owners_of(tree, "/usr/bin/x")
    lines = (tmp_path / "env").read_text().splitlines()
    assert {line for line in lines if not line.startswith(("PWD=", "SHLVL=", "_="))} == {"%s=%s" % item for item in trusted_program.ENVIRONMENT.items()}
    assert packages.rpm_folder(tree.target()) == "/var/lib/rpm"
