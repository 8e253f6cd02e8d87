# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can reach a socket."""

import errno
import os

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import netlink, packet_filter_rules, ports
from ansible_collections.incident.response.plugins.module_utils._collect.exposure import Exposure, Surroundings, scope_of
from ansible_collections.incident.response.plugins.module_utils._collect.netlink import Address
from ansible_collections.incident.response.plugins.module_utils._collect.packet_filter import (
    INPUT,
    PREROUTING,
    Allowance,
    Boxes,
    Chain,
    Doubt,
    Hooked,
    Step,
    verdict,
)
from ansible_collections.incident.response.plugins.module_utils._collect.packet_filter_rules import NONE, PacketFilter, read_packet_filter
from ansible_collections.incident.response.plugins.module_utils._collect.socket_tables import Socket

UNKNOWN = PacketFilter(None, "the packet filter may not be read: Permission denied")
ADDRESSES = (
    Address("lo", "ipv4", "127.0.0.1", 8, "host"),
    Address("eth0", "ipv4", "192.0.2.11", 24, "global"),
    Address("eth0", "ipv6", "2001:db8::11", 64, "global"),
)
DEV = b"Inter-|   Receive\n face |bytes\n"


def surroundings(packet_filter=NONE, addresses=ADDRESSES, is_cut_off=False, is_host=True, bound=None):
    return Surroundings(packet_filter, addresses, {1: "lo", 2: "eth0"}, bound or {}, is_cut_off, is_host)


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


@pytest.mark.parametrize("address, interface, scope", [("0.0.0.0", "lo", "loopback"), ("0.0.0.0", "eth0", "address"), ("::", "#7", "address")])
def test_scopes_of_sockets_bound_to_an_interface(address, interface, scope):
    assert scope_of(address, interface) == scope


@pytest.mark.parametrize(
    "what, around, exposed, reason",
    [
        (entry("0.0.0.0"), surroundings(), True, "listens on every interface; no packet filter is active"),
        (entry("192.0.2.1"), surroundings(), True, "listens on one address; no packet filter is active"),
        (entry("0.0.0.0"), surroundings(UNKNOWN), None, "listens on every interface; the packet filter may not be read: Permission denied"),
        (entry("127.0.0.1"), surroundings(UNKNOWN), False, "listens on loopback only"),
        (entry("0.0.0.0"), surroundings(is_cut_off=True), False, "listens on every interface; its network namespace has no interface but loopback"),
        (entry("0.0.0.0", "established", peer="192.0.2.2"), surroundings(), None, None),
        (entry("0.0.0.0", "unconnected", "udp"), surroundings(), True, "listens on every interface; no packet filter is active"),
        (entry(None, "listen", "unix"), surroundings(), None, None),
        (entry("0.0.0.0"), surroundings(bound={7: 1}), False, "listens on loopback only"),
        (entry("0.0.0.0"), surroundings(bound={7: 2}), True, "listens on the interface eth0; no packet filter is active"),
    ],
)
def test_exposure(what, around, exposed, reason):
    fields = Exposure(around, Allowance(5)).fields(what, False)
    assert (fields["exposed"], fields["exposed_reason"]) == (exposed, reason)


def test_what_gets_past_the_filter_of_another_namespace_may_still_not_get_there():
    fields = Exposure(surroundings(is_host=False), Allowance(5)).fields(entry("0.0.0.0"), False)
    assert fields["exposed"] is None
    assert "whether other hosts are led into its network namespace is not known" in fields["exposed_reason"]


def chain(name, steps=(), policy="accept"):
    made = Chain("table ip filter, chain %s" % name, policy)
    made.sources.extend(lambda rule=rule: list(rule) for rule in steps)
    return made


def asks(answer):
    return Step(test=lambda _packet, _region: answer)


def active(*hooked):
    return PacketFilter(True, "a packet filter is active", list(hooked))


NETWORK = Boxes([(((0xC0000200, 0xC00002FF),), None)])
EVERYTHING = Boxes([(((0, 0xFFFFFFFF),), None)])
SOURCE_PORT = Boxes([(None, ((53, 53),))])


@pytest.mark.parametrize(
    "rules, policy, exposed, reason",
    [
        ([], "accept", True, "the packet filter lets it in (no rule keeps it out)"),
        ([], "drop", False, "the packet filter drops it (policy of table ip filter, chain INPUT)"),
        ([[verdict("accept")]], "drop", True, "the packet filter lets it in (table ip filter, chain INPUT)"),
        ([[verdict("drop")]], "accept", False, "the packet filter drops it (table ip filter, chain INPUT)"),
        ([[asks(NETWORK), verdict("accept")]], "drop", True, "the packet filter lets it in from 192.0.2.0/24 only (table ip filter, chain INPUT)"),
        ([[asks(NETWORK), verdict("drop")]], "accept", True, "the packet filter lets it in from all but some hosts (no rule keeps it out)"),
        ([[asks(EVERYTHING), verdict("drop")]], "accept", False, "the packet filter drops it (table ip filter, chain INPUT)"),
        (
            [[asks(NETWORK), verdict("drop")], [asks(NETWORK._replace(is_negated=True)), verdict("drop")]],
            "accept",
            False,
            "the packet filter drops it (table ip filter, chain INPUT)",
        ),
        ([[asks(SOURCE_PORT), verdict("accept")]], "drop", True, "the packet filter lets it in from some source ports only (table ip filter, chain INPUT)"),
        (
            [[asks(Doubt("match x")), verdict("drop")]],
            "accept",
            None,
            "whether the packet filter lets it in is not known: match x in table ip filter, chain INPUT",
        ),
        ([[asks(Doubt("match x")), verdict("accept")]], "accept", True, "the packet filter lets it in (table ip filter, chain INPUT)"),
        (
            [[asks(Doubt("match x")), verdict("drop")]],
            "drop",
            False,
            "the packet filter drops it (table ip filter, chain INPUT)",
        ),
        (
            [[verdict("unknown", why="target NFQUEUE")]],
            "accept",
            None,
            "whether the packet filter lets it in is not known: target NFQUEUE in table ip filter, chain INPUT",
        ),
    ],
)
def test_what_a_packet_filter_leaves(rules, policy, exposed, reason):
    around = surroundings(active(Hooked(4, INPUT, chain("INPUT", rules, policy))))
    fields = Exposure(around, Allowance(5)).fields(entry("0.0.0.0"), False)
    assert (fields["exposed"], fields["exposed_reason"]) == (exposed, "listens on every interface; " + reason)


def test_a_listener_for_both_families_is_open_where_one_of_them_is():
    around = surroundings(active(Hooked(4, INPUT, chain("INPUT", policy="drop"))))
    fields = Exposure(around, Allowance(5)).fields(entry("::")._replace(family="ipv6"), True)
    assert fields["exposed"] is True
    assert "over IPv6 the packet filter lets it in" in fields["exposed_reason"]
    assert "over IPv4 the packet filter drops it" in fields["exposed_reason"]


def test_a_packet_that_is_led_elsewhere_does_not_arrive():
    away = Step(change=lambda _packet, region: region._replace(port=8080))
    around = surroundings(active(Hooked(4, PREROUTING, chain("PREROUTING", [[away, verdict("accept")]]))))
    fields = Exposure(around, Allowance(5)).fields(entry("0.0.0.0"), False)
    assert (fields["exposed"], "leads it elsewhere" in fields["exposed_reason"]) == (False, True)


def test_rules_without_end_are_given_up():
    around = surroundings(active(Hooked(4, INPUT, chain("INPUT", [[asks(False)]] * 100000))))
    exposure = Exposure(around, Allowance(0.01))
    for port in (80, 81):
        fields = exposure.fields(entry("0.0.0.0")._replace(port=port), False)
        assert (fields["exposed"], "too many" in fields["exposed_reason"]) == (None, True)


@pytest.mark.parametrize(
    "error, is_active",
    [(errno.EPERM, None), (errno.EINVAL, False), (errno.EOPNOTSUPP, False), (errno.EPROTONOSUPPORT, False), (errno.ENOBUFS, None), (errno.EAGAIN, None)],
)
def test_what_the_kernel_says_of_nftables(tmp_path, monkeypatch, error, is_active):
    def fail():
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(netlink, "has_nftables", fail)
    assert read_packet_filter(str(tmp_path), True, Allowance(5)).is_active is is_active


def test_a_kernel_without_nftables_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(netlink, "has_nftables", lambda: pytest.fail("modprobe would run"))
    assert packet_filter_rules.read_packet_filter(str(tmp_path), False, Allowance(5)) == NONE


@pytest.mark.parametrize(
    "interfaces, is_cut_off", [(b"    lo: 1 2\n", True), (b"    lo: 1 2\n  eth0: 1 2\n", False), (b"", True), (b"  lo:x: 1 2\n", True), (b"  a:lo: 1\n", False)]
)
def test_a_namespace_with_nothing_but_loopback_is_reached_by_nobody(tmp_path, interfaces, is_cut_off):
    (tmp_path / "dev").write_bytes(DEV + interfaces)
    assert ports._is_cut_off(str(tmp_path)) is is_cut_off


def test_a_namespace_that_cannot_be_read_is_not_called_cut_off(tmp_path):
    assert ports._is_cut_off(str(tmp_path / "gone")) is False
