#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of running images and files, a piece at a time."""

DOCUMENTATION = r"""
---
module: evidence_content
short_description: Read the bytes of running images and files, a piece at a time
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - What O(incident.response.executable_facts#module:retrieve) of M(incident.response.executable_facts) reads files with.
    It is not meant to be called by hand.
  - A file is identified by device and inode. It is opened through C(/proc/PID/exe) of a process that runs it, and by its path
    when none does any more. Where neither leads to that inode, nothing is read.
extends_documentation_fragment:
  - incident.response.attributes
options:
  pieces:
    description: What to read. No more than 32 MiB together.
    type: list
    elements: dict
    required: true
    suboptions:
      pids:
        description: Processes that run the file.
        type: list
        elements: int
        default: []
      start_ticks:
        description: Start of each of these processes, in clock ticks since boot. A pid that is another process by now is passed over.
        type: list
        elements: int
        default: []
      path:
        description: Path of the file, in base64.
        type: str
        required: true
      device:
        description: Device number of the file.
        type: int
        required: true
      inode:
        description: Inode number of the file.
        type: int
        required: true
      size:
        description: Size of the file, in bytes. When it has another one, it was changed, and nothing is read.
        type: int
        required: true
      offset:
        description: Where the piece begins.
        type: int
        required: true
      length:
        description: Bytes of the piece.
        type: int
        required: true
attributes:
  check_mode:
    support: full
    details: Nothing on the host is changed in any mode.
  diff_mode:
    support: N/A
    details: Nothing on the host is changed.
  facts:
    support: none
  platform:
    platforms: posix
    support: full
    details: Linux, with C(/proc) mounted. Needs Python 3.6 or newer on the target, and nothing else.
seealso:
  - module: incident.response.executable_facts
"""

EXAMPLES = r"""
- name: Read the first 4096 bytes of what process 4242 runs
  incident.response.evidence_content:
    pieces:
      - pids: [4242]
        start_ticks: [812345]
        path: "{{ '/usr/bin/sleep' | b64encode }}"
        device: 65024
        inode: 1835021
        size: 43888
        offset: 0
        length: 4096
"""

RETURN = r"""
contents:
  description: What was read, in the order of O(pieces).
  returned: success
  type: list
  elements: dict
  contains:
    data:
      description: The bytes, compressed (zlib, RFC 1950), in base64.
      returned: success
      type: str
      sample: eJwDAAAAAAE=
    sha256:
      description: SHA-256 of the bytes before they were compressed.
      returned: success
      type: str
      sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    error:
      description: Why nothing was read.
      returned: success
      type: str
      sample: Permission denied
"""

from base64 import b64decode

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.incident.response.plugins.module_utils._collect.content import Piece, read_pieces
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target

_NUMBER = {"type": "int", "required": True}
_NUMBERS = {"type": "list", "elements": "int", "default": []}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "pieces": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "pids": _NUMBERS,
                    "start_ticks": _NUMBERS,
                    "path": {"type": "str", "required": True},
                    "device": _NUMBER,
                    "inode": _NUMBER,
                    "size": _NUMBER,
                    "offset": _NUMBER,
                    "length": _NUMBER,
                },
            },
        },
        supports_check_mode=True,
    )
    try:
        pieces = [
            Piece(
                list(zip(piece["pids"], piece["start_ticks"])),
                b64decode(piece["path"], validate=True),
                *(piece[name] for name in ("device", "inode", "size", "offset", "length")),
            )
            for piece in module.params["pieces"]
        ]
        contents = read_pieces(Target(), pieces)
    except ValueError as error:
        module.fail_json(msg="%s. Nothing was read." % error)
    module.exit_json(changed=False, contents=contents)


if __name__ == "__main__":
    main()
