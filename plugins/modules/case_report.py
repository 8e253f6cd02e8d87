#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

DOCUMENTATION = r"""
---
module: case_report
short_description: Judge a case and show what it comes to
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Reads the facts of every host of a case, judges them, and writes C(findings.jsonl), C(summary.json) and
    C(MANIFEST.sha256) into the case. Then shows hosts by level and the top findings with reason and next command.
  - Runs on the controller and connects to no host. It can be run again at any time, also over a case whose folders were
    copied together from several controllers.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.case
options:
  expected_ports:
    description: Ports that may be open to others, as C(port/protocol).
    type: list
    elements: str
    default:
      - 22/tcp
  cpu_percent:
    description: From how much use of one processor on a process is a finding.
    type: float
    default: 80.0
seealso:
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Judge a case again, with another list of ports
  incident.response.case_report:
    case: 20261123T154500Z
    expected_ports:
      - 22/tcp
      - 443/tcp
"""

RETURN = r"""
case:
  description: Folder of the case.
  returned: success
  type: str
  sample: /home/operator/cases/20261123T154500Z
not_seen:
  description: Hosts of the play that this run of Ansible did not look at, or could not. Empty when every one was seen.
  returned: success
  type: list
  elements: str
  sample:
    - db3
totals:
  description: Hosts by status, and findings by level.
  returned: success
  type: dict
  sample:
    hosts: 3
    reached: 3
    failed: 0
    unreachable: 0
    not_tried: 0
    level: high
    findings: {critical: 0, high: 3, medium: 0, low: 4, info: 2}
"""
