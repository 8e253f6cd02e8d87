#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about running executables, by content."""

DOCUMENTATION = r"""
---
module: executable_facts
short_description: Facts about running executables, by content
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns the SHA-256 of every running image, read through C(/proc/PID/exe), each inode once, also where its file was
    deleted, replaced, or never existed.
  - Says which package of dpkg or RPM owns an executable and whether it still has the package's content, and names the packaged program
    that has the same content where no package owns it.
  - With O(retrieve=true), copies the bytes of what it found into a case on the controller.
  - Answers what C(ls -l /proc/PID/exe), C(sha256sum /proc/PID/exe) and C(cp /proc/PID/exe) are typed for.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  pids:
    description: Read only what these processes run.
    type: list
    elements: int
  users:
    description: Read only what these accounts run, by name or uid.
    type: list
    elements: str
  paths:
    description:
      - Read these files. Running images are then only read when O(pids) or O(users) ask for them.
      - A link is followed when it belongs to root or to the account that reads. One of another account may lead to what only root can
        read; it is not followed, and C(errors) says where it leads. What is returned is about the file that a link leads to, which
        C(resolved_path) names.
      - Paths are absolute and no patterns. Of a directory or a device, C(errors) says that it is no regular file, and no content is read.
    type: list
    elements: str
  checksums:
    description: Return these digests beside the SHA-256.
    type: list
    elements: str
    choices:
      - md5
      - sha1
  max_file_size:
    description: Do not hash files larger than this many bytes. What is left out for that is listed in C(errors).
    type: int
    default: 536870912
  retrieve:
    description:
      - Copy the bytes of the executables into the case as C(hosts/NAME/evidence/SHA256), whole or not at all. They are readable by the
        operator only, never executable, and each content is kept once for a host.
      - Retrieved is what O(pids), O(users) and O(paths) ask for. Without these, it is whatever runs and no package vouches for,
        that is, every executable but those whose C(package_state) is V(unchanged).
      - Where the files came from is kept in the case beside them, and C(MANIFEST.sha256) lists them.
      - What could not be retrieved is in C(errors) of the facts with the reason, and a warning tells how many that were.
      - A running image is read through C(/proc/PID/exe), also where its file was deleted, replaced, or never existed. A file that is
        another one than when it was hashed, or changes while it is read, is not kept.
    type: bool
    default: false
  case_dir:
    description: Folder on the controller that holds the cases. Used with O(retrieve=true).
    type: path
    default: cases
  case:
    description:
      - Name of the case in O(case_dir). It is made when it does not exist. Used with O(retrieve=true).
      - By default the UTC time at which this run of Ansible began, the same for all hosts.
    type: str
  max_evidence_size:
    description:
      - Retrieve at most this many bytes from a host at once, the smallest files first. What is left out for that is in C(errors).
      - Files larger than O(max_file_size) are not retrieved.
    type: int
    default: 1073741824
attributes:
  check_mode:
    details: Nothing on the host is changed in any mode. With O(retrieve=true), files are retrieved, and the case is written, in any mode.
notes:
  - With O(retrieve=true), this cannot be run with C(async), nor as one of C(ansible_facts_modules).
  - Retrieving changes nothing on the host, and the task does not count as changed.
seealso:
  - module: incident.response.process_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Hash whatever runs
  incident.response.executable_facts:

- name: See what a process really runs
  incident.response.executable_facts:
    pids: 4242

- name: See whether a program is what its package shipped
  incident.response.executable_facts:
    paths:
      - /usr/sbin/sshd

- name: Take what a process runs and a file into the case, as evidence
  incident.response.executable_facts:
    pids: 4242
    paths: /tmp/.x/install.sh
    retrieve: true
    case: 20261123T154500Z
  register: found

- name: Take whatever runs that no package vouches for
  incident.response.executable_facts:
    retrieve: true
    case_dir: /srv/cases
    case: web-2026-11
"""

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_executables:
      returned: always
      description: What is running, by content.
      type: dict
      contains:
        each_item:
          description: A running image, or a file that was asked for. One record for each inode, however many processes
            run it. This describes each record of the list C(items), which Jinja reaches as C(incident_executables['items']).
          returned: as the records of C(items)
          type: dict
          contains:
            path:
              description: Path as the kernel shows it, without its mark as deleted.
              returned: success
              type: str
              sample: /usr/bin/sleep
            resolved_path:
              description: Where a path that was asked for leads to, when it leads through links. All else is about
                that file.
              returned: success
              type: str
              sample: /usr/bin/vim.basic
            state:
              description: C(present), C(deleted), C(replaced), C(memfd) or C(file) for one that is not running.
              returned: success
              type: str
              sample: present
            pids:
              description: Processes that run it.
              returned: success
              type: list
              elements: int
              sample:
              - 4242
            start_ticks:
              description: Start of each of them since boot. A recycled pid has another one. In clock ticks.
              returned: success
              type: list
              elements: int
              sample:
              - 812345
            sha256:
              description: SHA-256 of the running image, read through C(/proc/PID/exe).
              returned: success
              type: str
              sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            sha1:
              description: SHA-1 of it, when asked for.
              returned: success
              type: str
              sample: da39a3ee5e6b4b0d3255bfef95601890afd80709
            md5:
              description: MD5 of it, when asked for.
              returned: success
              type: str
              sample: d41d8cd98f00b204e9800998ecf8427e
            path_sha256:
              description: SHA-256 of the file at that path now, when it is another one.
              returned: success
              type: str
              sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
            inode:
              description: Inode number.
              returned: success
              type: int
              sample: 1835021
            device:
              description: Device number.
              returned: success
              type: int
              sample: 65024
            links:
              description: Number of its hard links; 0 when no name is left.
              returned: success
              type: int
              sample: 1
            size:
              description: Size. In bytes.
              returned: success
              type: int
              sample: 43888
            owner_uid:
              description: Uid of its owner.
              returned: success
              type: int
              sample: 0
            owner:
              description: Account of its owner.
              returned: success
              type: str
              sample: root
            owner_gid:
              description: Gid of its group.
              returned: success
              type: int
              sample: 0
            group:
              description: Name of its group.
              returned: success
              type: str
              sample: root
            mode:
              description: Permissions, octal.
              returned: success
              type: str
              sample: '0755'
            is_setuid:
              description: Whether it is set-user-ID. Void where C(mount_options) have C(nosuid).
              returned: success
              type: bool
              sample: false
            is_setgid:
              description: Whether it is set-group-ID. Void where C(mount_options) have C(nosuid).
              returned: success
              type: bool
              sample: false
            capabilities:
              description: File capabilities (C(security.capability)), hexadecimal.
              returned: success
              type: str
            capabilities_text:
              description: They in words, as getcap(8) writes them. Void where C(mount_options) have C(nosuid).
              returned: success
              type: str
              sample: cap_net_raw=ep
            mount_point:
              description: Where the file system that it is on is mounted.
              returned: success
              type: str
              sample: /tmp
            mount_options:
              description: Options of that mount. C(noexec) stops new programs, not those that run.
              returned: success
              type: list
              elements: str
              sample:
              - rw
              - nosuid
              - nodev
            file_system:
              description: Type of that file system.
              returned: success
              type: str
              sample: tmpfs
            modified_at:
              description: When its content last changed.
              returned: success
              type: str
              sample: '2022-09-20T15:27:27Z'
            changed_at:
              description: When its inode last changed.
              returned: success
              type: str
              sample: '2026-11-20T08:00:00Z'
            package:
              description: Package that owns the path.
              returned: success
              type: str
              sample: coreutils
            package_version:
              description: Version of that package.
              returned: success
              type: str
              sample: 9.1-1
            package_state:
              description: 'C(unchanged): the running image has the package''s content. C(changed): it has not.
                C(updated): the file now at the path has. C(unknown): the package has no digest for it, or it is
                no regular file. C(unowned): no package owns the path. C(foreign): runs in another root, as in a
                container. C(unreadable): could not be found out.'
              returned: success
              type: str
              sample: unchanged
            same_as:
              description: Path of a packaged program that has the same content under another name.
              returned: success
              type: str
              sample: /usr/bin/sleep
            same_as_package:
              description: Package of that program.
              returned: success
              type: str
              sample: coreutils
            raw:
              description: Base64 of the bytes of each field whose bytes are not valid UTF-8.
              returned: when there is something to say
              type: dict
              sample:
                name: //4=
            clipped:
              description: Names of the fields that were cut at their limit.
              returned: when there is something to say
              type: list
              elements: str
              sample:
              - argv
        errors:
          description: What could not be read, and why.
          returned: success
          type: list
          elements: dict
          sample: []
          contains:
            what:
              description: What could not be read.
              returned: success
              type: str
              sample: process executable
            reason:
              description: Why.
              returned: success
              type: str
              sample: Permission denied
            count:
              description: How often.
              returned: success
              type: int
              sample: 12
            subjects:
              description: The first few things concerned.
              returned: success
              type: list
              elements: str
              sample:
              - pid 4242
        truncated:
          description: Whether a limit was reached.
          returned: success
          type: bool
          sample: false
        limits:
          description: The limits that were reached.
          returned: success
          type: list
          elements: dict
          sample: []
          contains:
            what:
              description: The list that was cut.
              returned: success
              type: str
              sample: items
            limit:
              description: The limit.
              returned: success
              type: int
              sample: 5000
            total:
              description: How many there were.
              returned: success
              type: int
              sample: 6123
        collected_at:
          description: When this section was read, by the clock of the target.
          returned: success
          type: str
          sample: '2026-11-23T15:45:00Z'
        seconds:
          description: How long reading it took. In seconds.
          returned: success
          type: float
          sample: 0.042
case:
  description: Folder of the case.
  returned: with O(retrieve=true)
  type: str
  sample: /home/operator/cases/20261123T154500Z
evidence:
  description: The files that are in the case now.
  returned: with O(retrieve=true)
  type: list
  elements: dict
  contains:
    path:
      description: Path as the kernel shows it, without its mark as deleted.
      returned: success
      type: str
      sample: /usr/bin/sleep
    pids:
      description: Processes that run it.
      returned: success
      type: list
      elements: int
      sample:
      - 4242
    sha256:
      description: SHA-256 of the running image, read through C(/proc/PID/exe).
      returned: success
      type: str
      sample: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    size:
      description: Size. In bytes.
      returned: success
      type: int
      sample: 43888
    file:
      description: The file, below the folder of the case.
      returned: success
      type: str
      sample: hosts/web1/evidence/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
"""

from typing import Any, Dict, Optional

from ansible_collections.incident.response.plugins.module_utils._collect import executables
from ansible_collections.incident.response.plugins.module_utils._collect.target import Target
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def _collect(target: Target, retrieve: bool, case_dir: str, case: Optional[str], max_evidence_size: int, **options: Any) -> Dict[str, Any]:
    """The controller's half keeps what concerns the case to itself; an option that arrives here was not seen by it."""
    if retrieve:
        raise ValueError("retrieve needs the controller: call this module as a task of its own")
    return executables.collect(target, **options)


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_executables",
        collect=_collect,
        options={
            "pids": {"type": "list", "elements": "int"},
            "users": {"type": "list", "elements": "str"},
            "paths": {"type": "list", "elements": "str"},
            "checksums": {"type": "list", "elements": "str", "choices": ["md5", "sha1"]},
            "max_file_size": {"type": "int", "default": executables.MAX_FILE_SIZE},
            "retrieve": {"type": "bool", "default": False},
            "case_dir": {"type": "path", "default": "cases"},
            "case": {"type": "str"},
            "max_evidence_size": {"type": "int", "default": 1 << 30},
        },
    )


if __name__ == "__main__":
    main()
