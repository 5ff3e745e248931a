"""Names that a project does not have yet."""

from __future__ import annotations

from sync.core.models import Field
from tests.scenarios.world import AZURE, JIRA, with_knobs


def test_a_name_that_is_made_later_is_written_then(make_world):
    """The problem names it; once it is there, the next cycles write it without anybody touching the ticket, and ask no more."""
    world = make_world(with_knobs(AZURE, names={Field.COMPONENTS: ("billing",)}))
    ref = world.trackers[JIRA].create(title="Refunds", components=["api"])
    report = world.cycle()
    assert [problem.place for problem in report.problems if "api" in problem.message]
    world.settle()
    assert world.native(JIRA, ref, AZURE)["components"] == []
    world.trackers[AZURE].names["components"].append("api")
    world.reopen()
    world.clock.advance(25 * 3600)
    world.cycle()
    assert world.native(JIRA, ref, AZURE)["components"] == ["api"]
    assert sum(world.settle().writes.values()) == 0
    world.check_converged()
