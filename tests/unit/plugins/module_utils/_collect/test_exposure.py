# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can reach a socket."""

import errno
import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import exposure, netlink
from ansible_collections.incident.response.plugins.module_utils._collect.exposure import PacketFilter, as_fields, elsewhere, read_packet_filter, scope_of
from ansible_collections.incident.response.plugins.module_utils._collect.socket_tables import Socket

OPEN, UNKNOWN = PacketFilter(False, "no packet filter is active"), PacketFilter(None, "iptables is active, its rules were not read")
CUT_OFF = PacketFilter(None, "its network namespace has no interface but loopback", True)
DEV = b"Inter-|   Receive\n face |bytes\n"


def entry(address, state="listen", protocol="tcp", peer=None):
    return Socket(protocol, "ipv4", state, address, 80, peer, 1 if peer else None, 7, 0, 0, 0)


@pytest.mark.parametrize(
    "address, scope",
    [
        (None, None),
        ("0.0.0.0", "all"),
        ("::", "all"),
        ("::ffff:0.0.0.0", "all"),
        ("127.0.0.1", "loopback"),
        ("127.0.0.53", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("192.0.2.11", "address"),
        ("1.127.0.1", "address"),
        ("::127", "address"),
        ("fe80::1", "address"),
        ("::ffff:192.0.2.11", "address"),
    ],
)
def test_scopes(address, scope):
    assert scope_of(address) == scope


@pytest.mark.parametrize(
    "what, packet_filter, exposed, reason",
    [
        (entry("0.0.0.0"), OPEN, True, "listens on every interface; no packet filter is active"),
        (entry("192.0.2.1"), OPEN, True, "listens on one address; no packet filter is active"),
        (entry("0.0.0.0"), UNKNOWN, None, "listens on every interface; iptables is active, its rules were not read"),
        (entry("127.0.0.1"), UNKNOWN, False, "listens on loopback only"),
        (entry("0.0.0.0"), CUT_OFF, False, "listens on every interface; its network namespace has no interface but loopback"),
        (entry("0.0.0.0", "established", peer="192.0.2.2"), OPEN, None, None),
        (entry("0.0.0.0", "unconnected", "udp"), OPEN, True, "listens on every interface; no packet filter is active"),
        (entry(None, "listen", "unix"), OPEN, None, None),
    ],
)
def test_exposure(what, packet_filter, exposed, reason):
    fields = as_fields(what, packet_filter)
    assert (fields["exposed"], fields["exposed_reason"]) == (exposed, reason)


def test_tables_of_iptables_leave_it_unknown(tree):
    (tree.proc / "net").mkdir()
    (tree.proc / "net" / "ip6_tables_names").write_bytes(b"filter\n")
    assert read_packet_filter(tree.target()).active is None
    assert "iptables" in read_packet_filter(tree.target()).detail


@pytest.mark.parametrize(
    "error, active",
    [(errno.EPERM, None), (errno.EINVAL, False), (errno.EOPNOTSUPP, False), (errno.EPROTONOSUPPORT, False), (errno.ENOBUFS, None)],
)
def test_what_the_kernel_says_of_nftables(tree, monkeypatch, error, active):
    def fail():
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(netlink, "has_nftables", fail)
    monkeypatch.setattr(netlink, "kernel_has", lambda _proc, _root, _names: True)
    assert read_packet_filter(tree.target()).active is active


def test_a_kernel_without_nftables_is_not_asked(tree, monkeypatch):
    (tree.proc / "modules").write_bytes(b"ext4 1 1 - Live 0x0\n")
    monkeypatch.setattr(netlink, "has_nftables", lambda: pytest.fail("modprobe would run"))
    assert exposure.read_packet_filter(tree.target()) == OPEN


@pytest.mark.parametrize(
    "interfaces, is_cut_off", [(b"    lo: 1 2\n", True), (b"    lo: 1 2\n  eth0: 1 2\n", False), (b"", True), (b"  lo:x: 1 2\n", True), (b"  a:lo: 1\n", False)]
)
def test_a_namespace_with_nothing_but_loopback_is_reached_by_nobody(tmp_path, interfaces, is_cut_off):
    (tmp_path / "dev").write_bytes(DEV + interfaces)
    assert elsewhere(str(tmp_path)).is_cut_off is is_cut_off
    assert elsewhere(str(tmp_path)).active is None


def test_a_namespace_that_cannot_be_read_is_not_called_cut_off(tmp_path):
    assert elsewhere(str(tmp_path / "gone")).is_cut_off is False
