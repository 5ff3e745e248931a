"""What the Azure DevOps adapter makes of answers that are not what was asked for, and of work items that went away."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.azure_devops.codec import CODEC
from sync.core.changes import diff_fields
from sync.core.errors import (
    Forbidden,
    Malformed,
    PreconditionFailed,
    Rejected,
    Retryable,
    TrackerError,
    Uncertain,
)
from sync.core.ids import NativeRef
from sync.core.models import Field, Gone
from sync.core.ports import NativeOp
from tests.adapters.azure_devops_support import Bench, bench

BATCH = "workitemsbatch$"
COMMENTS = "/comments$"


def creation(azure: Bench) -> NativeOp:
    changes = diff_fields({}, {Field.TITLE: "New", Field.KIND: "issue"})
    return CODEC.encode(changes, None, azure.mapping, azure.caps).ops[0]


def test_an_answer_without_a_list_is_no_deletion() -> None:
    """A batch or a list of comments that is none says nothing of what is there: nobody is gone, no comment deleted."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        azure.simulator.comment(number, "<p>said</p>")
        cases: list[tuple[str, Any]] = [(BATCH, {}), (BATCH, {"value": None}), (COMMENTS, {})]
        cases += [(COMMENTS, {"comments": [{"text": "without a number"}]}), (COMMENTS, {"comments": [None]})]
        for path, body in cases:
            azure.answers(f"(?i){path}", body)
            with pytest.raises(Malformed):
                list(azure.adapter.fetch([NativeRef(str(number))]))
        assert azure.read(number).comments


def test_a_batch_that_is_older_than_the_feed_is_read_again() -> None:
    """The feed tells of a revision, or of a work item, that the batch does not show yet: it would never be told of again."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="One")
        pages = list(azure.adapter.pull(None))
        past = azure.read(number).payload
        azure.simulator.edit(number, title="Changed")
        added = azure.simulator.add_issue(title="Another")
        azure.answers(f"(?i){BATCH}", {"count": 1, "value": [past]})
        found = [one for page in azure.adapter.pull(pages[-1].cursor) for one in page.tickets]
        titles = {one.number: one.payload["fields"]["System.Title"] for one in found}
        assert titles == {number: "Changed", added: "Another"}


def test_a_list_of_comments_that_does_not_go_on_ends() -> None:
    """The same place to go on from, twice, would be asked for ever."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        azure.simulator.comment(number, "<p>said</p>")
        azure.answers(COMMENTS, {"comments": [], "continuationToken": "again"}, times=9)
        with pytest.raises(Malformed, match="does not go on"):
            azure.read(number)


def test_a_long_discussion_is_read_to_its_end() -> None:
    """Lists of comments have pages of 200."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="Busy")
        for turn in range(230):
            azure.simulator.comment(number, f"<p>turn {turn}</p>")
        said = [comment.payload["text"] for comment in azure.read(number).comments or ()]
        assert said == [f"<p>turn {turn}</p>" for turn in range(230)]
        assert sum(each["path"].endswith("/comments") for each in azure.simulator.requests) == 2


def test_a_hidden_project_is_no_reason_to_call_its_work_items_gone() -> None:
    """`errorPolicy: omit` gives nulls for what we may not see: all of them, when the token lost the project."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        for status, kind in ((404, Rejected), (403, Forbidden)):
            azure.answers(f"(?i){BATCH}", {"count": 1, "value": [None]})
            azure.answers("/_apis/projects/", {"message": "TF200016: not for you"}, status=status)
            with pytest.raises(kind):
                list(azure.adapter.fetch([NativeRef(str(number))]))
        azure.answers(f"(?i){BATCH}", {"count": 1, "value": [None]})
        (gone,) = azure.adapter.fetch([NativeRef(str(number))])
        assert isinstance(gone, Gone)


def test_a_work_item_that_moved_to_another_project_is_gone_for_us() -> None:
    """It keeps its id and says another project."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="Leaves")
        stays = azure.simulator.add_issue(title="Stays")
        cursor = azure.caught_up()
        azure.simulator.move(number, "Elsewhere")
        azure.simulator.edit(stays, title="Stayed")
        (page,) = azure.adapter.pull(cursor)
        assert [(gone.ref, gone.moved_to) for gone in page.gone] == [(str(number), "the project Elsewhere")]
        assert [ticket.number for ticket in page.tickets] == [stays]
        found = list(azure.adapter.fetch([NativeRef(str(number)), NativeRef(str(stays))]))
        assert [isinstance(one, Gone) for one in found] == [True, False]


def test_the_project_must_be_called_by_its_name() -> None:
    """The service takes a GUID too, but then every work item would seem to be in another project."""
    with bench() as azure:
        azure.simulator.add_issue(title="There")
        adapter = azure.another(project=azure.simulator.organisation.project_id)
        with pytest.raises(Rejected, match="called 'Payments'"):
            adapter.probe()
        adapter.close()


@pytest.mark.parametrize("body", ["{}", "[]", "it worked", '{"id": "one"}', "null"])
def test_a_write_whose_answer_says_nothing_may_have_been_done(body: str) -> None:
    """A success that can't be read is Uncertain, for tickets and comments."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        (update,) = azure.encoded(number, title="New")
        (comment,) = CODEC.encode_comment("said", azure.read(number), None, azure.mapping, azure.caps).ops
        for op in (creation(azure), update, comment):
            azure.simulator.requests.clear()
            azure.answers(".*", body, method="POST|PATCH")
            with pytest.raises(Uncertain):
                azure.adapter.write(op)
            assert len(azure.simulator.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (412, "", PreconditionFailed),
        (409, {"typeKey": "WorkItemRevisionMismatchException", "message": "TF26071: changed"}, PreconditionFailed),
        (409, {"typeKey": "ClassificationNodeDuplicateNameException", "message": "taken"}, Rejected),
        (400, {"typeKey": "TestPatchOperationFailedException", "message": "VS403351: stale"}, PreconditionFailed),
        (404, {"typeKey": "WorkItemUnauthorizedAccessException", "message": "TF401232: not there"}, Rejected),
        (403, "<html>no</html>", Forbidden),
        (408, "", Uncertain),
        (500, {"message": "VS403074: the type is disabled"}, Rejected),
        (500, "oops", Uncertain),
        (503, "", Uncertain),
        (520, "<html>gateway</html>", Uncertain),
    ],
)
def test_refusals_of_a_write_are_told_apart(status: int, body: Any, kind: type[TrackerError]) -> None:
    """By type key, message and status; what may have been done is Uncertain; each is sent once."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        (op,) = azure.encoded(number, title="New")
        azure.simulator.requests.clear()
        azure.answers(".*", body, status=status, method="PATCH")
        with pytest.raises(TrackerError) as caught:
            azure.adapter.write(op)
        assert type(caught.value) is kind or (kind is Rejected and isinstance(caught.value, Rejected))
        assert len(azure.simulator.requests) == 1


@pytest.mark.parametrize("status", [501, 520, 599])
def test_an_unusual_failure_of_a_read_is_ours_to_handle(status: int) -> None:
    """A gateway's own status is Retryable, and no exception of the library gets out."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        azure.answers(".*", "<html>gateway</html>", status=status)
        assert azure.read(number).number == number
        azure.answers(".*", "<html>gateway</html>", status=status, times=99)
        with pytest.raises(Retryable):
            azure.read(number)


def test_an_answer_that_the_library_cannot_read_is_malformed() -> None:
    """Whatever comes instead of a project, its types or its resources: one of our errors says so."""
    with bench() as azure:
        for path in ("/_apis/projects/", "workitemtypes", "connectiondata", "/_apis$"):
            for body in ("{", "[1]", '{"value": 7}'):
                azure.simulator.faults.clear()
                azure.answers(f"(?i){path}", body)
                adapter = azure.another()
                with pytest.raises(TrackerError):
                    adapter.probe()
                adapter.close()


def test_a_first_look_goes_by_the_servers_clock() -> None:
    """Where our clock is an hour ahead, an edit made during the first look is seen all the same."""
    with bench() as azure:
        azure.simulator.clock.advance(-3600)
        azure.simulator.seed(210)
        adapter = azure.another()
        adapter.resume(azure.caps)
        pages = adapter.pull(None)
        next(pages)
        azure.simulator.edit(3, title="Changed meanwhile")
        (*_, last) = pages
        assert 3 in [ticket.number for page in adapter.pull(last.cursor) for ticket in page.tickets]
        adapter.close()


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("The field 'State' contains the value 'X' that is not in the list of supported values", Field.STATUS),
        ("The identity value 'nobody@acme.example' for field 'Assigned To' is an unknown identity.", Field.ASSIGNEES),
        ("TF401320: Rule Error for field Repro Steps. Error code: Required, InvalidEmpty.", Field.BODY),
        ("TF401320: Rule Error for field Effort. Error code: Required, InvalidEmpty.", None),
    ],
)
def test_a_refusal_without_rules_names_its_field_all_the_same(message: str, field: Field | None) -> None:
    """Then the rest of the ticket can be written without it."""
    with bench() as azure:
        azure.answers(".*", {"message": message, "typeKey": "RuleValidationException"}, status=400, method="POST")
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(creation(azure))
        (problem,) = caught.value.problems
        assert (problem.field, problem.message) == (field, message)


def test_a_label_with_a_separator_is_told_and_does_not_become_two_tags() -> None:
    """Tags are one string with `;` in it, and a comma parts them too: such a label stays where it was given."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There", labels=["kept"])
        ticket = azure.read(number)
        there = CODEC.decode(ticket, azure.mapping).snapshot.fields
        wanted = {Field.LABELS: frozenset({"kept", "a;b", "c,d", "plain"})}
        encoded = CODEC.encode(diff_fields(there, wanted), ticket, azure.mapping, azure.caps)
        assert [problem.field for problem in encoded.problems] == [Field.LABELS]
        azure.adapter.write(encoded.ops[0])
        tags = azure.simulator.issue(number)["fields"]["System.Tags"]
        assert set(tags.split("; ")) == {"kept", "plain"}


def test_people_are_assigned_by_what_names_one_account_only() -> None:
    """Two people may show the same name: the mail address is written, and one who is unknown there is refused by field."""
    with bench() as azure:
        number = azure.simulator.add_issue(title="There")
        (op,) = azure.encoded(number, assignees=frozenset({"ada"}))
        assert {"op": "add", "path": "/fields/System.AssignedTo", "value": "ada@acme.example"} in op.payload["patch"]
        receipt = azure.adapter.write(op)
        assert receipt.ticket is not None
        assert CODEC.decode(receipt.ticket, azure.mapping).snapshot.fields[Field.ASSIGNEES] == frozenset({"ada"})
        (op,) = azure.encoded(number, assignees=frozenset({"azure:nobody@acme.example"}))
        with pytest.raises(Rejected) as caught:
            azure.adapter.write(op)
        assert [problem.field for problem in caught.value.problems] == [Field.ASSIGNEES]
