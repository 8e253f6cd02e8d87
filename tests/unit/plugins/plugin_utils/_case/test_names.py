# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names from the inventory and from the operator as names of folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.incident.response.plugins.plugin_utils._case.names import BadCaseId, check_case_id, host_folder, plain_name


@pytest.mark.parametrize("name", ["web1", "web1.example.org", "2001:db8::1", "db-1_a@eu"])
def test_plain_names_stay(name: str) -> None:
    assert host_folder(name) == name


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc", "..", ".", "", ".hidden", "a/b", "{{ lookup('pipe','id') }}", "a\0b", "a\nb", "ü", "x" * 5000])
def test_no_name_leads_out(name: str, tmp_path: Path) -> None:
    folder = host_folder(name)
    assert "/" not in folder
    assert not folder.startswith(".")
    (tmp_path / folder).mkdir()
    assert (tmp_path / folder).resolve().parent == tmp_path.resolve()


@given(st.lists(st.text(max_size=300), min_size=2, max_size=2, unique=True))
def test_different_names_stay_different(names: list[str]) -> None:
    assert host_folder(names[0]) != host_folder(names[1])


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=16))
def test_a_folder_tells_its_name(name: str) -> None:
    assert plain_name(host_folder(name)) == name


@pytest.mark.parametrize("case", ["20261123T154500Z", "web-2026.11_a"])
def test_good_case_ids(case: str) -> None:
    assert check_case_id(case) == case


@pytest.mark.parametrize("case", ["", ".", "..", "../x", "/tmp/x", "a/b", ".x", "-x", "a b", "a\n", "x" * 200])
def test_bad_case_ids_are_refused_with_the_way_out(case: str) -> None:
    with pytest.raises(BadCaseId, match="incident_case_dir"):
        check_case_id(case)
