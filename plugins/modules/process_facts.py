#!/usr/bin/python
# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about the processes of a host."""

DOCUMENTATION = r"""
---
module: process_facts
short_description: Facts about every process of a host
version_added: 0.1.0
author:
  - The incident.response contributors (@incident-response)
description:
  - Returns every process with its identity, owner, executable and the state of that, arguments, unit, container and
    namespaces, and what it used of processor and storage over a sampling pause.
  - Answers what C(htop), C(iotop), C(iftop), C(ps aux), C(lsof -u) and C(ls -l /proc/PID/exe) are typed for.
  - Judges executables by inode and kernel threads by the kernel's flag, since names, arguments and the text of links are
    free to choose for whoever runs the process.
  - Names processes that answer but are not listed, and places under C(/proc) that something is mounted over.
  - Where the target has psutil, its view is taken too, and what one view has and the other lacks is returned.
extends_documentation_fragment:
  - incident.response.attributes
  - incident.response.facts
options:
  users:
    description:
      - Return only processes of these accounts, by name or uid. One of the real, effective, saved or filesystem uid, or the
        login that the process descends from, has to match.
    type: list
    elements: str
  pids:
    description: Return only these processes.
    type: list
    elements: int
  names:
    description: Return only processes that the kernel knows under one of these names.
    type: list
    elements: str
  open_files:
    description: Also return the open files and sockets of the processes, as C(lsof) does.
    type: bool
    default: false
  environment:
    description:
      - Return the whole environment of the processes. It may hold secrets.
      - By default only variables are returned that change what is loaded, run or recorded, such as C(LD_PRELOAD) and C(HISTFILE).
    type: bool
    default: false
  sample_seconds:
    description: How long to watch what the processes use. V(0) returns no rates.
    type: float
    default: 1.0
seealso:
  - module: incident.response.executable_facts
  - module: incident.response.port_facts
  - module: incident.response.triage_facts
"""

EXAMPLES = r"""
- name: Look at every process
  incident.response.process_facts:

- name: See everything that mallory runs and holds open
  incident.response.process_facts:
    users:
      - mallory
    open_files: true

- name: Watch two processes for ten seconds
  incident.response.process_facts:
    pids:
      - 4242
      - 4243
    sample_seconds: 10
"""

RETURN = r"""
---
ansible_facts:
  description: Facts to add to the facts of the host.
  returned: always
  type: dict
  contains:
    incident_processes:
      returned: always
      description: Every process of the host.
      type: dict
      contains:
        each_item:
          description: A process. Its identity is C(pid) together with C(start_ticks). This describes each record
            of the list C(items), which Jinja reaches as C(incident_processes['items']).
          returned: as the records of C(items)
          type: dict
          contains:
            pid:
              description: Process id.
              returned: success
              type: int
              sample: 4242
            ppid:
              description: Process id of the parent.
              returned: success
              type: int
              sample: 1
            start_ticks:
              description: Start since boot. A recycled pid has another one. In clock ticks.
              returned: success
              type: int
              sample: 812345
            started_at:
              description: 'Start, by the clock of the target as it is set now: a clock that was wrong and put right
                does not change it.'
              returned: success
              type: str
              sample: '2026-11-23T15:01:07Z'
            name:
              description: The kernel's name of it (C(comm)), 15 bytes at most, free to choose for the process.
              returned: success
              type: str
              sample: sleep
            is_kernel_thread:
              description: Whether the kernel's C(PF_KTHREAD) flag is set.
              returned: success
              type: bool
              sample: false
            exe:
              description: Text of C(/proc/PID/exe), without its mark as deleted. Null where there is none.
              returned: success
              type: str
              sample: /usr/bin/sleep
            exe_state:
              description: 'C(present): the running file is the one at that path. C(deleted): no file is there now.
                C(replaced): another file is there now. C(memfd): it never was a file. C(unreadable): we may not
                see. C(kernel): a kernel thread. C(none): a zombie.'
              returned: success
              type: str
              sample: present
            exe_inode:
              description: Inode number of the running file.
              returned: success
              type: int
              sample: 1835021
            exe_device:
              description: Device number of the running file.
              returned: success
              type: int
              sample: 65024
            argv:
              description: The arguments, apart. Free to choose for the process.
              returned: success
              type: list
              elements: str
              sample:
              - /bin/sleep
              - '99999'
            argv_padding:
              description: 'Empty arguments at the end that were left out of C(argv): one that writes a title over
                its arguments leaves a row of them.'
              returned: success
              type: int
              sample: 0
            cwd:
              description: Current directory; with the kernel's mark as deleted behind it when it was removed.
              returned: success
              type: str
              sample: /
            root:
              description: Root directory.
              returned: success
              type: str
              sample: /
            user:
              description: Account of the real uid.
              returned: success
              type: str
              sample: mallory
            uid:
              description: Real uid.
              returned: success
              type: int
              sample: 1001
            euid:
              description: Effective uid.
              returned: success
              type: int
              sample: 1001
            suid:
              description: Saved uid.
              returned: success
              type: int
              sample: 1001
            fsuid:
              description: Filesystem uid.
              returned: success
              type: int
              sample: 1001
            gid:
              description: Real gid.
              returned: success
              type: int
              sample: 1001
            egid:
              description: Effective gid.
              returned: success
              type: int
              sample: 1001
            sgid:
              description: Saved gid.
              returned: success
              type: int
              sample: 1001
            fsgid:
              description: Filesystem gid.
              returned: success
              type: int
              sample: 1001
            loginuid:
              description: Uid of the login it descends from, kept through sudo and su. Null where it never was
                set.
              returned: success
              type: int
              sample: 1001
            terminal:
              description: Controlling terminal.
              returned: success
              type: str
              sample: pts/0
            state:
              description: State letter of proc(5).
              returned: success
              type: str
              sample: S
            is_headless:
              description: 'Whether its first thread has ended while others live on: it lists as a zombie. What
                else is said here is of one that lives.'
              returned: success
              type: bool
              sample: false
            session_id:
              description: Session id (setsid(2)).
              returned: success
              type: int
              sample: 4242
            process_group:
              description: Process group id.
              returned: success
              type: int
              sample: 4242
            nice:
              description: Nice value.
              returned: success
              type: int
              sample: 0
            threads:
              description: Number of threads.
              returned: success
              type: int
              sample: 1
            rss:
              description: Resident memory. In bytes.
              returned: success
              type: int
              sample: 1843200
            cpu_seconds:
              description: CPU time used since its start. In seconds.
              returned: success
              type: float
              sample: 0.01
            cpu_percent:
              description: CPU use over the sampling pause; 100 is one processor. Null for one that started or ended
                in it. In percent.
              returned: success
              type: float
              sample: 0.0
            read_rate:
              description: Read from storage over the sampling pause. In bytes/s.
              returned: success
              type: float
              sample: 0.0
            write_rate:
              description: Written to storage over the sampling pause. In bytes/s.
              returned: success
              type: float
              sample: 0.0
            connections:
              description: Sockets with a peer that it holds, in every network namespace. Null where they may not
                be seen.
              returned: success
              type: int
              sample: 3
            cgroup:
              description: Control group path.
              returned: success
              type: str
              sample: /system.slice/cron.service
            unit:
              description: Unit of the system's systemd that it belongs to, by its control group.
              returned: success
              type: str
              sample: cron.service
            user_unit:
              description: Unit of a user's own systemd, who is free in what it is called.
              returned: success
              type: str
              sample: app.service
            container_id:
              description: 'Id of its container, by the name of its control group. Who may make groups, such as
                a user below his own, is free in their names: C(foreign_namespaces) tells whether there is a container
                at all.'
              returned: success
              type: str
              sample: f2c1d0…
            container_engine:
              description: Engine of its container, by the same name.
              returned: success
              type: str
              sample: docker
            foreign_namespaces:
              description: Namespaces that are not those of process 1.
              returned: success
              type: list
              elements: str
              sample:
              - net
              - mnt
            capabilities:
              description: Effective capabilities, as the hexadecimal mask of proc(5).
              returned: success
              type: str
              sample: '0000000000000000'
            capability_names:
              description: Names of the effective capabilities; C(all) for all that process 1 has.
              returned: success
              type: list
              elements: str
              sample:
              - net_bind_service
              - net_raw
            seccomp:
              description: 'Seccomp mode: 0 off, 1 strict, 2 filter.'
              returned: success
              type: int
              sample: 0
            no_new_privileges:
              description: Whether C(no_new_privs) is set (see prctl(2)).
              returned: success
              type: bool
              sample: false
            tracer_pid:
              description: Process that traces it; null for none.
              returned: success
              type: int
              sample: 4300
            environment:
              description: Variables that change what is loaded or recorded (C(LD_*), C(HIST*) …); all of them only
                when asked for.
              returned: success
              type: dict
              sample:
                LD_PRELOAD: /tmp/x.so
            stdio:
              description: What descriptors 0, 1 and 2 are.
              returned: success
              type: list
              elements: str
              sample:
              - socket:[41234]
              - socket:[41234]
              - socket:[41234]
            is_own:
              description: Whether it is this run itself or an ancestor of it.
              returned: success
              type: bool
              sample: false
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
        host:
          description: What the host as a whole is doing.
          returned: success
          type: dict
          contains:
            hostname:
              description: Name that the kernel has.
              returned: success
              type: str
              sample: web1
            kernel:
              description: Release of the kernel.
              returned: success
              type: str
              sample: 6.1.0-37-amd64
            distribution:
              description: C(PRETTY_NAME) of os-release(5).
              returned: success
              type: str
              sample: Debian GNU/Linux 12 (bookworm)
            python:
              description: Version of the Python that read the host.
              returned: success
              type: str
              sample: 3.11.2
            booted_at:
              description: When the kernel booted.
              returned: success
              type: str
              sample: '2026-11-20T08:00:00Z'
            processors:
              description: Number of processors.
              returned: success
              type: int
              sample: 2
            load:
              description: Load averages over 1, 5 and 15 minutes.
              returned: success
              type: list
              elements: str
              sample:
              - '0.10'
              - '0.05'
              - '0.01'
            memory_total:
              description: Memory. In bytes.
              returned: success
              type: int
              sample: 25769803776
            memory_available:
              description: Memory that can be had without swapping. In bytes.
              returned: success
              type: int
              sample: 20000000000
            swap_total:
              description: Swap space. In bytes.
              returned: success
              type: int
              sample: 0
            swap_free:
              description: Swap space not used. In bytes.
              returned: success
              type: int
              sample: 0
            processes:
              description: Processes that the kernel lists.
              returned: success
              type: int
              sample: 108
            sample_seconds:
              description: Length of the sampling pause. In seconds.
              returned: success
              type: float
              sample: 1.0
            is_root:
              description: 'Whether the host was read as root: otherwise much of it cannot be seen.'
              returned: success
              type: bool
              sample: true
            top_cpu:
              description: Pids that used most CPU in the pause, most first.
              returned: success
              type: list
              elements: int
              sample:
              - 4242
            top_memory:
              description: Pids with most resident memory, most first.
              returned: success
              type: list
              elements: int
              sample:
              - 900
            top_connections:
              description: Pids that hold most sockets with a peer, most first.
              returned: success
              type: list
              elements: int
              sample:
              - 900
            top_disk:
              description: Pids that read and wrote most in the pause, most first.
              returned: success
              type: list
              elements: int
              sample:
              - 900
        interfaces:
          description: Traffic of a network interface over the sampling pause.
          returned: success
          type: list
          elements: dict
          contains:
            interface:
              description: Name.
              returned: success
              type: str
              sample: eth0
            receive_rate:
              description: Received. In bytes/s.
              returned: success
              type: float
              sample: 120.0
            transmit_rate:
              description: Sent. In bytes/s.
              returned: success
              type: float
              sample: 80.0
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
        open_files:
          description: An open file descriptor.
          returned: success
          type: list
          elements: dict
          contains:
            pid:
              description: Process id.
              returned: success
              type: int
              sample: 4242
            descriptor:
              description: Number of the descriptor.
              returned: success
              type: int
              sample: 3
            kind:
              description: C(file), C(directory), C(socket), C(pipe), C(device), C(anonymous) or C(other).
              returned: success
              type: str
              sample: file
            path:
              description: Path, or the kernel's text for what has none.
              returned: success
              type: str
              sample: /var/tmp/.log
            mode:
              description: C(r), C(w) or C(rw).
              returned: success
              type: str
              sample: rw
            is_deleted:
              description: Whether the file has no name any more.
              returned: success
              type: bool
              sample: false
            inode:
              description: Inode number; for sockets the one that C(port_facts) shows.
              returned: success
              type: int
              sample: 1835099
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
        threads:
          description: 'A thread that is not what the rest of its process is: another owner, or in other namespaces.'
          returned: success
          type: list
          elements: dict
          contains:
            pid:
              description: Process id.
              returned: success
              type: int
              sample: 4242
            tid:
              description: Thread id.
              returned: success
              type: int
              sample: 4243
            name:
              description: The kernel's name of it.
              returned: success
              type: str
              sample: worker
            uid:
              description: Real uid of the thread.
              returned: success
              type: int
              sample: 0
            euid:
              description: Effective uid of the thread.
              returned: success
              type: int
              sample: 0
            network_namespace:
              description: Inode number of its network namespace.
              returned: success
              type: int
              sample: 4026532281
            differs:
              description: 'In what it differs: C(owner), C(net), C(mnt), C(user).'
              returned: success
              type: list
              elements: str
              sample:
              - owner
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
        hidden:
          description: A process that is there but is not listed, or whose place under /proc is covered.
          returned: success
          type: list
          elements: dict
          contains:
            pid:
              description: Process id; of a thread that its process does not list the id of that process.
              returned: success
              type: int
              sample: 4242
            how:
              description: 'C(unlisted): answers but is not listed. C(covered): something is mounted over its directory.'
              returned: success
              type: str
              sample: covered
            detail:
              description: What was seen.
              returned: success
              type: str
              sample: /proc/4242 is a mount point
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
        proc_mounts:
          description: Something that is mounted below C(/proc), or over it once more. Containers cover some of
            it; on a host hardly anything does.
          returned: success
          type: list
          elements: dict
          contains:
            mount_point:
              description: Where.
              returned: success
              type: str
              sample: /proc/sys
            type:
              description: Type of the file system.
              returned: success
              type: str
              sample: tmpfs
            source:
              description: What was mounted.
              returned: success
              type: str
              sample: tmpfs
            root:
              description: 'What of that file system: of a bind mount the folder or file.'
              returned: success
              type: str
              sample: /sys
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
        cross_check:
          description: The second view of the same host, by psutil where the target has it.
          returned: success
          type: dict
          contains:
            available:
              description: Whether the target has psutil.
              returned: success
              type: bool
              sample: true
            version:
              description: Version of psutil.
              returned: success
              type: str
              sample: 7.2.2
            reason:
              description: Why there is no second view.
              returned: success
              type: str
              sample: psutil is not installed on the target
            compared:
              description: Records compared.
              returned: success
              type: int
              sample: 108
            disagreements:
              description: What one view has and the other lacks.
              returned: success
              type: list
              elements: dict
              sample: []
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
"""

from ansible_collections.incident.response.plugins.module_utils._collect.processes import collect
from ansible_collections.incident.response.plugins.module_utils._facts_module import run_section


def main() -> None:
    """Run the module."""
    run_section(
        key="incident_processes",
        collect=collect,
        options={
            "users": {"type": "list", "elements": "str"},
            "pids": {"type": "list", "elements": "int"},
            "names": {"type": "list", "elements": "str"},
            "open_files": {"type": "bool", "default": False},
            "environment": {"type": "bool", "default": False},
            "sample_seconds": {"type": "float", "default": 1.0},
        },
    )


if __name__ == "__main__":
    main()
