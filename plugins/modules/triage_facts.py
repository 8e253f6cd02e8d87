#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of every section in one round trip."""

DOCUMENTATION = r"""
---
module: triage_facts
short_description: Everything a triage looks at, in one round trip
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns the facts of M(incident.response.session_facts), M(incident.response.process_facts),
    M(incident.response.port_facts), M(incident.response.history_facts) and M(incident.response.executable_facts) together.
    Everything else is read inside the sampling pause of the processes.
  - With O(case_dir) the facts travel as one compressed string that is written to the case unparsed, and only a summary
    becomes a fact of the host. That is what the role P(incident.response.triage#role) does.
  - In a case, hosts that cannot be reached or read are recorded with the reason.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  gather_subset:
    description:
      - Sections to read, as in M(ansible.builtin.setup). V(all) means all of them; a name with C(!) in front is left out.
      - The names are V(sessions), V(processes), V(ports), V(history) and V(executables).
    type: list
    elements: str
    default:
      - all
  sample_seconds:
    description: How long to watch what the processes use. V(0) returns no rates.
    type: float
    default: 1.0
  case_dir:
    description: Folder on the controller that holds the cases. Without it, nothing is written and the facts are returned.
    type: path
  case:
    description:
      - Name of the case in O(case_dir). It is made when it does not exist.
      - By default the UTC time at which this run of Ansible began, the same for all hosts.
    type: str
  return_facts:
    description: With O(case_dir), return the facts themselves as well. They are large.
    type: bool
    default: false
  packed:
    description:
      - Answer with one string, base64 of gzip-compressed JSON, and its SHA-256, in place of facts.
      - Set by the controller's half of this module when it writes to a case.
    type: bool
    default: false
seealso:
  - module: incident.response.case_report
"""

EXAMPLES = r"""
- name: Look at everything
  incident.response.triage_facts:

- name: Look at sessions and ports only
  incident.response.triage_facts:
    gather_subset:
      - sessions
      - ports

- name: Write what is found to a case
  incident.response.triage_facts:
    case_dir: ./cases
    case: web-2026-11
"""

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_sessions:
      description: Who is logged in. As M(incident.response.session_facts) returns it.
      returned: when the section is read, and without O(case_dir) or with O(return_facts)
      type: dict
    incident_processes:
      description: Every process of the host. As M(incident.response.process_facts) returns it.
      returned: when the section is read, and without O(case_dir) or with O(return_facts)
      type: dict
    incident_ports:
      description: What listens and what is connected. As M(incident.response.port_facts) returns it.
      returned: when the section is read, and without O(case_dir) or with O(return_facts)
      type: dict
    incident_history:
      description: What was typed, and what sudo recorded. As M(incident.response.history_facts) returns it.
      returned: when the section is read, and without O(case_dir) or with O(return_facts)
      type: dict
    incident_executables:
      description: What is running, by content. As M(incident.response.executable_facts) returns it.
      returned: when the section is read, and without O(case_dir) or with O(return_facts)
      type: dict
    incident_triage:
      description: Where the facts of this host are.
      returned: with O(case_dir)
      type: dict
      sample:
        case: /home/operator/cases/20261123T154500Z
        facts: /home/operator/cases/20261123T154500Z/hosts/web1/facts.json.gz
        sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
        size: 40960
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.incident.response.plugins.module_utils._collect import collector
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._facts_module import LIMIT


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
            "sample_seconds": {"type": "float", "default": 1.0},
            "limit": LIMIT,
            "case_dir": {"type": "path"},
            "case": {"type": "str"},
            "return_facts": {"type": "bool", "default": False},
            "packed": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        document = collector.collect(Target(), options["gather_subset"], options["sample_seconds"], options["limit"])
    except ValueError as error:
        module.fail_json(msg="%s. Nothing was read." % error)
    if options["packed"]:
        module.exit_json(changed=False, **collector.pack(document)._asdict())
    module.exit_json(changed=False, ansible_facts=collector.as_facts(document))


if __name__ == "__main__":
    main()
