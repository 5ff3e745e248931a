"""Laws of rich text, for any input."""

import string
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.text import (
    Mentions,
    adf_to_markdown,
    canonical,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    neutralise,
    rephrase,
    restore,
    same_text,
    wiki_to_markdown,
)

_ANY = st.text(st.characters(codec=None), max_size=200)
_SIGNS = st.text(st.sampled_from("*_-+^~`[](){}<>|!#@&\\/:. \n\t=1ab\u2060\u2063\u200d\r\0"), max_size=80)
_WORDS = st.text(string.ascii_letters, min_size=1, max_size=6)
_SNIPPETS = st.sampled_from(
    [
        "**{}**", "*{}*", "~~{}~~", "`{}`", "[{}](http://a.b/c)", "![{}](http://a.b/c.png)", "{}", "# {}", "> {}", "- {}",
        "  - {}", "1. {}", "- [ ] {}", "- [x] {}", "```\n{}\n```", "| {} | b |\n| - | - |\n| c | d |", "---", "http://a.b/{}",
        "@{}", "#1{}", "<b>{}</b>", "<!-- {} -->", "<details>\n\n{}\n\n</details>", "h1. {}", "{{code}}{}", "||{}||", "(/) {}",
        "\\{}", "&lt;{}", "> [!NOTE]\n> {}", "{}[^1]\n\n[^1]: x", "+{}+", "{{{{{}}}}}", "*{}", "_{}_", "**{}", "!{}!", "[{}]",
    ]
)  # fmt: skip
_PIECES = st.builds(lambda form, word: form.format(word), _SNIPPETS, _WORDS)
_JOINTS = st.sampled_from([" ", "\n", "\n\n", "", ", "])
_MARKDOWN = st.lists(st.tuples(_PIECES, _JOINTS), max_size=7).map(lambda parts: "".join(a + b for a, b in parts))
_TEXT = st.one_of(_ANY, _SIGNS, _MARKDOWN)
_KINDS = [
    "doc", "paragraph", "text", "bulletList", "listItem", "table", "tableRow", "tableCell", "heading", "taskList",
    "taskItem", "panel", "expand", "mention", "codeBlock", "media", "blockquote", "date", "unheardOf",
]  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "content", "attrs", "marks", "text", "level", "href"]), inner)
        | st.fixed_dictionaries(
            {
                "type": st.sampled_from(_KINDS),
                "content": st.lists(inner, max_size=3),
            }
        )
    ),
    max_leaves=12,
)


def _there(text: str, path: str) -> Any:
    return {"adf": markdown_to_adf, "wiki": markdown_to_wiki, "html": markdown_to_html}[path](text)


def _back(text: str, path: str) -> str:
    made = _there(text, path)
    return {"adf": adf_to_markdown, "wiki": wiki_to_markdown, "html": html_to_markdown}[path](made)


@given(_TEXT)
@settings(max_examples=150)
def test_every_reader_takes_any_text(text: str) -> None:
    """No text makes a conversion fail, and every result can be stored."""
    for made in (wiki_to_markdown(text), html_to_markdown(text), markdown_to_wiki(text), markdown_to_html(text)):
        assert made.encode() is not None
        assert "\0" not in made
    assert markdown_to_adf(text)["type"] == "doc"


@given(_JSON)
@settings(max_examples=150)
def test_any_json_is_read_as_a_document(value: Any) -> None:
    """No JSON value makes the document reader fail."""
    assert isinstance(adf_to_markdown(value), str)


@given(_MARKDOWN, st.sampled_from(["adf", "wiki", "html"]))
@settings(max_examples=300)
def test_a_second_pass_changes_nothing(text: str, path: str) -> None:
    """What came back once comes back the same again."""
    once = _back(text, path)
    assert same_text(_back(once, path), once)


@given(st.lists(_PIECES, max_size=6), st.sampled_from(["adf", "wiki", "html"]))
@settings(max_examples=200)
def test_no_word_is_lost(pieces: list[str], path: str) -> None:
    """Each word of a text is there after the trip."""
    numbered = [piece.replace("a", f"x{place}x") for place, piece in enumerate(pieces)]
    text = "\n\n".join(numbered)
    back = _back(text, path)
    for place, piece in enumerate(numbered):
        assert back.count(f"x{place}x") >= min(1, piece.count(f"x{place}x"))


@given(_TEXT)
@settings(max_examples=400)
@example("@\u2060\u2060ada #\u20601 `@x")
def test_restoring_is_exact(text: str) -> None:
    """Whatever the text holds, joiners too, it comes back to the character."""
    assert restore(neutralise(text)) == text


@given(_MARKDOWN)
@settings(max_examples=150)
def test_neutral_text_pings_nobody(text: str) -> None:
    """After an `@` in neutral prose no name follows at once."""
    words = [word for word in neutralise(text).split() if word.startswith("@") and len(word) > 1]
    assert all(word[1] == "\u2060" or not word[1].isalnum() or "`" in text for word in words)


@given(_TEXT)
@settings(max_examples=300)
def test_the_canonical_form_is_final(text: str) -> None:
    """Making a form of a form changes nothing, and both are the same text."""
    assert canonical(canonical(text)) == canonical(text)
    assert same_text(text, canonical(text))
    assert canonical(text).encode() is not None


@given(_MARKDOWN, _MARKDOWN, st.sampled_from(["adf", "wiki", "html"]))
@settings(max_examples=200)
def test_what_stood_there_does_not_change_what_is_read(text: str, stood: str, path: str) -> None:
    """A text written over another one reads as if nothing had been there, and over itself it is the same."""
    write = {"adf": markdown_to_adf, "wiki": markdown_to_wiki, "html": markdown_to_html}[path]
    read = {"adf": adf_to_markdown, "wiki": wiki_to_markdown, "html": html_to_markdown}[path]
    native = _there(stood, path)
    assert read(write(text, native)) == read(write(text))  # type: ignore[operator]
    assert write(read(native), native) == native  # type: ignore[operator]


@given(_JSON, _MARKDOWN)
@settings(max_examples=150)
def test_any_json_may_stand_there(value: Any, text: str) -> None:
    """Whatever stands in the place of a document, the text is written over it."""
    assert adf_to_markdown(markdown_to_adf(text, value)) == adf_to_markdown(markdown_to_adf(text))


@given(_SIGNS, _MARKDOWN)
@settings(max_examples=150)
def test_any_text_may_stand_there(stood: str, text: str) -> None:
    """The same for source text, however broken."""
    assert html_to_markdown(markdown_to_html(text, stood)) == html_to_markdown(markdown_to_html(text))
    assert wiki_to_markdown(markdown_to_wiki(text, stood)) == wiki_to_markdown(markdown_to_wiki(text))


@given(_TEXT, _TEXT, _TEXT)
@settings(max_examples=200)
def test_rephrasing_what_did_not_change(canonical: str, before: str, after: str) -> None:
    """No edit leaves the author's text, an edit of the author's text is taken as it is, and any texts are taken."""
    assert rephrase(canonical, before, before) == canonical
    assert rephrase(before, before, after) == after
    assert rephrase(canonical, before, after).encode("utf-8", "replace") is not None


@given(
    st.lists(_PIECES, max_size=6), st.lists(_PIECES, max_size=4), st.sampled_from(["adf", "wiki", "html"]), st.data()
)
@settings(max_examples=200)
def test_rephrasing_loses_no_block(pieces: list[str], more: list[str], path: str, data: st.DataObject) -> None:
    """What somebody wrote in a tracker is in the author's text, wherever they put it."""
    canonical = "\n\n".join(pieces)
    before = _back(canonical, path)
    blocks = before.split("\n\n")
    for number, piece in enumerate(more):
        place = data.draw(st.integers(0, len(blocks)))
        blocks.insert(place, f"new{number}x {piece}")
    after = _back("\n\n".join(blocks), path)
    told = rephrase(canonical, before, after)
    for number in range(len(more)):
        assert told.count(f"new{number}x") == after.count(f"new{number}x")


@given(_TEXT, st.lists(st.sampled_from(["ada", "b c", "d*_", "e]"]), unique=True))
@settings(max_examples=200)
def test_mentions_are_restored_exactly(text: str, people: list[str]) -> None:
    """Live mentions come back like everything else, and a text without any is restored as ever."""
    who = Mentions.of((person, f"x{number}-{number}") for number, person in enumerate(people))
    spelled = "".join(f"\n\n{wiki_to_markdown(f'[~x{number}-{number}]', who)}" for number in range(len(people)))
    mentioned = restore(text, who) + spelled
    assert restore(neutralise(mentioned, who), who) == restore(mentioned, who)
