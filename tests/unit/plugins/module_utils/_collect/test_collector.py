# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All sections in one pass: none may cost the others."""

import base64
import gzip
import hashlib
import json

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import collector, executables, ports, processes
from ansible_collections.incident.response.plugins.module_utils._collect.collector import collect, guarded, pack, select
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._schema.outer import OUTER
from ansible_collections.incident.response.plugins.module_utils._schema.record import OPTIONAL_FIELDS
from ansible_collections.incident.response.plugins.module_utils._schema.sections import SECTIONS

ALL = ["sessions", "processes", "ports", "history", "executables"]


@pytest.mark.parametrize(
    "subset, names",
    [
        ([], ALL),
        (["all"], ALL),
        (["ports"], ["ports"]),
        (["ports", "sessions"], ["sessions", "ports"]),
        (["!ports"], ["sessions", "processes", "history", "executables"]),
        (["all", "!history", "!ports"], ["sessions", "processes", "executables"]),
        (["ports", "!ports"], ["ports"]),
        (["!all", "ports"], ["ports"]),
    ],
)
def test_subsets(subset, names):
    assert list(select(subset)) == list(names)


def test_a_subset_of_nothing_is_said():
    with pytest.raises(ValueError, match="gather_subset !all leaves nothing to read"):
        select(["!all"])


@pytest.mark.parametrize("subset", [["port"], ["ports", ""], ["! ports"], ["{{7*7}}"]])
def test_subsets_that_are_none(subset):
    with pytest.raises(ValueError, match="gather_subset knows no"):
        select(subset)


@pytest.fixture(scope="module")
def document():
    return collect(Target(), ["all"], 0.1, 5000)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_section_of_this_host_is_as_declared(document, section):
    body = document["sections"][section.name]
    parts = {part.name: part for part in section.parts}
    assert set(body) == {"items"} | set(parts) | {field.name for field in OUTER}
    optional = {field.name for field in OPTIONAL_FIELDS}
    for name, record in [("items", section.items)] + [(name, part.record) for name, part in parts.items()]:
        rows = [body[name]] if name in parts and parts[name].single else body[name]
        for row in rows:
            assert set(row) - optional == {field.name for field in record.fields}
            for field in record.fields:
                assert not field.required or row[field.name] is not None, (name, field.name)


def test_a_document_travels_as_json_and_says_its_digest(document):
    packed = pack(document)
    data = base64.b64decode(packed.packed)
    assert hashlib.sha256(data).hexdigest() == packed.sha256
    assert len(data) == packed.size
    text = gzip.decompress(data).decode("ascii")
    assert json.loads(text)["schema"] == collector.SCHEMA
    text.encode("utf-8").decode("utf-8")
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")  # no lone surrogates


def test_one_section_alone():
    document = collect(Target(), ["ports"], 0, 10)
    assert list(document["sections"]) == ["ports"]


def test_a_section_that_breaks_costs_no_other(monkeypatch):
    def broken(*_arguments, **_options):
        raise RuntimeError("planted")

    monkeypatch.setattr(ports, "collect", broken)
    document = collect(Target(), ["processes", "ports", "executables"], 0, 10)
    assert document["sections"]["processes"]["items"]
    assert document["sections"]["executables"]["items"]
    assert document["sections"]["ports"]["items"] == []
    (error,) = document["sections"]["ports"]["errors"]
    assert error["reason"] == "RuntimeError: planted"
    assert error["subjects"][0].startswith("test_collector.py, line ")


def test_processes_that_break_before_the_pause_cost_no_other(monkeypatch):
    def broken(*_arguments, **_options):
        raise MemoryError

    monkeypatch.setattr(processes.sampling, "take", broken)
    document = collect(Target(), ["processes", "ports", "executables"], 0, 10)
    assert list(document["sections"]) == ["processes", "ports", "executables"]
    assert document["sections"]["processes"]["errors"]
    assert document["sections"]["executables"]["items"]


def test_the_others_are_read_once(monkeypatch):
    calls, real = [], executables.collect

    def counted(*arguments, **options):
        calls.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(executables, "collect", counted)
    collect(Target(), ["processes", "executables"], 0, 10)
    assert calls == [1]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 3601])
def test_a_pause_that_is_none_is_refused_before_anything_is_read(seconds):
    with pytest.raises(ValueError, match="sample_seconds"):
        collect(Target(), ["all"], seconds, 10)


def test_a_guarded_section_has_the_outer_shape():
    section = guarded(lambda: 1 / 0)
    assert set(section) == {"items"} | {field.name for field in OUTER}
