"""Edits on one side and on several, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.core.ids import NativeRef
from sync.core.models import Field
from sync.core.policy import FieldPolicy, MergePolicy, PolicyName
from sync.engine.review import resolve_conflict
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, NAMES, World


def linked(world: World, **native: object) -> NativeRef:
    """A ticket that stands everywhere."""
    ref = world.trackers[JIRA].create(title="Refunds", **native)
    world.settle()
    return ref


def at_rest(world: World) -> None:
    """The cycle after this one writes nothing, and all sides show the same."""
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()
    world.check_accounted()


def test_one_field_costs_one_write_a_side(world):
    """One edit is one write on each other side."""
    ref = linked(world)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="Refunds fail")
    report = world.cycle()
    assert report.writes == {JIRA: 1, GITHUB: 0, AZURE: 1}
    assert world.everywhere(JIRA, ref, "title") == ["Refunds fail"] * 3
    at_rest(world)


def test_different_fields_on_all_sides(world):
    """Edits of different fields do not touch each other."""
    ref = linked(world)
    world.trackers[JIRA].edit(ref, title="T")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), priority="P1")
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), labels=["x"])
    report = world.cycle()
    assert report.conflicts == 0
    for key, value in {"title": "T", "priority": "P1", "labels": ["x"]}.items():
        assert world.everywhere(JIRA, ref, key) == [value] * 3
    at_rest(world)


def test_the_same_field_goes_to_the_last_writer_and_the_other_is_kept(world):
    """The later edit wins by the trackers' own times; the earlier one stands in the conflict with its author and time."""
    ref = linked(world)
    world.clock.advance(10)
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), title="later loses nothing", author="grace")
    earlier = world.clock()
    world.clock.advance(30)
    world.trackers[JIRA].edit(ref, title="last", author="ada")
    world.cycle()
    assert world.everywhere(JIRA, ref, "title") == ["last"] * 3
    (conflict,) = world.conflicts()
    assert (conflict.field, conflict.state, conflict.chosen_replica) == (Field.TITLE, "settled", JIRA)
    loser = next(claim for claim in conflict.claims if claim.replica == AZURE)
    assert (loser.value, loser.author, loser.at) == ("later loses nothing", "grace", earlier)
    at_rest(world)


def test_equal_edits_are_no_conflict(world):
    """Two people who write the same agree, and only the third side is written."""
    ref = linked(world)
    for name in (JIRA, GITHUB):
        world.trackers[name].edit(world.twin(JIRA, ref, name), title="agreed")
    report = world.cycle()
    assert (report.conflicts, report.writes) == (0, {JIRA: 0, GITHUB: 0, AZURE: 1})
    at_rest(world)


def test_a_poor_status_does_not_bounce(world):
    """A tracker that shows "in review" as "doing" leaves the others in review, also when something else is edited there."""
    ref = linked(world)
    world.trackers[JIRA].edit(ref, state="Review")
    world.cycle()
    assert world.everywhere(JIRA, ref, "state") == ["Review", "Review", "Doing"]
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), labels=["x"])
    world.cycle()
    assert world.everywhere(JIRA, ref, "state") == ["Review", "Review", "Doing"]
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), state="Done")
    world.cycle()
    assert world.everywhere(JIRA, ref, "state") == ["Done"] * 3
    at_rest(world)


def test_a_single_assignee_does_not_send_the_others_home(world):
    """Where only one can be on it, the rest stay on it elsewhere."""
    ref = linked(world)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), people=["ada", "grace"])
    world.cycle()
    assert world.native(JIRA, ref, GITHUB)["people"] == ["ada", "grace"]
    assert len(world.native(JIRA, ref, JIRA)["people"]) == 1
    world.trackers[JIRA].edit(ref, title="T")
    world.cycle()
    assert world.native(JIRA, ref, GITHUB)["people"] == ["ada", "grace"]
    at_rest(world)


def test_bodies_merge_by_lines(world):
    """Edits of different lines are all there; no conflict."""
    ref = linked(world, text="one\ntwo\nthree\nfour\nfive")
    world.trackers[JIRA].edit(ref, text="ONE\ntwo\nthree\nfour\nfive")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), text="one\ntwo\nTHREE\nfour\nfive")
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), text="one\ntwo\nthree\nfour\nFIVE")
    report = world.cycle()
    assert report.conflicts == 0
    assert world.everywhere(JIRA, ref, "text") == ["ONE\ntwo\nTHREE\nfour\nFIVE"] * 3
    at_rest(world)


def test_the_same_line_is_a_conflict_that_keeps_both(world):
    """Overlapping lines go to the last writer, the others' text is in the conflict."""
    ref = linked(world, text="one\ntwo")
    world.clock.advance(10)
    world.trackers[JIRA].edit(ref, text="one\nJIRA")
    world.clock.advance(10)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), text="one\nGITHUB")
    world.cycle()
    assert world.everywhere(JIRA, ref, "text") == ["one\nGITHUB"] * 3
    (conflict,) = world.conflicts()
    assert {claim.value for claim in conflict.claims} == {"one\nJIRA", "one\nGITHUB"}
    at_rest(world)


def test_a_change_of_kind(world):
    """A ticket that becomes an epic stays the same ticket and is found under its number."""
    ref = linked(world)
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), type="Epic")
    world.cycle()
    assert world.everywhere(JIRA, ref, "type") == ["Epic"] * 3
    assert len(world.links()) == 1
    at_rest(world)


def test_an_unmapped_status_is_told_and_left_alone(make_world: Callable[..., World]):
    """A status without a meaning is neither claimed nor overwritten; the other fields flow."""
    world = make_world(ALIKE)
    ref = linked(world)
    world.trackers[JIRA]._rows[ref].payload["state"] = "QA"
    world.trackers[JIRA].edit(ref, title="T")
    report = world.cycle()
    assert any("'QA' has no meaning" in problem.message for problem in report.problems)
    assert world.everywhere(JIRA, ref, "title") == ["T"] * 3
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), state="Done")
    world.cycle()
    assert world.everywhere(JIRA, ref, "state") == ["QA", "Done", "Done"]


def test_what_a_tracker_refuses_holds_up_nothing_else(make_world: Callable[..., World]):
    """A title over the limit of one tracker is told; the body flows there, and the title everywhere else."""
    from dataclasses import replace

    world = make_world({**ALIKE, AZURE: replace(ALIKE[AZURE], title_limit=20)})
    ref = linked(world)
    long = "a title that is too long for azure"
    world.trackers[JIRA].edit(ref, title=long, text="body")
    report = world.cycle()
    assert any("title" in problem.place for problem in report.problems)
    assert world.everywhere(JIRA, ref, "title") == [long, long, "Refunds"]
    assert world.everywhere(JIRA, ref, "text") == ["body"] * 3
    assert sum(world.cycle().writes.values()) == 0


@pytest.mark.parametrize("winner", NAMES)
def test_prefer(make_world: Callable[..., World], winner):
    """The preferred side wins, whoever was last."""
    policy = MergePolicy(order=NAMES, fields={Field.TITLE: FieldPolicy(PolicyName.PREFER, prefer=winner)})
    world = make_world(policy=policy)
    ref = linked(world)
    for name in NAMES:
        world.clock.advance(5)
        world.trackers[name].edit(world.twin(JIRA, ref, name), title=f"from {name}")
    world.cycle()
    assert world.everywhere(JIRA, ref, "title") == [f"from {winner}"] * 3
    at_rest(world)


@pytest.mark.parametrize("chosen", ["from jira", "from github", "Refunds", "something else"])
def test_manual_waits_for_a_person(make_world: Callable[..., World], chosen):
    """The field is held on every side while the others flow; what the person chooses then stands everywhere."""
    policy = MergePolicy(order=NAMES, fields={Field.TITLE: FieldPolicy(PolicyName.MANUAL)})
    world = make_world(policy=policy)
    ref = linked(world)
    world.trackers[JIRA].edit(ref, title="from jira")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="from github", labels=["x"])
    report = world.cycle()
    assert report.waiting == 1
    assert world.everywhere(JIRA, ref, "title") == ["from jira", "from github", "Refunds"]
    assert world.everywhere(JIRA, ref, "labels") == [["x"]] * 3
    assert sum(world.cycle().writes.values()) == 0
    resolve_conflict(world.store, world.conflicts()[0].id, chosen=chosen, replica=None, by="ada")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == [chosen] * 3
    at_rest(world)


def test_an_edit_of_a_held_field_is_one_more_claim(make_world: Callable[..., World]):
    """What one person writes while the field waits for another joins the conflict, alone as it is."""
    policy = MergePolicy(order=NAMES, fields={Field.TITLE: FieldPolicy(PolicyName.MANUAL)})
    world = make_world(policy=policy)
    ref = linked(world)
    world.trackers[JIRA].edit(ref, title="from jira")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="from github")
    world.cycle()
    world.trackers[JIRA].edit(ref, title="from jira, later")
    world.cycle()
    (conflict,) = world.conflicts()
    assert {claim.value for claim in conflict.claims} >= {"from jira", "from github", "from jira, later"}
    resolve_conflict(world.store, conflict.id, chosen="from github", replica=GITHUB, by="ada")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["from github"] * 3
    at_rest(world)


def test_a_settled_conflict_is_flipped(world):
    """A person may take the other claim later: it is written everywhere."""
    ref = linked(world)
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), title="first")
    world.clock.advance(30)
    world.trackers[JIRA].edit(ref, title="last")
    world.settle()
    resolve_conflict(world.store, world.conflicts()[0].id, chosen="first", replica=AZURE, by="ada")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["first"] * 3
    assert world.conflicts()[0].state == "resolved"
    at_rest(world)


def test_a_side_that_only_receives(make_world: Callable[..., World]):
    """What is written there is put back, and kept in a conflict."""
    world = make_world(directions={AZURE: "out"})
    ref = linked(world)
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), title="not here")
    world.trackers[AZURE].create(title="nor this")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["Refunds"] * 3
    assert len(world.trackers[JIRA].tickets()) == 1
    assert [conflict.reason for conflict in world.conflicts()] == ["direction"]
    assert sum(world.cycle().writes.values()) == 0


def test_a_side_that_only_gives(make_world: Callable[..., World]):
    """It is read and never written."""
    world = make_world(directions={JIRA: "in"})
    ref = linked(world)
    world.trackers[JIRA].edit(ref, title="T")
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), priority="P1")
    report = world.settle()
    assert report.writes[JIRA] == 0
    assert world.everywhere(JIRA, ref, "title") == ["T"] * 3
    assert world.everywhere(JIRA, ref, "priority") == [None, "P1", "P1"]
    assert all(write.author != "bridge-bot" for write in world.trackers[JIRA].journal)


def test_another_mapping_is_no_edit(make_world: Callable[..., World]):
    """A mapping that reads the same words otherwise changes no ticket and writes nothing."""
    from dataclasses import replace

    world = make_world(ALIKE)
    ref = linked(world, state="Review")
    before = world.canonical(JIRA, ref)[Field.STATUS]
    file = world.bridge.replicas[GITHUB].mapping_file
    words = file.fields[Field.STATUS]
    swapped = {**words.values, "review": ("Blocked",), "blocked": ("Review",)}
    world.reopen()
    world.bridge.replicas[GITHUB].mapping_file = replace(
        file, fields={**file.fields, Field.STATUS: replace(words, values=swapped)}
    )
    assert sum(world.cycle().writes.values()) == 0
    world.trackers[JIRA].edit(ref, title="T")
    assert world.cycle().conflicts == 0
    assert world.canonical(JIRA, ref)[Field.STATUS] == before == "review"
    assert world.native(JIRA, ref, JIRA)["state"] == "Review"


def test_an_edit_where_nobody_may_write_is_kept_beside_the_others(make_world):
    """Of two edits of one field the one on a side that only receives loses, and stands in a conflict with its author's words."""
    world = make_world(directions={GITHUB: "out"})
    ref = world.trackers[JIRA].create(title="before")
    world.settle()
    world.trackers[GITHUB].edit(world.twin(JIRA, ref, GITHUB), title="from github")
    world.trackers[JIRA].edit(ref, title="from jira")
    world.settle()
    assert world.everywhere(JIRA, ref, "title") == ["from jira"] * 3
    (conflict,) = world.conflicts()
    assert {claim.value for claim in conflict.claims} == {"from jira", "from github"}
