# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up files of shells: what switches history off, and what only looks like it."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.shell_settings import (
    assignments,
    expand,
    lines_that_matter,
    split_commands,
    switches_off,
)


def _off(text):
    return [line.number for line in lines_that_matter(text) if switches_off(line)]


@pytest.mark.parametrize(
    "line",
    [
        b"set +o history",
        b"  set  +o  history # quiet",
        b"true && set +o history",
        b"if true; then set +o history; fi",
        b"shopt -uo history",
        b"shopt -u -o history",
        b"unset HISTFILE",
        b"unset -v HISTSIZE HISTFILE",
        b"HISTFILE=/dev/null",
        b"export HISTFILE=/dev/null",
        b'export HISTFILE=""',
        b"HISTFILE=",
        b"declare -x HISTSIZE=0",
        b"typeset -r HISTFILESIZE=0",
        b"HISTSIZE='0'",
        b"SAVEHIST=0",
        b"HISTIGNORE='*'",
        b"history -c",
        b"trap 'unset HISTFILE' EXIT",
        b'eval "set +o history"',
        b"PROMPT_COMMAND='history -c'",
        b"rm -f ~/.bash_history",
        b"ln -sf /dev/null ~/.bash_history",
        b"cat /dev/null > ~/.bash_history",
        b"> $HISTFILE",
        b"unset history",
        b"set history = 0",
        b"set -g fish_history ''",
        b"set -U fish_private_mode 1",
        b"set +o \\\nhistory",
        b"command unset HISTFILE",
    ],
)
def test_what_switches_history_off(line):
    assert _off(b"# first\n" + line + b"\n") == [2]


@pytest.mark.parametrize(
    "line",
    [
        b"HISTCONTROL=ignoreboth",
        b"HISTCONTROL=ignoredups:ignorespace",
        b"HISTSIZE=1000",
        b"HISTFILESIZE=2000",
        b"HISTSIZE=",
        b"shopt -s histappend",
        b"set -o history",
        b"# set +o history",
        b"ls # unset HISTFILE",
        b"echo 'set +o history'",
        b'echo "unset HISTFILE" >> notes',
        b'grep -n "set +o history" ~/.bashrc',
        b"alias h='history | grep'",
        b"export HISTFILE=~/.bash_history",
        b'HISTFILE="$HOME/.history-$USER"',
        b"PROMPT_COMMAND='history -a; history -c; history -r'",
        b"cp ~/.bash_history ~/backup",
        b"history >> ~/.bash_history",
        b"HISTIGNORE='ls:cd *'",
        b"unset HISTFILESIZE",
        b"docker run -e HISTFILE=/dev/null x",
        b"set history = 1000",
    ],
)
def test_what_does_not(line):
    assert _off(line + b"\n") == []


def test_words():
    assert split_commands(b'a \'b c\' "d \\" e" f\\ g;h>i # j') == [[b"a", b"b c", b'd " e', b"f g"], [b"h", b">", b"i"]]
    assert split_commands(b"echo ${X:-a b} it's") == [[b"echo", b"${X:-a b}", b"its"]]
    assert split_commands(b"a#b") == [[b"a#b"]]
    assert split_commands(b";;") == []


def test_a_long_line_takes_no_time():
    for text in (b"hist " + b"'" * 4000, b"hist " + b'"\\' * 2000, b"hist" + b"\\" * 4000, b"hist " + b"${" * 2000):
        list(lines_that_matter(text))


def test_paths_are_filled_in_and_never_guessed():
    assert expand(b"~/.h", b"/home/u", b"u") == b"/home/u/.h"
    assert expand(b"${ZDOTDIR:-$HOME}/.h", b"/home/u", b"u") == b"/home/u/.h"
    assert expand(b"/var/log/h/$USER", b"/home/u", b"u") == b"/var/log/h/u"
    for value in (b"$(date)", b"~/../../etc/shadow", b"$XDG/x", b"~other/x", b"h", b"", b"/a\0b"):
        assert expand(value, b"/home/u", b"u") is None


def test_assignments_of_several_shells():
    for line in (b"A=b", b"export A=b", b"declare -x A=b", b"setenv A b", b"set A b", b"set -g A b", b"A=b ls C=d"):
        assert list(assignments(split_commands(line)[0])) == [(b"A", b"b")]
