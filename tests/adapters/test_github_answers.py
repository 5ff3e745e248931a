"""What the GitHub adapter makes of odd names, half answers and refusals, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters._simulator import Fault
from adapters.github import wire
from adapters.github.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import AuthFailed, Forbidden, Malformed, Rejected, Retryable, TrackerError, Uncertain
from sync.core.ids import NativeRef, PersonId
from sync.core.mapping import People
from sync.core.models import UNKNOWN, Field, NativeComment
from tests.adapters.github_support import GITHUB, bench

ODD = ("area/web", "100%", "a?b#c", "größe ✓", "%2F", "dot..", "a+b c")


def answers(hub: Any, path: str, body: Any, *, status: int = 200, times: int = 1, **more: Any) -> None:
    """Let the next request be answered so, without doing anything."""
    hub.simulator.faults.append(Fault(fault="status", path=path, status=status, body=body, times=times, **more))


def test_labels_may_have_any_name() -> None:
    """Slashes, percents and letters of any script get into a path and out of it as they are."""
    with bench() as hub:
        hub.simulator.add_issue(title="t", labels=["keep", *ODD[:3]])
        wanted = frozenset({"keep", *ODD[3:]})
        for op in hub.encode(1, **{Field.LABELS: wanted}).ops:
            hub.adapter.write(op)
        assert {label.name for label in hub.simulator.issue(1).labels} == wanted
        for op in hub.encode(1, **{Field.LABELS: frozenset({"keep"})}).ops:
            hub.adapter.write(op)
        assert [label.name for label in hub.simulator.issue(1).labels] == ["keep"]


def test_what_is_not_ours_is_left_alone() -> None:
    """No request names the milestone, the lock or anything else that no field stands for."""
    with bench() as hub:
        hub.simulator.add_issue(title="t", body="b", labels=["one"], assignees=["ada"])
        wanted = {
            Field.TITLE: "new",
            Field.BODY: "new",
            Field.STATUS: "done",
            Field.REASON: "not_planned",
            Field.PRIORITY: "P1",
            Field.TYPE: "bug",
            Field.LABELS: frozenset({"two"}),
            Field.ASSIGNEES: frozenset({"grace"}),
        }
        ops = hub.encode(1, **wanted).ops
        sent = {name for op in ops for name in op.payload}
        assert sent <= {"title", "body", "state", "state_reason", "labels", "label", "assignees", "type"}


def test_no_more_than_ten_people_are_assigned() -> None:
    """GitHub drops the eleventh in silence; it is never asked for, and what can't be held is known before."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        native = {PersonId(f"p{number:02}"): f"login-{number:02}" for number in range(12)}
        mapping = replace(hub.mapping, people=People(replica=GITHUB, native_ids=native))
        fields = {Field.ASSIGNEES: frozenset(native)}
        current = hub.read(1)
        (op,) = CODEC.encode(diff_fields({}, fields), current, mapping, hub.caps).ops
        assert len(op.payload["assignees"]) == 10
        held = CODEC.project(fields, current, mapping, hub.caps)[Field.ASSIGNEES]
        assert isinstance(held, frozenset)
        assert len(held) == 10
        assert held < frozenset(native)


def test_deleted_accounts_and_new_words_are_read() -> None:
    """No user at all, a ghost and a reason that did not exist yesterday: each is read, none stops anything."""
    with bench() as hub:
        hub.simulator.add_issue(title="t", body="a\r\nb")
        hub.simulator.comment(1, "said\r\nso")
        row = hub.adapter._client.get("issues/1", what="t").body
        remark = hub.adapter._client.get("issues/1/comments", what="t").body[0]
        for user in (None, {"login": "ghost", "id": 10137, "type": "User"}, "somebody"):
            odd = {**row, "user": user, "state": "closed", "state_reason": "superseded_by_rewrite", "assignees": [None]}
            decoded = CODEC.decode(wire.ticket(odd, fetched_at=hub.adapter._client.now()), hub.mapping)
            assert decoded.snapshot.fields[Field.REASON] is UNKNOWN
            assert decoded.snapshot.fields[Field.STATUS] == "done"
            assert decoded.snapshot.fields[Field.BODY] == "a\nb"
            assert [problem.field for problem in decoded.problems] == [Field.REASON]
            comment = wire.comment({**remark, "user": user})
            assert isinstance(comment, NativeComment)
            assert CODEC.decode_comment(comment, hub.mapping).body == "said\nso"


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://github.com/acme/payments/issues/3#issuecomment-1", True),
        ("https://github.com/acme/payments/pull/3#issuecomment-1", False),
        ("https://github.com/acme/pull/issues/3#issuecomment-1", True),
        ("https://github.com/pull/12/issues/3#issuecomment-1", True),
        ("https://github.com/acme/pull/pull/3#issuecomment-1", False),
    ],
)
def test_comments_on_pull_requests_are_known_by_their_address(url: str, is_ours: bool) -> None:
    """The feed mixes them; a repository may be called `pull`."""
    row = {"id": 1, "issue_url": "https://api.github.com/repos/a/b/issues/3", "html_url": url, "body": "x"}
    found = wire.comment({**row, "updated_at": "2026-11-22T10:00:00Z"})
    assert (found is not None) is is_ours


def test_a_hidden_repository_does_not_make_a_removal_done() -> None:
    """A token that lost the repository gets 404 for everything: then nothing was removed."""
    with bench() as hub:
        hub.simulator.add_issue(title="t", labels=["one"])
        hub.simulator.comment(1, "x")
        ticket = hub.read(1)
        (label,) = hub.encode(1, **{Field.LABELS: frozenset()}).ops
        (gone,) = CODEC.encode_comment(None, ticket, ticket.comments[0], hub.mapping, hub.caps).ops
        hub.simulator.bridge.reads = False
        for op in (label, gone):
            with pytest.raises(Rejected, match="no repository"):
                hub.adapter.write(op)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (400, {}, Rejected),
        (401, {}, AuthFailed),
        (403, {}, Forbidden),
        (403, {"Retry-After": "5"}, Retryable),
        (404, {}, Rejected),
        (408, {}, Uncertain),
        (410, {}, Rejected),
        (422, {}, Rejected),
        (429, {}, Retryable),
        (500, {}, Uncertain),
        (502, {}, Uncertain),
        (503, {"Retry-After": "5"}, Uncertain),
    ],
)
def test_refusals_of_a_write_are_told_apart(status: int, headers: dict[str, str], kind: type[TrackerError]) -> None:
    """What may have been done is Uncertain, what was not says what to do next; each is sent once."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        (op,) = hub.encode(1, **{Field.TITLE: "new"}).ops
        hub.requests()
        answers(hub, ".*", {"message": "no"}, status=status, headers=headers, method="PATCH")
        with pytest.raises(TrackerError) as caught:
            hub.adapter.write(op)
        assert isinstance(caught.value, kind)
        assert len(hub.requests()) == 1


@pytest.mark.parametrize("body", ["{}", "[]", "it worked", "null", "", '{"number": "one"}'])
def test_a_write_whose_answer_says_nothing_may_have_been_done(body: str) -> None:
    """A success that can't be read is Uncertain, for tickets and comments."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        (update,) = hub.encode(1, **{Field.TITLE: "new"}).ops
        (made,) = CODEC.encode(
            diff_fields({}, {Field.TITLE: "n", Field.KIND: "issue"}), None, hub.mapping, hub.caps
        ).ops
        (comment,) = CODEC.encode_comment("x", hub.read(1), None, hub.mapping, hub.caps).ops
        for op in (update, made, comment):
            hub.requests()
            answers(hub, ".*", body, method="POST|PATCH")
            with pytest.raises(Uncertain):
                hub.adapter.write(op)
            assert len(hub.requests()) == 1


def test_half_a_list_of_comments_is_no_deletion() -> None:
    """What a complete list does not hold was deleted, so an answer that is no list is an error."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        hub.simulator.comment(1, "x")
        bodies: list[Any] = [{}, "<html/>", [{"body": "no id"}], "null", [None]]
        for body in bodies:
            answers(hub, "/issues/1/comments$", body)
            with pytest.raises(Malformed):
                list(hub.adapter.fetch([NativeRef("1")]))
        assert len(hub.read(1).comments) == 1


def test_a_long_discussion_is_read_to_its_end() -> None:
    """Lists of comments have pages of a hundred."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        for number in range(120):
            hub.simulator.comment(1, f"turn {number}")
        hub.requests()
        assert [one.payload["body"] for one in hub.read(1).comments] == [f"turn {number}" for number in range(120)]
        assert sum(path.endswith("/comments") for _, path in hub.requests()) == 2


def test_an_answer_that_is_never_ready_is_not_waited_for_for_ever() -> None:
    """The library asks again every few seconds after a 202, without end; we ask four times."""
    with bench() as hub:
        hub.requests()
        answers(hub, "/issues$", {}, status=202, times=9)
        with pytest.raises(Retryable):
            list(hub.adapter.pull(None))
        assert len(hub.requests()) == 4


@pytest.mark.parametrize(
    "body", ["5", "null", "[]", "[5]", '"no"', '{"message": 5}', '{"errors": [5]}', "{", "<html/>"]
)
def test_odd_answers_are_no_crash(body: str) -> None:
    """Whatever stands in a refusal or in a header, one of our errors comes out; a write that went through is Uncertain."""
    with bench() as hub:
        hub.simulator.add_issue(title="t")
        (op,) = hub.encode(1, **{Field.TITLE: "new"}).ops
        answers(hub, ".*", body, status=422, method="PATCH")
        with pytest.raises(Rejected):
            hub.adapter.write(op)
        answers(hub, ".*", body, status=403, method="PATCH")
        with pytest.raises(Forbidden):
            hub.adapter.write(op)
        nonsense = {"X-RateLimit-Remaining": "lots", "X-RateLimit-Limit": "more", "X-RateLimit-Reset": "soon"}
        for method, kind in (("PATCH", Uncertain), ("GET", Malformed)):
            answers(hub, ".*", body, method=method, headers=nonsense)
            with pytest.raises(kind):
                hub.adapter.write(op) if method == "PATCH" else list(hub.adapter.fetch([NativeRef("1")]))
