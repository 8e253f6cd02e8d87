# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-up files of shells: what switches history off, and what only looks like it."""

import pytest

from ansible_collections.incident.response.plugins.module_utils._collect.shell_settings import (
    assigned_in,
    assignments,
    client_switched_off,
    expand,
    history_places,
    lines_that_matter,
    sourced,
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
        b"export PROMPT_COMMAND='history -c'",
        b"trap 'history -c' EXIT",
        b"trap 'kill -9 $$' EXIT",
        b"kill -9 $$",
        b"alias exit='history -c; exit'",
        b"alias ls='HISTFILE=/dev/null ls'",
        b"unset HISTFILE; history -r /dev/null",
        b"history -c; history -r /dev/null",
        b"history -c; history -r; unset HISTFILE",
        b"HISTFILE DEFAULT=/dev/null",
        b"SetEnv HISTFILE=/dev/null HISTSIZE=0",
        b"SETUVAR fish_private_mode:1",
        b"SETUVAR --export fish_history:",
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
        b"alias hc='history -c'",
        b"kill -9 $pid",
        b"kill -TERM $$",
        b"cat <<END\nunset HISTFILE\nEND",
        b"cat <<-'END' > note\n\tset +o history\n\tEND",
        b'cat << "END"\nHISTFILE=/dev/null\nEND',
        b"HISTFILE DEFAULT=@{HOME}/.typed",
        b"export LESSHISTFILE=-",
        b"export MYSQL_HISTFILE=/dev/null",
    ],
)
def test_what_does_not(line):
    assert _off(line + b"\n") == []


@pytest.mark.parametrize(
    "before",
    [b"echo '<<END'", b"echo $((1<<END))", b"# <<END", b"cat <<<END", b"cat <<END", b"cat <<END\nEND"],
)
def test_what_is_no_heredoc_or_has_ended_hides_nothing(before):
    assert len(_off(before + b"\nunset HISTFILE\n")) == 1


def test_the_start_up_files_of_the_distribution_are_no_sign():
    skeleton = (
        b"# don't put duplicate lines or lines starting with space in the history.\n# See bash(1) for more options\nHISTCONTROL=ignoreboth\n\n"
        b"# append to the history file, don't overwrite it\nshopt -s histappend\n\n# for setting history length see HISTSIZE and HISTFILESIZE in bash(1)\n"
        b"HISTSIZE=1000\nHISTFILESIZE=2000\n\nif [ -f ~/.bash_aliases ]; then\n    . ~/.bash_aliases\nfi\n"
        b'alias alert=\'notify-send --urgency=low -i "$([ $? = 0 ] && echo terminal || echo error)" '
        b"\"$(history|tail -n1|sed -e '\\''s/^\\s*[0-9]\\+\\s*//;s/[;&|]\\s*alert$//'\\'')\"'\n"
    )
    assert _off(skeleton) == []
    names = [sourced(words) for line in lines_that_matter(skeleton) for words in line.commands]
    assert [name for name in names if name] == [b"~/.bash_aliases"]


@pytest.mark.parametrize(
    ("line", "places"),
    [
        (b"export HISTFILE=~/.x", [("zsh", b"~/.x")]),
        (b"HISTFILE=/dev/null", []),
        (b"export MYSQL_HISTFILE=~/.m PSQL_HISTORY=$HOME/p", [("mysql", b"~/.m"), ("psql", b"$HOME/p")]),
        (b"setenv SQLITE_HISTORY /x/s", [("sqlite", b"/x/s")]),
        (b"export LESSHISTFILE=-", []),
        (b"set -Ux fish_history work", [("fish", b"~/.local/share/fish/work_history")]),
        (b"set -g fish_history ../x", []),
        (b"NODE_REPL_HISTORY=/n REDISCLI_HISTFILE=/r PYTHON_HISTORY=/p", [("node", b"/n"), ("redis", b"/r"), ("python", b"/p")]),
        (b"export XDG_STATE_HOME=/s", [("less", b"/s/lesshst"), ("nvim", b"/s/nvim/shada/main.shada"), ("sqlite", b"/s/sqlite_history")]),
        (b"\\set HISTFILE ~/.psql/typed", [("zsh", b"~/.psql/typed")]),
    ],
)
def test_places_that_are_named(line, places):
    (words,) = split_commands(line)
    assert [place for name, value in assignments(words) for place in history_places(name, value, "zsh")] == places


def test_clients_that_keep_nothing():
    assert client_switched_off(b"MYSQL_HISTFILE", b"/dev/null")
    assert client_switched_off(b"NODE_REPL_HISTORY", b"")
    assert not client_switched_off(b"LESSHISTFILE", b"/dev/null")
    assert not client_switched_off(b"PSQL_HISTORY", b"/x")


def test_words():
    assert split_commands(b'a \'b c\' "d \\" e" f\\ g;h>i # j') == [[b"a", b"b c", b'd " e', b"f g"], [b"h", b">", b"i"]]
    assert split_commands(b"echo ${X:-a b} it's") == [[b"echo", b"${X:-a b}", b"its"]]
    assert split_commands(b"a#b") == [[b"a#b"]]
    assert split_commands(b";;") == []


def test_a_long_line_takes_no_time():
    for text in (
        b"<<a hist\n" * 20000,
        b"hist=$hist\n" * 20000,
        b"hist " + b"'" * 4000,
        b"hist " + b'"\\' * 2000,
        b"hist" + b"\\" * 4000,
        b"hist " + b"${" * 2000,
    ):
        list(lines_that_matter(text))


_KNOWN = {b"HOME": b"/home/u", b"USER": b"u", b"ZDOTDIR": b"/home/u", b"XDG_STATE_HOME": b"/home/u/.local/state"}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (b"~/.h", b"/home/u/.h"),
        (b"$HOME/.h", b"/home/u/.h"),
        (b"${HOME}/.h", b"/home/u/.h"),
        (b"${ZDOTDIR:-$HOME}/.h", b"/home/u/.h"),
        (b"${NONE:-${HOME}/x}/.h", b"/home/u/x/.h"),
        (b"${XDG_STATE_HOME:-$HOME/.s}/bash/h", b"/home/u/.local/state/bash/h"),
        (b"/var/log/h/$USER", b"/var/log/h/u"),
        (b"$folder/h", b"/home/u/typed/h"),
        (b"/a//b/./c", b"/a/b/c"),
    ],
)
def test_paths_are_filled_in(value, path):
    assert expand(value, _KNOWN, assigned_in(b'folder=$folder/no\n  export folder="$HOME/typed"\nfolder=/later\n')) == path


@pytest.mark.parametrize(
    "value", [b"$(date)", b"~/../../etc/shadow", b"$NONE/x", b"$self/x", b"$a/x", b"~other/x", b"h", b"", b"/a\0b", b"/a*", b"`id`/x", b"$HOME$" * 5000]
)
def test_paths_are_never_guessed(value):
    assert expand(value, _KNOWN, assigned_in(b"self=$self/y\na=$b\nb=$a\n")) is None


def test_assignments_of_several_shells():
    for line in (b"A=b", b"export A=b", b"declare -x A=b", b"setenv A b", b"set A b", b"set -g A b", b"A=b ls C=d"):
        assert list(assignments(split_commands(line)[0])) == [(b"A", b"b")]
