# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of modules: every module answers the same questions."""

from __future__ import annotations


class ModuleDocFragment:
    """The questions; the answers stand in the fragment or the module that uses them."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
  platform:
    description: Target OS/families that can be operated against.
"""
