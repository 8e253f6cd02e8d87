# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package ownership, from databases of their own: merged /usr, diversions, missing and hostile files; and dpkg's own answer."""

import os
import resource
import subprocess

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import dpkg
from ansible_collections.incident.response.plugins.module_utils._collect.dpkg import find_owners
from ansible_collections.incident.response.plugins.module_utils._collect.packages import Owner, aliases
from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

MD5 = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
STATUS = b"Package: %s\nStatus: install ok installed\nArchitecture: %s\nVersion: %s\n\n"


class Database:
    def __init__(self, tree):
        self._tree = tree
        self.status = b""
        tree.file("/var/lib/dpkg/status")

    def package(self, name, *paths, **about):
        base, _colon, architecture = name.partition(":")
        self._tree.file("/var/lib/dpkg/info/%s.list" % name, b"/.\n" + b"".join(os.fsencode(path) + b"\n" for path in paths))
        if about.get("md5", MD5):
            lines = ["%s  %s\n" % (about.get("md5", MD5), path.lstrip("/")) for path in paths]
            self._tree.file("/var/lib/dpkg/info/%s.md5sums" % name, os.fsencode("".join(lines)))
        self.status += STATUS % (base.encode(), (architecture or "amd64").encode(), about.get("version", b"1.0"))
        self._tree.file("/var/lib/dpkg/status", self.status)

    def owners(self, *paths):
        builder = SectionBuilder(10)
        found = find_owners(self._tree.target(), [os.fsencode(path) for path in paths], builder)
        return None if found is None else {os.fsdecode(path): owner for path, owner in found.items()}, builder.finish()["errors"]


@pytest.fixture
def database(tree):
    return Database(tree)


@pytest.mark.parametrize(
    "path, names",
    [
        (b"/bin/su", [b"/bin/su", b"/usr/bin/su"]),
        (b"/usr/bin/su", [b"/usr/bin/su", b"/bin/su"]),
        (b"/usr/lib64/x", [b"/usr/lib64/x", b"/lib64/x"]),
        (b"/usr/local/bin/x", [b"/usr/local/bin/x"]),
        (b"/opt/bin/x", [b"/opt/bin/x"]),
        (b"/usrx/bin/x", [b"/usrx/bin/x"]),
    ],
)
def test_aliases_of_a_merged_usr(path, names):
    assert aliases(path) == names


@pytest.mark.parametrize("known, asked", [("/bin/su", "/usr/bin/su"), ("/usr/bin/su", "/bin/su"), ("/usr/bin/su", "/usr/bin/su")])
def test_a_package_may_know_a_file_by_either_name(database, known, asked):
    database.package("util-linux", known)
    owners, errors = database.owners(asked)
    assert owners == {asked: Owner("util-linux", "1.0", MD5)}
    assert errors == []


def test_both_names_asked_for_have_both_an_owner(database):
    database.package("util-linux", "/bin/su")
    owners, _errors = database.owners("/bin/su", "/usr/bin/su")
    assert {path: owner.package for path, owner in owners.items()} == {"/bin/su": "util-linux", "/usr/bin/su": "util-linux"}


def test_what_no_package_has(database):
    database.package("coreutils", "/bin/ls")
    assert database.owners("/bin/lsx", "/tmp/bin/ls", "/bin", "", "/bin/ls\n")[0] == {}


def test_several_architectures_have_their_own_version(database):
    database.package("libc6:i386", "/lib/ld-linux.so.2", version=b"2.36-1")
    database.package("libc6:amd64", "/lib64/ld-linux-x86-64.so.2", version=b"2.36-2")
    owners, _errors = database.owners("/usr/lib64/ld-linux-x86-64.so.2", "/usr/lib/ld-linux.so.2")
    assert owners["/usr/lib64/ld-linux-x86-64.so.2"] == Owner("libc6", "2.36-2", MD5)
    assert owners["/usr/lib/ld-linux.so.2"] == Owner("libc6", "2.36-1", MD5)


def test_a_file_without_a_digest_is_owned_nevertheless(database):
    database.package("cloud", "/etc/cron.d/x", "/usr/bin/x", md5=None)
    owners, errors = database.owners("/usr/bin/x")
    assert owners == {"/usr/bin/x": Owner("cloud", "1.0", None)}
    assert errors == []


@pytest.fixture
def diverted(tree, database):
    """Bash's sh, put aside for dash's own."""
    database.package("bash", "/bin/sh", md5=OTHER)
    database.package("dash", "/bin/sh", "/bin/dash")
    tree.file("/var/lib/dpkg/diversions", b"/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/vi\n/usr/bin/vi.real\n:\n")
    return database


def test_a_diverted_file_is_its_packages_at_the_place_it_was_diverted_to(diverted):
    owners, _errors = diverted.owners("/usr/bin/sh.distrib")
    assert owners == {"/usr/bin/sh.distrib": Owner("bash", "1.0", OTHER)}


def test_what_stands_in_its_place_is_the_diverting_packages(diverted):
    owners, _errors = diverted.owners("/usr/bin/sh", "/bin/sh.distrib")
    assert owners == {"/usr/bin/sh": Owner("dash", "1.0", MD5), "/bin/sh.distrib": Owner("bash", "1.0", OTHER)}


def test_what_the_administrator_put_in_its_place_is_nobodys(diverted):
    diverted.package("vim", "/usr/bin/vi")
    owners, _errors = diverted.owners("/usr/bin/vi", "/usr/bin/vi.real")
    assert owners == {"/usr/bin/vi.real": Owner("vim", "1.0", MD5)}


def test_names_that_are_not_utf8_harm_nobody(tree, database):
    database.package("coreutils", "/bin/ls", "/bin/" + os.fsdecode(b"\xff"))
    info = os.fsencode(str(tree.root)) + b"/var/lib/dpkg/info/"
    os.symlink("/dev/zero", info + b"\xff.list")
    owners, errors = database.owners("/bin/ls", "/bin/" + os.fsdecode(b"\xff"))
    assert len(owners) == 2
    assert [(error["reason"], error["subjects"]) for error in errors] == [("is a link, not a regular file", ["\\xff.list"])]


def test_a_fifo_for_a_database_is_not_waited_for(tree, database):
    database.package("coreutils", "/bin/ls")
    for name in ("info/x.list", "info/coreutils.md5sums", "diversions"):
        place = tree.root / "var" / "lib" / "dpkg" / name
        if place.exists():
            place.unlink()
        os.mkfifo(str(place))
    owners, errors = database.owners("/bin/ls")
    assert owners == {"/bin/ls": Owner("coreutils", "1.0", None)}
    assert [(error["what"], error["subjects"]) for error in errors] == [
        ("diversions of packages", ["diversions"]),
        ("digests of packages", ["coreutils.md5sums"]),
        ("package database", ["x.list"]),
    ]


def test_a_database_that_is_too_large_is_cut_and_that_is_said(database, monkeypatch):
    monkeypatch.setattr(dpkg, "_LARGEST", 50)
    database.package("a", "/bin/ls", md5=None)
    database.package("b", *["/usr/share/%d" % number for number in range(100)], md5=None)
    owners, errors = database.owners("/bin/ls")
    assert list(owners) == ["/bin/ls"]
    assert [error["subjects"] for error in errors if error["what"] == "package database"] == [["b.list"]]


def test_all_lists_together_have_a_limit(database, monkeypatch):
    monkeypatch.setattr(dpkg, "_MOST_BYTES", 100)
    for name in "abc":
        database.package(name, "/bin/" + name, "/usr/share/" + "x" * 40, md5=None)
    owners, errors = database.owners("/bin/a", "/bin/c")
    assert list(owners) == ["/bin/a"]
    assert [error["reason"] for error in errors] == ["is larger than 100 bytes, the rest was not read"]


def test_lines_are_found_on_both_sides_of_a_block(database, monkeypatch):
    monkeypatch.setattr(dpkg, "_BLOCK", 16)
    paths = ["/usr/bin/%s" % ("x" * number) for number in range(1, 40)]
    database.package("many", *paths)
    owners, errors = database.owners(*paths)
    assert {path: owner.digest for path, owner in owners.items()} == dict.fromkeys(paths, MD5)
    assert errors == []


def test_a_file_of_line_ends_takes_no_memory(tree, database):
    """A list of all lines of 64 MiB would be half a gigabyte."""
    database.package("coreutils", "/bin/ls")
    for name in ("info/x.list", "info/coreutils.md5sums", "diversions", "status"):
        with open(str(tree.file("/var/lib/dpkg/" + name)), "wb") as stream:
            stream.write(b"\n" * (1 << 24))
    limit = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as stream:
        used = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), limit[1]))
    try:
        owners, _errors = database.owners("/bin/ls")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    assert owners == {"/bin/ls": Owner("coreutils", None, None)}


def test_configuration_files_have_their_digest_in_the_status(tree, database):
    database.package("cron", "/etc/init.d/cron", "/etc/cron.d/other", md5=None)
    lines = b" /etc/init.d/cron %s\n /etc/cron.d/other %s obsolete\n /etc/init.d/cron-x %s\n" % (MD5.encode(), OTHER.encode(), OTHER.encode())
    tree.file("/var/lib/dpkg/status", database.status.rstrip(b"\n") + b"\nConffiles:\n" + lines + b"Description: x\n\n")
    owners, _errors = database.owners("/etc/init.d/cron", "/etc/cron.d/other")
    assert {path: owner.digest for path, owner in owners.items()} == {"/etc/init.d/cron": MD5, "/etc/cron.d/other": OTHER}


def test_garbage_for_a_database(tree):
    for name in ("info/x.list", "info/x.md5sums", "status", "diversions"):
        tree.file("/var/lib/dpkg/" + name, b"%s\n\0\xff\n\n\n  \n:::\nPackage\nPackage: \n\n" % (b"/bin/cat" if name == "diversions" else b"/bin/ls"))
    owners, _errors = Database.owners(_of(tree), "/bin/ls")
    assert owners == {"/bin/ls": Owner("x", None, None)}


def _of(tree):
    database = Database.__new__(Database)
    database._tree = tree
    return database


def test_no_database(tree):
    owners, errors = Database.owners(_of(tree), "/bin/ls")
    assert owners is None
    assert [error["subjects"] for error in errors] == [["/var/lib/dpkg/info"]]


@pytest.mark.parametrize("path", ["/bin/sleep", "/usr/bin/env", "/bin/sh"])
def test_dpkg_says_the_same(path):
    real = os.path.realpath(path)
    for name in aliases(os.fsencode(real)):
        try:
            answer = subprocess.check_output(["dpkg-query", "--search", os.fsdecode(name)], stderr=subprocess.DEVNULL).decode()
            break
        except (OSError, subprocess.CalledProcessError):
            answer = ""
    if not answer:
        pytest.skip("dpkg knows nothing of %s here" % path)
    packages = {line.split(":")[0] for line in answer.splitlines() if not line.startswith("diversion")}
    owner = find_owners(Target(), [os.fsencode(real)], SectionBuilder(1))[os.fsencode(real)]
    assert owner.package in packages
    version = subprocess.check_output(["dpkg-query", "--show", "--showformat", "${Version}", owner.package]).decode()
    assert owner.version == version
