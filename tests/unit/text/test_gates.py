"""The bench of conversions counts what it says it counts."""

from pathlib import Path

import pytest

from bench import text_gates as gates
from bench.text_corpora import Places
from bench.text_judges import constructs, meaning, words
from bench.text_oracle import Absent, shown

EXAMPLES = """
```````````````````````````````` example
a\u2192b
.
<p>a\u2192b</p>
````````````````````````````````

```````````````````````````````` example strikethrough
~~a~~
.
<p><del>a</del></p>
````````````````````````````````
"""


def test_examples_are_taken_from_a_specification(tmp_path: Path) -> None:
    """Tabs are tabs, and of a specification with extensions only theirs are taken."""
    (tmp_path / "gfm.txt").write_text(EXAMPLES)
    (tmp_path / "commonmark.txt").write_text(EXAMPLES.replace(" strikethrough", ""))
    found = Places.of({"MARKDOWN_EXAMPLES": str(tmp_path)}).specification()
    assert found == [("commonmark 1", "a\tb"), ("commonmark 2", "~~a~~"), ("gfm 2", "~~a~~")]


def test_what_is_not_there_gives_no_texts(tmp_path: Path) -> None:
    """Without a folder nothing is measured, and the table says so."""
    places = Places(corpus=tmp_path / "none", schema=tmp_path / "none.json")
    assert places.specification() == places.bodies("adf") == []
    assert gates.kept_nodes(places).reached is None
    assert gates.schema(places, []).measured == "the schema is not here"
    assert "not judged" in gates.wiki_by_jira(places).measured
    with pytest.raises(Absent):
        shown(["a"], None)


def test_a_round_trip_is_judged_in_four_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes, lost words, changes of look and texts that don't settle each lower their own share."""

    def convert(text: str) -> str:
        if text == "crash":
            raise ValueError(text)
        return {"lost it": "lost", "**bold**": "bold", "more": "more.", "more.": "more.."}.get(text, text)

    monkeypatch.setitem(gates.PATHS, "adf", convert)
    bodies = [(text, text) for text in ("crash", "lost it", "**bold**", "more", "fine")]
    found = {gate.figure.partition(", ")[2]: gate for gate in gates.round_trips("adf", "x", bodies)}
    assert {name: gate.measured for name, gate in found.items()} == {
        "no crash": "80.0 % of 5",
        "no word lost": "80.0 % of 5",
        "second pass the same": "60.0 % of 5",
        "same as GitHub renders it": "20.0 % of 5",
    }
    assert not any(gate.reached for gate in found.values())


def test_constructs_and_words_are_those_that_github_shows() -> None:
    """A link's target is no word, and every element is counted by what makes it."""
    tree = meaning("# a\n\n- [b](http://c.d) `e`\n\n<!-- f -->")
    assert words(tree) == {"a": 1, "b": 1, "e": 1}
    assert {"heading", "list", "link", "code"} <= set(constructs(tree))


def test_every_gate_holds_on_plain_texts() -> None:
    """Nothing is the matter with texts that every format can say."""
    bodies = [("one", "a **b**\n\n- c\n- d"), ("two", "| a |\n| --- |\n| b |")]
    found = [*gates.neutral(bodies), *gates.kept_author(bodies)]
    for path in gates.PATHS:
        found += gates.round_trips(path, "bodies", bodies)
    assert [gate.figure for gate in found if gate.reached is False] == []
    assert set(gates.by_construct(bodies)["table (1)"].values()) == {"100"}
