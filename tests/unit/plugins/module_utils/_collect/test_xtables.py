# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of iptables and ip6tables as the kernel hands them out, and matches; the lab has the kernel's own."""

import socket
import struct

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect import xtables
from ansible_collections.incident.response.plugins.module_utils._collect.netlink import clock
from ansible_collections.incident.response.plugins.module_utils._collect.packet_filter import ALL_PORTS, INPUT, UNTRACKED, Packet, Region, Walk, find_doors

HERE = {4: socket.inet_aton("192.0.2.11"), 6: socket.inet_pton(socket.AF_INET6, "2001:db8::11")}
ACCEPT, DROP, RETURN = -2, -1, -5
END = clock() + 3600
HEADS = {4: (112, 84), 6: (168, 136)}


def element(name, data, revision=0):
    body = data + bytes(-len(data) % 8)
    return struct.pack("=H29sB", 32 + len(body), name.encode(), revision) + body


def rule(verdict=None, family=4, matches=b"", target=None, **head):
    """An entry: ``source`` and ``destination`` are (address, mask), ``invert`` the flags of what is turned round."""
    width = 4 if family == 4 else 16
    size, offsets = HEADS[family]
    (source, source_mask), (destination, destination_mask) = (head.get(name, (bytes(width), bytes(width))) for name in ("source", "destination"))
    interface = head.get("interface", b"")
    data = source + destination + (source_mask + destination_mask) + interface.ljust(16, b"\0") + bytes(16)
    data += (b"\xff" * (len(interface) + 1) if interface else b"").ljust(16, b"\0") + bytes(16)
    flags, invert = head.get("flags", 0), head.get("invert", 0)
    data += struct.pack("=HBB", head.get("protocol", 0), flags, invert) if family == 4 else struct.pack("=HBBB3x", head.get("protocol", 0), 0, flags, invert)
    assert len(data) == offsets
    last = element("", struct.pack("=i", verdict)) if target is None else target
    data += struct.pack("=IHHI16x", 0, size + len(matches), size + len(matches) + len(last), 0)
    return data.ljust(size, b"\0") + matches + last


def kernel(rules, policy=ACCEPT, chains=(), family=4, hook=INPUT, name="filter"):
    """Answer as the kernel would: a table with one base chain, and chains of users, each its rules."""
    policy_rule = rule(policy, family)
    body = b"".join(rules)
    underflow = len(body)
    blob = body + policy_rule
    for chain in chains:
        blob += rule(family=family, target=element("ERROR", b"users".ljust(32, b"\0"))) + b"".join(chain) + rule(RETURN, family)
    blob += rule(family=family, target=element("ERROR", b"ERROR".ljust(32, b"\0")))
    hooks = [0] * 5
    underflows = [underflow if number == hook else 0 for number in range(5)]
    info = name.encode().ljust(32, b"\0") + struct.pack("=I5I5III", 1 << hook, *(hooks + underflows + [1, len(blob)]))

    def get(_level, option, head, size):
        assert head.startswith(name.encode())
        return info if option == 64 else head.ljust(40, b"\0") + blob

    return xtables.read(family, [name], get)


def start_of_users_chain(rules, family=4):
    return len(b"".join(rules)) + len(rule(ACCEPT, family)) + len(rule(family=family, target=element("ERROR", b"users".ljust(32, b"\0"))))


def let_in(chains, port=80, protocol=6, family=4, **about):
    everybody = ((0, 2 ** (32 if family == 4 else 128) - 1),)
    region = Region(everybody, ALL_PORTS, HERE[family], port)._replace(**about)
    outcome = Walk(END).through(Packet(family, protocol, b"eth0", 2), [chain for _hook, chain in chains], [region])
    if any(part.doubt for part in outcome.accepted):
        return None
    return True if [part.sources for part in outcome.accepted] == [everybody] else [part.sources for part in outcome.accepted]


def tcp(first=80, last=None, source=(0, 65535), invert=0, mask=0, flags=0):
    return element("tcp", struct.pack("=HHHHBBBB", source[0], source[1], first, last or first, 0, mask, flags, invert))


def test_the_policy_and_a_rule():
    assert let_in(kernel([])) is True
    assert let_in(kernel([], policy=DROP)) == []
    assert let_in(kernel([rule(ACCEPT)], policy=DROP)) is True
    assert let_in(kernel([rule(DROP, 6, protocol=6)], family=6), family=6) == []
    assert let_in(kernel([rule(DROP, 6, protocol=17)], family=6), family=6) is True


@pytest.mark.parametrize(
    "match, is_dropped",
    [
        (tcp(80), True),
        (tcp(81), False),
        (tcp(79, 90), True),
        (tcp(80, invert=2), False),
        (tcp(0, 65535, mask=0x17, flags=2), True),
        (tcp(0, 65535, mask=0x17, flags=2, invert=4), False),
        (element("udp", struct.pack("=HHHHB", 0, 65535, 80, 80, 0)), False),
        (element("multiport", struct.pack("=BB15H", 1, 2, 443, 80, *[0] * 13) + bytes(16), 1), True),
        (element("multiport", struct.pack("=BB15H", 1, 2, 79, 90, *[0] * 13) + b"\1" + bytes(15), 1), True),
        (element("multiport", struct.pack("=BB15H", 1, 2, 443, 80, *[0] * 13) + bytes(15) + b"\1", 1), False),
        (element("state", struct.pack("=I", 8)), True),
        (element("state", struct.pack("=I", 6)), False),
        (element("conntrack", bytes(146) + struct.pack("=HHHH", 1, 0, 8, 0), 3), True),
        (element("conntrack", bytes(146) + struct.pack("=HHHH", 1 | 1 << 13, 1, 8, 0), 3), False),
        (element("conntrack", bytes(146) + struct.pack("=HHHH", 1, 0, 6, 0), 3), False),
        (element("comment", b"hello".ljust(256, b"\0")), True),
        (element("addrtype", struct.pack("=HHI", 0, 4, 0), 1), True),
        (element("addrtype", struct.pack("=HHI", 0, 8, 0), 1), False),
        (element("addrtype", struct.pack("=HHI", 0, 4, 2), 1), False),
        (element("addrtype", struct.pack("=HHII", 0, 4, 0, 1)), False),
        (element("mark", struct.pack("=IIB", 0, 0xFFFFFFFF, 0), 1), True),
        (element("mark", struct.pack("=IIB", 5, 0xFFFFFFFF, 0), 1), False),
        (element("pkttype", struct.pack("=ii", 0, 0)), True),
        (element("pkttype", struct.pack("=ii", 1, 0)), False),
        (element("rpfilter", b"\x08"), False),
        (element("icmp", b"\x08\0\xff\0"), False),
    ],
)
def test_matches(match, is_dropped):
    assert let_in(kernel([rule(DROP, matches=match)])) == ([] if is_dropped else True)


@pytest.mark.parametrize("match", [element("u32", bytes(16)), element("tcp", b""), element("conntrack", bytes(160), 1), element("set", bytes(8))])
def test_matches_that_are_not_known_are_in_doubt(match):
    assert let_in(kernel([rule(DROP, matches=match)])) is None


def test_sources():
    network = (bytes([198, 51, 100, 0]), b"\xff\xff\xff\0")
    assert let_in(kernel([rule(ACCEPT, source=network)], policy=DROP)) == [((0xC6336400, 0xC63364FF),)]
    assert let_in(kernel([rule(DROP, source=network, invert=8)])) == [((0xC6336400, 0xC63364FF),)]
    bounds = element("iprange", bytes([198, 51, 100, 7]).ljust(16, b"\0") + bytes([198, 51, 100, 9]).ljust(16, b"\0") + bytes(32) + b"\1", 1)
    assert let_in(kernel([rule(ACCEPT, matches=bounds)], policy=DROP)) == [((0xC6336407, 0xC6336409),)]
    assert let_in(kernel([rule(DROP, source=(bytes([198, 0, 100, 0]), b"\xff\0\xff\0"))])) is None


def test_heads():
    assert let_in(kernel([rule(DROP, interface=b"eth0")])) == []
    assert let_in(kernel([rule(DROP, interface=b"eth1")])) is True
    assert let_in(kernel([rule(DROP, interface=b"lo", invert=1)])) == []
    assert let_in(kernel([rule(DROP, destination=(HERE[4], b"\xff" * 4))])) == []
    assert let_in(kernel([rule(DROP, destination=(HERE[4], b"\xff" * 4), invert=16)])) is True
    assert let_in(kernel([rule(DROP, protocol=6, invert=64)])) is True
    assert let_in(kernel([rule(DROP, flags=1)])) is True  # fragments but the first
    assert let_in(kernel([rule(DROP, 6, destination=(HERE[6], b"\xff" * 16))], family=6), family=6) == []


@pytest.mark.parametrize(
    "target, outcome",
    [
        (element("REJECT", bytes(8)), []),
        (element("LOG", bytes(40)), True),
        (element("NFQUEUE", bytes(8), 3), None),
        (element("SOMETHING", bytes(8)), None),
    ],
)
def test_targets(target, outcome):
    assert let_in(kernel([rule(target=target)])) == outcome


def test_chains_of_users():
    jump = [rule(start_of_users_chain([rule(0)] * 2)), rule(DROP)]
    assert let_in(kernel(jump, chains=[[rule(ACCEPT)]])) is True
    assert let_in(kernel(jump, chains=[[rule(RETURN), rule(ACCEPT)]])) == []
    goto = [rule(start_of_users_chain([rule(0)] * 2), flags=2), rule(DROP)]
    assert let_in(kernel(goto, chains=[[rule(RETURN)]])) is True
    ((_hook, chain),) = kernel(jump, chains=[[rule(DROP)]])
    outcome = Walk(END).through(Packet(4, 6, b"eth0"), [chain], [Region(((1, 9),), ALL_PORTS, HERE[4], 80)])
    assert [region.said for region in outcome.dropped] == ["iptables table filter, chain users"]


def test_marks_and_tracking():
    mark = rule(target=element("MARK", struct.pack("=II", 5, 0xFFFFFFFF), 2))
    assert let_in(kernel([mark, rule(DROP, matches=element("mark", struct.pack("=IIB", 5, 0xFF, 0), 1))])) == []
    untracked = rule(DROP, matches=element("state", struct.pack("=I", UNTRACKED)))
    no_track = rule(target=element("CT", struct.pack("=H30x", 1), 2))
    assert let_in(kernel([no_track, untracked], name="raw", hook=0)) == []
    assert let_in(kernel([no_track, untracked])) is True  # too late: it is tracked already


def test_packets_that_are_led_elsewhere():
    to = struct.pack("=II4s4s", 1, 3, bytes([10, 0, 0, 2]), bytes([10, 0, 0, 2])) + struct.pack(">HH", 8080, 8080)
    ((_hook, chain),) = kernel([rule(matches=tcp(80), target=element("DNAT", to))], name="nat", hook=0)
    (region,) = Walk(END).through(Packet(4, 6, b"eth0"), [chain], [Region(((1, 9),), ALL_PORTS, HERE[4], 80)]).accepted
    assert (region.address, region.port, region.is_translated) == (bytes([10, 0, 0, 2]), 8080, True)
    assert find_doors([chain], END) == (True, (80,))


def test_damaged_tables_are_refused():
    with pytest.raises(ValueError):
        kernel([rule(DROP)[:-40] + bytes(40)] * 2 + [b"\0" * 112])


def test_a_table_that_is_too_large_is_not_read():
    def get(_level, _option, head, _size):
        return head + struct.pack("=I5I5III", *[0] * 12, 1 << 30)

    with pytest.raises(ValueError):
        xtables.read(4, ["filter"], get)
