# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a case that are JSON, beside findings."""

from collections import OrderedDict

from .executables import EXECUTABLE
from .record import Field, Record

_STATUS = "C(reached), C(failed) or C(unreachable)."
_LEVEL = "The highest level of its findings; null without findings."
_BY_LEVEL = OrderedDict([("critical", 0), ("high", 1), ("medium", 0), ("low", 4), ("info", 2)])
_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

CASE = Record(
    "case",
    "cases",
    "C(case.json): what the case is, and who worked on it.",
    (
        Field("schema", "int", "Version of this schema.", 1, required=True),
        Field("id", "str", "Name of the case.", "20261123T154500Z", required=True),
        Field("created_at", "time", "When it was made.", "2026-11-23T15:45:01Z", required=True),
        Field("finished_at", "time", "When it was judged last.", "2026-11-23T15:45:09Z"),
        Field("runs", "list[dict]", "A record C(run) for each run into it.", [], required=True),
        Field("ansible_options", "list[str]", "What the commands in findings need to reach the hosts.", ["-i", "inventory", "-b"]),
        Field("reached", "list[str]", "Hosts whose latest attempt succeeded.", ["web1", "web2"]),
        Field("failed", "list[str]", "Hosts that could not be read.", []),
        Field("unreachable", "list[str]", "Hosts that could not be connected to.", ["web3"]),
        Field("not_tried", "list[str]", "Hosts that the run ended before.", []),
    ),
)

RUN = Record(
    "run",
    "runs",
    "A run of Ansible.",
    (
        Field("id", "str", "Its beginning and its process on the controller.", "20261123T154500Z-4711", required=True),
        Field("started_at", "time", "When it began, by the clock of the controller.", "2026-11-23T15:45:00Z", required=True),
        Field("operator", "str", "Account that ran it.", "alice (as root)", required=True),
        Field("controller", "str", "Name of the controller.", "ops1", required=True),
        Field("limit", "str", "The C(-l) it was given.", "web"),
        Field("hosts", "list[str]", "Hosts that it was for.", ["web1", "web2", "web3"], required=True),
        Field("ansible", "str", "Version of ansible-core.", "2.19.14", required=True),
        Field("python", "str", "Version of the Python that ran it.", "3.11.2", required=True),
        Field("collection", "str", "Version of this collection.", "0.1.0", required=True),
    ),
)

HOST = Record(
    "host",
    "hosts",
    "C(hosts/NAME/host.json): a host, and every attempt to look at it.",
    (
        Field("name", "str", "Name in the inventory.", "web1", required=True),
        Field("attempts", "list[dict]", "A record C(attempt) for each, the latest last.", [], required=True),
    ),
)

ATTEMPT = Record(
    "attempt",
    "attempts",
    "An attempt to look at a host.",
    (
        Field("run", "str", "C(id) of the run.", "20261123T154500Z-4711", required=True),
        Field("at", "time", "When it ended, by the clock of the controller.", "2026-11-23T15:45:04Z", required=True),
        Field("status", "str", _STATUS, "reached", required=True),
        Field("message", "str", "What went wrong.", "", required=True),
        Field("facts", "str", "File of the facts, beside this one.", "facts.json.gz"),
        Field("sha256", "str", "SHA-256 of that file, as the host took it before it sent it.", _SHA256),
    ),
)

EVIDENCE = Record(
    "evidence",
    "evidence",
    "C(hosts/NAME/evidence-RUN.jsonl), a record a line: a file that a run retrieved or could not retrieve, as the facts then had it. "
    "It is C(hosts/NAME/evidence/SHA256).",
    (
        Field("run", "str", "C(id) of the run.", "20261123T154500Z-4711", required=True),
        Field("retrieved_at", "time", "When it was there, or was given up, by the clock of the controller.", "2026-11-23T15:45:05Z", required=True),
        Field("error", "str", "Why it was not retrieved; null when it was.", None),
    )
    + tuple(field._replace(required=False) for field in EXECUTABLE.fields),
)

RETRIEVED = Record(
    "retrieved",
    "retrieved",
    "The files that are in the case now.",
    tuple(field for field in EXECUTABLE.fields if field.name in ("path", "pids", "sha256", "size"))
    + (Field("file", "str", "The file, below the folder of the case.", "hosts/web1/evidence/" + _SHA256, required=True),),
)

DOCUMENT = Record(
    "document",
    "documents",
    "C(hosts/NAME/facts.json.gz): what a host sent.",
    (
        Field("schema", "int", "Version of this schema.", 1, required=True),
        Field("collected_at", "time", "When it was read, by the clock of the host.", "2026-11-23T15:45:03Z", required=True),
        Field("seconds", "float", "How long reading took.", 1.04, unit="seconds", required=True),
        Field("interpreter", "dict", "A record C(interpreter).", {}, required=True),
        Field("sections", "dict", "The sections by name: C(sessions), C(processes), C(ports), C(history), C(executables).", {}, required=True),
    ),
)

INTERPRETER = Record(
    "interpreter",
    "interpreters",
    "The Python that read the host.",
    (
        Field("executable", "str", "Path of it.", "/usr/bin/python3", required=True),
        Field("version", "str", "Version of it.", "3.11.2", required=True),
        Field("hooks", "list[str]", "What runs code in it whenever it starts, and so could make it lie.", [], required=True),
    ),
)

SUMMARY = Record(
    "summary",
    "summaries",
    "C(summary.json): what the case comes to.",
    (
        Field("case", "str", "Name of the case.", "20261123T154500Z", required=True),
        Field("generated_at", "time", "When it was judged.", "2026-11-23T15:45:09Z", required=True),
        Field("totals", "dict", "A record C(totals).", {}, required=True),
        Field("hosts", "dict", "A record C(host_summary) for each host by its name.", {}, required=True),
    ),
)

TOTALS = Record(
    "totals",
    "totals",
    "All hosts together.",
    (
        Field("hosts", "int", "Hosts that were to be looked at.", 3, required=True),
        Field("reached", "int", "How many were.", 2, required=True),
        Field("failed", "int", "How many could not be read.", 0, required=True),
        Field("unreachable", "int", "How many could not be connected to.", 1, required=True),
        Field("not_tried", "int", "How many the run ended before.", 0, required=True),
        Field("level", "str", _LEVEL, "high"),
        Field("findings", "dict", "Findings by level.", _BY_LEVEL, required=True),
    ),
)

HOST_SUMMARY = Record(
    "host_summary",
    "host_summaries",
    "A host in the summary.",
    (
        Field("status", "str", _STATUS[:-1] + ", or C(not_tried).", "reached", required=True),
        Field("message", "str", "What went wrong.", "", required=True),
        Field("level", "str", _LEVEL, "high"),
        Field("findings", "dict", "Findings by level.", _BY_LEVEL, required=True),
        Field("collected_at", "time", "When it was read, by its own clock.", "2026-11-23T15:45:03Z"),
        Field("is_root", "bool", "Whether it was read as root; null where it did not say.", True),
        Field("errors", "int", "How many things could not be read.", 0, required=True),
        Field("truncated", "list[str]", "Sections that hit a limit.", [], required=True),
        Field("problems", "list[str]", "What of its facts could not be judged.", [], required=True),
    ),
)

CASE_RECORDS = (CASE, RUN, HOST, ATTEMPT, EVIDENCE, DOCUMENT, INTERPRETER, SUMMARY, TOTALS, HOST_SUMMARY)
