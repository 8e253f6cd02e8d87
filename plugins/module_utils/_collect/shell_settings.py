# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What start-up files of shells say about history: read word by word, never run.

Source: bash(1), zshparam(1), fish(1), tcsh(1). Conditions are not evaluated: what stands there counts, unless it is a comment or
an argument of something else (``echo 'set +o history'``).
"""

import re
from typing import Callable, Dict, Iterator, List, Match, NamedTuple, Optional, Tuple

_LONGEST = 4096
_MAY_MATTER = re.compile(rb"hist|source|fish_private|^\s*\.\s|;\s*\.\s", re.IGNORECASE)
_WORD = rb"""(?:\\.|'[^']*'?|"(?:\\.|[^"\\])*"?|\$\{[^}]*\}?|[^\s;&|(){}`'"\\>])+"""
_TOKEN = re.compile(rb"(?P<word>" + _WORD + rb"|>)|(?P<separator>[;&|(){}\n`])", re.DOTALL)
_QUOTED = re.compile(rb"""\\(.)|'([^']*)'?|"((?:\\.|[^"\\])*)"?""", re.DOTALL)
_KEYWORDS = (b"then", b"do", b"else", b"elif", b"if", b"while", b"until", b"!", b"time", b"builtin", b"command", b"and", b"or", b"begin")
_DECLARING = (b"export", b"declare", b"typeset", b"readonly", b"local", b"env", b"setenv", b"set", b"setopt")
_ASSIGNMENT = re.compile(rb"([A-Za-z_][A-Za-z0-9_]*)\+?=(.*)", re.DOTALL)
_HISTORY_FILE = re.compile(rb"(?:^|/|=)\.?(?:bash_history|zsh_history|sh_history|histfile)$|^\$\{?HISTFILE\}?$")
_EMPTYING = {b"HISTSIZE": b"0", b"HISTFILESIZE": b"0", b"SAVEHIST": b"0", b"history": b"0", b"savehist": b"0"}


class Line(NamedTuple):
    """A line of a start-up file (continued ones joined): its number from 1, its text, and its commands as lists of words."""

    number: int
    text: bytes
    commands: List[List[bytes]]


def lines_that_matter(data: bytes) -> Iterator[Line]:
    """The lines that may concern history or name another file to read."""
    number, pending, started = 0, b"", 0
    for raw in data.split(b"\n"):
        number += 1
        started = started if pending else number
        line = pending + raw
        if line.endswith(b"\\") and len(line) < _LONGEST:
            pending = line[:-1]
            continue
        pending = b""
        if _MAY_MATTER.search(line):
            yield Line(started, line.strip(), split_commands(line[:_LONGEST]))


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
    if any(_reads_again(words) for words in line.commands):
        return False  # history -c; history -r: the known way to share history between shells
    return any(_switches_off(words, 0) for words in line.commands)


def _reads_again(words: List[bytes]) -> bool:
    joined = b" ".join(words)
    return b"history -r" in joined or b"history -n" in joined


def _switches_off(words: List[bytes], depth: int) -> bool:
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    if not words:
        return False
    name, arguments = words[0], words[1:]
    if depth == 0 and (name in (b"eval", b"trap") or name.startswith(b"PROMPT_COMMAND=")):
        inner = name.partition(b"=")[2] if b"=" in name else b" ".join(arguments) if name == b"eval" else b"".join(arguments[:1])
        return any(_switches_off(part, 1) for part in split_commands(inner))
    if name in _BUILTINS:
        return _BUILTINS[name](arguments) or _assigns_nothing(words)
    if b">" in words:
        return _is_history_file(words[words.index(b">") + 1 :][:1])
    return _assigns_nothing(words)


def _set(arguments: List[bytes]) -> bool:
    return any(first == b"+o" and second == b"history" for first, second in zip(arguments, arguments[1:]))


def _shopt(arguments: List[bytes]) -> bool:
    return b"history" in arguments and any(argument.startswith(b"-") and b"u" in argument for argument in arguments)


def _unset(arguments: List[bytes]) -> bool:
    return any(argument in (b"HISTFILE", b"history", b"savehist") for argument in arguments)


def _history(arguments: List[bytes]) -> bool:
    return any(argument.startswith(b"-") and b"c" in argument for argument in arguments)


def _is_history_file(words: List[bytes]) -> bool:
    return any(_HISTORY_FILE.search(word) for word in words)


def _is_last(words: List[bytes]) -> bool:
    return _is_history_file(words[-1:])


def _assigns_nothing(words: List[bytes]) -> bool:
    return any(value_switches_off(name, value) for name, value in assignments(words))


_BUILTINS: Dict[bytes, Callable[[List[bytes]], bool]] = {b"set": _set, b"shopt": _shopt, b"unset": _unset, b"history": _history}
_BUILTINS.update((name, _is_history_file) for name in (b"rm", b"shred", b"truncate", b"unlink", b"srm", b"wipe"))
_BUILTINS.update((name, _is_last) for name in (b"ln", b"cp", b"mv", b"tee"))


def assignments(words: List[bytes]) -> Iterator[Tuple[bytes, bytes]]:
    """The variables that a command sets: ``A=b``, ``export A=b``, csh's ``set a = b`` and ``setenv A b``, fish's ``set -g A b``."""
    declaring = words[0] in _DECLARING
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


def sourced(words: List[bytes]) -> Optional[bytes]:
    """The file that a command reads in, as it stands there."""
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    return words[1] if len(words) > 1 and words[0] in (b"source", b".") else None


def expand(value: bytes, home: bytes, user: bytes) -> Optional[bytes]:
    """A path with ``~``, ``$HOME`` and ``$USER`` filled in; ``None`` for what only a shell can expand, or what is no path."""
    if value == b"~" or value.startswith(b"~/"):
        value = home + value[1:]
    value = re.sub(rb"\$\{?ZDOTDIR(?::?-\$\{?HOME\}?)?\}?|\$\{?HOME\}?(?![A-Za-z0-9_])", lambda _match: home, value)
    value = re.sub(rb"\$\{?(?:USER|LOGNAME)\}?(?![A-Za-z0-9_])", lambda _match: user, value)
    if b"\0" in value or re.search(rb"[$`*?~]", value) or b"/../" in value + b"/" or not value.startswith(b"/"):
        return None
    return re.sub(rb"/(?:\./|/)+", b"/", value)
