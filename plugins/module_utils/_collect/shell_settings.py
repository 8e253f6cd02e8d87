# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What start-up files of shells say about history: read word by word, never run.

Source: bash(1), zshparam(1), fish(1), tcsh(1). Conditions are not evaluated: what stands there counts, unless it is a comment or
an argument of something else (``echo 'set +o history'``).
"""

import re
from typing import Callable, Dict, Iterator, List, Mapping, Match, NamedTuple, Optional, Tuple

_LONGEST = 4096
_MAY_MATTER = re.compile(rb"hist|source|fish_private|zdotdir|xdg_(?:data|state)_home|\bkill\s+-|(?:^|[\s;&|({])\.\s+\S", re.IGNORECASE)
_WORD = rb"""(?:\\.|'[^']*'?|"(?:\\.|[^"\\])*"?|\$\{[^}]*\}?|[^\s;&|(){}`'"\\>])+"""
_TOKEN = re.compile(rb"(?P<word>" + _WORD + rb"|>)|(?P<separator>[;&|(){}\n`])", re.DOTALL)
_QUOTED = re.compile(rb"""\\(.)|'([^']*)'?|"((?:\\.|[^"\\])*)"?""", re.DOTALL)
_KEYWORDS = (b"then", b"do", b"else", b"elif", b"if", b"while", b"until", b"!", b"time", b"builtin", b"command", b"and", b"or", b"begin")
_DECLARING = (b"export", b"declare", b"typeset", b"readonly", b"local", b"env", b"setenv", b"set", b"setopt", b"alias")
_ASSIGNMENT = re.compile(rb"([A-Za-z_][A-Za-z0-9_]*)\+?=(.*)", re.DOTALL)
_HISTORY_FILE = re.compile(rb"(?:^|/|=)\.?(?:bash_history|zsh_history|sh_history|histfile)$|^\$\{?HISTFILE\}?$")
_EMPTYING = {b"HISTSIZE": b"0", b"HISTFILESIZE": b"0", b"SAVEHIST": b"0", b"history": b"0", b"savehist": b"0"}
# Aliases that are run by somebody who means something else.
_EVERYDAY = (b"exit", b"logout", b"bye", b"quit", b"ls", b"ll", b"cd", b"clear", b"bash", b"sh", b"zsh", b"su", b"sudo", b"history")
_HEREDOC = re.compile(rb"[^'\"\\<]*<<-?(?!<)(.*)$", re.DOTALL)
_READS_AGAIN = re.compile(rb"history -[rn](?! +/dev/)")
_CLIENTS = {
    b"PYTHON_HISTORY": "python",
    b"PYTHONHISTFILE": "python",
    b"MYSQL_HISTFILE": "mysql",
    b"MARIADB_HISTFILE": "mysql",
    b"PSQL_HISTORY": "psql",
    b"SQLITE_HISTORY": "sqlite",
    b"REDISCLI_HISTFILE": "redis",
    b"NODE_REPL_HISTORY": "node",
    b"LESSHISTFILE": "less",
    b"GDBHISTFILE": "gdb",
}
_BENEATH = {
    b"XDG_DATA_HOME": (("fish", b"fish/fish_history"), ("lftp", b"lftp/rl_history"), ("nvim", b"nvim/shada/main.shada"), ("wget", b"wget/.wget-hsts")),
    b"XDG_STATE_HOME": (("less", b"lesshst"), ("nvim", b"nvim/shada/main.shada"), ("sqlite", b"sqlite_history")),
}


class Line(NamedTuple):
    """A line of a start-up file (continued ones joined): its number from 1, its text, and its commands as lists of words."""

    number: int
    text: bytes
    commands: List[List[bytes]]


def lines_that_matter(data: bytes) -> Iterator[Line]:
    """The lines that may concern history or name another file to read; not those of a here-document."""
    number, pending, started = 0, b"", 0
    end_of_heredoc: Optional[bytes] = None
    lines = data.split(b"\n")
    last = {raw.strip(b"\t"): at for at, raw in enumerate(lines, 1)} if b"<<" in data else {}
    for raw in lines:
        number += 1
        if end_of_heredoc is not None:
            end_of_heredoc = None if raw.strip(b"\t") == end_of_heredoc else end_of_heredoc
            continue
        started = started if pending else number
        line = pending + raw
        if line.endswith(b"\\") and len(line) < _LONGEST:
            pending = line[:-1]
            continue
        pending = b""
        if b"<<" in line:
            end_of_heredoc = _heredoc(line[:_LONGEST])
            # What nothing ends would have a shell skip the rest of the file; it is read all the same.
            end_of_heredoc = end_of_heredoc if last.get(end_of_heredoc or b"", 0) > number else None
        if _MAY_MATTER.search(line):
            # pam_env.conf(5) has its own way to write it.
            yield Line(started, line.strip(), split_commands(line[:_LONGEST].replace(b"@{HOME}", b"$HOME")))


def _heredoc(line: bytes) -> Optional[bytes]:
    """What ends the here-document that begins on a line; ``None`` where none does."""
    words = [token.group() for token in _TOKEN.finditer(line) if token.lastgroup == "word"]
    for word, following in zip(words, [*words[1:], b""]):
        if word.startswith(b"#"):
            return None
        match = _HEREDOC.match(word)
        if match and b"((" not in line:
            return _QUOTED.sub(_unquoted, match.group(1) or following) or None
    return None


def split_commands(line: bytes) -> List[List[bytes]]:
    """Split a line into commands and words; quotes are taken away, comments left out, a redirection is the word ``>``."""
    commands: List[List[bytes]] = [[]]
    for token in _TOKEN.finditer(line):
        text = token.group()
        if token.lastgroup == "separator":
            commands.append([])
        elif text.startswith(b"#"):
            break
        elif token.lastgroup is not None:
            commands[-1].append(_QUOTED.sub(_unquoted, text))
    return [words for words in commands if words]


def _unquoted(match: "Match[bytes]") -> bytes:
    escaped, single, double = match.groups()
    if double is not None:
        return re.sub(rb'\\(["\\$`])', rb"\1", double)
    return escaped or single or b""


def switches_off(line: Line) -> bool:
    """Tell whether a line keeps history from being recorded or kept."""
    # history -c; history -r: the known way to share history between shells
    may_clear = any(_READS_AGAIN.search(b" ".join(words)) for words in line.commands)
    return any(_switches_off(words, may_clear, 0) for words in line.commands)


def _switches_off(words: List[bytes], may_clear: bool, depth: int) -> bool:
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    if not words:
        return False
    name, arguments, assigned = words[0], words[1:], list(assignments(words))
    if depth == 0 and any(_switches_off(part, may_clear, 1) for inner in _run_later(words, assigned) for part in split_commands(inner)):
        return True
    if name == b"history" and may_clear:
        return False
    if name in _BUILTINS:
        return _BUILTINS[name](arguments) or _assigns_nothing(assigned)
    if b">" in words:
        return _is_history_file(words[words.index(b">") + 1 :][:1])
    return _assigns_nothing(assigned)


def _run_later(words: List[bytes], assigned: List[Tuple[bytes, bytes]]) -> Iterator[bytes]:
    """What a command has a shell run, now or later."""
    if words[0] == b"eval":
        yield b" ".join(words[1:])
    elif words[0] == b"trap":
        yield b"".join(words[1:2])
    for name, value in assigned:
        if (name in _EVERYDAY) if words[0] == b"alias" else (name in (b"PROMPT_COMMAND", b"BASH_COMMAND")):
            yield value


def _set(arguments: List[bytes]) -> bool:
    return any(first == b"+o" and second == b"history" for first, second in zip(arguments, arguments[1:]))


def _shopt(arguments: List[bytes]) -> bool:
    return b"history" in arguments and any(argument.startswith(b"-") and b"u" in argument for argument in arguments)


def _unset(arguments: List[bytes]) -> bool:
    return any(argument in (b"HISTFILE", b"history", b"savehist") for argument in arguments)


def _history(arguments: List[bytes]) -> bool:
    return any(argument.startswith(b"-") and b"c" in argument for argument in arguments)


def _kill(arguments: List[bytes]) -> bool:
    """A shell that kills itself does not write its history."""
    return arguments[-1:] == [b"$$"] and arguments[0] in (b"-9", b"-KILL", b"-SIGKILL", b"-s")


def _is_history_file(words: List[bytes]) -> bool:
    return any(_HISTORY_FILE.search(word) for word in words)


def _is_last(words: List[bytes]) -> bool:
    return _is_history_file(words[-1:])


def _assigns_nothing(assigned: List[Tuple[bytes, bytes]]) -> bool:
    return any(value_switches_off(name, value) for name, value in assigned)


_BUILTINS: Dict[bytes, Callable[[List[bytes]], bool]] = {b"set": _set, b"shopt": _shopt, b"unset": _unset, b"history": _history, b"kill": _kill}
_BUILTINS.update((name, _is_history_file) for name in (b"rm", b"shred", b"truncate", b"unlink", b"srm", b"wipe"))
_BUILTINS.update((name, _is_last) for name in (b"ln", b"cp", b"mv", b"tee"))


def assignments(words: List[bytes]) -> Iterator[Tuple[bytes, bytes]]:
    """The variables that a command sets: ``A=b``, ``export A=b``, csh's ``set a = b`` and ``setenv A b``, fish's ``set -g A b``, pam_env's ``A DEFAULT=b``."""
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    if not words:
        return
    declaring = words[0].lower() in _DECLARING  # sshd_config(5) writes SetEnv
    if not declaring and words[1:] and words[1].startswith((b"DEFAULT=", b"OVERRIDE=")):
        for word in words[1:]:
            yield words[0], word.partition(b"=")[2]
        return
    if words[0] == b"SETUVAR":  # fish_variables
        name, _colon, value = words[-1].partition(b":")
        yield name, value
        return
    for word in words[1:] if declaring else words:
        match = _ASSIGNMENT.match(word)
        if match:
            yield match.group(1), match.group(2)
        elif not declaring:
            return  # the command itself: what follows are its arguments
    plain = [word for word in words[1:] if not word.startswith(b"-") and word != b"="]
    if words[0] in (b"set", b"setenv") and len(plain) == 2 and b"=" not in plain[0]:
        yield plain[0], plain[1]


def value_switches_off(name: bytes, value: bytes) -> bool:
    """Tell whether a variable with that value, explicitly set, keeps history from being recorded."""
    if name in (b"HISTFILE", b"fish_history"):
        return value in (b"", b"/dev/null") or (name == b"HISTFILE" and value.startswith((b"/dev/null", b"/dev/zero", b"/proc/")))
    if name == b"HISTIGNORE":
        return b"*" in value.split(b":")
    if name == b"fish_private_mode":
        return value not in (b"", b"0")
    return name in _EMPTYING and value == _EMPTYING[name]


def setting_switches_off(name: bytes, value: bytes) -> bool:
    """Tell whether a variable in an environment keeps history from being recorded: by its value, or by what a shell runs because of it."""
    return switches_off(Line(0, b"", [[name + b"=" + value]])) if name == b"PROMPT_COMMAND" else value_switches_off(name, value)


def client_switched_off(name: bytes, value: bytes) -> bool:
    """Tell whether a client that is no shell keeps no history. Guides for administrators advise it, and pagers are often told so."""
    return _CLIENTS.get(name) not in (None, "less") and (value.startswith(b"/dev/null") or (value == b"" and name == b"NODE_REPL_HISTORY"))


def history_places(name: bytes, value: bytes, program: str) -> List[Tuple[str, bytes]]:
    """The history files that a variable names, by the program that writes them; of a shell, ``program``. Values are not expanded here."""
    if name == b"HISTFILE":
        return [] if value_switches_off(name, value) else [(program, value)]
    if name == b"fish_history":
        return [] if value in (b"", b"default", b"fish") or b"/" in value else [("fish", b"~/.local/share/fish/" + value + b"_history")]
    if name in _BENEATH:
        return [(client, value + b"/" + path) for client, path in _BENEATH[name]] if value else []
    if name in _CLIENTS and value not in (b"", b"-", b"/dev/null"):
        return [(_CLIENTS[name], value)]
    return []


def is_named_by_hand(name: bytes) -> bool:
    """Tell whether a variable names one history file, so that it matters when its value cannot be told."""
    return name == b"HISTFILE" or name in _CLIENTS


def sourced(words: List[bytes]) -> Optional[bytes]:
    """The file that a command reads in, as it stands there."""
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    return words[1] if len(words) > 1 and words[0] in (b"source", b".") else None


_VARIABLE = re.compile(rb"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(?::?-((?:[^{}]|\$\{[^{}]*\})*))?\})")
_MOST_FILLED_IN = 4


def expand(value: bytes, variables: Mapping[bytes, bytes], assigned: Mapping[bytes, bytes]) -> Optional[bytes]:
    """An absolute path with ``~`` and variables filled in; ``None`` for what only a shell can expand, or what is no path.

    A variable has the value that ``variables`` gives it, the one that the file gives it (``assigned``), or the default that stands beside it.
    """
    if value == b"~" or value.startswith(b"~/"):
        value = variables.get(b"HOME", b"") + value[1:]
    for _round in range(_MOST_FILLED_IN):
        if b"$" not in value or len(value) > _LONGEST:
            break
        value = _VARIABLE.sub(lambda match: _value_of(match, variables, assigned), value)
    if b"\0" in value or re.search(rb"[$`*?~]", value) or b"/../" in value + b"/" or not value.startswith(b"/") or len(value) > _LONGEST:
        return None
    return re.sub(rb"/(?:\./|/)+", b"/", value)


def _value_of(match: "Match[bytes]", variables: Mapping[bytes, bytes], assigned: Mapping[bytes, bytes]) -> bytes:
    plain, braced, default = match.groups()
    value = variables.get(plain or braced, assigned.get(plain or braced, default))
    # What cannot be told stays as it stands, and is no path then.
    return value if value is not None else match.group()


_ASSIGNED = re.compile(rb"^[ \t]*(?:(?:export|typeset|declare|local|readonly)[ \t]+(?:-\w+[ \t]+)?)?([A-Za-z_][A-Za-z0-9_]*)=(" + _WORD + rb")", re.MULTILINE)


def assigned_in(data: bytes) -> Dict[bytes, bytes]:
    """What the lines of a start-up file set variables to, the first time; not where a value builds on the one before."""
    found: Dict[bytes, bytes] = {}
    for name, value in _ASSIGNED.findall(data) if b"$" in data else ():
        if b"$" + name not in value and b"${" + name not in value:
            found.setdefault(name, _QUOTED.sub(_unquoted, value[:_LONGEST]))
    return found
