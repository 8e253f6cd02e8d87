# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text for eyes and for shells, checked with bash and with Ansible's own inventory."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.incident.response.plugins.plugin_utils._quoting import host_pattern, invisible_characters, lookalike_characters, shell_quote, visible

ALPHABET = [
    *map(chr, range(0x100)), *"'\"\\$`!{}[]()<>|&;*?~#=%,:@ ", *"\u0455\u0430\u03bf\u202e\u202d\u200b\u200d\u2060\ufeff\u2028\u2029\u00ad\u3164\u2800",
    *"\uff53\ufb01\U0001d400\U0001f600\u4e2d\u0627\u0301é", "\ud800", "\udcff", "\udfff", "\x1b[2J", "{{ 7*7 }}", "$(id)", "`id`", "[...]", "\\u0455", "\\",
]  # fmt: skip


def texts(count: int, longest: int, without: str = "") -> list[str]:
    dice = random.Random(7)
    alphabet = [part for part in ALPHABET if not set(part) & set(without)]
    return ["".join(dice.choices(alphabet, k=dice.randrange(longest))) for _number in range(count)]


@pytest.mark.parametrize("limit", [20, 80, 200])
def test_visible_text_is_one_line_that_shows_what_it_is(limit: int) -> None:
    for text in texts(3000, 300):
        shown = visible(text, limit)
        assert shown.isprintable(), repr(text)
        assert not invisible_characters(shown)
        assert not lookalike_characters(shown)
        assert len(shown) <= limit
        assert visible(shown, limit) == shown, repr(text)
        shown.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/usr/bin/sleep", "/usr/bin/sleep"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u0455shd", "\\u0455shd"),
        ("cod\u202egpj.sh", "cod\\u202egpj.sh"),
        ("\U0001f600", "\\U0001f600"),
        ("сервер", "сервер"),
        ("über", "über"),
        ("p\u0430ypal", "p\\u0430ypal"),
        ("init\u00a0", "init\\u00a0"),
        ("\udcff", "\\udcff"),
        ("", ""),
    ],
)
def test_visible_examples(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_long_loses_its_middle() -> None:
    shown = visible("begin" + "x" * 10_000_000 + "end", 50)
    assert shown.startswith("begin") and shown.endswith("end") and "[...]" in shown
    assert len(shown) <= 50


def test_different_names_stay_different() -> None:
    names = ["sshd", "\u0455shd", "ss\u200bhd", "\uff53shd", "sshd ", "sshd\u00a0"]
    assert len({visible(name) for name in names}) == len(names)


def test_bash_reads_back_what_was_quoted() -> None:
    """Many words in one command; bash prints them as it understood them."""
    bash = shutil.which("bash")
    assert bash
    words = texts(800, 30, without="\0\ud800\udfff")
    script = "printf '%s\\0' " + " ".join(map(shell_quote, words))
    assert script.isascii() and script.isprintable()
    output = subprocess.run([bash, "--norc", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert output.split(b"\0")[:-1] == [word.encode("utf-8", "surrogateescape") for word in words]


def test_pasting_into_an_interactive_bash_expands_no_history() -> None:
    bash = shutil.which("bash")
    assert bash
    script = f"set -H\nprintf '%s\\n' {shell_quote('a!!b')} {shell_quote('é!x')}\n"
    done = subprocess.run([bash, "--norc", "-i"], input=script.encode(), capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "HISTFILE": ""})
    assert "a!!b\né!x" in done.stdout.decode()


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b\udfff"])
def test_what_no_argument_can_hold_is_shown(text: str) -> None:
    quoted = shell_quote(text)
    assert quoted.isascii() and quoted.isprintable()


HOSTS = [
    "web1", "web1.example.org", "10.0.0.1", "2001:db8::1", "-i", "--help", "a b", "a,b", "a:b", "!web1", "&web1", "~.*", "web*", "web?", "web[1]", "web[0:3]",
    "@file",
    "../../x", "/etc/passwd", "$(id)", "`id`", "a'b", 'a"b', "a;id", "\u0455shd", "cod\u202egpj", "a\nb", "{{ 7*7 }}",
    "naïve", "web1\n", ".", "_x", "localhost", "WEB1", "fe80::1%eth0", "#x",
]  # fmt: skip


def test_a_pattern_means_its_host_and_no_other() -> None:
    inventory = InventoryManager(loader=DataLoader(), sources=None)
    for name in HOSTS:
        inventory._inventory.add_host(name, group="all")
    for name in HOSTS:
        pattern = host_pattern(name)
        inventory.clear_caches()
        assert [host.name for host in inventory.get_hosts(pattern)] == [name], (name, pattern)
        assert not pattern.startswith("-")


def test_any_name_has_a_pattern_of_harmless_characters() -> None:
    for name in texts(2000, 20):
        pattern = host_pattern(name)
        assert pattern.isascii()
        assert name == pattern or not set(pattern) - set("~\\abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
