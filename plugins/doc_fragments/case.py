# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module has in common that works on a case and on no host."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that name a case, and the attributes."""

    DOCUMENTATION = r"""
options:
  case_dir:
    description: Folder on the controller that holds the cases.
    type: path
    default: cases
  case:
    description:
      - Name of the case in O(case_dir).
      - By default the UTC time at which this run of Ansible began.
    type: str
attributes:
  check_mode:
    support: full
    details: Nothing on a host is changed in any mode. The case is written in any mode.
  diff_mode:
    support: N/A
    details: Nothing on a host is changed.
  facts:
    support: none
  platform:
    platforms: posix
    support: full
    details: Runs on the controller, and connects to no host.
"""
