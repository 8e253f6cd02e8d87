#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

DOCUMENTATION = r"""
---
module: case_host_check
short_description: Fail for a host that a case has not seen
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Looks up whether this run looked at this host, and fails with the recorded reason when it did not.
  - A triage keeps going, and draws its summary, when hosts cannot be reached. With this at its end the exit status and the
    recap of the run still say so, the way Ansible says it.
  - Runs on the controller and connects to no host.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.case
seealso:
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Fail for hosts that could not be looked at
  incident.response.case_host_check:
    case: 20261123T154500Z
"""

RETURN = r"""
status:
  description: Outcome of the latest attempt, C(reached), C(failed) or C(unreachable).
  returned: when the host was tried
  type: str
  sample: reached
"""
