# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text for a person's eyes, and for a person's shell."""

from __future__ import annotations

import ipaddress
import re
import shlex
import unicodedata
from functools import lru_cache

_CLIP = "[...]"
_LETTERS = re.compile(r"[^\W\d_]+")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NAMED_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Letters by their category, but drawn as nothing: Hangul fillers, Khmer inherent vowels, Braille blank.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"))
_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"))
# Cyrillic and Greek letters that most fonts draw as a Latin one (Unicode Technical Standard 39, confusables).
_DRAWN_AS_LATIN = frozenset("асеорухѕіјһԁԛԝӏАВСЕНІЈКМОРЅТХҮԌԚԜαγικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳ")


def visible(text: str, limit: int = 200) -> str:
    r"""Text as it may be shown in a terminal, a log or a sentence: one line, in the order in which it is stored.

    Code points that show nothing, reorder text or pass for other letters become ``\uNNNN``. What is longer than ``limit``
    characters loses its middle. ``visible(visible(x))`` is ``visible(x)``.
    """
    if len(text) > 2 * limit:
        text = text[:limit] + _CLIP + text[-limit:]
    if not (text.isascii() and text.isprintable()):
        text = _escape_deceptive(text)
    if len(text) > limit:
        head = (limit - len(_CLIP)) * 2 // 3
        tail = limit - len(_CLIP) - head
        text = text[:head] + _CLIP + text[len(text) - tail :]
    return text


def _escape_deceptive(text: str) -> str:
    if invisible_characters(text):
        return "".join(char if char.isascii() and char.isprintable() else _escape(char) for char in text)
    lookalikes = set(lookalike_characters(text))
    return "".join(char if char.isascii() or (_script(char) and char not in lookalikes) else _escape(char) for char in text)


def _escape(char: str) -> str:
    number = ord(char)
    if char in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[char]
    # \xNN is how facts carry a byte that is not UTF-8; a code point gets four digits.
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def invisible_characters(text: str) -> str:
    """The characters of ``text`` that show nothing, move the cursor or reorder what stands beside them."""
    if text.isascii() and text.isprintable():
        return ""
    return "".join(char for char in text if not char.isprintable() or char in _BLANK or unicodedata.bidirectional(char) in _RIGHT_TO_LEFT)


def lookalike_characters(text: str) -> str:
    """The letters of ``text`` that pass for others: alphabets mixed in one word, or a word that only imitates Latin."""
    if text.isascii():
        return ""
    return "".join(char for word in _LETTERS.findall(text) if _deceives(word) for char in word if not char.isascii())


def _deceives(word: str) -> bool:
    if word.isascii():
        return False
    foreign = [char for char in word if not char.isascii()]
    if any(_is_variant(char) for char in foreign):
        return True
    scripts = {_script(char) for char in word} - {"CJK"}
    return len(scripts) > 1 or all(char in _DRAWN_AS_LATIN for char in word)


def _is_variant(char: str) -> bool:
    """Tell a letter that is a mere variant of an ASCII one: full-width, mathematical, ligature, small capital, phonetic."""
    if unicodedata.normalize("NFKC", char).isascii():
        return True
    return unicodedata.name(char, "").startswith("LATIN") and not (char <= "\u017e" or "\u1e00" <= char <= "\u1eff")


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The script of a letter that may be shown as it is; empty for everything else, whose code point is shown."""
    if not unicodedata.category(char).startswith("L"):
        return ""
    first = unicodedata.name(char, "").split(" ", 1)[0]
    if first in _EAST_ASIAN:
        return "CJK"
    return first if first in ("LATIN", "CYRILLIC", "GREEK") else ""


def shell_quote(text: str) -> str:
    """One argument for bash or zsh. What is not printable ASCII is written as ``$'…'``, so that pasting shows and runs the same."""
    if text.isascii() and text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_ansi_c, text)) + "'"


def _ansi_c(char: str) -> str:
    number = ord(char)
    if number == 0:
        return "\\\\x00"  # no argument can hold it: shown, where bash would end the text
    if char in "\\'!" or number < 0x20 or number == 0x7F:
        return f"\\x{number:02x}"
    if number < 0x80:
        return char
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"  # a byte that was not UTF-8 (PEP 383)
    if 0xD800 <= number <= 0xDFFF:
        return f"\\\\u{number:04x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def host_pattern(name: str) -> str:
    r"""The pattern of Ansible that means exactly the host of that inventory name, which may hold any character.

    Plain names and IP addresses stand for themselves. Others become a regular expression (``~…``) of letters, digits and
    ``\xNN`` only: no part of them can be an option, a separator, a wildcard or an exclusion.
    """
    if _PLAIN_HOST.fullmatch(name) or _is_address(name):
        return name
    return "~" + "".join(char if char.isascii() and char.isalnum() else _regex_escape(char) for char in name) + "\\Z"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return "%" not in name


def _regex_escape(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
