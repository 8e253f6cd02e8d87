# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of nftables, which iptables-nft makes as well, as the kernel has them.

Source: linux/netfilter/nf_tables.h. A rule is a list of expressions that write registers and ask what is in them.
"""

import socket
import struct
import sys
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from . import netlink, xtables
from .packet_filter import (
    BRIDGE,
    FORWARD,
    INGRESS,
    INPUT,
    PREROUTING,
    SOMETIMES,
    Answer,
    Box,
    Boxes,
    Chain,
    Doubt,
    Hooked,
    Packet,
    Ranges,
    Region,
    Step,
    TooMuch,
    Verdict,
    ranges,
    untrack,
    verdict,
)

_NETLINK_NETFILTER = 12
_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_SET, _GET_ELEMENTS = ((10 << 8) | number for number in (1, 4, 7, 10, 13))
_FAMILIES = {1: "inet", 2: "ip", 5: "netdev", 7: "bridge", 10: "ip6"}
_HOOKS = {PREROUTING: "prerouting", INPUT: "input", FORWARD: "forward"}
_MOST_RULES = 50000
_MOST_ELEMENTS = 20000
_DORMANT = 1

# A part of a value: bytes, or some of the source address or port, of which the first ``bits`` are kept.
_Piece = Union[bytes, "_Variable"]
_Value = Optional[List[_Piece]]
_Getter = Callable[[Packet, Region], _Value]


class _Variable(NamedTuple):
    """``length`` bytes from ``start`` on of ``source`` or ``port``, ``width`` bytes wide, whose bits after the first ``bits`` are cleared."""

    name: str
    width: int
    start: int
    length: int
    bits: int


class _Set(NamedTuple):
    """A set or map: its elements, or why they were not read; ``answers`` that were given before."""

    elements: List["_Element"]
    why_not: Optional[str]
    answers: Dict[Tuple[_Piece, ...], Answer]


class _Element(NamedTuple):
    """An element: the ends of its range, equal for one value; ``None`` is the catch-all. ``data`` of a map; ``has_more``: it has expressions."""

    first: Optional[bytes]
    last: Optional[bytes]
    data: Optional[bytes]
    has_more: bool


def _name(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "backslashreplace")


def _number(data: Optional[bytes]) -> int:
    return int.from_bytes(data or b"", "big")


def _ask(kind: int, until: float, request: bytes = b"") -> Iterator[Tuple[int, Dict[int, bytes]]]:
    """The family and the attributes of each answer."""
    family = request[:1] or b"\0"
    for _kind, payload in netlink.dump(_NETLINK_NETFILTER, family + bytes(3) + request[1:], kind, until):
        yield payload[0], netlink.attributes(payload[4:])


def read(until: float) -> List[Hooked]:
    """The base chains of every table, in no order. Raises ``OSError``, ``TooMuch``. Call it only where the kernel has nf_tables."""
    return _Reader(until).read()


class _Reader:
    """The tables, chains, sets and rules of a network namespace; rules are taken apart when they are needed."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._chains: Dict[Tuple[int, bytes, bytes], Chain] = {}
        self._sets: Dict[Tuple[int, bytes, bytes], Tuple[int, bytes]] = {}
        self._elements: Dict[Tuple[int, bytes, bytes], _Set] = {}
        self._left = _MOST_ELEMENTS

    def read(self) -> List[Hooked]:
        """All of it."""
        dormant = {(family, entry.get(1)) for family, entry in _ask(_GET_TABLE, self._until) if _number(entry.get(2)) & _DORMANT}
        found = []
        for family, entry in _ask(_GET_CHAIN, self._until):
            table = entry.get(1, b"")
            chain = self._chains[family, table, entry.get(3, b"")] = self._chain(family, entry)
            hooked = _hook_of(family, entry) if chain.policy else None
            if hooked is not None and (family, table) not in dormant:
                found.append(Hooked({2: 4, 10: 6}.get(family), hooked, chain))
        self._add_rules()
        for key in self._needed_sets():
            self._elements[key] = self._read_set(key)
        return found

    def _chain(self, family: int, entry: Dict[int, bytes]) -> Chain:
        where = "table %s %s, chain %s" % (_FAMILIES.get(family, family), _name(entry.get(1, b"")), _name(entry.get(3, b"")))
        if 4 not in entry:
            return Chain(where)
        hook = netlink.attributes(entry[4])
        devices = [hook[3]] if 3 in hook else [device for kind, device in netlink.each_attribute(hook.get(4, b"")) if kind == 1]
        policy = "drop" if 5 in entry and _number(entry[5]) == 0 else "accept"
        return Chain(where, policy, struct.unpack(">i", hook[2])[0], [device.rstrip(b"\0") for device in devices])

    def _add_rules(self) -> None:
        for count, (family, entry) in enumerate(_ask(_GET_RULE, self._until)):
            if count == _MOST_RULES:
                raise TooMuch("it has more than %d rules, which are all that are read" % _MOST_RULES)
            table, expressions = entry.get(1, b""), entry.get(4, b"")
            chain = self._chains.get((family, table, entry.get(2, b"")))
            if chain is not None:
                chain.sources.append(lambda family=family, table=table, data=expressions: _Rule(self, family, table).steps(data))  # type: ignore[misc]

    def _needed_sets(self) -> List[Tuple[int, bytes, bytes]]:
        for family, entry in _ask(_GET_SET, self._until):
            self._sets[family, entry.get(1, b""), entry.get(2, b"")] = (_number(entry.get(3)), entry.get(5, b""))
        return list(self._sets)

    def _read_set(self, key: Tuple[int, bytes, bytes]) -> _Set:
        family, table, name = key
        flags = self._sets[key][0]
        request = bytes([family]) + netlink.attribute(1, table) + netlink.attribute(2, name)
        elements: List[Tuple[Optional[bytes], Optional[bytes], int, Optional[bytes], bool]] = []
        for _family, entry in _ask(_GET_ELEMENTS, self._until, request):
            for _kind, item in netlink.each_attribute(entry.get(3, b"")):
                self._left -= 1
                if self._left < 0:
                    return _Set([], "sets have more than %d elements" % _MOST_ELEMENTS, {})
                fields = netlink.attributes(item)
                key_of = [netlink.attributes(fields[kind]).get(1) if kind in fields else None for kind in (1, 10)]
                elements.append((key_of[0], key_of[1], _number(fields.get(3)), fields.get(2), bool({7, 11} & set(fields))))
        return _Set(_joined(elements) if flags & 4 else [_Element(first, last or first, data, more) for first, last, _f, data, more in elements], None, {})

    def set_of(self, family: int, table: bytes, name: bytes) -> _Set:
        """A set by name."""
        return self._elements.get((family, table, name)) or _Set([], "a set that was not read", {})

    def chain_of(self, family: int, table: bytes, name: bytes) -> Optional[Chain]:
        """A chain by name."""
        return self._chains.get((family, table, name))


def _hook_of(family: int, entry: Dict[int, bytes]) -> Optional[int]:
    hook = _number(netlink.attributes(entry[4]).get(1))
    if family == 5:
        return INGRESS if hook == 0 else None
    if family == 1 and hook == 5:
        return INGRESS
    if family == 7:
        return BRIDGE if hook in (PREROUTING, INPUT) else None
    return hook if hook in _HOOKS and family in (1, 2, 10) else None


def _joined(elements: List[Tuple[Optional[bytes], Optional[bytes], int, Optional[bytes], bool]]) -> List[_Element]:
    """Elements of a set with ranges: each has both ends, or the end of a range is an element of its own that is not part of it."""
    whole = [_Element(first, last, data, more) for first, last, flags, data, more in elements if last is not None or first is None]
    # At the same place the end of a range comes before the begin of the next.
    ends = sorted((first, not flags & 1, data, more) for first, last, flags, data, more in elements if last is None and first is not None)
    for number, (first, is_begin, data, more) in enumerate(ends):
        if is_begin:
            width = len(first)
            after = ends[number + 1][0] if number + 1 < len(ends) else None
            last = b"\xff" * width if after is None else (int.from_bytes(after, "big") - 1).to_bytes(width, "big")
            whole.append(_Element(first, last, data, more))
    return whole


class _Rule:
    """Takes one rule apart."""

    def __init__(self, reader: _Reader, family: int, table: bytes) -> None:
        self._reader = reader
        self._family = family
        self._table = table
        self._registers: Dict[int, Tuple[_Getter, int]] = {}

    def steps(self, expressions: bytes) -> List[Step]:
        """The steps of its expressions; damaged ones are in doubt."""
        steps: List[Step] = []
        for _kind, item in netlink.each_attribute(expressions):
            fields = netlink.attributes(item)
            name = _name(fields.get(1, b""))
            try:
                steps += self._expression(name, netlink.attributes(fields.get(2, b"")))
            except (KeyError, struct.error, IndexError, ValueError):
                steps.append(Step(test=_doubt("expression " + name)))
        return steps

    def _expression(self, name: str, data: Dict[int, bytes]) -> List[Step]:
        if name in ("counter", "log", "notrack", "last", "reject", "limit", "connlimit", "quota", "numgen"):
            return _simple(name)
        handler = getattr(self, "_" + name, None) if name in _HANDLED else None
        if handler is not None:
            steps: List[Step] = handler(data)
            return steps
        if name in ("masq", "flow_offload"):
            return [verdict("accept")] if name == "masq" else []
        if name in ("queue", "synproxy", "tproxy", "fwd"):
            return [verdict("unknown", why="expression " + name)]
        for register in (data.get(1), data.get(2)):
            # What it writes is not known; which of its attributes is the register differs.
            if register is not None and len(register) == 4:
                self._put(register, lambda _packet, _region: None, 16)
        return [Step(test=_doubt("expression " + name))]

    def _put(self, register: bytes, getter: _Getter, length: int) -> None:
        word = _word(register)
        _check_length(length)
        for at in range(word, word + (length + 3) // 4):
            self._registers.pop(at, None)
        self._registers[word] = (getter, length)

    def _take(self, register: bytes, length: int) -> _Getter:
        """What lies in the registers from one on: of several values each is filled up to four bytes."""
        _check_length(length)
        word, parts, left = _word(register), [], length
        while left > 0:
            getter, size = self._registers.get(word, (_nothing, left))
            parts.append((getter, min(size, left), left > size))
            word += (size + 3) // 4
            left -= (size + 3) // 4 * 4

        def get(packet: Packet, region: Region) -> _Value:
            pieces: List[_Piece] = []
            for getter, size, is_filled in parts:
                value = _sliced(getter(packet, region), size)
                if value is None:
                    return None
                pieces += value
                if is_filled and size % 4:
                    pieces.append(bytes(4 - size % 4))
            return pieces

        return get

    def _immediate(self, data: Dict[int, bytes]) -> List[Step]:
        content = netlink.attributes(data[2])
        if 2 in content:
            decision = self._verdict(content[2])
            return [Step(verdicts=_always(decision), chains=(decision.chain,) if decision.chain else ())]
        self._put(data[1], lambda _packet, _region: [content[1]], len(content[1]))
        return []

    def _verdict(self, data: bytes) -> Verdict:
        fields = netlink.attributes(data)
        code = struct.unpack(">i", fields[1])[0]
        kind = {0: "drop", 1: "accept", -1: "continue", -3: "jump", -4: "goto", -5: "return"}.get(code)
        if kind in ("jump", "goto"):
            chain = self._reader.chain_of(self._family, self._table, fields.get(2, b""))
            return Verdict(kind, chain) if chain else Verdict("unknown", why="a chain that was not read")
        return Verdict(kind) if kind else Verdict("unknown", why="verdict %d" % code)

    def _cmp(self, data: Dict[int, bytes]) -> List[Step]:
        value, operator = netlink.attributes(data[3])[1], _number(data[2])
        get = self._take(data[1], len(value))
        only = self._only(data[1], [(value, value)]) if operator == 0 else None
        return [Step(test=lambda packet, region: _compared(get(packet, region), operator, value), ports=_as_ports([value]), only_for=only)]

    def _range(self, data: Dict[int, bytes]) -> List[Step]:
        first, last = (netlink.attributes(data[kind])[1] for kind in (3, 4))
        is_negated = _number(data[2]) == 1
        get = self._take(data[1], len(first))
        only = None if is_negated else self._only(data[1], [(first, last)])
        return [
            Step(test=lambda packet, region: xtables.inverted(_within(get(packet, region), first, last), is_negated), ports=_as_ports([first]), only_for=only)
        ]

    def _only(self, register: bytes, pairs: List[Tuple[Optional[bytes], Optional[bytes]]]) -> Optional[Ranges]:
        """The ports that a rule is for, when the register holds the destination port and nothing else counts."""
        known = self._registers.get(_word(register))
        if known is None or known[0] is not _destination_port or not all(first and last and len(first) == len(last) == 2 for first, last in pairs):
            return None
        return ranges((int.from_bytes(first or b"", "big"), int.from_bytes(last or b"", "big")) for first, last in pairs)

    def _bitwise(self, data: Dict[int, bytes]) -> List[Step]:
        length = _number(data[3])
        get = self._take(data[1], length)
        if _number(data.get(6)) != 0:
            self._put(data[2], _nothing, length)
            return []
        mask, flip = (netlink.attributes(data[kind])[1] for kind in (4, 5))
        self._put(data[2], lambda packet, region: _masked(get(packet, region), mask, flip), length)
        return []

    def _byteorder(self, data: Dict[int, bytes]) -> List[Step]:
        length, size = _number(data[4]), _number(data[5])
        get = self._take(data[1], length)

        def turned(packet: Packet, region: Region) -> _Value:
            value = _plain(get(packet, region))
            if value is None or sys.byteorder == "big":
                return None if value is None else [value]
            return [b"".join(value[at : at + size][::-1] for at in range(0, len(value), size))]

        self._put(data[2], turned, length)
        return []

    def _meta(self, data: Dict[int, bytes]) -> List[Step]:
        key = _number(data[2])
        if 1 in data:
            length = {6: 16, 7: 16, 1: 2, 15: 1, 16: 1, 19: 1}.get(key, 4)
            self._put(data[1], _META.get(key, _nothing), length)
            return []
        if key != 3:
            return []
        get = self._take(data[3], 4)
        return [Step(change=lambda packet, region: region._replace(mark=_as_mark(get(packet, region))))]

    def _ct(self, data: Dict[int, bytes]) -> List[Step]:
        key = _number(data[2])
        if 1 in data:
            self._put(data[1], _CONNECTION.get(key, _nothing), {7: 1, 12: 2, 11: 2, 10: 1, 1: 1}.get(key, 4))
            return []
        if key != 3:
            return []
        get = self._take(data[4], 4)
        return [Step(change=lambda packet, region: region._replace(connection_mark=_as_mark(get(packet, region))))]

    def _payload(self, data: Dict[int, bytes]) -> List[Step]:
        if 5 in data:
            return [Step(test=_doubt("a rule that rewrites packets"))]
        base, offset, length = _number(data[2]), _number(data[3]), _number(data[4])
        if (base, offset, length) == (2, 2, 2):
            self._put(data[1], _destination_port, length)
            return []
        self._put(data[1], lambda packet, region: _header(packet, region, base, offset, length), length)
        return []

    def _fib(self, data: Dict[int, bytes]) -> List[Step]:
        result, flags = _number(data[2]), _number(data[3])

        def get(packet: Packet, region: Region) -> _Value:
            if flags & 32:  # NFTA_FIB_F_PRESENT: a peer that gets an answer has a way back
                return [b"\1"]
            if result == 3 and not region.is_translated:
                return [struct.pack("=I", 2 if flags & 2 else 1)]
            if result == 1 and flags & 1:
                return None if packet.index is None else [struct.pack("=I", packet.index)]
            return None

        self._put(data[1], get, 1 if flags & 32 else (16 if result == 2 else 4))
        return []

    def _exthdr(self, data: Dict[int, bytes]) -> List[Step]:
        if 1 in data:
            self._put(data[1], _nothing, max(1, _number(data.get(4))))
        return []

    def _lookup(self, data: Dict[int, bytes]) -> List[Step]:
        content = self._reader.set_of(self._family, self._table, data[1])
        is_negated = bool(_number(data.get(5)) & 1)
        width = max([len(element.first) for element in content.elements if element.first] or [4])
        get = self._take(data[2], width)
        ports = _as_ports(element.first for element in content.elements)
        if 3 not in data:
            pairs = [(element.first, element.last) for element in content.elements]
            only = None if is_negated or content.why_not else self._only(data[2], pairs)
            return [Step(test=lambda packet, region: xtables.inverted(_contained(get(packet, region), content), is_negated), ports=ports, only_for=only)]
        if _number(data[3]) != 0:
            self._put(data[3], lambda packet, region: _translated(get(packet, region), content), 16)
            return [Step(test=lambda packet, region: _contained(get(packet, region), content), ports=ports)]
        decisions = [self._verdict(decision) for decision in map(_verdict_of, content.elements) if decision]
        chains = tuple(decision.chain for decision in decisions if decision.chain)
        return [Step(verdicts=lambda packet, region: self._mapped(get(packet, region), content), ports=ports, chains=chains)]

    def _mapped(self, value: _Value, content: _Set) -> List[Tuple[Answer, Verdict]]:
        if value is None or content.why_not:
            return [(Doubt(content.why_not or "a map"), Verdict("unknown", why="a map"))]
        found: List[Tuple[Answer, Verdict]] = []
        for element in sorted(content.elements, key=lambda element: element.first is None):
            answer = _is_element(value, element)
            if answer is not False:
                decision = _verdict_of(element)
                found.append((answer, self._verdict(decision) if decision else Verdict("unknown", why="a map")))
        return found

    def _dynset(self, data: Dict[int, bytes]) -> List[Step]:
        """An update of a set; what hangs on it, such as a limit, may say no."""
        return [Step(test=lambda _packet, _region: SOMETIMES)] if {7, 10} & set(data) else []

    def _match(self, data: Dict[int, bytes]) -> List[Step]:
        return self._with_family(lambda family: xtables.match(family, _name(data[1]), _number(data.get(2)), data.get(3, b"")))

    def _target(self, data: Dict[int, bytes]) -> List[Step]:
        return self._with_family(lambda family: xtables.target(family, _name(data[1]), _number(data.get(2)), data.get(3, b"")))

    def _with_family(self, make: Callable[[int], List[Step]]) -> List[Step]:
        return make(6 if self._family == 10 else 4)

    def _nat(self, data: Dict[int, bytes]) -> List[Step]:
        if _number(data[1]) == 0:
            return [verdict("accept")]
        width = 4 if _number(data.get(2)) == 2 else 16
        address = self._one_of(data, 3, 4, width)
        port = self._one_of(data, 5, 6, 2)
        return xtables.destination(address, _as_port(port), 3 in data, 5 in data, False)

    def _redir(self, data: Dict[int, bytes]) -> List[Step]:
        return xtables.destination(lambda _packet, _region: None, _as_port(self._one_of(data, 1, 2, 2)), False, 1 in data, True)

    def _one_of(self, data: Dict[int, bytes], first: int, last: int, length: int) -> Callable[[Packet, Region], Optional[bytes]]:
        if first not in data or (last in data and data[last] != data[first]):
            return lambda _packet, _region: None
        get = self._take(data[first], length)
        return lambda packet, region: _plain(get(packet, region))


_HANDLED = (
    "immediate",
    "cmp",
    "range",
    "bitwise",
    "byteorder",
    "meta",
    "ct",
    "payload",
    "fib",
    "exthdr",
    "lookup",
    "dynset",
    "match",
    "target",
    "nat",
    "redir",
)


def _simple(name: str) -> List[Step]:
    """Expressions that need no look at their data."""
    if name == "reject":
        return [verdict("drop")]
    if name == "notrack":
        return [Step(change=untrack)]
    if name in ("limit", "connlimit", "quota"):
        return [Step(test=lambda _packet, _region: SOMETIMES)]
    return []


def _doubt(why: str) -> Callable[[Packet, Region], Answer]:
    return lambda _packet, _region: Doubt(why)


def _always(decision: Verdict) -> Callable[[Packet, Region], List[Tuple[Answer, Verdict]]]:
    return lambda _packet, _region: [(True, decision)]


def _verdict_of(element: _Element) -> Optional[bytes]:
    return netlink.attributes(element.data or b"").get(2)


def _as_ports(values: Iterable[Optional[bytes]]) -> Tuple[int, ...]:
    """Those values that may be ports."""
    return tuple(int.from_bytes(value, "big") for value in values if value is not None and len(value) == 2)


def _translated(value: _Value, content: _Set) -> _Value:
    """What a map has for a value that depends on no source."""
    if _plain(value) is None or value is None:
        return None
    for element in content.elements:
        if _is_element(value, element) is True:
            data = netlink.attributes(element.data or b"").get(1)
            return None if data is None else [data]
    return None


def _nothing(_packet: Packet, _region: Region) -> _Value:
    return None


def _word(register: bytes) -> int:
    """Registers 1 to 4 have sixteen bytes, those from 8 on have four, and are the same ones."""
    number = _number(register)
    return number * 4 - 4 if number < 8 else number - 8


def _check_length(length: int) -> None:
    """All registers together have 64 bytes. Raises ``ValueError``."""
    if length > 64:
        raise ValueError("no register has %d bytes" % length)


def _as_mark(value: _Value) -> Optional[int]:
    plain = _plain(value)
    return int.from_bytes(plain, sys.byteorder) if plain is not None else None  # type: ignore[arg-type]


def _as_port(get: Callable[[Packet, Region], Optional[bytes]]) -> Callable[[Packet, Region], Optional[int]]:
    def port(packet: Packet, region: Region) -> Optional[int]:
        value = get(packet, region)
        return None if value is None else int.from_bytes(value, "big")

    return port


def _word_of(number: Optional[int]) -> _Value:
    return None if number is None else [struct.pack("=I", number)]


_META: Dict[int, _Getter] = {
    1: lambda packet, _region: [b"\x08\x00" if packet.family == 4 else b"\x86\xdd"],
    3: lambda _packet, region: _word_of(region.mark),
    4: lambda packet, _region: _word_of(packet.index),
    6: lambda packet, _region: None if packet.interface is None else [packet.interface.ljust(16, b"\0")],
    7: lambda packet, _region: None if packet.way_out is None else [packet.way_out.ljust(16, b"\0")],
    15: lambda packet, _region: [bytes([2 if packet.family == 4 else 10])],
    16: lambda packet, _region: [bytes([packet.protocol])],
    19: lambda _packet, _region: [b"\0"],
}
_CONNECTION: Dict[int, _Getter] = {
    0: lambda _packet, region: _word_of(region.state),
    1: lambda _packet, _region: [b"\0"],
    2: lambda _packet, region: _word_of(32 if region.is_translated else 0),
    3: lambda _packet, region: _word_of(region.connection_mark),
    7: lambda packet, _region: [bytes([2 if packet.family == 4 else 10])],
    10: lambda packet, _region: [bytes([packet.protocol])],
}


def _header(packet: Packet, region: Region, base: int, offset: int, length: int) -> _Value:
    """Bytes of the network header (base 1) or the transport header (base 2); ``None`` for those that the sender chooses."""
    if base == 1:
        parts = _network_header(packet, region)
    elif base == 2 and packet.protocol in (6, 17, 33, 132, 136):
        port = None if region.port is None else struct.pack(">H", region.port)
        parts = [(0, 2, _Variable("port", 2, 0, 2, 16)), (2, 2, port)]
        if packet.protocol == socket.IPPROTO_TCP:
            parts.append((13, 1, b"\x02"))
    else:
        return None
    pieces: List[_Piece] = []
    end = offset + length
    for begin, size, piece in parts:
        if begin <= offset < begin + size:
            upto = min(end, begin + size)
            if piece is None:
                return None
            part = _sliced([piece], upto - begin)
            pieces += _skipped(part, offset - begin) if part else []
            offset = upto
    return pieces if offset == end else None


def _destination_port(packet: Packet, region: Region) -> _Value:
    return _header(packet, region, 2, 2, 2)


def _network_header(packet: Packet, region: Region) -> List[Tuple[int, int, Optional[_Piece]]]:
    packet.asked.add("address")
    if packet.family == 4:
        return [
            (6, 2, b"\x40\x00"),
            (9, 1, bytes([packet.protocol])),
            (12, 4, _Variable("source", 4, 0, 4, 32)),
            (16, 4, region.address),
        ]
    return [(6, 1, bytes([packet.protocol])), (8, 16, _Variable("source", 16, 0, 16, 128)), (24, 16, region.address)]


def _skipped(pieces: List[_Piece], count: int) -> List[_Piece]:
    piece = pieces[0]
    if isinstance(piece, bytes):
        return [piece[count:]]
    return [piece._replace(start=piece.start + count, length=piece.length - count)]


def _sliced(value: _Value, length: int) -> _Value:
    """The first bytes of a value."""
    if value is None:
        return None
    pieces: List[_Piece] = []
    for piece in value:
        size = len(piece) if isinstance(piece, bytes) else piece.length
        if length <= 0:
            break
        if size > length:
            piece = piece[:length] if isinstance(piece, bytes) else piece._replace(length=length)
        pieces.append(piece)
        length -= size
    return pieces


def _plain(value: _Value) -> Optional[bytes]:
    """The bytes of a value that depends on no source."""
    if value is None:
        return None
    parts = [piece for piece in value if isinstance(piece, bytes)]
    return b"".join(parts) if len(parts) == len(value) else None


def _masked(value: _Value, mask: bytes, flip: bytes) -> _Value:
    if value is None:
        return None
    pieces: List[_Piece] = []
    at = 0
    for piece in value:
        size = len(piece) if isinstance(piece, bytes) else piece.length
        bits, other = mask[at : at + size], flip[at : at + size]
        at += size
        if isinstance(piece, bytes):
            pieces.append(bytes((one & keep) ^ turn for one, keep, turn in zip(piece, bits, other)))
            continue
        kept = _leading_bits(bits)
        if kept is None or any(other) or piece.start:
            return None
        pieces.append(piece._replace(bits=min(piece.bits, kept)))
    return pieces


def _leading_bits(mask: bytes) -> Optional[int]:
    """The length of a mask without holes."""
    width = len(mask) * 8
    free = (1 << width) - 1 - int.from_bytes(mask, "big")
    return None if free & (free + 1) else width - free.bit_length()


def _range_of(piece: _Variable, first: bytes, last: bytes) -> Answer:
    """The sources of which a piece lies between two values."""
    if piece.start:
        return Doubt("a part of the source")
    low, high = int.from_bytes(first, "big"), int.from_bytes(last, "big")
    dropped = max(0, piece.length * 8 - piece.bits)
    # Cleared bits are zero: the values between are those whose kept bits are.
    low, high = -(-low >> dropped), high >> dropped
    shift = (piece.width - piece.length) * 8 + dropped
    pairs = ranges([(low << shift, ((high + 1) << shift) - 1)])
    if not pairs:
        return False
    return Boxes([(pairs, None) if piece.name == "source" else (None, pairs)])


def _within(value: _Value, first: bytes, last: bytes) -> Answer:
    """Whether a value of one piece lies between two; of several pieces each has to (as in sets of concatenations)."""
    if value is None:
        return Doubt("what the sender chooses")
    box: List[Any] = [None, None]
    at = 0
    for piece in value:
        size = len(piece) if isinstance(piece, bytes) else piece.length
        low, high = first[at : at + size], last[at : at + size]
        at += size
        if isinstance(piece, bytes):
            if not low <= piece <= high:
                return False
            continue
        answer = _range_of(piece, low, high)
        if not isinstance(answer, Boxes):
            return answer
        for number, part in enumerate(answer.boxes[0]):
            if part is not None:
                if box[number] is not None:
                    return Doubt("two parts of the source")
                box[number] = part
    return True if box == [None, None] else Boxes([(box[0], box[1])])


def _compared(value: _Value, operator: int, data: bytes) -> Answer:
    """Operators: ==, !=, <, <=, >, >=."""
    if value is None:
        return Doubt("what the sender chooses")
    if operator in (0, 1):
        return xtables.inverted(_within(value, data, data), operator == 1)
    if len(value) != 1:
        return Doubt("a comparison")
    low, high = bytes(len(data)), b"\xff" * len(data)
    if operator in (2, 5):
        # a < b is the opposite of a >= b.
        return xtables.inverted(_within(value, data, high), operator == 2)
    return xtables.inverted(_within(value, low, data), operator == 4)


def _is_element(value: List[_Piece], element: _Element) -> Answer:
    if element.first is None or element.last is None:
        return True
    answer = _within(value, element.first, element.last)
    if element.has_more and answer is not False:
        return SOMETIMES if answer is True else Doubt("a set with limits")
    return answer


def _contained(value: _Value, content: _Set) -> Answer:
    if value is None or content.why_not:
        return Doubt(content.why_not or "a set of what the sender chooses")
    key = tuple(value)
    if key not in content.answers:
        content.answers[key] = _look_up(value, content)
    return content.answers[key]


def _look_up(value: List[_Piece], content: _Set) -> Answer:
    boxes: List[Box] = []
    doubt: Optional[Answer] = None
    for element in content.elements:
        answer = _is_element(value, element)
        if answer is True:
            return True
        if isinstance(answer, Boxes):
            boxes += answer.boxes
        elif answer is not False:
            doubt = answer
    if doubt is not None:
        return doubt
    return Boxes(_joined_boxes(boxes)) if boxes else False


def _joined_boxes(boxes: List[Box]) -> List[Box]:
    """Those of addresses alone as one."""
    alone = ranges(pair for sources, ports in boxes if sources is not None and ports is None for pair in sources)
    others = [box for box in boxes if box[1] is not None]
    return ([(alone, None)] if alone else []) + others
