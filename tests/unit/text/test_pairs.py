"""Writing into a text that stands in a tracker: what reads the same stays the tracker's own."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.text_corpora import Places
from bench.text_gates import ADDED, kept_nodes, kept_source
from sync.text import (
    Mentions,
    adf_to_markdown,
    html_to_markdown,
    markdown_to_adf,
    markdown_to_html,
    markdown_to_wiki,
    wiki_to_markdown,
)
from sync.text.pairs import matches

Node = dict[str, Any]


def text(value: str, *marks: str) -> Node:
    """A text node."""
    node: Node = {"type": "text", "text": value}
    return {**node, "marks": [{"type": mark} for mark in marks]} if marks else node


def node(kind: str, *content: Node, **attrs: Any) -> Node:
    """A node."""
    made: Node = {"type": kind, "content": list(content)}
    return {**made, "attrs": attrs} if attrs else made


def doc(*content: Node) -> Node:
    """A document."""
    return {"version": 1, "type": "doc", "content": list(content)}


ADA = {"type": "mention", "attrs": {"id": "5b1", "text": "@Ada Lovelace"}}
STATUS = {"type": "status", "attrs": {"text": "OPEN", "color": "blue", "localId": "s"}}
EMPTY = node("paragraph")
MEDIA = node("mediaSingle", {"type": "media", "attrs": {"id": "m", "type": "file", "collection": "", "alt": "plan"}})
PANEL = node("panel", node("paragraph", text("note "), ADA), panelType="custom", panelColor="#fff")
COLUMNS = node(
    "layoutSection",
    node("layoutColumn", node("paragraph", text("left")), width=50),
    node("layoutColumn", node("paragraph", text("right")), width=50),
)
OWN = doc(node("paragraph", STATUS, text(" first")), EMPTY, PANEL, MEDIA, COLUMNS, node("paragraph", text("last")))


def test_a_text_that_did_not_change_is_the_same_document() -> None:
    """Writing what was read sends back the very document."""
    assert markdown_to_adf(adf_to_markdown(OWN), OWN) == OWN


def test_an_edit_of_one_paragraph_rewrites_that_one() -> None:
    """Panels, media, columns, statuses and empty lines stay the nodes that Jira holds."""
    made = markdown_to_adf(adf_to_markdown(OWN).replace("last", "edited"), OWN)
    assert made["content"][:-1] == OWN["content"][:-1]
    assert made["content"][-1] == node("paragraph", text("edited"))


def test_a_column_keeps_its_place_when_its_words_change() -> None:
    """Markdown has no columns: an edit inside one stays inside it, and a removed text leaves an empty one."""
    edited = markdown_to_adf(adf_to_markdown(OWN).replace("right", "wrong"), OWN)["content"][4]
    assert [column["content"][0]["content"] for column in edited["content"]] == [[text("left")], [text("wrong")]]
    assert [column["attrs"] for column in edited["content"]] == [{"width": 50}, {"width": 50}]
    emptied = markdown_to_adf(adf_to_markdown(OWN).replace("\n\nleft", ""), OWN)["content"][4]
    assert emptied["content"] == [node("layoutColumn", EMPTY, width=50), COLUMNS["content"][1]]


def test_columns_go_with_their_last_word() -> None:
    """Nothing is left of a frame in which nothing is left."""
    made = markdown_to_adf(adf_to_markdown(OWN).replace("\n\nleft\n\nright", ""), OWN)
    assert [block["type"] for block in made["content"]].count("layoutSection") == 0


def test_the_parts_inside_a_changed_block_stay() -> None:
    """Of a list with an edited item the other items stay, of a table with an edited cell the other cells."""
    item = node("listItem", node("paragraph", ADA), localId="i")
    items = node("bulletList", item, node("listItem", node("paragraph", text("two"))), localId="l")
    cell = node("tableCell", node("paragraph", text("a", "strong"), STATUS), background="#eee")
    row = node("tableRow", cell, node("tableCell", node("paragraph", text("b"))))
    table = node("table", row, layout="wide")
    own = doc(items, table)
    made = markdown_to_adf(adf_to_markdown(own).replace("two", "2").replace("| b |", "| c |"), own)
    assert made["content"][0]["content"][0] == item
    assert made["content"][0]["attrs"] == {"localId": "l"}
    assert made["content"][1]["content"][0]["content"][0] == cell
    assert made["content"][1]["attrs"] == {"layout": "wide"}


def test_new_tasks_get_ids_of_their_own() -> None:
    """Ids that stand in the document are not given again."""
    own = markdown_to_adf("- [ ] one\n- [ ] two")
    made = markdown_to_adf("- [ ] one\n- [x] new\n- [ ] two", own)
    tasks = made["content"][0]["content"]
    assert [task["attrs"]["localId"] for task in (tasks[0], tasks[2])] == ["task-2", "task-3"]
    assert len({task["attrs"]["localId"] for task in [made["content"][0], *tasks]}) == 4


@pytest.mark.parametrize("current", [None, 3, "x", [], {"type": "doc"}, {"type": "doc", "content": [None, 7, "a", {}]}])
def test_any_current_value_is_taken(current: Any) -> None:
    """What is no document is as good as none."""
    assert adf_to_markdown(markdown_to_adf("a\n\nb", current)) == "a\n\nb"


HTML = (
    '<div>one <a href="#" data-vss-mention="version:2.0,5b1">@Ada</a></div><div><br></div>'
    '<table style="width:9px"><tbody><tr><td>a</td><td style="color:red">b</td></tr></tbody></table>'
    '<ul class="x"><li>c</li><li><b>d</b></li></ul><p style="margin:0">last</p>'
)


@pytest.mark.parametrize(
    ("old", "new", "native"),
    [
        ("last", "edited", HTML.replace("last", "edited")),
        ("- c", "- e", HTML.replace("<li>c</li>", "<li>e</li>")),
        ("| a |", "| f |", HTML.replace("<td>a</td>", "<td>f</td>")),
        ("one @Ada\n\n", "", "<div><br></div>" + HTML.partition("<div><br></div>")[2]),
        ("one @Ada", "one @Ada and more", HTML.replace(HTML[: HTML.index("<div><br>")], "<p>one @Ada and more</p>")),
    ],
)
def test_html_keeps_every_piece_that_reads_the_same(old: str, new: str, native: str) -> None:
    """Styles, mentions and tags of the service stay around a change, to the character."""
    made = markdown_to_html(html_to_markdown(HTML).replace(old, new), HTML)
    assert made == native


def test_lines_that_become_neighbours_stay_two_paragraphs() -> None:
    """Where the block between two lines is gone, an empty line keeps them apart."""
    assert markdown_to_html("a\n\nb", "<div>a</div><hr><div>b</div>") == "<div>a</div><div><br></div><div>b</div>"


@pytest.mark.parametrize("broken", ["<div>a<p>b</div>", "<b>a", "a</b>", "<div>" * 99 + "a", "<!-- a", "a < b"])
def test_html_that_does_not_close_is_written_anew(broken: str) -> None:
    """The result reads as it should, whatever stood there."""
    assert html_to_markdown(markdown_to_html("a\n\nx", broken)) == "a\n\nx"


WIKI = (
    "h2. Title\r\nline *one* [~ada]\r\n\r\n* a\r\n* {color:red}b{color}\r\n** c\r\n\r\n"
    "||x||y||\r\n|1|{color:red}2{color}|\r\n\r\n\r\n"
    "{panel:title=T|borderStyle=dashed}\r\nin\r\n\r\nside\r\n{panel}\r\nlast"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("last", "edited"),
        ("- a\n", "- z\n"),
        ("  - c", "  - z"),
        ("| 1 |", "| 3 |"),
        ("> side", "> edited"),
        ("Title", "Other"),
    ],
)
def test_wiki_keeps_every_line_that_reads_the_same(old: str, new: str) -> None:
    """Colours, panels and line ends of Jira stay around a change, to the character."""
    made = markdown_to_wiki(wiki_to_markdown(WIKI).replace(old, new), WIKI)
    kept, there = made.split("\n"), WIKI.split("\n")
    assert len([line for line in there if line not in kept]) == 1, made
    assert wiki_to_markdown(made) == wiki_to_markdown(WIKI).replace(old, new)


@pytest.mark.parametrize(
    ("write", "read"),
    [(markdown_to_adf, adf_to_markdown), (markdown_to_html, html_to_markdown), (markdown_to_wiki, wiki_to_markdown)],
)
@pytest.mark.parametrize("wanted", ["", "a", "- a\n- b", "b\n\na", "# x\n\n| a |\n| --- |\n| b |", "> a\n>\n> b"])
def test_what_is_read_does_not_depend_on_what_stood_there(
    write: Callable[..., Any], read: Callable[[Any], str], wanted: str
) -> None:
    """However different the current text is, the result reads as if nothing had been there."""
    for stood in ("a", "- a\n- c", "> b", "| a |\n| --- |\n| c |", "a\n\n- b\n\nc"):
        assert read(write(wanted, write(stood))) == read(write(wanted))


def test_the_gates_of_pairing_hold() -> None:
    """Of the corpora's own nodes and texts nearly all stay when a line is added."""
    if not Places().bodies("adf"):
        pytest.skip("the corpus of the shared API material is not here")
    assert kept_nodes(Places()).reached
    html = next(kept_source(Places()))
    assert float(html.measured.split(" ")[0]) > 90, html


def test_a_mention_that_a_person_wrote_stays() -> None:
    """The same person may be mentioned by another name: the node stays all the same."""
    who = Mentions.of([("ada", "5b1")])
    own = doc(node("paragraph", ADA, text(" hi")), node("paragraph", text("x")))
    assert adf_to_markdown(own, who) == "[@ada](mention:ada) hi\n\nx"
    made = markdown_to_adf(f"[@ada](mention:ada) hi\n\n{ADDED}", own, who)
    assert made["content"][0] == own["content"][0]


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ("abc", "abc", [(0, 0), (1, 1), (2, 2)]),
        ("abc", "axc", [(0, 0), (2, 2)]),
        ("", "a", []),
        ("ab", "ba", [(0, 1)]),
        ("x" * 300 + "a", "a" + "y" * 300, [(300, 0)]),
    ],
)
def test_matches_increase_on_both_sides(old: str, new: str, pairs: list[tuple[int, int]]) -> None:
    """Equal values are paired in order, however long the lists are."""
    found = matches(old, new)
    assert len(found) == len(pairs)
    assert found == sorted(found)
    assert all(old[a] == new[b] for a, b in found)


def test_an_edited_line_keeps_what_only_jira_can_say_in_it() -> None:
    """Statuses, mentions and coloured words stay where their words stay; those whose words changed are gone."""
    red = {"type": "text", "text": "red words", "marks": [{"type": "textColor", "attrs": {"color": "#f00"}}]}
    own = doc(node("paragraph", STATUS, text(" ask "), ADA, text(" about "), red, text(" now")))
    made = markdown_to_adf("OPEN ask @Ada Lovelace **today** about red words soon", own)["content"][0]["content"]
    assert made == [STATUS, text(" ask "), ADA, text(" "), text("today", "strong"), text(" about "), red, text(" soon")]
    other = markdown_to_adf("OPEN ask @Ada Byron about red ink now", own)["content"][0]["content"]
    assert other == [STATUS, text(" ask @Ada Byron about red ink now")]


def test_a_live_mention_stays_the_node_that_it_was() -> None:
    """Jira's own name for the person, and whatever else the node holds, is not lost by an edit beside it."""
    who = Mentions.of([("ada", "5B1")])
    own = doc(node("heading", ADA, text(" hi"), level=2))
    assert markdown_to_adf("## [@ada](mention:ada) bye", own, who)["content"][0]["content"] == [ADA, text(" bye")]
