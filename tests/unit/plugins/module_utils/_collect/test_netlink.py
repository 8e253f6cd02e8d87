# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink, asked about sockets and addresses of our own."""

import os
import socket
import struct
import subprocess

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import netlink


def listener(address, only, kind=socket.SOCK_STREAM):
    try:
        link = socket.socket(socket.AF_INET6, kind)
        link.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        link.bind((address, 0))
    except OSError as error:
        pytest.skip("no IPv6 here: %s" % error)
    if kind == socket.SOCK_STREAM:
        link.listen(1)
    return link


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_wildcards_that_take_ipv4_are_told_from_those_that_do_not(kind):
    if not netlink.kernel_has("/proc", "", netlink.SOCK_DIAG):
        pytest.skip("the kernel would have to load a module")
    with listener("::", 1, kind) as narrow, listener("::", 0, kind) as wide:
        only, both, _interfaces = netlink.read_socket_flags()
        assert os.fstat(narrow.fileno()).st_ino in only - both
        assert os.fstat(wide.fileno()).st_ino in both - only


def test_addresses_are_those_of_psutil():
    psutil = pytest.importorskip("psutil")
    families = {socket.AF_INET: "ipv4", socket.AF_INET6: "ipv6"}
    theirs = {
        (name, families[entry.family], entry.address.partition("%")[0])
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if entry.family in families
    }
    assert {(entry.interface, entry.family, entry.address) for entry in netlink.read_addresses()} == theirs


def test_loopback_has_its_scope_and_prefix():
    found = [entry for entry in netlink.read_addresses() if entry.address == "127.0.0.1"]
    assert [(entry.family, entry.prefix_length, entry.scope) for entry in found] == [("ipv4", 8, "host")]


def test_hostname_says_nothing_that_we_lack():
    try:
        theirs = set(subprocess.check_output(["hostname", "-I"]).decode().split())
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no hostname -I here")
    assert theirs <= {entry.address for entry in netlink.read_addresses()}


def test_an_interface_that_is_gone_has_its_number():
    assert netlink.interface_name(2**30) == "#%d" % 2**30
    assert netlink.interface_name(socket.if_nametoindex("lo")) == "lo"


def test_attributes_that_lie_about_their_length_end_the_reading():
    good = struct.pack("=HH", 5, 11) + b"\1\0\0\0"
    assert netlink.attributes(good) == {11: b"\1"}
    assert netlink.attributes(good + struct.pack("=HH", 2, 12) + b"xxxx") == {11: b"\1"}
    assert netlink.attributes(good + b"\0\0") == {11: b"\1"}
    assert netlink.attributes(struct.pack("=HH", 60000, 11) + b"\1") == {11: b"\1"}


@pytest.mark.parametrize(
    "modules, builtin, has",
    [
        (b"nf_tables 1 0 - Live 0x0\n", b"", True),
        (b"ext4 1 0 - Live 0x0\n", b"kernel/net/netfilter/nf_tables.ko\n", True),
        (b"ext4 1 0 - Live 0x0\n", b"kernel/net/netfilter/xnf_tables.ko\n", False),
        (b"nf_tables_x 1 0 - Live 0x0\n", b"", False),
        (None, None, True),
    ],
)
def test_whether_the_kernel_can_answer_without_modprobe(tree, modules, builtin, has):
    if modules is not None:
        (tree.proc / "modules").write_bytes(modules)
    if builtin is not None:
        tree.file("/lib/modules/%s/modules.builtin" % os.uname().release, builtin)
    assert netlink.kernel_has(str(tree.proc), str(tree.root), (b"nf_tables",)) is has
