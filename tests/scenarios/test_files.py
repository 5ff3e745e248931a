"""Files that people attach, and texts that show them."""

from __future__ import annotations

import pytest

from sync.core.errors import Rejected
from sync.core.models import Field
from sync.core.policy import FilePolicy
from sync.core.ports import OpKind
from sync.testing.faults import Fault, FaultyAdapter, scripted
from sync.testing.memory_knobs import EVERYTHING
from tests.scenarios.world import ALIKE, AZURE, GITHUB, JIRA, World, faulty, with_knobs

PICTURE = b"\x89PNG not really" * 1000
LINKS_ONLY = with_knobs(GITHUB, attachments=False, fields=EVERYTHING | {Field.ATTACHMENTS})


def names(world: World, tracker: str, ref: str) -> list[str]:
    """The files at a ticket, by name."""
    return sorted(file["name"] for file in world.trackers[tracker].ticket(ref)["files"])


def at_rest(world: World) -> None:
    """The cycle after this one writes nothing."""
    assert sum(world.cycle().writes.values()) == 0
    world.check_converged()
    world.check_once()
    world.check_accounted()


@pytest.fixture
def linked(make_world):
    """Three trackers, one of which takes no files, and a ticket that stands everywhere."""
    world = make_world(LINKS_ONLY)
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    return world, ref


def test_a_file_is_copied_once(linked):
    """It arrives with the same bytes where files can be uploaded, is listed where not, and is then left alone."""
    world, ref = linked
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    report = world.cycle()
    assert report.writes[AZURE] == 1
    twin = world.trackers[AZURE].ticket(world.twin(JIRA, ref, AZURE))
    (copy,) = twin["files"]
    (original,) = world.trackers[JIRA].ticket(ref)["files"]
    assert world.trackers[AZURE].files.content(copy["id"]) == PICTURE
    assert world.native(JIRA, ref, GITHUB)["listed"] == [f"[refund.png]({original['url']})"]
    at_rest(world)


def test_a_new_ticket_arrives_with_its_files_and_its_text_shows_the_copies(make_world):
    """One cycle is enough, and each side's text leads to its own copy; where there is none, to the original."""
    world = make_world(LINKS_ONLY)
    ref = world.trackers[JIRA].create(title="Refunds")
    file = world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    (known,) = world.trackers[JIRA].ticket(ref)["files"]
    world.trackers[JIRA].edit(ref, text=f"See ![refund]({known['url']}) there")
    world.cycle()
    (copy,) = world.native(JIRA, ref, AZURE)["files"]
    assert file != copy["url"] != known["url"]
    assert world.native(JIRA, ref, AZURE)["text"] == f"See ![refund]({copy['url']}) there"
    assert world.native(JIRA, ref, GITHUB)["text"] == f"See ![refund]({known['url']}) there"
    at_rest(world)
    world.trackers[AZURE].edit(world.twin(JIRA, ref, AZURE), text=f"Look: ![refund]({copy['url']}) there")
    world.cycle()
    assert world.trackers[JIRA].ticket(ref)["text"] == f"Look: ![refund]({known['url']}) there"
    at_rest(world)


def test_a_comment_shows_the_copy(linked):
    """The address in a comment is the one of the side that it stands on."""
    world, ref = linked
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    world.settle()
    (known,) = world.trackers[JIRA].ticket(ref)["files"]
    (copy,) = world.native(JIRA, ref, AZURE)["files"]
    world.trackers[JIRA].comment(ref, f"![it]({known['url']})")
    world.settle()
    (text,) = world.comments(AZURE, world.twin(JIRA, ref, AZURE))
    assert f"![it]({copy['url']})" in text
    at_rest(world)


def test_the_same_content_on_both_sides_is_one_file(linked):
    """Nobody gets a second copy of what is there already, whatever it is called."""
    world, ref = linked
    world.trackers[JIRA].attach(ref, "a.png", PICTURE)
    world.trackers[AZURE].attach(world.twin(JIRA, ref, AZURE), "b.png", PICTURE)
    world.settle()
    assert names(world, JIRA, ref) == ["a.png"]
    assert names(world, AZURE, world.twin(JIRA, ref, AZURE)) == ["b.png"]
    at_rest(world)


def test_what_is_removed_at_its_origin_is_removed_everywhere(linked):
    """And a copy that is removed stays away, without harm to the original."""
    world, ref = linked
    file = world.trackers[JIRA].attach(ref, "old.txt", b"old")
    world.trackers[JIRA].attach(ref, "new.txt", b"new")
    world.settle()
    twin = world.twin(JIRA, ref, AZURE)
    new = next(one for one in world.trackers[AZURE].ticket(twin)["files"] if one["name"] == "new.txt")
    world.trackers[AZURE].detach(twin, new["id"])
    world.trackers[JIRA].detach(ref, file)
    world.settle()
    assert names(world, JIRA, ref) == ["new.txt"]
    assert names(world, AZURE, twin) == []
    at_rest(world)


def test_a_file_that_is_too_large_or_of_a_refused_kind_stays_where_it_is(make_world):
    """It is told once, and nothing is read."""
    world = make_world(ALIKE, files=FilePolicy(max_size=100, deny=frozenset({"exe"})))
    ref = world.trackers[JIRA].create(title="Refunds")
    world.trackers[JIRA].attach(ref, "big.png", PICTURE)
    world.trackers[JIRA].attach(ref, "setup.EXE", b"MZ")
    report = world.cycle()
    assert {problem.message.partition(":")[0] for problem in report.problems} == {
        "'big.png' is not copied",
        "'setup.EXE' is not copied",
    }
    assert names(world, AZURE, world.twin(JIRA, ref, AZURE)) == []
    assert world.cycle().problems == []
    at_rest(world)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.LOST_UNDONE])
def test_an_upload_whose_answer_was_lost_is_found_by_its_content(make_world, fault):
    """Done or not, the file stands there once in the end."""
    world = make_world(ALIKE)
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    script = scripted([("write", fault)])
    world.reopen(lambda name, adapter, script=script: FaultyAdapter(adapter, script) if name == AZURE else adapter)
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    world.cycle()
    assert script.struck
    world.cycle(after=600)
    world.cycle(after=600)
    world.settle()
    assert names(world, AZURE, world.twin(JIRA, ref, AZURE)) == ["refund.png"]
    at_rest(world)


def test_a_tracker_that_refuses_a_file_is_not_asked_again(linked):
    """The refusal is told with the name of the file, and the rest of the ticket flows."""
    world, ref = linked
    adapter = world.bridge.replicas[AZURE].adapter
    write = adapter.write

    def refusing(op, content=None):
        if op.kind is OpKind.ATTACHMENT_CREATE:
            raise Rejected("no more files at this ticket")
        return write(op, content)

    adapter.write = refusing
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    report = world.cycle()
    assert [one.message for one in report.problems] == ["'refund.png' was refused: no more files at this ticket"]
    assert world.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    at_rest(world)


def test_a_refused_file_stays_told(linked):
    """What is written to the ticket later does not let the missing file be forgotten."""
    world, ref = linked
    script = scripted([("write", Fault.REFUSED)])
    world.reopen(lambda name, adapter: FaultyAdapter(adapter, script) if name == AZURE else adapter)
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    world.cycle()
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    world.settle()
    assert world.native(JIRA, ref, AZURE)["title"] == "Refunds fail"
    with world.store.read() as tx:
        (problem,) = tx.problems.open(world.bridge.name)
    assert problem.replica == AZURE
    assert "refund.png" in problem.message


def test_only_copies_that_are_there_are_taken_away(linked):
    """A second copy that somebody removed by hand is not asked for again when the original ends."""
    world, ref = linked
    file = world.trackers[JIRA].attach(ref, "old.txt", b"old")
    world.settle()
    twin = world.twin(JIRA, ref, AZURE)
    again = world.trackers[AZURE].attach(twin, "again.txt", b"old")
    world.settle()
    world.trackers[AZURE].detach(twin, again)
    world.settle()
    world.trackers[JIRA].detach(ref, file)
    report = world.cycle()
    assert report.writes[AZURE] == 1
    assert names(world, AZURE, twin) == []
    at_rest(world)


def test_an_upload_that_came_late_to_a_side_that_is_only_written_to(make_world):
    """Nothing is read there, and yet the copy whose answer was lost is found by its content and not made again."""
    world = make_world(ALIKE, directions={AZURE: "out"})
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    faulty(world, AZURE, ("write", Fault.LOST))
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    world.cycle()
    for _ in range(3):
        world.cycle(after=400)
    assert names(world, AZURE, world.twin(JIRA, ref, AZURE)) == ["refund.png"]
    world.trackers[AZURE].attach(world.twin(JIRA, ref, AZURE), "theirs.png", b"theirs")
    world.settle()
    assert names(world, JIRA, ref) == ["refund.png"]


@pytest.mark.parametrize("fault", [Fault.RETRY, Fault.RETRY_LATER])
def test_a_file_that_could_not_be_read_is_read_by_the_next_cycle(linked, fault):
    """The tracker stumbles over the download once: that is told, and over when the file has arrived."""
    world, ref = linked
    world.trackers[JIRA].attach(ref, "refund.png", PICTURE)
    adapter = world.bridge.replicas[JIRA].adapter
    faulty(world, JIRA, ("download", fault))
    (problem,) = world.cycle().problems
    assert problem.message.startswith("'refund.png' could not be read")
    world.bridge.replicas[JIRA].adapter = adapter
    world.cycle()
    assert names(world, AZURE, world.twin(JIRA, ref, AZURE)) == ["refund.png"]
    with world.store.read() as tx:
        assert tx.problems.open(world.bridge.name) == []
    at_rest(world)
