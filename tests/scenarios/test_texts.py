"""Texts that every tracker spells in its own way."""

from __future__ import annotations

import pytest

from tests.scenarios.world import AZURE, GITHUB, JIRA, with_knobs

#: As somebody writes on GitHub: stars for bullets, underlined headings, two empty lines.
WRITTEN = "Refunds\n=======\n\n* by card\n* by *transfer*\n\n\nThey fail since Monday."


def spelled(text: str) -> str:
    """A tracker that writes bullets, headings and stress its own way."""
    text = text.replace("Refunds\n=======", "# Refunds").replace("\n\n\n", "\n\n")
    return text.replace("* by", "- by").replace("*transfer*", "_transfer_")


def test_an_edit_of_one_paragraph_leaves_the_rest_as_its_author_wrote_it(make_world):
    """The tracker that was edited is not written to, and the author's spelling comes back nowhere as an edit."""
    world = make_world(with_knobs(AZURE, text_rewrite=spelled))
    ref = world.trackers[GITHUB].create(title="Refunds", text=WRITTEN)
    world.settle()
    twin = world.twin(GITHUB, ref, AZURE)
    there = world.trackers[AZURE].ticket(twin)["text"]
    assert "# Refunds" in there
    world.trackers[AZURE].edit(twin, text=there.replace("since Monday", "since Tuesday"))
    report = world.cycle()
    assert report.writes == {JIRA: 1, GITHUB: 1, AZURE: 0}
    wanted = WRITTEN.replace("since Monday", "since Tuesday")
    assert world.trackers[GITHUB].ticket(ref)["text"] == wanted
    assert world.native(GITHUB, ref, JIRA)["text"] == wanted
    assert sum(world.cycle().writes.values()) == 0


@pytest.mark.parametrize("foresight", [True, False])
def test_a_spelling_that_comes_back_is_no_edit(make_world, foresight):
    """What a tracker made of the text that we wrote goes nowhere, whether or not it was foreseen."""
    world = make_world(with_knobs(AZURE, text_rewrite=spelled, foresight=foresight))
    ref = world.trackers[GITHUB].create(title="Refunds", text="They fail")
    world.settle()
    for text in (WRITTEN, WRITTEN.replace("by card", "by credit card")):
        world.trackers[GITHUB].edit(ref, text=text)
        world.settle()
        assert world.native(GITHUB, ref, AZURE)["text"] == spelled(text)
        assert world.native(GITHUB, ref, JIRA)["text"] == world.trackers[GITHUB].ticket(ref)["text"] == text


def test_two_people_edit_different_paragraphs_in_different_spellings(make_world):
    """Both edits are kept, and there is no conflict."""
    world = make_world(with_knobs(AZURE, text_rewrite=spelled))
    ref = world.trackers[GITHUB].create(title="Refunds", text=WRITTEN)
    world.settle()
    twin = world.twin(GITHUB, ref, AZURE)
    there = world.trackers[AZURE].ticket(twin)["text"]
    world.trackers[AZURE].edit(twin, text=there.replace("since Monday", "since Tuesday"))
    world.trackers[GITHUB].edit(ref, text=WRITTEN.replace("by card", "by credit card"))
    report = world.cycle()
    assert report.conflicts == 0
    wanted = WRITTEN.replace("since Monday", "since Tuesday").replace("by card", "by credit card")
    assert world.trackers[GITHUB].ticket(ref)["text"] == wanted
    assert sum(world.settle().writes.values()) == 0
