"""Every construct of an issue, through every format and back."""

from collections.abc import Callable
from typing import Any

import pytest

from sync.text import (
    adf_to_markdown,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    wiki_to_markdown,
)

PATHS: dict[str, Callable[[str], str]] = {
    "adf": lambda text: adf_to_markdown(markdown_to_adf(text)),
    "wiki": lambda text: wiki_to_markdown(markdown_to_wiki(text)),
    "html": lambda text: html_to_markdown(markdown_to_html(text)),
}
CONSTRUCTS = {
    "paragraphs": "one\n\ntwo",
    "break": "one\ntwo",
    "two breaks": "one<br>\ntwo",
    "headings": "# One\n\n## Two `code`\n\n###### Six",
    "emphasis": "**bold** *italic* ~~gone~~ ***both*** **bold *and italic* text** a**b**c",
    "emphasis over a break": "**one\ntwo**",
    "emphasis beside punctuation": '**"quoted":**word',
    "bold code": "**`bold`** and *`italic`* and `plain`",
    "neighbouring code": "`one`**`two`**`three`",
    "inline code": "`a` ``b ` c`` `a|b` `{x}` `*not bold*` `\\`",
    "link": "[text](http://a.b/c) [**bold**](http://a.b/c_d) [q](http://a.b/?x=1&y=2)",
    "link with a title": '[text](http://a.b/c "title")',
    "bare links": "http://a.b/c_d_e, www.example.com/x_y and ada@example.com.",
    "link in brackets": "(see http://a.b/c_(d)) <http://a.b/c>",
    "image": "![alt](http://a.b/c.png) text ![](http://a.b/d.png)",
    "linked image": "[![alt](http://a.b/c.png)](http://a.b/)",
    "bullets": "- one\n- two\n  - three\n    - four\n- five",
    "numbers": "1. one\n2. two\n   1. three\n3. four",
    "mixed list": "- one\n  1. two\n     - three\n- four",
    "two lists": "- one\n\n* two",
    "tasks": "- [ ] open\n- [x] done\n  - [ ] nested",
    "mixed tasks": "- [ ] open\n- plain\n\n1. [x] numbered",
    "item with code": "- one\n  ```py\n  x = 1\n  ```\n- two",
    "item with paragraphs": "- one\n\n  more of one\n\n- two",
    "code": "```python\ndef f():\n    return {'a': [1]}\n```",
    "code without a language": "```\n  indented\n\n{code} *x* |y|\n```",
    "code with an unknown language": "```console\n$ ls\n```",
    "code with ticks": "````\n```\ninner\n```\n````",
    "quote": "> one\n> two\n>\n> three",
    "nested quote": "> one\n>\n> > two\n> > three",
    "heading in a list": "- # one\n- two",
    "table": "| a | b |\n| --- | :-: |\n| 1 | **2** |\n| x \\| y | `c` |",
    "table in a list": "- one\n\n  | a | b |\n  | --- | --- |\n  | 1 | 2 |",
    "rule": "one\n\n---\n\ntwo",
    "alert": "> [!WARNING]\n> careful",
    "details": "<details>\n<summary>More</summary>\n\ninside **bold**\n\n</details>",
    "html comment": "<!-- say what\n\nhappened -->\n\ntext",
    "html tags": "H<sub>2</sub>O <kbd>Ctrl</kbd> <ins>new</ins>",
    "raw html": '<div align="center">\n  <b>x</b>\n</div>',
    "footnote": "text[^1]\n\n[^1]: the note",
    "escapes": "\\*not bold\\* \\_x\\_ \\# 1\\. \\- \\[x\\](y) \\`c\\` \\<b> \\&amp; a\\\\b",
    "wiki signs": "{code} {quote} h1. x [a|b] !x.png! ??c?? {{m}} ^s^ +i+ (x) bq. y",
    "wiki at line starts": "h1. x\n\nbq. y\n\n\\* z\n\n\\# w\n\n|| a ||",
    "html signs": "\\<script>alert(1)\\</script> & \"quoted\" 'single' 1 < 2 > 0",
    "mentions and references": "@ada, see #12, owner/repo#4 and AB#7",
    "emoji": "done :+1: \U0001f469\u200d\U0001f4bb",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u200fabc\u200e \u0645\u0631\u062d\u0628\u0627",
}
# Wiki markup has no alignment of columns.
INEXPRESSIBLE = {("wiki", "table")}


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path in PATHS for name in CONSTRUCTS if (path, name) not in INEXPRESSIBLE]
)
def test_a_construct_comes_back_as_github_shows_it(name: str, path: str, meaning: Callable[[str], Any]) -> None:
    """What went to another tracker and back looks on GitHub as it did."""
    back = PATHS[path](CONSTRUCTS[name])
    assert meaning(back) == meaning(CONSTRUCTS[name]), back


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_second_pass_changes_nothing(name: str, path: str) -> None:
    """What came back once comes back the same ever after."""
    back = PATHS[path](CONSTRUCTS[name])
    assert PATHS[path](back) == back


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_every_document_is_valid(name: str, adf_errors: Callable[[Any], list[str]]) -> None:
    """Atlassian's schema accepts what each construct becomes."""
    assert adf_errors(markdown_to_adf(CONSTRUCTS[name])) == []


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_the_same_text_gives_the_same_document(name: str) -> None:
    """Nothing in a conversion is random."""
    assert markdown_to_adf(CONSTRUCTS[name]) == markdown_to_adf(CONSTRUCTS[name])
