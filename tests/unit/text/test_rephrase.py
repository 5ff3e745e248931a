"""Edits made in a tracker, told in the author's words."""

import pytest

from sync.text import adf_to_markdown, markdown_to_adf, rephrase


@pytest.mark.parametrize(
    ("canonical", "before", "after", "result"),
    [
        ("a\n\n\n* b", "a\n\n- b", "a\n\n- b", "a\n\n\n* b"),
        ("__a__\n\nb", "**a**\n\nb", "**a**\n\nc", "__a__\n\nc"),
        ("__a__\n\nb", "**a**\n\nb", "x\n\n**a**\n\nb", "x\n\n__a__\n\nb"),
        ("__a__\n\nb\n\n_c_", "**a**\n\nb\n\n*c*", "**a**\n\n*c*", "__a__\n\n_c_"),
        ("__a__\n\n_c_", "**a**\n\n*c*", "*c*\n\n**a**", "*c*\n\n__a__"),
        ("* a\n* _b_\n* c", "- a\n- *b*\n- c", "- a\n- *b*\n- d", "* a\n* _b_\n* d"),
        ("* a\n* _b_", "- a\n- *b*", "- new\n- a\n- *b*", "* new\n* a\n* _b_"),
        ("1) a\n2) _b_", "1. a\n2. *b*", "1. a\n2. *b*\n3. c", "1) a\n2) _b_\n3) c"),
        ("* a\n    * _b_\n    * c", "- a\n  - *b*\n  - c", "- a\n  - *b*\n  - d", "* a\n    * _b_\n    * d"),
        ("- [ ] _a_\n- [ ] _b_", "- [ ] *a*\n- [ ] *b*", "- [x] *a*\n- [ ] *b*", "- [x] *a*\n- [ ] _b_"),
        ("|a|b|\n|-|-|\n|_c_|d|\n|e|f|", "| a | b |\n| --- | --- |\n| *c* | d |\n| e | f |",
         "| a | b |\n| --- | --- |\n| *c* | d |\n| e | g |", "|a|b|\n|-|-|\n|_c_|d|\n| e | g |"),
        ("> __a__\n>\n> b", "> **a**\n>\n> b", "> **a**\n>\n> c", "> __a__\n>\n> c"),
        ("[a][r] b\n\nc\n\n[r]: http://x.y", "[a](http://x.y) b\n\nc", "[a](http://x.y) b\n\nd",
         "[a][r] b\n\nd\n\n[r]: http://x.y"),
        ("T\n=\nb", "# T\n\nb", "# T\n\nc", "T\n=\nc"),
        ("<details>\n<summary>S</summary>\n\n__a__\n\nb\n</details>", "<details>\n<summary>S</summary>\n\n**a**\n\nb\n\n</details>",
         "<details>\n<summary>S</summary>\n\n**a**\n\nb\n\n</details>\n\nc", None),
        ("__a__", "**a**", "", ""),
        ("", "", "a", "a"),
        ("```\n_a_", "```\n_a_\n```", "```\n_a_\n```\n\nb", "```\n_a_\n```\n\nb"),
    ],
)  # fmt: skip
def test_only_what_changed_is_told_anew(canonical: str, before: str, after: str, result: str | None) -> None:
    """Each untouched block, item and row keeps the author's spelling, and the order is the new one."""
    told = rephrase(canonical, before, after)
    assert told == (f"{canonical}\n\nc" if result is None else result)


def test_the_authors_empty_lines_stay() -> None:
    """An edit of a paragraph leaves the blank lines around it as they were."""
    assert rephrase("# T\na\n\n\n- x", "# T\n\na\n\n- x", "# T\n\nb\n\n- x") == "# T\nb\n\n\n- x"


def test_a_document_edited_in_jira() -> None:
    """A node appended to the document is the only new line of the author's text."""
    text = "Title\n=====\n\n* one\n* two\n\n\n| a |\n|-|\n| __b__ |"
    doc = markdown_to_adf(text)
    before = adf_to_markdown(doc)
    doc["content"].append({"type": "paragraph", "content": [{"type": "text", "text": "new"}]})
    assert rephrase(text, before, adf_to_markdown(doc)) == text + "\n\nnew"
