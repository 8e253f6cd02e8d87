# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""History files as their programs wrote them, recorded from a terminal, and what had been typed there."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.history_formats import parse

_UTF8 = "echo é ü €".encode("utf-8")
# What was typed into every shell; those that have no lines of comments of their own were asked to keep them.
_TYPED = [
    b"echo plain",
    b"echo 'a b' \"c\\\\d\" # note",
    b"echo a\\\\",
    b"for i in 1 2; do\necho $i\ndone",
    b"echo 'one\ntwo'",
    b"echo \\\ntwo",
    _UTF8,
    b"# comment only",
    b"#1795446180",
    b"  echo indented",
]


def _parsed(program, data):
    return [(entry.at, entry.command) for entry in parse(program, data).entries]


def _untimed(commands):
    return [(None, command) for command in commands]


def test_bash_5_2_with_times_and_lithist():
    data = (
        b"#1795566607\necho plain\n#1795566607\necho 'a b' \"c\\\\d\" # note\n#1795566608\necho a\\\\\n#1795566608\nfor i in 1 2; do\necho $i\ndone\n"
        b"#1795566608\necho 'one\ntwo'\n#1795566608\necho two\n#1795566609\necho \xc3\xa9 \xc3\xbc \xe2\x82\xac\n#1795566609\n# comment only\n"
        b"#1795566609\n#1795446180\n#1795566609\n  echo indented\n"
    )
    # bash itself writes what a backslash continued as one line.
    typed = [command if command != b"echo \\\ntwo" else b"echo two" for command in _TYPED]
    at = [1795566607, 1795566607, 1795566608, 1795566608, 1795566608, 1795566608, 1795566609, 1795566609, 1795566609, 1795566609]
    parsed = _parsed("bash", data)
    assert [command for _at, command in parsed] == typed
    assert [time for time, _command in parsed] == at


def test_bash_5_2_with_bytes_that_are_not_text():
    data = b"printf '\\x16\xff' \necho \xff\xfe\necho a\tb\necho a\x01b\n"
    assert _parsed("bash", data) == _untimed([b"printf '\\x16\xff' ", b"echo \xff\xfe", b"echo a\tb", b"echo a\x01b"])


def test_zsh_5_9_extended():
    data = (
        b": 1795566615:0;echo plain\n: 1795566615:0;echo 'a b' \"c\\\\d\" # note\n: 1795566615:0;echo a\\\\ \n"
        b": 1795566616:0;for i in 1 2; do\\\necho $i\\\ndone\n: 1795566616:0;echo 'one\\\ntwo'\n: 1795566616:0;echo \\\\\ntwo\n"
        b": 1795566616:0;echo \xc3\xa9 \xc3\xbc \xe2\x82\xac\n: 1795566617:0;# comment only\n: 1795566617:0;#1795446180\n: 1795566617:0;  echo indented\n"
        b": 1795566618:0;echo \xe6\x83\xb7\xa5\xe6\x83\xbc\xac\xe8\xaa\x83\xbe \xc3\x83\x80\xc3\x80\xc3\x83\xa9\n"
    )
    at = [1795566615] * 3 + [1795566616] * 4 + [1795566617] * 3 + [1795566618]
    parsed = _parsed("zsh", data)
    assert [command for _at, command in parsed] == [*_TYPED, "echo 日本語 àÀÉ".encode("utf-8")]
    assert [time for time, _command in parsed] == at
    assert {entry.duration for entry in parse("zsh", data).entries} == {0.0}


def test_zsh_5_9_with_every_escape():
    data = (
        b": 1795566870:0;echo \xff\x83\xa3\x83\xa4\x83\x82\xa3\n: 1795566870:0;echo x\\  \n: 1795566870:0;echo x\\   \n"
        b": 1795566870:0;: 1:0;ls\n: 1795566870:0;a\\\n\\\nb\n: 1795566871:1;sleep 1\n"
    )
    assert [entry.command for entry in parse("zsh", data).entries] == [
        b"echo \xff\x83\x84\xa2\xa3",
        b"echo x\\ ",
        b"echo x\\  ",
        b": 1:0;ls",
        b"a\n\nb",
        b"sleep 1",
    ]
    assert parse("zsh", data).entries[-1][1:3] == (1795566871, 1.0)


def test_zsh_5_9_without_times():
    data = b"echo plain\necho a\\\\ \n#1795446180\n  echo indented\n\\: 1795446180:0;ls\n"
    assert _parsed("zsh", data) == _untimed([b"echo plain", b"echo a\\\\", b"#1795446180", b"  echo indented", b": 1795446180:0;ls"])


def test_fish_3_6():
    data = (
        b"- cmd: echo plain\n  when: 1795566625\n- cmd: echo 'a b' \"c\\\\\\\\d\" # note\n  when: 1795566625\n"
        b"- cmd: for i in 1 2\\necho $i\\nend\n  when: 1795566626\n- cmd: echo 'one\\ntwo'\n  when: 1795566626\n"
        b"- cmd: echo \xc3\xa9 \xc3\xbc \xe2\x82\xac\n  when: 1795566627\n- cmd: ls /etc/passwd /tmp\n  when: 1795566627\n"
        b"  paths:\n    - /etc/passwd\n    - /tmp\n"
        b"- cmd: echo '  when: 5'\n  when: 1795566628\n- cmd: echo '- cmd: x'\n  when: 1795566628\n"
    )
    assert _parsed("fish", data) == [
        (1795566625, b"echo plain"),
        (1795566625, b"echo 'a b' \"c\\\\d\" # note"),
        (1795566626, b"for i in 1 2\necho $i\nend"),
        (1795566626, b"echo 'one\ntwo'"),
        (1795566627, _UTF8),
        (1795566627, b"ls /etc/passwd /tmp"),
        (1795566628, b"echo '  when: 5'"),
        (1795566628, b"echo '- cmd: x'"),
    ]


def test_ksh93u_m():
    data = (
        b"\x81\x01echo plain\n\x00echo 'a b' \"c\\\\d\" # note\n\x00echo a\\\\\n\x00for i in 1 2; do\necho $i\ndone\n\x00\x00echo 'one\ntwo'\n\x00"
        b"echo \\\ntwo\n\x00echo \xc3\xa9 \xc3\xbc \xe2\x82\xac\n\x00# comment only\n\x00#1795446180\n\x00\x00  echo indented\n\x00\x00"
    )
    assert _parsed("ksh", data) == _untimed(_TYPED)
    assert [entry.line for entry in parse("ksh", data).entries] == [1, 2, 3, 4, 7, 9, 11, 12, 13, 14]
    cut = parse("ksh", data[9:], is_cut=True).entries
    assert [entry.command for entry in cut] == [b"ain", *_TYPED[1:]]
    assert [entry.is_partial for entry in cut[:2]] == [True, False]


def test_mksh_r59():
    data = (
        b"\xab\xcd\xff\x00\x00\x00\x01echo plain\x00\xff\x00\x00\x00\x02echo 'a b' \"c\\\\d\" # note\x00\xff\x00\x00\x00\x03echo a\\\\\x00"
        b"\xff\x00\x00\x00\x04for i in 1 2; do\necho $i\ndone\x00\xff\x00\x00\x00\x05echo 'one\ntwo'\x00\xff\x00\x00\x00\x06echo \\\ntwo\x00"
        b"\xff\x00\x00\x00\x07echo \xc3\xa9 \xc3\xbc \xe2\x82\xac\x00\xff\x00\x00\x00\x08# comment only\x00\xff\x00\x00\x00\t#1795446180\x00"
    )
    assert _parsed("ksh", data) == _untimed(_TYPED[:-1])
    assert [entry.line for entry in parse("ksh", data).entries] == list(range(1, 10))
    assert [entry.command for entry in parse("ksh", data[9:], is_cut=True).entries] == _TYPED[1:-1]


def test_tcsh_6_24():
    data = (
        b"#+1795566639\necho plain\n#+1795566639\necho 'a b' \"c\\\\d\"\n#+1795566640\nforeach i ( 1 2 )\n#+1795566640\necho $i\n#+1795566640\nend\n"
        b"#+1795566640\necho 'a\\\nb'\n#+1795566640\nexit\n"
    )
    assert [command for _at, command in _parsed("csh", data)] == [
        b"echo plain",
        b"echo 'a b' \"c\\\\d\"",
        b"foreach i ( 1 2 )",
        b"echo $i",
        b"end",
        b"echo 'a\\\nb'",
        b"exit",
    ]
    assert _parsed("csh", data)[-1][0] == 1795566640


@pytest.mark.parametrize(
    ("data", "function", "text"),
    [
        (
            b"print('plain')\ndef f():\n    return 'a\\n'\nx = '''one\ntwo'''\n# comment\nimport os; os.system('id')\n",
            [b"def f():", b"    return 'a\\n'"],
            [b"x = '''one", b"two'''"],
        ),
        (
            b"print('plain')\ndef f():\r\n        return 'a\\n'\r\n        \nx = '''one\r\ntwo'''\n# comment\nimport os; os.system('id')\n",
            [b"def f():\n        return 'a\\n'\n        "],
            [b"x = '''one\ntwo'''"],
        ),
    ],
    ids=["3.6 to 3.12", "3.13"],
)
def test_python(data, function, text):
    assert _parsed("python", data) == _untimed([b"print('plain')", *function, *text, b"# comment", b"import os; os.system('id')"])


_SQL = [b"select 'a b',", b"select '\\\\040';", "select 'é €';".encode("utf-8"), b"select 'a\tb';"]


def test_mariadb_10_11_with_libedit():
    data = (
        b"_HiStOrY_V2_\nselect\\0401;\nselect\\040'a\\040b',\n'c\\134\\134d'\\040;\nselect\\040'\\134\\134040';\nselect\\040'\xc3\xa9\\040\xe2\x82\xac';\n"
        b"\\134!\\040id\\040-u\nselect\\040'one\\012two';\nselect\\040'a\\011b';\n\\134q\n"
    )
    assert _parsed("mysql", data) == _untimed(
        [b"select 1;", _SQL[0], b"'c\\\\d' ;", _SQL[1], _SQL[2], b"\\! id -u", b"select 'one\ntwo';", _SQL[3], b"\\q"],
    )
    assert [entry.line for entry in parse("mysql", data).entries] == list(range(2, 11))
    assert [entry.command for entry in parse("mysql", data[26:], is_cut=True).entries][:2] == [_SQL[0], b"'c\\\\d' ;"]


def test_psql_15():
    data = b"select 1;\nselect 'a b',\x01'c\\\\d' ;\nselect '\\\\040';\nselect '\xc3\xa9 \xe2\x82\xac';\n\\! id -u\nselect 'one\x01two';\nselect 'a\tb';\n\\q\n"
    assert _parsed("psql", data) == _untimed(
        [b"select 1;", _SQL[0] + b"\n'c\\\\d' ;", _SQL[1], _SQL[2], b"\\! id -u", b"select 'one\ntwo';", _SQL[3], b"\\q"],
    )


def test_sqlite_3_40_and_redis_7_0():
    assert _parsed("sqlite", b".help\nselect 1;\n.shell id\n.quit\n") == _untimed([b".help", b"select 1;", b".shell id", b".quit"])
    data = b'KEYS *\nSET k "a b\\n"\nCONFIG SET dir /root/.ssh\nGET \xc3\xa9\nquit\n'
    assert _parsed("redis", data) == _untimed(data.split(b"\n")[:-1])


def test_node_20():
    data = b".exit\nrequire('child_process').execSync('id')\n'\xc3\xa9'\nb`\n`a\n}\nreturn 1\nfunction f() {\n1+1"
    assert [command for _at, command in _parsed("node", data)] == data.split(b"\n")[::-1]


def test_node_24_writes_the_lines_of_a_command_backwards_too():
    data = b".exit\nrequire('child_process').execSync('id')\n'\xc3\xa9'\nb`\r`a\n}\rreturn 1\rfunction f() {\n1+1"
    assert _parsed("node", data) == _untimed(
        [b"1+1", b"function f() {\nreturn 1\n}", b"`a\nb`", "'é'".encode("utf-8"), b"require('child_process').execSync('id')", b".exit"],
    )


def test_irb_1_6():
    assert _parsed("irb", b"1 + 1\ndef f\\\n  1\\\nend\n`id -u`\nexit\n") == _untimed([b"1 + 1", b"def f\n  1\nend", b"`id -u`", b"exit"])


def test_lftp_4_9():
    data = b" 1795566686\nset cmd:interactive 1\n 1795566686\necho a b\n 1795566686\n!id\n 1795566687\nexit\n"
    assert _parsed("lftp", data) == [(1795566686, b"set cmd:interactive 1"), (1795566686, b"echo a b"), (1795566686, b"!id"), (1795566687, b"exit")]


def test_less_590():
    data = b'.less-history-file:\n.search\n"root\n"x y\n"ro\n.shell\n"id -u\n.mark\nm a 1 0 /home/alice/f\n'
    assert _parsed("less", data) == _untimed([b"/root", b"/x y", b"/ro", b"!id -u", b"m a 1 0 /home/alice/f"])


def test_vim_9_0():
    data = (
        b"# This viminfo file was generated by Vim 9.0.\n# You may edit it if you're careful!\n\n# Viminfo version\n|1,4\n\n"
        b"# Value of 'encoding' when this file was written\n*encoding=utf-8\n\n\n# hlsearch on (H) or off (h):\n~h\n# Last Search Pattern:\n~MSle0~/back\n\n"
        b"# Last Substitute Search Pattern:\n~MSle0&ro\n\n# Last Substitute String:\n$\x16\x16x\n\n# Command Line History (newest to oldest):\n"
        b':wq\n|2,0,1795566671,,"wq"\n:e /etc/hostname\n|2,0,1795566671,,"e /etc/hostname"\n:s/ro/\x16\x16x/\n|2,0,1795566670,,"s/ro/\x16x/"\n'
        b":let x = '\xc3\xa9'\n|2,0,1795566669,,\"let x = '\xc3\xa9'\"\n:!id -u\n|2,0,1795566667,,\"!id -u\"\n\n# Search String History (newest to oldest):\n"
        b'??back\n|2,1,1795566670,63,"back"\n? ro\n|2,1,1795566670,,"ro"\n?/root\n|2,1,1795566668,47,"root"\n\n# Expression History (newest to oldest):\n'
        b'=2+2\n|2,2,1795566674,,"2+2"\n\n# Input Line History (newest to oldest):\n@typed\n|2,3,1795566675,,"typed"\n\n'
        b"# Debug Line History (newest to oldest):\n\n"
        b"# Registers:\n\n# File marks:\n'0  2  0  ~/f\n|4,48,2,0,1795566671,\"~/f\"\n\n# Jumplist (newest first):\n-'  2  0  ~/f\n"
        b'|4,39,2,0,1795566671,"~/f"\n\n# History of marks within files (newest to oldest):\n\n> ~/f\n\t*\t1795566671\t0\n\t"\t2\t0\n'
    )
    assert _parsed("vim", data) == [
        (1795566667, b":!id -u"),
        (1795566668, b"/root"),
        (1795566669, ":let x = 'é'".encode("utf-8")),
        (1795566670, b"/ro"),
        (1795566670, b"?back"),
        (1795566670, b":s/ro/\x16x/"),
        (1795566671, b":e /etc/hostname"),
        (1795566671, b":wq"),
        (1795566674, b"=2+2"),
        (1795566675, b"@typed"),
    ]


def test_neovim_0_7():
    data = (
        b"\x01\xcek\x06,[H\x85\xa9generator\xc4\x04nvim\xa7version\xc4\x0bNVIM v0.7.2\xa9max_kbyte\n\xa3pid\xcd!\x91\xa8encoding\xc4\x05utf-8"
        b"\x07\xcek\x06,[\x1f\x83\xa1f\xc4\x14/home/alice/file.txt\xa1l\x02\xa1n0\x02\xcek\x06,Z\x0e\x82\xa2sp\xc4\x04root\xa2sc\xc3"
        b"\x04\xcek\x06,Y\n\x92\x00\xc4\x06!id -u\x04\xcek\x06,[\r\x92\x00\xc4\techo '\xc3\xa9'\x04\xcek\x06,[\x05\x92\x00\xc4\x01q"
        b"\x04\xcek\x06,Z\t\x93\x01\xc4\x04root/"
    )
    assert _parsed("nvim", data) == [
        (1795566681, b":!id -u"),
        (1795566682, b"/root"),
        (1795566683, ":echo 'é'".encode("utf-8")),
        (1795566683, b":q"),
    ]
    damaged = parse("nvim", data + b"\xff\xff")
    assert len(damaged.entries) == 4
    assert damaged.parsed_lines < damaged.lines


def test_wget_1_21_and_wget2():
    data = b"# HSTS 1.0 Known Hosts database for GNU Wget.\n"
    data += b"# <hostname>\t<port>\t<incl. subdomains>\t<created>\t<max-age>\nlocalhost\t18443\t1\t1795566910\t31536000\n"
    assert _parsed("wget", data) == [(1795566910, b"localhost:18443")]
    data = b"#HSTS 1.0 file\n# <hostname> <port> <incl. subdomains> <created> <max-age>\nlocalhost 18443 1 1795566910 31536000\n"
    assert _parsed("wget", data) == [(1795566910, b"localhost:18443")]
