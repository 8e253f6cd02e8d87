# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts documents for tests: whole records, made of the samples that the schema declares, with what a test says differently."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.incident.response.plugins.module_utils._schema.history import TAMPERING
from ansible_collections.incident.response.plugins.module_utils._schema.outer import OUTER
from ansible_collections.incident.response.plugins.module_utils._schema.processes import CROSS_CHECK, DISAGREEMENT, HIDDEN
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS, Record, Section
from ansible_collections.incident.response.plugins.module_utils._schema.sections import SECTIONS
from ansible_collections.incident.response.plugins.plugin_utils._detect.engine import Settings, Verdict, examine
from ansible_collections.incident.response.plugins.plugin_utils._detect.finding import Finding

_BY_NAME: dict[str, Section] = {section.name: section for section in SECTIONS}
_QUIET: dict[str, dict[str, Any]] = {
    "processes": {
        "ppid": 1, "user": "root", "uid": 0, "cpu_percent": 0.0, "container_id": None, "container_engine": None, "foreign_namespaces": [], "environment": {},
        "stdio": ["/dev/null", "/dev/null", "/dev/null"], "terminal": None, "tracer_pid": None, "unit": "work.service",
    },
    "ports": {
        "container_id": None, "network_namespace": None, "is_dual_stack": False, "family": "ipv4", "local_address": "0.0.0.0",
        "remote_address": None, "remote_port": None,
    },
    "executables": {"path_sha256": None, "same_as": None, "same_as_package": None, "owner_uid": 0},
}  # fmt: skip


def record(declared: Record, **fields: Any) -> dict[str, Any]:
    """A record with every declared field. A field that the schema does not have is a mistake of the test."""
    known = {field.name for field in (*declared.fields, *OPTIONAL_FIELDS)}
    assert set(fields) <= known, set(fields) - known
    return {**{field.name: copy.deepcopy(field.sample) for field in declared.fields}, **fields}


class Host:
    """Builds the document of a host, step by step."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Any]] = {}
        for section in SECTIONS:
            body: dict[str, Any] = {field.name: copy.deepcopy(field.sample) for field in OUTER}
            body.update({part.name: record(part.record) if part.single else [] for part in section.parts}, items=[])
            self.sections[section.name] = body
        self.sections["processes"]["cross_check"] = record(CROSS_CHECK)
        self._last = 4241

    def runs(self, path: str | None, package_state: str = "unowned", same_as: str | None = None, path_sha256: str | None = None, **fields: Any) -> int:
        """A process and its executable; return the pid."""
        self._last += 1
        pid = fields.pop("pid", self._last)
        name = (path or "").rpartition("/")[2].encode("utf-8", "replace")[:15].decode(errors="replace")
        defaults = {
            "pid": pid,
            "start_ticks": 1000 + pid,
            "euid": fields.get("uid", 0),
            "name": name,
            "exe": path,
            "argv": [path or "", "99999"],
            "exe_inode": 50000 + pid,
            "exe_device": 65024,
        }
        process = record(_BY_NAME["processes"].items, **{**_QUIET["processes"], **defaults, **fields})
        self.sections["processes"]["items"].append(process)
        if process["exe_state"] in ("present", "deleted", "replaced", "memfd"):
            self._has_image(process, package_state, same_as, path_sha256)
        return int(pid)

    def _has_image(self, process: dict[str, Any], package_state: str, same_as: str | None, path_sha256: str | None) -> None:
        images = self.sections["executables"]["items"]
        for image in images:
            if (image["device"], image["inode"]) == (process["exe_device"], process["exe_inode"]):
                image["pids"].append(process["pid"])
                return
        fields = {
            "path": process["exe"],
            "state": process["exe_state"],
            "pids": [process["pid"]],
            "inode": process["exe_inode"],
            "device": process["exe_device"],
            "package_state": package_state,
            "package": "some-package" if package_state in ("unchanged", "changed", "updated") else None,
            "same_as": same_as,
            "path_sha256": path_sha256,
        }
        images.append(record(_BY_NAME["executables"].items, **{**_QUIET["executables"], **fields}))

    def listens(self, pid: int | None, port: int, protocol: str = "tcp", **fields: Any) -> dict[str, Any]:
        """A socket that waits for others; by default on every IPv4 address."""
        owner = {"pids": [pid] if pid is not None else [], "owner_state": "known" if pid is not None else "kernel"}
        state = "listen" if protocol == "tcp" else "unconnected"
        fields = {"protocol": protocol, "state": state, "is_listener": True, "local_port": port, "inode": 90000 + port, "scope": "all", **owner, **fields}
        return self._socket(fields)

    def is_connected(self, pids: list[int], local: tuple[str, int], remote: tuple[str, int], inode: int, **fields: Any) -> dict[str, Any]:
        """An established TCP connection."""
        ends = {"local_address": local[0], "local_port": local[1], "remote_address": remote[0], "remote_port": remote[1]}
        state = {"state": "established", "is_listener": False, "scope": "address", "exposed": None, "exposed_reason": None, "owner_state": "known"}
        return self._socket({"protocol": "tcp", "pids": pids, "inode": inode, **state, **ends, **fields})

    def _socket(self, fields: dict[str, Any]) -> dict[str, Any]:
        socket = record(_BY_NAME["ports"].items, **{**_QUIET["ports"], **fields})
        self.sections["ports"]["items"].append(socket)
        return socket

    def hides(self, pid: int, how: str) -> None:
        """A process that is not shown."""
        self.sections["processes"]["hidden"].append(record(HIDDEN, pid=pid, how=how))

    def differs(self, **fields: Any) -> None:
        """Something that psutil saw differently."""
        self.sections["processes"]["cross_check"]["disagreements"].append(record(DISAGREEMENT, **fields))

    def tampered(self, sign: str, **fields: Any) -> None:
        """A sign that history is not recorded."""
        self.sections["history"]["tampering"].append(record(TAMPERING, **{"sign": sign, "pid": None, **fields}))

    def document(self) -> dict[str, Any]:
        """What the host sends."""
        return {"schema": 1, "collected_at": "2026-11-23T15:45:00Z", "seconds": 1.0, "interpreter": {}, "sections": self.sections}

    def verdict(self, settings: Settings | None = None) -> Verdict:
        """What detection says of it."""
        return examine("web1", self.document(), settings or Settings())

    def findings(self, settings: Settings | None = None) -> list[Finding]:
        """Its findings; that everything was judged is part of every test."""
        verdict = self.verdict(settings)
        assert verdict.problems == []
        return verdict.findings

    def finding(self, settings: Settings | None = None) -> Finding:
        """Its only finding."""
        findings = self.findings(settings)
        assert len(findings) == 1, findings
        return findings[0]
