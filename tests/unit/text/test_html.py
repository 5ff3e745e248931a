"""HTML of Azure DevOps."""

import re

import pytest

from sync.text import html_to_markdown, markdown_to_html


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<div>a<br></div><div><div>b</div></div>", "a\nb"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>a</p><p>b&nbsp;&nbsp;c</p>", "a\n\nb c"),
        ("<div><b>x</b>:&nbsp;<i>y</i></div>", "**x**: *y*"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start=3><li><p>a</p></li></ol>", "3. a"),
        ('<pre><code class="language-py">x\n  y\n</code></pre>', "```py\nx\n  y\n```"),
        ("<table><tr><th>a</th></tr><tr><td>b<br>c</td></tr></table>", "| a |\n| --- |\n| b<br>c |"),
        ("<h2>T <span>x</span></h2><hr>", "## T x\n\n---"),
        ('<a href="http://a.b/c_d">t</a> http://a.b/c_d', "[t](http://a.b/c_d) http://a.b/c_d"),
        ('<img src="http://a.b/c.png" alt="d" width=9>', "![d](http://a.b/c.png)"),
        ('<a href="#" data-vss-mention="version:2.0,5b1">@Ada Lovelace</a> hi', "@Ada Lovelace hi"),
        ('<a data-vss-mention="version:2.0,5b1" href="#">Ada</a>', "@Ada"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
        ("plain *text* 1. &lt;b&gt;", "plain \\*text\\* 1. \\<b>"),
        ("", ""),
    ],
)
def test_html_is_read_as_the_editor_shows_it(html: str, markdown: str) -> None:
    """Lines, paragraphs, lists and mentions become the Markdown of the same look."""
    assert html_to_markdown(html) == markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>x",
        "<img src=x onerror=alert(1)>x",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="jAvA&#x09;script:alert(1)">x</a>',
        "<svg onload=alert(1)>x</svg>",
        "<div style='background:url(javascript:alert(1))'>x</div>",
        "<iframe src=http://evil.example></iframe>x",
        "<style>x{}</style>x",
        "<math><mi xlink:href='data:x,<script>alert(1)</script>'>x</mi></math>",
    ],
)
def test_nothing_that_runs_gets_through(hostile: str) -> None:
    """Scripts, handlers and dangerous addresses are gone in both directions, or stand there as harmless text."""
    assert "javascript:" not in html_to_markdown(hostile)
    for html in (markdown_to_html(hostile), markdown_to_html(html_to_markdown(hostile))):
        live = html.lower().replace("&lt;", "")
        assert not [sign for sign in ("<script", "<iframe", "<svg", "<style") if sign in live]
        assert not re.search(r"<[a-z][^>]*(?:\son\w+=|href=.j)", html.lower())


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("a<!-- b -->c<!-- d", "ac\\<!-- d"),
        ("a<!-->b", "ab"),
        ("<b><i>x</b></i> y", "***x*** y"),
        ("a</b></div>b < c", "ab < c"),
        ("<i>a</b>" * 3000, "*" + "a" * 3000 + "*"),
    ],
)
def test_tags_that_do_not_match_are_bounded(html: str, markdown: str) -> None:
    """What closes nothing is dropped, what never ends is words, and nothing nests deeper than the cap."""
    assert html_to_markdown(html) == markdown


def test_a_stray_quote_hides_no_depth() -> None:
    """However a tag is written, what the sanitiser opens is counted."""
    assert html_to_markdown('<div ">a' * 5000).count("a") == 5000


def test_the_words_beside_a_script_stay() -> None:
    """Sanitising takes the script and leaves the text."""
    assert html_to_markdown("a <script>alert(1)</script><b onclick=x>b</b>") == "a **b**"


def test_literal_markup_stays_literal() -> None:
    """Escaped text in HTML becomes no live markup in Markdown, nor the other way round."""
    assert html_to_markdown("&lt;img src=x onerror=y&gt;") == "\\<img src=x onerror=y>"
    assert markdown_to_html("\\<b>x\\</b>") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"
