"""What the GitHub adapter writes, through PyGithub over HTTP, and what it makes of refusals, silences and limits."""

from datetime import timedelta

import pytest

from adapters.github.client import Client
from adapters.github.codec import CODEC
from adapters.github.settings import Auth, Settings
from adapters.github.simulator import Limits
from sync.core.errors import Forbidden, Rejected, Retryable
from sync.core.ids import NativeRef
from sync.core.models import Field
from sync.core.ports import NativeOp, OpKind, Traffic
from tests.adapters.github_support import bench


@pytest.fixture
def hub():
    """An empty project."""
    with bench() as made:
        yield made


def test_a_status_that_swaps_labels_is_one_request(hub):
    """Nobody sees a ticket with no status or with two; other labels stay."""
    hub.simulator.add_issue(title="t", labels=["keep", "status: in progress"])
    ops = hub.encode(1, **{Field.STATUS: "review"}).ops
    assert [(op.action, op.fields) for op in ops] == [("issue.edit", frozenset({Field.STATUS}))]
    hub.adapter.write(ops[0])
    assert {label.name for label in hub.simulator.issue(1).labels} == {"keep", "status: review"}


def test_closing_takes_the_status_label_away_and_gives_the_reason(hub):
    """Done is the issue's own state, with GitHub's own word for why."""
    hub.simulator.add_issue(title="t", labels=["status: review"])
    (op,) = hub.encode(1, **{Field.STATUS: "done", Field.REASON: "not_planned"}).ops
    hub.adapter.write(op)
    issue = hub.simulator.issue(1)
    assert (issue.state, issue.state_reason, issue.labels) == ("closed", "not_planned", [])


def test_labels_and_people_are_added_and_removed_one_by_one(hub):
    """What others add meanwhile is never replaced."""
    hub.simulator.add_issue(title="t", labels=["one", "two"], assignees=["ada"])
    ops = hub.encode(1, **{Field.LABELS: frozenset({"two", "three"}), Field.ASSIGNEES: frozenset({"grace"})}).ops
    hub.simulator.edit(1, labels=["one", "two", "theirs"], assignees=["ada", "alan"])
    for op in ops:
        hub.adapter.write(op)
    assert {label.name for label in hub.simulator.issue(1).labels} == {"two", "theirs", "three"}
    assert {user.login for user in hub.simulator.issue(1).assignees} == {"alan", "grace"}


def test_a_silent_drop_is_an_error_that_names_it(hub):
    """Somebody who may not be assigned is dropped by GitHub without a word; the answer gives it away."""
    hub.simulator.add_issue(title="t")
    hub.simulator.world.users["grace"].assignable = False
    (op,) = hub.encode(1, **{Field.ASSIGNEES: frozenset({"grace"})}).ops
    with pytest.raises(Rejected, match="dropped the assignee grace") as caught:
        hub.adapter.write(op)
    assert caught.value.problems[0].field is Field.ASSIGNEES


def test_the_parent_goes_by_database_id_and_replaces_the_old_one(hub):
    """Set, moved to another, cleared: one request each, on the parent."""
    for title in ("epic", "other", "task"):
        hub.simulator.add_issue(title=title)
    for parent in ("1", "2", None):
        (op,) = hub.encode(3, **{Field.PARENT: parent}).ops
        hub.adapter.write(op)
        assert hub.fields(3)[Field.PARENT] == parent


def test_a_removal_of_what_is_gone_is_done(hub):
    """A label or comment that somebody else removed first is no error."""
    hub.simulator.add_issue(title="t", labels=["one"])
    comment = hub.simulator.comment(1, "x")
    (label,) = hub.encode(1, **{Field.LABELS: frozenset()}).ops
    native = hub.read(1).comments[0]
    (gone,) = CODEC.encode_comment(None, hub.read(1), native, hub.mapping, hub.caps).ops
    hub.simulator.edit(1, labels=[])
    hub.simulator.world.delete_comment(hub.simulator.repository, comment, hub.simulator.by())
    assert hub.adapter.write(label).ref == "1"
    assert hub.adapter.write(gone).comment_ref == str(comment.id)


def test_a_locked_issue_refuses_a_comment_with_the_mend(hub):
    """Forbidden, with GitHub's own sentence."""
    hub.simulator.add_issue(title="t")
    hub.simulator.issue(1).locked = True
    (op,) = CODEC.encode_comment("x", hub.read(1), None, hub.mapping, hub.caps).ops
    with pytest.raises(Forbidden, match="issue is locked"):
        hub.adapter.write(op)


def test_what_github_refuses_is_told_field_by_field(hub):
    """A 422 names the field in canonical terms."""
    hub.simulator.add_issue(title="t")
    payload = {"labels": ["x" * 51]}
    op = NativeOp(
        kind=OpKind.UPDATE, action="labels.add", summary="add a label of #1", payload=payload, ref=NativeRef("1")
    )
    with pytest.raises(Rejected, match="#1") as caught:
        hub.adapter.write(op)
    assert [problem.field for problem in caught.value.problems] == [Field.LABELS]


@pytest.mark.parametrize(("status", "retry_after", "least"), [(403, None, 60), (429, 7, 7), (403, 30, 30)])
def test_limits_say_how_long_to_wait(status, retry_after, least):
    """A secondary limit without a time means a minute; with one, that; the write was not done."""
    with bench(limits=Limits(writes_per_minute=1, enforced=True, status=status, retry_after=retry_after)) as hub:
        hub.simulator.add_issue(title="t")
        ops = hub.encode(1, **{Field.TITLE: "a", Field.ASSIGNEES: frozenset({"ada"})}).ops
        hub.adapter.write(ops[0])
        with pytest.raises(Retryable) as caught:
            hub.adapter.write(ops[1])
        assert caught.value.after == timedelta(seconds=least)
        assert hub.simulator.issue(1).assignees == []


def test_the_hourly_limit_waits_until_its_reset():
    """With nothing remaining the time of the reset counts."""
    with bench() as hub:
        hub.simulator.meter.limits = Limits(per_hour=1, enforced=True)
        with pytest.raises(Retryable) as caught:
            list(hub.adapter.pull(None))
        assert timedelta(minutes=58) < caught.value.after <= timedelta(hours=1)


def test_history_gives_one_event_for_one_request(hub):
    """A status that swaps two labels is one change of status, by its author."""
    hub.simulator.add_issue(title="t", labels=["status: review"], as_user="grace")
    since = hub.read(1).updated_at
    hub.simulator.clock.advance(10)
    hub.simulator.edit(1, labels=["status: blocked"], title="u", as_user="grace")
    events = list(hub.adapter.history([NativeRef("1")], since))
    told = [
        (one.field, one.old, one.new, one.author) for event in events for one in CODEC.decode_event(event, hub.mapping)
    ]
    assert sorted(told) == [
        (Field.STATUS, "review", "blocked", "grace"),
        (Field.TITLE, "t", "u", "grace"),
    ]


def test_the_history_of_several_tickets_is_read_together(hub):
    """The repository's events tell what each timeline tells; a reopening alone is looked up there."""
    for number in range(1, 7):
        hub.simulator.add_issue(title=f"t{number}", labels=["bug", "status: review"], assignees=["grace"])
    hub.simulator.edit(5, state="closed", state_reason="not_planned")
    hub.simulator.clock.advance(60)
    since = hub.simulator.clock.now()
    hub.simulator.clock.advance(60)
    hub.simulator.edit(1, title="u", labels=["bug"], as_user="grace")
    hub.simulator.edit(2, assignees=["ada"], labels=["bug", "status: blocked"], as_user="alan")
    hub.simulator.edit(3, state="closed", as_user="ada")
    hub.simulator.edit(5, state="open", as_user="ada")
    refs = [NativeRef(str(number)) for number in range(1, 7)]

    def told(refs):
        events = hub.adapter.history(refs, since)
        return [(event.ref, one) for event in events for one in CODEC.decode_event(event, hub.mapping)]

    alone = [line for ref in refs for line in told([ref])]
    hub.simulator.requests.clear()
    assert told(refs) == alone
    assert {(ref, one.field) for ref, one in alone} >= {("1", Field.TITLE), ("2", Field.STATUS), ("5", Field.STATUS)}
    paths = [request["path"].rpartition("/issues/")[2] for request in hub.simulator.requests]
    assert paths == ["events", "5/timeline"]


def test_our_own_pacing_is_the_only_one():
    """PyGithub's retries and pauses are off; ours are GitHub's advice."""
    settings = Settings(project="acme/payments", auth=Auth(token="secret-token-1"))
    client = Client(settings, Traffic())
    assert (settings.pace().between_writes, settings.pace().between_requests) == (1.0, 0.25)
    options = client.library.requester.kwargs
    assert (options["retry"], options["seconds_between_requests"], options["seconds_between_writes"]) == (None,) * 3
    assert "secret-token-1" not in repr(settings)
    client.close()
