# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of iptables and ip6tables: the tables of the kernel's xtables, and the matches and targets that nftables carries for iptables-nft.

Sources: linux/netfilter/x_tables.h, linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h, the header of each match and target.
"""

import socket
import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .packet_filter import ALL_PORTS, SOMETIMES, UNTRACKED, Answer, Boxes, Chain, Doubt, Packet, Ranges, Region, Step, ranges, untrack, verdict

_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_GET_INFO, _GET_ENTRIES = 64, 65
_MOST_BYTES = 1 << 24

# Matches that hold now and then, and targets that let a packet go on as it is.
_NOW_AND_THEN = ("limit", "hashlimit", "connlimit", "statistic", "quota", "time")
_HARMLESS = (
    "LOG",
    "NFLOG",
    "ULOG",
    "TRACE",
    "AUDIT",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TOS",
    "DSCP",
    "TTL",
    "HL",
    "ECN",
    "CLASSIFY",
    "CHECKSUM",
    "SET",
    "SECMARK",
    "CONNSECMARK",
    "RATEEST",
    "TEE",
    "IDLETIMER",
    "LED",
)
_INVERT_IN, _INVERT_OUT, _INVERT_SOURCE, _INVERT_DESTINATION, _INVERT_FRAGMENT, _INVERT_PROTOCOL = 1, 2, 8, 16, 32, 64


class _Layout(NamedTuple):
    """Where the parts of an entry lie: ``struct ipt_entry``, ``struct ip6t_entry``."""

    level: int
    width: int
    protocol: int
    flags: int
    offsets: int
    elements: int
    goto: int
    fragment: int


_LAYOUTS = {4: _Layout(0, 4, 80, 82, 88, 112, 2, 1), 6: _Layout(41, 16, 128, 131, 140, 168, 4, 0)}


def inverted(answer: Answer, invert: bool) -> Answer:
    """The answer to the opposite question."""
    if not invert:
        return answer
    if isinstance(answer, bool):
        return not answer
    if isinstance(answer, Boxes):
        return Boxes(answer.boxes, not answer.is_negated)
    return answer


def port_ranges(pairs: List[Tuple[int, int]]) -> Ranges:
    """Ranges of ports."""
    return ranges(pairs)


def _by_ports(region: Region, sources: Optional[Ranges], destinations: Optional[Ranges]) -> List[Answer]:
    answers: List[Answer] = []
    if destinations is not None:
        answers.append(Doubt("port") if region.port is None else any(first <= region.port <= last for first, last in destinations))
    if sources is not None and sources != ALL_PORTS:
        answers.append(Boxes([(None, sources)]))
    return answers


def _tests(*tests: Callable[[Packet, Region], Answer]) -> List[Step]:
    return [Step(test=test) for test in tests]


def _tcp(data: bytes, _family: int, _revision: int) -> List[Step]:
    first, last, to_first, to_last, option, mask, flags, invert = struct.unpack_from("=HHHHBBBB", data)
    steps = _ports(socket.IPPROTO_TCP, (first, last), (to_first, to_last), invert)
    if mask:
        # The first packet of a connection has SYN alone.
        steps += _tests(lambda _packet, _region: inverted((0x02 & mask) == flags, bool(invert & 4)))
    if option:
        steps += _tests(lambda _packet, _region: Doubt("a TCP option"))
    return steps


def _udp(data: bytes, _family: int, _revision: int) -> List[Step]:
    first, last, to_first, to_last, invert = struct.unpack_from("=HHHHB", data)
    return _ports(socket.IPPROTO_UDP, (first, last), (to_first, to_last), invert)


def _ports(protocol: int, source: Tuple[int, int], destination: Tuple[int, int], invert: int) -> List[Step]:
    from_ports, to_ports = port_ranges([source]), port_ranges([destination])

    def by_destination(_packet: Packet, region: Region) -> Answer:
        return inverted((_by_ports(region, None, to_ports))[0], bool(invert & 2)) if to_ports != ALL_PORTS or invert & 2 else True

    def by_source(_packet: Packet, region: Region) -> Answer:
        return inverted((_by_ports(region, from_ports, None) or [True])[0], bool(invert & 1))

    ports = () if to_ports == ALL_PORTS else (destination[0],)
    return [
        *_tests(lambda packet, _region: packet.protocol == protocol),
        Step(test=by_destination, ports=ports, only_for=to_ports if ports and not invert & 2 else None),
        *_tests(by_source),
    ]


def _multiport(data: bytes, _family: int, revision: int) -> List[Step]:
    kind, count = data[0], data[1]
    numbers = struct.unpack_from("=15H", data, 2)
    if revision == 0:
        pairs, invert = [(port, port) for port in numbers[:count]], False
    else:
        starts, invert = data[32:47], bool(data[47])
        pairs, at = [], 0
        while at < min(count, 15):
            last = at + 1 if starts[at] and at + 1 < count else at
            pairs.append((numbers[at], numbers[last]))
            at = last + 1
    ports = port_ranges(pairs)

    def test(_packet: Packet, region: Region) -> Answer:
        answers = _by_ports(region, ports if kind in (0, 2) else None, ports if kind in (1, 2) else None)
        if kind == 2 and answers[0] is not True:
            return inverted(answers[-1] if answers[0] is False else answers[0], invert)
        return inverted(answers[0] if answers else True, invert)

    return [
        *_tests(lambda packet, _region: packet.protocol in (6, 17, 33, 132, 136)),
        Step(test=test, ports=tuple(numbers[: min(count, 15)]), only_for=ports if kind == 1 and not invert else None),
    ]


def _state(data: bytes, _family: int, _revision: int) -> List[Step]:
    mask = struct.unpack_from("=I", data)[0]
    return _tests(lambda _packet, region: bool(mask & region.state))


def _conntrack(data: bytes, _family: int, revision: int) -> List[Step]:
    if revision not in (2, 3):
        return _not_known("match conntrack, revision %d" % revision)
    asked, negated, states = struct.unpack_from("=HHH", data, 146)
    if asked & ~(1 << 13) != 1:
        return _not_known("match conntrack")

    def test(_packet: Packet, region: Region) -> Answer:
        # XT_CONNTRACK_STATE_UNTRACKED is not the bit that nftables and the match state have.
        bit = 1 << 8 if region.state == UNTRACKED else region.state
        return inverted(bool(states & (bit | (1 << 7 if region.is_translated else 0))), bool(negated & 1))

    return _tests(test)


def _comment(_data: bytes, _family: int, _revision: int) -> List[Step]:
    return []


def _addrtype(data: bytes, family: int, revision: int) -> List[Step]:
    if revision == 0:
        sources, destinations, invert_source, invert_destination = struct.unpack_from("=HHII", data)
    else:
        sources, destinations, flags = struct.unpack_from("=HHI", data)
        invert_source, invert_destination = flags & 1, flags & 2
    local, unicast = 1 << 2, 1 << 1

    def test(_packet: Packet, region: Region) -> Answer:
        if destinations and region.is_translated:
            return Doubt("match addrtype")
        if destinations and bool(destinations & local) == bool(invert_destination):
            return False
        return not sources or bool(sources & unicast) != bool(invert_source)

    return _tests(test)


def _iprange(data: bytes, family: int, _revision: int) -> List[Step]:
    width = 4 if family == 4 else 16
    bounds = [int.from_bytes(data[at : at + width], "big") for at in (0, 16, 32, 48)]
    flags = data[64]
    steps = []
    if flags & 1:
        steps += _tests(lambda _packet, _region: Boxes([(ranges([(bounds[0], bounds[1])]), None)], bool(flags & 16)))
    if flags & 2:
        steps += _tests(lambda packet, region: inverted(_address_within(packet, region, bounds[2], bounds[3]), bool(flags & 32)))
    return steps


def _address_within(packet: Packet, region: Region, first: int, last: int) -> Answer:
    packet.asked.add("address")
    return Doubt("address") if region.address is None else first <= int.from_bytes(region.address, "big") <= last


def _mark(data: bytes, _family: int, revision: int) -> List[Step]:
    return _marked(data, revision, lambda region: region.mark, "match mark")


def _connmark(data: bytes, _family: int, revision: int) -> List[Step]:
    return _marked(data, revision, lambda region: region.connection_mark, "match connmark")


def _marked(data: bytes, revision: int, read: Callable[[Region], Optional[int]], what: str) -> List[Step]:
    if revision != 1:
        return _not_known(what)
    value, mask, invert = struct.unpack_from("=IIB", data)

    def test(_packet: Packet, region: Region) -> Answer:
        mark = read(region)
        return Doubt(what) if mark is None else inverted(mark & mask == value, bool(invert))

    return _tests(test)


def _icmp(_data: bytes, family: int, _revision: int) -> List[Step]:
    number = 1 if family == 4 else 58
    return _tests(lambda packet, _region: Doubt("match icmp") if packet.protocol == number else False)


def _pkttype(data: bytes, _family: int, _revision: int) -> List[Step]:
    kind, invert = struct.unpack_from("=ii", data)
    return _tests(lambda _packet, _region: inverted(kind == 0, bool(invert)))


def _rpfilter(data: bytes, _family: int, _revision: int) -> List[Step]:
    """A peer that gets an answer has a way back."""
    return _tests(lambda _packet, _region: not data[0] & 8)


def _not_known(why: str) -> List[Step]:
    return _tests(lambda _packet, _region: Doubt(why))


_MATCHES: Dict[str, Callable[[bytes, int, int], List[Step]]] = {
    "tcp": _tcp,
    "udp": _udp,
    "multiport": _multiport,
    "state": _state,
    "conntrack": _conntrack,
    "comment": _comment,
    "addrtype": _addrtype,
    "iprange": _iprange,
    "mark": _mark,
    "connmark": _connmark,
    "icmp": _icmp,
    "icmp6": _icmp,
    "pkttype": _pkttype,
    "rpfilter": _rpfilter,
}


def match(family: int, name: str, revision: int, data: bytes) -> List[Step]:
    """The steps of a match (``-m name``); what is not known here, and what is shorter than it should be, is in doubt."""
    if name in _NOW_AND_THEN:
        return _tests(lambda _packet, _region: SOMETIMES)
    try:
        return _MATCHES[name](data, family, revision)
    except (KeyError, struct.error, IndexError):
        return _not_known("match " + name)


def target(family: int, name: str, revision: int, data: bytes) -> List[Step]:
    """The steps of a target (``-j name``) that is not a chain."""
    if name in _HARMLESS:
        return []
    if name == "REJECT":
        return [verdict("drop")]
    if name in ("SNAT", "MASQUERADE", "ACCEPT"):
        return [verdict("accept")]
    if name in ("DNAT", "REDIRECT"):
        return _destination(family, name, revision, data)
    if name == "MARK" and revision == 2 and len(data) >= 8:
        value, mask = struct.unpack_from("=II", data)
        return [Step(change=lambda _packet, region: region._replace(mark=None if region.mark is None else (region.mark & ~mask) ^ value))]
    if name in ("MARK", "CONNMARK"):
        return [Step(change=lambda _packet, region: region._replace(mark=None, connection_mark=None))]
    if name == "NOTRACK" or (name == "CT" and data[:1] and data[0] & 1):
        return [Step(change=untrack)]
    if name == "CT":
        return []
    return [verdict("unknown", why="target " + name)]


def _destination(family: int, name: str, revision: int, data: bytes) -> List[Step]:
    """DNAT and REDIRECT: ``struct nf_nat_ipv4_multi_range_compat``, ``struct nf_nat_range``, ``struct nf_nat_range2``."""
    try:
        if family == 4 and revision < 2:
            flags, first, last = struct.unpack_from("=I4s4s", data, 4)
            ports = struct.unpack_from(">HH", data, 16)
        else:
            width = 4 if family == 4 else 16
            flags = struct.unpack_from("=I", data)[0]
            first, last = data[4 : 4 + width], data[20 : 20 + width]
            ports = struct.unpack_from(">HH", data, 36)
    except struct.error:
        return [verdict("unknown", why="target " + name)]
    has_address, has_port = flags & 1 and name == "DNAT", flags & 2
    address = first if has_address and first == last else None
    port = ports[0] if ports[0] == ports[1] else None
    return destination(lambda _packet, _region: address, lambda _packet, _region: port, bool(has_address), bool(has_port), name == "REDIRECT")


def destination(
    address: Callable[[Packet, Region], Optional[bytes]],
    port: Callable[[Packet, Region], Optional[int]],
    has_address: bool,
    has_port: bool,
    to_this_host: bool,
) -> List[Step]:
    """The steps that lead a packet elsewhere; ``None`` is one of several."""

    def change(packet: Packet, region: Region) -> Region:
        if has_address:
            region = region._replace(address=address(packet, region))
        if has_port:
            region = region._replace(port=port(packet, region))
        return region._replace(is_translated=True)

    if to_this_host and not has_port:
        return [verdict("accept")]
    return [Step(change=change, leads=True), verdict("accept")]


def read(family: int, names: List[str], get: Callable[[int, int, bytes, int], bytes]) -> List[Tuple[int, Chain]]:
    """The base chains of tables, each with its hook. ``get`` is getsockopt(2) of a raw socket: level, option, what is handed in, and the size.

    Ask for no table but those of ``ip_tables_names``: the kernel would make it, or load its module. Raises ``OSError``, ``ValueError``.
    """
    layout = _LAYOUTS[family]
    chains = []
    for name in names:
        head = name.encode("ascii").ljust(32, b"\0")
        info = get(layout.level, _GET_INFO, head, 84)
        fields = struct.unpack_from("=I5I5III", info, 32)
        size = fields[12]
        if size > _MOST_BYTES:
            raise ValueError("the table %s has %d bytes of rules, more than are read" % (name, size))
        table = _Table(family, layout, name, get(layout.level, _GET_ENTRIES, head + struct.pack("=II", size, 0), 40 + size)[40:])
        for hook in range(3):
            if fields[0] & 1 << hook:
                chains.append((hook, table.base(hook, fields[1 + hook], fields[6 + hook])))
    return chains


class _Table:
    """The entries of a table, and the chains that they make."""

    def __init__(self, family: int, layout: _Layout, name: str, entries: bytes) -> None:
        self._family = family
        self._layout = layout
        self._name = name
        self._entries = entries
        self._chains: Dict[int, Chain] = {}

    def base(self, hook: int, begin: int, policy: int) -> Chain:
        """A base chain: from its first entry to the one that is its policy."""
        chain = Chain("%s table %s, chain %s" % (self._program(), self._name, _HOOKS[hook]), self._policy(policy), _PRIORITIES.get(self._name, 0))
        if self._name == "nat" and hook == 1:
            chain.priority = 100
        self._fill(chain, begin, policy)
        return chain

    def _program(self) -> str:
        return "iptables" if self._family == 4 else "ip6tables"

    def _policy(self, at: int) -> str:
        kind, data = self._target(at)[0:3:2]
        return "accept" if kind == "" and struct.unpack_from("=i", data)[0] == -2 else "drop"

    def _next(self, at: int) -> int:
        """Where the next entry is. Raises ``ValueError`` for one that leads nowhere."""
        if at + self._layout.elements > len(self._entries):
            raise ValueError("the table %s is damaged" % self._name)
        step = struct.unpack_from("=H", self._entries, at + self._layout.offsets + 2)[0]
        if step < self._layout.elements:
            raise ValueError("the table %s is damaged" % self._name)
        return at + int(step)

    def _fill(self, chain: Chain, at: int, end: int) -> None:
        while at < end:
            chain.sources.append(lambda at=at: self._rule(at))  # type: ignore[misc]
            at = self._next(at)

    def _user(self, begin: int) -> Chain:
        """A user's chain; the entry before it is an ``ERROR`` that has its name, the next such entry ends it."""
        if begin not in self._chains:
            end = begin
            while self._target(end)[0] != "ERROR":
                end = self._next(end)
            chain = self._chains[begin] = Chain("%s table %s, chain %s" % (self._program(), self._name, self._name_before(begin)))
            self._fill(chain, begin, end)
        return self._chains[begin]

    def _name_before(self, begin: int) -> str:
        size = self._layout.elements + 64
        name = self._entries[begin - size + self._layout.elements + 32 : begin] if begin >= size else b""
        return name.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")

    def _target(self, at: int) -> Tuple[str, int, bytes]:
        offset = struct.unpack_from("=H", self._entries, at + self._layout.offsets)[0]
        return self._element(at + int(offset))[:3]

    def _element(self, at: int) -> Tuple[str, int, bytes, int]:
        """Name, revision, data and size of a match or target."""
        size, name, revision = struct.unpack_from("=H29sB", self._entries, at)
        return name.split(b"\0", 1)[0].decode("ascii", "replace"), revision, self._entries[at + 32 : at + size], size

    def _rule(self, at: int) -> List[Step]:
        layout = self._layout
        steps = self._head(at)
        target_offset = struct.unpack_from("=H", self._entries, at + layout.offsets)[0]
        element = at + layout.elements
        while element < at + target_offset:
            name, revision, data, size = self._element(element)
            if size < 32:
                return [verdict("unknown", why="a damaged rule")]
            steps += match(self._family, name, revision, data)
            element += size
        name, revision, data = self._target(at)
        if name != "":
            return steps + target(self._family, name, revision, data)
        return steps + self._standard(at, struct.unpack_from("=i", data)[0])

    def _standard(self, at: int, number: int) -> List[Step]:
        known = {-2: "accept", -1: "drop", -5: "return"}
        if number in known:
            return [verdict(known[number])]
        if number < 0:
            return [verdict("unknown", why="a program decides")]
        if number == self._next(at):
            return []
        is_goto = self._entries[at + self._layout.flags] & self._layout.goto
        return [verdict("goto" if is_goto else "jump", self._user(number))]

    def _head(self, at: int) -> List[Step]:
        """Addresses, interfaces and protocol."""
        layout, data, width = self._layout, self._entries, self._layout.width
        flags, invert = data[at + layout.flags], data[at + layout.flags + 1]
        source, destination_, source_mask, destination_mask = (data[at + part * width : at + (part + 1) * width] for part in range(4))
        names = at + 4 * width
        inward, outward, inward_mask, outward_mask = (data[names + part * 16 : names + (part + 1) * 16] for part in range(4))
        protocol = struct.unpack_from("=H", data, at + layout.protocol)[0]
        steps: List[Step] = []
        if flags & layout.fragment:
            steps += _tests(lambda _packet, _region: bool(invert & _INVERT_FRAGMENT))
        if protocol or invert & _INVERT_PROTOCOL:
            steps += _tests(lambda packet, _region: inverted(packet.protocol == protocol, bool(invert & _INVERT_PROTOCOL)))
        if any(destination_mask):
            steps += _tests(lambda packet, region: inverted(_masked(packet, region, destination_, destination_mask), bool(invert & _INVERT_DESTINATION)))
        if any(inward_mask):
            steps += _tests(lambda packet, _region: inverted(named(packet.interface, inward, inward_mask), bool(invert & _INVERT_IN)))
        if any(outward_mask):
            steps += _tests(lambda packet, _region: inverted(named(packet.way_out, outward, outward_mask), bool(invert & _INVERT_OUT)))
        if any(source_mask):
            steps += _tests(lambda _packet, _region: inverted(masked_sources(source, source_mask), bool(invert & _INVERT_SOURCE)))
        return steps


def _masked(packet: Packet, region: Region, value: bytes, mask: bytes) -> Answer:
    packet.asked.add("address")
    if region.address is None:
        return Doubt("address")
    return all(one & bits == other & bits for one, other, bits in zip(region.address, value, mask))


def named(interface: Optional[bytes], name: bytes, mask: bytes) -> Answer:
    """Whether an interface has a name, in the bytes of a mask."""
    if interface is None:
        return Doubt("interface")
    return all(one & bits == other & bits for one, other, bits in zip(interface.ljust(16, b"\0"), name, mask))


def masked_sources(value: bytes, mask: bytes) -> Answer:
    """Sources of a network; a mask with holes is in doubt."""
    width = len(value) * 8
    bits, number = int.from_bytes(mask, "big"), int.from_bytes(value, "big")
    free = (1 << width) - 1 - bits
    if free & (free + 1):
        return Doubt("a network mask with holes")
    first = number & bits
    return Boxes([(((first, first | free),), None)])
