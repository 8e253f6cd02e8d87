# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a section."""

from ansible_collections.incident.response.plugins.module_utils._collect.section import SectionBuilder
from ansible_collections.incident.response.plugins.module_utils._schema.outer import OUTER


def test_every_section_has_the_outer_shape():
    section = SectionBuilder(10).finish()
    assert set(section) == {"items"} | {field.name for field in OUTER}
    assert section["truncated"] is False


def test_a_limit_that_bites_is_said_with_how_many_there_were():
    builder = SectionBuilder(2)
    assert [builder.add({"n": number}) for number in range(5)] == [True, True, False, False, False]
    section = builder.finish()
    assert len(section["items"]) == 2
    assert section["truncated"] is True
    assert section["limits"] == [{"what": "items", "limit": 2, "total": 5}]


def test_equal_causes_are_counted_together():
    builder = SectionBuilder(2)
    for pid in range(100):
        builder.error("process executable", PermissionError(13, "Permission denied"), "pid %d" % pid)
    (error,) = builder.finish()["errors"]
    assert error["count"] == 100
    assert error["reason"] == "Permission denied"
    assert error["subjects"] == ["pid 0", "pid 1", "pid 2", "pid 3", "pid 4"]


def test_a_flood_of_causes_is_bounded_and_said():
    builder = SectionBuilder(2)
    for number in range(1000):
        builder.error("thing %d" % number, "broken")
    section = builder.finish()
    assert len(section["errors"]) == 200
    assert section["truncated"] is True
