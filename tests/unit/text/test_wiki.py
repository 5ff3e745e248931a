"""Wiki markup of Jira Server and Data Center."""

import pytest

from sync.text import markdown_to_wiki, wiki_to_markdown


@pytest.mark.parametrize(
    ("wiki", "markdown"),
    [
        ("h2. Title", "## Title"),
        ("*bold* _it_ -gone- +new+ x^2^ {{code}}", "**bold** *it* ~~gone~~ <ins>new</ins> x^2^ `code`"),
        ("foo{*}bar{*}", "foo**bar**"),
        ("word-connector- markup", "word-connector- markup"),
        ("a_b_c and 2*3*4", "a_b_c and 2\\*3\\*4"),
        ("[text|http://a.b/c] [http://a.b]", "[text](http://a.b/c) http://a.b"),
        (
            "[^log.txt] !shot.png|thumbnail!",
            '[log.txt](attachment:log.txt) ![shot.png](attachment:shot.png "thumbnail")',
        ),
        ("[~ada] and [~accountid:5b1:x]", "@ada and @5b1:x"),
        ("[INFO] started [a:b]", "[INFO] started [a:b]"),
        ("* one\n** two\n# three", "- one\n  - two\n\n1. three"),
        ("# one\nmore\n#* two", "1. one\n   more\n   - two"),
        ("{code:java}\nint x = 1;\n{code}", "```java\nint x = 1;\n```"),
        ("{code:title=A.java|borderStyle=solid}\nx\n{code}", "**A.java**\n\n```\nx\n```"),
        ("{noformat}\n*x* {quote}\n{noformat}", "```text\n*x* {quote}\n```"),
        ("text {noformat}x{noformat} more", "text\n\n```text\nx\n```\n\nmore"),
        ("{quote}\none\n\ntwo\n{quote}", "> one\n>\n> two"),
        ("bq. said", "> said"),
        ("{panel:title=T|bgColor=#fffae6}\nx\n{panel}", "> [!WARNING]\n> **T**\n>\n> x"),
        ("||a||b||\n|1|2|", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("|a|\n|[x|http://y]|", "|  |\n| --- |\n| a |\n| [x](http://y) |"),
        ("one\\\\two", "one\ntwo"),
        ("a\n----\nb", "a\n\n---\n\nb"),
        ("{color:red}*x*{color}", "**x**"),
        ("\\*x\\* \\{code}", "\\*x\\* {code}"),
        ("{code} never closed", "{code} never closed"),
        ("a {quote} b", "a {quote} b"),
        ("1. not a list here", "1\\. not a list here"),
        ("&lt;b&gt; &#42;", "\\<b> *"),
        ("a -- b --- c--d", "a \u2013 b \u2014 c--d"),
        ("C:\\dir \\q", "C:\\dir \\q"),
        ("** deep\n* flat", "- - deep\n- flat"),
        ('<a href="http://a.b/c">d</a>', '\\<a href="<http://a.b/c>">d\\</a>'),
        ("{code}\nx\n{code}", "```\nx\n```"),
        ("http://a.b/c&#92;", "<http://a.b/c>\\\\"),
    ],
)
def test_wiki_is_read_as_jira_shows_it(wiki: str, markdown: str) -> None:
    """Each construct gives the Markdown of the same look; what is not closed stays words."""
    assert wiki_to_markdown(wiki) == markdown


@pytest.mark.parametrize(
    ("markdown", "wiki"),
    [
        ("# T", "h1. T"),
        ("**b** *i* ~~s~~ `c`", "*b* _i_ -s- {{c}}"),
        ("a**b**c", "a{*}b{*}c"),
        ("- a\n  1. b", "* a\n*# b"),
        ("```py\nx\n```", "{noformat:title=\u2063py\u2063}\nx\n{noformat}"),
        ("```java\nx\n```", "{code:java}\nx\n{code}"),
        ("[a](http://b.c) ![d](http://e.f/g.png)", "[a|http://b.c] !http://e.f/g.png|alt=d!"),
        ("> q", "{quote}\nq\n{quote}"),
        ("> [!NOTE]\n> q", "{panel:bgColor=#deebff}\nq\n{panel}"),
        ("| a |\n| - |\n| b |", "||a||\n|b|"),
        ("{code} [x] !y!", "\\{code} \\[x] \\!y!"),
        ("h1. not a heading", "h1&#46; not a heading"),
        ("a -- b", "a \\-- b"),
        ("```text\nx\n```", "{noformat}\nx\n{noformat}"),
        ("```\nx\n```", "{code}\nx\n{code}"),
        ("```\n{code}\n```", "{noformat:title=\u2063\u2063}\n{code}\n{noformat}"),
        ("ada@example.com http://a.b/_c", "ada@example.com [http://a.b/_c]"),
        ("<http://a.b/$>{c}", "[http://a.b/$]\\{c}"),
        ("- - a", "** a"),
        ("C:\\dir\\\\\\{x}", "C:\\dir&#92;\\{x}"),
    ],
)
def test_wiki_is_written_as_jira_reads_it(markdown: str, wiki: str) -> None:
    """Each construct becomes Jira's own markup, and signs that are words are escaped."""
    assert markdown_to_wiki(markdown) == wiki
