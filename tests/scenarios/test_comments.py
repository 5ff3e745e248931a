"""Comments: copied with their author, edited on either side, ended where they began."""

from __future__ import annotations

import pytest

from sync.testing.faults import Fault, FaultyAdapter, scripted
from tests.scenarios.world import AZURE, GITHUB, JIRA, NAMES, faulty


@pytest.fixture
def ref(world):
    found = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    return found


def texts(world, ref):
    return [world.comments(name, world.twin(JIRA, ref, name)) for name in NAMES]


@pytest.mark.parametrize("home", NAMES)
def test_copied_edited_and_deleted(world, ref, home):
    """A comment of any side is copied once with its author's name, follows its edits, and its copies go when it goes."""
    said = world.trackers[home].comment(world.twin(JIRA, ref, home), "hello", author="grace")
    report = world.cycle()
    assert sum(report.writes.values()) == 2
    for name, comments in zip(NAMES, texts(world, ref), strict=True):
        assert len(comments) == 1
        assert comments[0].endswith("hello")
        assert (comments[0] == "hello") == (name == home)
        assert name == home or "grace" in comments[0]
    assert sum(world.cycle().writes.values()) == 0
    world.trackers[home].edit_comment(said, "hello again", author="grace")
    assert sum(world.cycle().writes.values()) == 2
    assert all(comments[0].endswith("hello again") for comments in texts(world, ref))
    world.trackers[home].delete_comment(said, author="grace")
    world.settle()
    assert texts(world, ref) == [[], [], []]
    world.check_accounted()


def copy_of(world, ref, name):
    return world.trackers[name].ticket(world.twin(JIRA, ref, name))["comments"][0]


def test_an_edit_of_a_copy_comes_home(world, ref):
    """A person may mend the copy: the original follows, without the line that names its author."""
    world.trackers[JIRA].comment(ref, "helo", author="ada")
    world.settle()
    copied = copy_of(world, ref, GITHUB)
    world.trackers[GITHUB].edit_comment(copied["id"], copied["text"].replace("helo", "hello"), author="grace")
    world.settle()
    assert world.comments(JIRA, ref) == ["hello"]
    assert copy_of(world, ref, AZURE)["text"].endswith("hello")


def test_a_deleted_copy_stays_deleted(world, ref):
    """Who deletes a copy deletes that copy only, and it is not made again."""
    world.trackers[JIRA].comment(ref, "hello")
    world.settle()
    world.trackers[AZURE].delete_comment(copy_of(world, ref, AZURE)["id"])
    world.settle()
    assert [len(comments) for comments in texts(world, ref)] == [1, 1, 0]


def test_one_deleted_and_one_written_between_two_looks(world, ref):
    """The count of comments is the same as before, and the end of the one is noticed all the same."""
    home = world.twin(JIRA, ref, GITHUB)
    first = world.trackers[GITHUB].comment(home, "first")
    world.settle()
    world.trackers[GITHUB].delete_comment(first)
    world.trackers[GITHUB].comment(home, "second")
    world.settle()
    assert all(len(comments) == 1 and comments[0].endswith("second") for comments in texts(world, ref))


def test_a_copy_that_somebody_rewrote_is_not_deleted(world, ref):
    """Deleted here, edited there: the edited copy stays where it is and a conflict tells of it."""
    said = world.trackers[JIRA].comment(ref, "hello")
    world.settle()
    copied = copy_of(world, ref, GITHUB)
    world.trackers[GITHUB].edit_comment(copied["id"], "important", author="grace")
    world.trackers[JIRA].delete_comment(said)
    world.settle()
    assert texts(world, ref) == [[], ["important"], []]
    assert [conflict.reason for conflict in world.conflicts()] == ["deleted"]


def test_a_deletion_waits_for_a_tracker_that_is_down(world, ref, monkeypatch):
    """The copy in a tracker that can't be reached is deleted when it can."""
    from sync.core.errors import Unreachable

    said = world.trackers[JIRA].comment(ref, "bye")
    world.settle()
    adapter = world.bridge.replicas[AZURE].adapter

    def down(*_args, **_settings):
        raise Unreachable("azure: no connection")

    with monkeypatch.context() as patched:
        patched.setattr(adapter, "pull", down)
        world.trackers[JIRA].delete_comment(said)
        world.cycle()
        assert [len(comments) for comments in texts(world, ref)] == [0, 0, 1]
    world.settle()
    assert texts(world, ref) == [[], [], []]


def test_a_comment_that_was_pulled_before_its_tracker_failed_is_kept(world, ref):
    """It is not forgotten with the rest of what was pulled when its ticket is decided on without that tracker."""
    world.trackers[GITHUB].comment(world.twin(JIRA, ref, GITHUB), "hello", author="grace")
    world.plan()
    script = scripted([("pull", Fault.UNREACHABLE)])
    world.reopen(lambda name, adapter: FaultyAdapter(adapter, script) if name == GITHUB else adapter)
    world.trackers[JIRA].edit(ref, title="Refunds fail")
    world.cycle()
    world.settle()
    assert all("hello" in comments[0] for comments in texts(world, ref))


def test_restricted_comments_never_leave(world, ref):
    """What only some may read stays in its tracker."""
    world.trackers[JIRA].comment(ref, "secret", restricted=True)
    world.settle()
    assert [len(comments) for comments in texts(world, ref)] == [1, 0, 0]


def test_an_unanswered_comment_of_a_ticket_that_went_is_not_unknown_for_ever(world):
    """Where there is no ticket any more to be asked, the request is settled when its time is over."""
    ref = world.trackers[JIRA].create(title="Refunds")
    world.settle()
    twin = world.twin(JIRA, ref, GITHUB)
    faulty(world, GITHUB, ("write", Fault.LOST_UNDONE))
    world.trackers[JIRA].comment(ref, "hello", author="ada")
    world.cycle()
    world.trackers[GITHUB].delete(twin)
    for _ in range(6):
        world.cycle(after=300)
    with world.store.read() as tx:
        assert not tx.outbox.unfinished(world.bridge.name)
    assert not any(world.cycle().writes.values())


def test_an_unanswered_comment_is_known_by_its_marker(world, ref):
    """The answer is lost and it could not be looked for: the next pull brings it, and it is nobody's new comment."""
    replica = world.bridge.replicas[GITHUB]
    script = scripted([("write", Fault.LOST), ("find", Fault.RETRY), ("find", Fault.RETRY)])
    replica.adapter = FaultyAdapter(replica.adapter, script)
    world.trackers[JIRA].comment(ref, "hello", author="ada")
    world.cycle()
    world.settle()
    assert script.struck["find", Fault.RETRY] == 2
    assert [len(comments) for comments in texts(world, ref)] == [1, 1, 1]
    world.check_accounted()
