"""Documents of Jira Cloud."""

from typing import Any

import pytest

from sync.text import adf_to_markdown, markdown_to_adf


def paragraph(*content: dict[str, Any]) -> dict[str, Any]:
    """A document of one paragraph."""
    return {"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": list(content)}]}


def test_the_nodes_are_the_native_ones() -> None:
    """A reader in Jira gets Jira's own headings, lists, tasks, code and breaks."""
    doc = markdown_to_adf("## T\n\na\nb\n\n- [x] c\n\n```js\nd\n```")
    assert doc["content"] == [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "T"}]},
        {
            "type": "paragraph",
            "content": [{"type": "text", "text": "a"}, {"type": "hardBreak"}, {"type": "text", "text": "b"}],
        },
        {
            "type": "taskList",
            "attrs": {"localId": "task-1"},
            "content": [
                {
                    "type": "taskItem",
                    "attrs": {"localId": "task-2", "state": "DONE"},
                    "content": [{"type": "text", "text": "c"}],
                }
            ],
        },
        {"type": "codeBlock", "attrs": {"language": "js"}, "content": [{"type": "text", "text": "d"}]},
    ]


def test_an_empty_text_is_an_empty_document() -> None:
    """Nothing becomes a document without content, and back."""
    assert markdown_to_adf("") == {"version": 1, "type": "doc", "content": []}
    assert adf_to_markdown(markdown_to_adf("")) == ""


@pytest.mark.parametrize(
    ("inline", "said"),
    [
        ({"type": "mention", "attrs": {"id": "5b1", "text": "@Ada Lovelace"}}, "@Ada Lovelace"),
        ({"type": "mention", "attrs": {"id": "5b1"}}, "@5b1"),
        ({"type": "emoji", "attrs": {"shortName": ":smile:", "text": "\U0001f604"}}, "\U0001f604"),
        ({"type": "emoji", "attrs": {"shortName": ":custom:"}}, ":custom:"),
        ({"type": "status", "attrs": {"text": "IN PROGRESS", "color": "blue"}}, "IN PROGRESS"),
        ({"type": "date", "attrs": {"timestamp": "1700000000000"}}, "2023-11-14"),
        ({"type": "date", "attrs": {"timestamp": "no number"}}, "no number"),
        ({"type": "inlineCard", "attrs": {"url": "http://a.b/c"}}, "http://a.b/c"),
        ({"type": "mediaInline", "attrs": {"id": "x", "collection": "", "alt": "plan.pdf"}}, r"[plan.pdf]"),
        ({"type": "somethingNew", "attrs": {"text": "kept"}}, "kept"),
        ({"type": "somethingNew", "content": [{"type": "text", "text": "inner"}]}, "inner"),
        ({"type": "somethingNew"}, "[somethingNew]"),
    ],
)
def test_what_markdown_lacks_is_said_in_words(inline: dict[str, Any], said: str) -> None:
    """Mentions, cards, dates and unknown nodes read as text."""
    assert adf_to_markdown(paragraph({"type": "text", "text": "a "}, inline)).replace("\\]", "]") == f"a {said}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        True,
        "text",
        [],
        {},
        {"type": None},
        {"type": ["doc"]},
        {"type": "doc", "content": "x"},
        {"type": "doc", "content": [None, 3, "s", [], {"type": "paragraph", "content": {"a": 1}}]},
        paragraph({"type": "text", "text": None, "marks": None, "attrs": None}),
        paragraph({"type": "text", "text": "a", "marks": [None, {"type": "link"}, {"type": "link", "attrs": None}]}),
        {"type": "doc", "content": [{"type": "heading", "attrs": {"level": float("nan")}, "content": []}]},
        {"type": "doc", "content": [{"type": "table", "content": [{"type": "tableRow"}, 5, {"content": [1]}]}]},
        {"type": "doc", "content": [{"type": "orderedList", "attrs": {"order": -4}, "content": ["a", {"x": 1}]}]},
    ],
)
def test_any_value_is_read(value: Any) -> None:
    """Nothing that JSON can hold makes the reader fail."""
    assert isinstance(adf_to_markdown(value), str)


def test_deep_documents_keep_their_words() -> None:
    """Beyond the cap the text is flat, and still there."""
    inner: dict[str, Any] = {"type": "paragraph", "content": [{"type": "text", "text": "bottom"}]}
    for _ in range(3000):
        inner = {"type": "blockquote", "content": [inner]}
    assert "bottom" in adf_to_markdown({"type": "doc", "version": 1, "content": [inner]})


def test_markup_typed_as_words_stays_words() -> None:
    """A tag typed in Jira is no tag on GitHub."""
    assert adf_to_markdown(paragraph({"type": "text", "text": "<img src=x onerror=y> **b**"})) == (
        r"\<img src=x onerror=y> \*\*b\*\*"
    )


def test_a_dangerous_link_is_only_its_words() -> None:
    """Nothing that a browser would run becomes a link."""
    link = {"type": "link", "attrs": {"href": " JavaScript:alert(1)"}}
    assert adf_to_markdown(paragraph({"type": "text", "text": "go", "marks": [link]})) == "go"


def test_a_table_without_a_header_stays_without() -> None:
    """Markdown needs a header row: an empty one stands for none."""
    cell = {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "a"}]}]}
    doc = {
        "type": "doc",
        "version": 1,
        "content": [{"type": "table", "content": [{"type": "tableRow", "content": [cell]}]}],
    }
    markdown = adf_to_markdown(doc)
    assert markdown == "|  |\n| --- |\n| a |"
    kinds = [c["type"] for row in markdown_to_adf(markdown)["content"][0]["content"] for c in row["content"]]
    assert kinds == ["tableCell"]
