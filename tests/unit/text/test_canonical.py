"""The stored form of text, and text that pings nobody."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from sync.text import canonical, neutralise, restore, same_text


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("\n \n  a\n\n", "  a"),
        ("a  \nb\t\n\nc", "a\nb\n\nc"),
        ("a\0b\r\0\nc", "ab\nc"),
        ("a\ud800b", "a\ufffdb"),
        ("", ""),
        (" \n\t\n", ""),
    ],
)
def test_the_canonical_form(text: str, form: str) -> None:
    """Line ends, NULs and blanks that nobody sees are made one."""
    assert canonical(text) == form


def test_same_text_is_equality_of_forms() -> None:
    """Line ends and trailing blanks don't make a difference, words do."""
    assert same_text("a  \r\nb\r\n", "a\nb")
    assert not same_text("a b", "a  b")


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("@ada", "@|ada"),
        ("(@ada) _@ada_ **@ada**", "(@|ada) _@|ada_ **@|ada**"),
        ("fixes #12", "fixes #|12"),
        ("AB#12 and ada/engine#4 and GH-5", "AB#|12 and ada/engine#|4 and GH-|5"),
        ("# heading\n## @ada", "# heading\n## @|ada"),
        ("ada@example.com", "ada@example.com"),
        ("https://example.com/@ada/#12", "https://example.com/@ada/#12"),
        ("[x](#12)", "[x](#12)"),
        ("`@ada` and ``#12 ` @x``", "`@ada` and ``#12 ` @x``"),
        ("```\n@ada\n```\n@ada", "```\n@ada\n```\n@|ada"),
        ("    @Override\n\n@ada", "    @Override\n\n@|ada"),
        ("- x\n\n      @Override\n", "- x\n\n      @Override\n"),
        ("&#12; @ # alone", "&#12; @ # alone"),
        ("unclosed ` @ada", "unclosed ` @|ada"),
        ("@\u2060ada", "@|\u2060ada"),
        ("/close\n/etc/passwd\ntext /close", "/|close\n/etc/passwd\ntext /close"),
        ("see 1a2b3c4 and ada/engine@1a2b3c4", "see 1|a2b3c4 and ada/engine@1|a2b3c4"),
        (
            "1234567 deadbeef 1a2b3 6a1b3c5d-0000-4000-8000-00000000000a",
            "1234567 deadbeef 1a2b3 6a1b3c5d-0000-4000-8000-00000000000a",
        ),
    ],
)
def test_mentions_and_references_are_broken_outside_code(text: str, broken: str) -> None:
    """A joiner stands after each sign that would ping or link, and is taken out exactly."""
    assert neutralise(text) == broken.replace("|", "\u2060")
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("https://github.com/a/b/issues/1", "https://redirect.github.com/a/b/issues/1"),
        ("[x](https://github.com/a/b/pull/2#c)", "[x](https://redirect.github.com/a/b/pull/2#c)"),
        (
            "https://github.com/a/b `https://github.com/a/b/pull/2`",
            "https://github.com/a/b `https://github.com/a/b/pull/2`",
        ),
        ("https://redirect.github.com/a/b/issues/1", "https://Redirect.github.com/a/b/issues/1"),
    ],
)
def test_addresses_of_issues_leave_no_trace(text: str, written: str) -> None:
    """A link to an issue on GitHub goes round by a host that makes no reference, and comes back."""
    assert neutralise(text) == written
    assert restore(written) == text


@pytest.mark.parametrize("word", ["fixes #12", "closes ada/engine#12", "AB#12", "resolves GH-12", "fixed 1a2b3c4d5e"])
def test_closing_words_are_inert(word: str, meaning: Callable[[str], Any]) -> None:
    """No reference is left beside them, in no construct, and code is shown as it was."""
    text = f"- {word}\n\n> **{word}** | `{word}`\n\n    {word}\n\n| {word} |\n| - |\n| [{word}](http://a.b) |"
    written = neutralise(text)
    live = re.compile(r"#\d|GH-\d|\b1a2b3c4d5e")
    words = meaning(written.replace("`" + word + "`", "").replace("    " + word, ""))
    assert not live.search(str(words))
    assert f"`{word}`" in written
    assert restore(written) == text


def test_importing_the_package_loads_no_markup_library() -> None:
    """A command that converts nothing doesn't pay for the parsers."""
    script = (
        "import sync.text, sys; "
        "assert not {'markdown_it', 'nh3', 'mdit_py_plugins'} & set(sys.modules); "
        "from sync.text import canonical; canonical('x'); "
        "assert 'markdown_it' not in sys.modules; "
        "assert sync.text.markdown_to_adf('x')['version'] == 1"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy package behaves like any other module."""
    import sync.text

    with pytest.raises(AttributeError, match="nothing_here"):
        _ = sync.text.nothing_here  # type: ignore[attr-defined]
