"""Input that makes other converters hang or crash."""

import pytest

import sync.text

SIZE = 6_000  # characters; what blows up does so here already
SEEDS = [
    "[a](", "*a ", "_a *b ", "**a_b~~", "> ", "- ", "  - a\n", "<div>", "<ul><li>", "<b>", "<table><tr><td>", '<a href="',
    "[", "![", "^[", "[a|", "`", "``a`", "\\", "&#", "a\n", "@", "#1 ", "http://)", "http://a.b/", "{code}", "{quote}",
    "{panel}", "{color:red}", "-a ", "{{a ", "|", "||a|\n", "!a", "(", "](x)", "<!--", "~a ", "[^1]:", "<details>\n\n",
    "1. ", "\u2063a", "@\u2060", "www.", '<a "', "<br>", "</div>", "\0", "\ud800", "\r", "{*}", "- [ ] ", "\u202e", "****",
    "<i>a</b>", '<div ">', "<p><b>a", "[~a]", "/a\n", "1a2b3c4 ", "[@a](mention:a)", "-- ", "* a\n*** b\n", "[a]: b\n",
]  # fmt: skip
FUNCTIONS = [
    "markdown_to_wiki",
    "wiki_to_markdown",
    "markdown_to_html",
    "html_to_markdown",
    "canonical",
    "neutralise",
    "restore",
]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
def test_hostile_text_ends(seed: str) -> None:
    """Every function returns text for a great many open marks."""
    text = seed * (SIZE // len(seed) // (4 if seed.isspace() else 1))
    for name in FUNCTIONS:
        assert isinstance(getattr(sync.text, name)(text), str)
    doc = sync.text.markdown_to_adf(text)
    assert doc["type"] == "doc"
    assert isinstance(sync.text.rephrase(f"{text}\n\n* x", f"{text}\n\n- x", f"{text}\n\n- y"), str)
    assert isinstance(sync.text.adf_to_markdown(doc), str)


@pytest.mark.parametrize(
    ("markdown", "count"),
    [
        ("> " * 500 + "bottom", 1),
        ("".join("  " * n + f"- bottom{n}\n" for n in range(200)), 200),
        ("- " * 300 + "bottom", 1),
    ],
)
def test_deep_nesting_keeps_its_words(markdown: str, count: int) -> None:
    """Text beyond the cap is flat on the other side, not gone."""
    for back in (
        sync.text.adf_to_markdown(sync.text.markdown_to_adf(markdown)),
        sync.text.wiki_to_markdown(sync.text.markdown_to_wiki(markdown)),
        sync.text.html_to_markdown(sync.text.markdown_to_html(markdown)),
    ):
        assert back.count("bottom") == count


def test_deep_html_keeps_its_words() -> None:
    """Fifty thousand open tags lose nothing but their depth."""
    assert sync.text.html_to_markdown("<div>" * 50_000 + "bottom") == "bottom"
    assert "bottom" in sync.text.html_to_markdown("<ul><li>" * 20_000 + "bottom")


def test_a_megabyte_of_prose_passes() -> None:
    """A body far over any tracker's limit goes through unharmed."""
    text = "The quick brown fox [jumps](http://a.b/c) over **the** lazy dog.\n\n" * 3000
    assert sync.text.same_text(sync.text.wiki_to_markdown(sync.text.markdown_to_wiki(text)), text)
