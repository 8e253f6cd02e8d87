# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: the bytes of running images and of files, brought into the case as they were, or refused with the reason."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness.ansible import Ansible
from harness.case_folder import CaseFolder
from harness.declared import evidence_departures, section_departures
from harness.planting import CANARY
from incident_lab.fleet import Fleet
from incident_lab.host import Host
from incident_lab.rootfs import PLAIN_USER

_PLACE = "/var/tmp/irl-evidence"
_ODD = f"{_PLACE}/-rf\n$(touch canary) 'ü\" "
_NAMED = (f"{_PLACE}/large", f"{_PLACE}/medium", f"{_PLACE}/empty", f"{_PLACE}/script", _ODD, "/usr/bin/env")
_REFUSED = {
    f"{_PLACE}/sparse": "is larger than max_file_size: 8589934592 bytes",
    f"{_PLACE}/fifo": "is a fifo, not a regular file",
    f"{_PLACE}/link": "a link of uid",
    f"{_PLACE}/gone": "No such file or directory",
    f"{_PLACE}/growing": "was changed after it was hashed: its size is another one",
}
# Prints JSON: the pid of each program by its name, and the digest of each file by its path.
_PLANT = r"""
import hashlib, json, os, pwd, shutil, subprocess, sys, time
quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
place, user, odd = json.loads(sys.argv[1])
account = pwd.getpwnam(user)
os.makedirs(place)
os.chmod(place, 0o1777)
sleep = os.path.realpath("/bin/sleep")

def program(name):
    # The same program with something behind its end: content of its own.
    path = os.path.join(place.encode(), name)
    shutil.copy(sleep, path)
    with open(path, "ab") as stream:
        stream.write(name)
    return path

def start(path, as_user, argv0=None):
    def become():
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    pid = subprocess.Popen([argv0 or path, "900"], executable=path, preexec_fn=become if as_user else None, **quiet).pid
    while os.stat("/proc/%d/exe" % pid).st_ino != os.stat(path).st_ino:
        time.sleep(0.01)
    return pid

images = {}
for name, as_user in ((b"root-deleted", False), (b"user-deleted", True), (b"byte-\xff-deleted", True), (b"replaced", True)):
    path = program(name)
    images[name.decode("utf-8", "backslashreplace")] = start(path, as_user)
    os.unlink(path)
    if name == b"replaced":
        shutil.copy(sleep, path)
with open(program(b"in-memory"), "rb") as stream:
    content = stream.read()
memory = os.memfd_create("irl", 0)
os.write(memory, content)
images["in-memory"] = start("/proc/%d/fd/%d" % (os.getpid(), memory), False, "[kworker/u8:2]")
growing = "import time\nwith open(%r, 'ab', 0) as stream:\n  while True:\n    stream.write(b'x'); time.sleep(0.001)" % (place + "/growing")
writer = subprocess.Popen([sys.executable, "-c", growing], **quiet).pid

def make(path, data, mode=0o644):
    with open(path, "wb") as stream:
        stream.write(data)
    os.chmod(path, mode)

make(place + "/large", os.urandom(10 << 20))
make(place + "/medium", os.urandom((3 << 20) + 1))
make(place + "/empty", b"")
make(place + "/script", b"#!/bin/sh\ntouch /tmp/incident-canary\n", 0o755)
make(odd, b"odd")
with open(place + "/sparse", "wb") as stream:
    stream.truncate(8 << 30)
os.mkfifo(place + "/fifo")
os.symlink("/etc/shadow", place + "/link")
os.lchown(place + "/link", account.pw_uid, account.pw_gid)

def digest(path):
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()

time.sleep(0.2)
files = [place + "/" + name for name in ("large", "medium", "empty", "script")] + [odd, "/usr/bin/env"]
print(json.dumps({
    "pids": images,
    "images": {name: digest("/proc/%d/exe" % pid) for name, pid in images.items()},
    "files": {path: digest(path) for path in files},
    "writer": writer,
}))
"""


class _Planted:
    """What is on a host: pid and SHA-256 of images by name, and SHA-256 of files by path."""

    def __init__(self, host: Host) -> None:
        self._host = host
        done = host.run(["/usr/bin/python3", "-I", "-c", _PLANT, json.dumps([_PLACE, PLAIN_USER, _ODD])])
        assert done.returncode == 0, done.stderr
        notes = json.loads(done.stdout)
        self.pids: dict[str, int] = notes["pids"]
        self.images: dict[str, str] = notes["images"]
        self.files: dict[str, str] = notes["files"]
        self._writer: int = notes["writer"]

    def remove(self) -> None:
        """Take it all away again."""
        self._host.run(["sh", "-c", f"kill -KILL {' '.join(map(str, (*self.pids.values(), self._writer)))}; rm -rf {_PLACE}"])


@pytest.fixture(scope="module")
def planted(fleet: Fleet) -> Iterator[Mapping[str, _Planted]]:
    """What there is to be retrieved, by host."""
    by_host = dict(zip((host.name for host in fleet.hosts), fleet.each(_Planted), strict=True))
    yield by_host
    for there in by_host.values():
        there.remove()


def _retrieve(ansible: Ansible, pattern: str, options: Mapping[str, Any], *words: str) -> tuple[dict[str, Any], CaseFolder]:
    case = {"retrieve": True, "case_dir": str(ansible.folder / "cases"), "case": "evidence"}
    return ansible.module(pattern, "incident.response.executable_facts", {**options, **case}, *words), ansible.case("evidence")


def _kept(case: CaseFolder, host: str) -> set[str]:
    """The names of the evidence of a host, each of which was checked: content, mode, and that nothing else is there."""
    names = set()
    for path in (case.path / "hosts" / host / "evidence").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o400
        names.add(path.name)
    return names


def _provenance(case: CaseFolder, host: str) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted((case.path / "hosts" / host).glob("evidence-*.jsonl")) for line in path.read_text("utf-8").splitlines()]


def _errors(result: Mapping[str, Any]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for error in result["ansible_facts"]["incident_executables"]["errors"]:
        for subject in error["subjects"]:
            errors.setdefault(subject, []).append(error["reason"])
    return errors


def test_files_and_images_of_all_hosts_at_once(fleet: Fleet, ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """Into one case, whole and as they were; what cannot be had is named; the run changes nothing; check mode does the same."""
    options = {"users": [PLAIN_USER], "paths": [*_NAMED, *_REFUSED]}
    for words in ((), ("--check",)):
        results, case = _retrieve(ansible, "lab", options, "-f", "3", *words)
        assert sorted(results) == [host.name for host in fleet.hosts]
        for name, result in results.items():
            there = planted[name]
            wanted = {there.images[image] for image in ("user-deleted", "byte-\\xff-deleted", "replaced")} | set(there.files.values())
            assert result["changed"] is False
            assert not section_departures("executables", result["ansible_facts"]["incident_executables"])
            assert {entry["sha256"] for entry in result["evidence"]} >= wanted
            assert _kept(case, name) == {entry["sha256"] for entry in result["evidence"]}
            by_path = {entry["path"]: entry for entry in result["evidence"]}
            assert {path: by_path[path]["sha256"] for path in there.files} == there.files
            errors = _errors(result)
            for path, reason in _REFUSED.items():
                assert any(reason in said for said in errors[path]), (path, errors)
    shadow = {hashlib.sha256((host.root / "etc/shadow").read_bytes()).hexdigest() for host in fleet.hosts}
    assert not shadow & {path.name for path in case.path.rglob("*")}
    assert not Path(CANARY).exists()
    assert len(case.head["runs"]) == 2
    case.verify()
    assert not evidence_departures(case)


def test_images_by_pid(ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """What is deleted, replaced, only in memory, or of bytes that are no text, with where it came from."""
    for name, there in planted.items():
        results, case = _retrieve(ansible, name, {"pids": list(there.pids.values())})
        assert {entry["pids"][0]: entry["sha256"] for entry in results[name]["evidence"]} == {pid: there.images[image] for image, pid in there.pids.items()}
        assert _kept(case, name) == set(there.images.values())
        records = {record["pids"][0]: record for record in _provenance(case, name)}
        states = {image: records[pid]["state"] for image, pid in there.pids.items()}
        assert states == {
            "root-deleted": "deleted",
            "user-deleted": "deleted",
            "byte-\\xff-deleted": "deleted",
            "replaced": "replaced",
            "in-memory": "memfd",
        }
        assert all(record["error"] is None and record["run"] == case.head["runs"][-1]["id"] for record in records.values())
        assert records[there.pids["byte-\\xff-deleted"]]["raw"]["path"]
    case.verify()


def test_account_without_root(ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """A plain account retrieves what it may read, and is told what it may not; with become it is root."""
    there = planted["d12"]
    options = {"pids": [there.pids["user-deleted"], there.pids["root-deleted"]], "paths": ["/etc/shadow", f"{_PLACE}/medium"]}
    results, case = _retrieve(ansible, "d12", options, "-e", f"ansible_user={PLAIN_USER}")
    assert _kept(case, "d12") == {there.images["user-deleted"], there.files[f"{_PLACE}/medium"]}
    errors = _errors(results["d12"])
    assert any("ermission denied" in reason for reason in errors["/etc/shadow"])
    assert any("ermission denied" in reason for reason in errors[f"pid {there.pids['root-deleted']}"])
    results, case = _retrieve(ansible, "d12", options, "-b", "-e", f"ansible_user={PLAIN_USER}")
    assert len(_kept(case, "d12")) == 4
    assert not results["d12"]["ansible_facts"]["incident_executables"]["errors"]
    case.verify()


def test_what_no_package_vouches_for(ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """Without saying which, what runs and is its package's is left where it is."""
    results, case = _retrieve(ansible, "d13", {})
    executables = results["d13"]["ansible_facts"]["incident_executables"]["items"]
    strangers = {executable["sha256"] for executable in executables if executable["package_state"] != "unchanged"}
    assert set(planted["d13"].images.values()) <= _kept(case, "d13") == strangers
    assert len(strangers) < len(executables)


def test_limits(ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """What is beyond a limit is refused by name, and nothing is cut."""
    options = {"paths": [f"{_PLACE}/large", f"{_PLACE}/medium", f"{_PLACE}/script"], "max_evidence_size": 4 << 20, "max_file_size": 8 << 20}
    results, case = _retrieve(ansible, "d11", options)
    assert _kept(case, "d11") == {planted["d11"].files[f"{_PLACE}/{name}"] for name in ("medium", "script")}
    assert any("max_file_size" in reason for reason in _errors(results["d11"])[f"{_PLACE}/large"])
    results, case = _retrieve(ansible, "d11", {**options, "max_file_size": 100 << 20})
    assert any("max_evidence_size" in reason for reason in _errors(results["d11"])[f"{_PLACE}/large"])
    assert [record["error"] is None for record in _provenance(case, "d11")[-3:]] == [False, True, True]
    case.verify()


def test_evidence_joins_a_triage(ansible: Ansible, planted: Mapping[str, _Planted]) -> None:
    """Evidence and facts of one case stand beside each other, in either order; a host without facts was not looked at."""
    _retrieve(ansible, "d12", {"pids": [planted["d12"].pids["root-deleted"]]})
    done, case = ansible.triage("evidence", "-l", "d11", options={"triage_sample_seconds": 0})
    assert done.status == 0, done.output[-3000:]
    assert case.summary["hosts"]["d11"]["status"] == "reached"
    assert case.summary["hosts"]["d12"]["status"] == "not_tried"
    case.verify()
    _retrieve(ansible, "d11", {"pids": [planted["d11"].pids["root-deleted"]]})
    case.verify()
    done = ansible.run(
        "ansible-playbook", "incident.response.report", "-e", json.dumps({"incident_case_dir": str(case.path.parent), "incident_case": "evidence"})
    )
    assert done.status == 0, done.output[-3000:]
    assert _kept(case, "d11") == {planted["d11"].images["root-deleted"]}
    case.verify()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"case": "../elsewhere"}, "The case cannot be written"),
        ({"case_dir": "/proc/cases"}, "The case cannot be written"),
        ({"retrieve": "perhaps"}, "Nothing was read"),
        ({"max_evidence_size": "much"}, "Nothing was read"),
    ],
)
def test_what_cannot_be_kept_is_not_read(ansible: Ansible, options: Mapping[str, Any], said: str) -> None:
    """Before anything is done on a host."""
    given = {"pids": [1], "retrieve": True, "case_dir": str(ansible.folder / "cases"), **options}
    result = ansible.module("d12", "incident.response.executable_facts", given)["d12"]
    assert said in result["msg"]
    assert "ansible_facts" not in result
    assert not (ansible.folder / "elsewhere").exists()
