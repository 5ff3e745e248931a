"""Sending one write: what it needs to know first, what its refusal means, and what its answer shows."""

from __future__ import annotations

from dataclasses import replace

from adapters.github import wire
from adapters.github.client import Answer, Client
from adapters.github.dependencies import Dependencies
from adapters.github.errors import NotThere
from adapters.github.home import Home
from adapters.github.writes import WriteRequest, is_done_already, request_for, silently_dropped
from sync.core.errors import InvariantBroken, Malformed, Moved, Rejected, Uncertain
from sync.core.ids import NativeRef
from sync.core.models import Field, FieldProblem, JsonObject
from sync.core.ports import NativeOp, OpKind, Receipt

#: Actions that are answered with the whole issue as it is then.
_ANSWERED = ("issue.create", "issue.edit", "milestone.set", "assignees.add", "assignees.remove")


class Writer:
    """Writes to one repository; numbers of milestones and ids of issues are looked up where they are not known."""

    def __init__(self, client: Client, home: Home, dependencies: Dependencies) -> None:
        self._client = client
        self._home = home
        self._dependencies = dependencies
        self._milestones: dict[str, int] = {}

    def write(self, op: NativeOp) -> Receipt:
        """See `Adapter`."""
        what, request = op.summary, request_for(op)
        try:
            request = self._resolved(op, request)
            answer = self._client.send(request.method, request.path, what=what, body=request.body)
        except Moved as moved:
            if self._home.is_elsewhere(moved):
                raise Rejected(f"github: {what}: transferred to {moved.location}") from None
            raise self._home.renamed(moved) from None
        except NotThere:
            if request.gone_is_done:
                self._home.repository()  # a repository that is hidden from us would answer so for everything
                return self._unshown(op)
            raise
        except Rejected as error:
            if is_done_already(op, error):
                return self._unshown(op)
            raise _about(op, error) from None
        if op.action.startswith("blocker."):
            self._dependencies.doubt(str(op.payload["blocked"]), str(op.payload["blocker"]))
        dropped = silently_dropped(op, answer.body)
        if dropped is not None and op.kind is OpKind.UPDATE:
            raise Rejected(f"github: {what}: {dropped.message}", [dropped])
        try:
            return self._receipt(op, answer)
        except Malformed as error:
            raise Uncertain(f"github: {what}: done, but the answer can't be read: {error}") from None

    # -- what a request needs --------------------------------------------------------------------------------

    def _resolved(self, op: NativeOp, request: WriteRequest) -> WriteRequest:
        """The request with GitHub's numbers and ids in the place of names."""
        body = request.body
        if op.action in ("issue.create", "milestone.set") and body.get("milestone"):
            return replace(request, body={**body, "milestone": self._milestone(body["milestone"])})
        if op.action == "issue.edit" and "duplicate_of" in body:
            rest = {name: value for name, value in body.items() if name != "duplicate_of"}
            try:
                return replace(request, body={**rest, "duplicate_issue_id": self._id(body["duplicate_of"])})
            except Rejected:  # it is gone, and closing the other one is what counts
                return replace(request, body=rest)
        if op.action.startswith("blocker.") and not op.payload["id"]:
            known = {**op.payload, "id": self._id(op.payload["blocker"])}
            return request_for(replace(op, payload=known))
        return request

    def _milestone(self, title: str) -> int:
        if title not in self._milestones:
            rows = self._client.rows("milestones", {"state": "all"}, what="listing the milestones")
            self._milestones = {wire.text_of(row, "title"): int(row["number"]) for row in rows}
        if title in self._milestones:
            return self._milestones[title]
        message = f"github: the repository has no milestone {title}"
        problem = FieldProblem(field=Field.MILESTONE, message=message, mend="Open it on GitHub.")
        raise Rejected(message, [problem])

    def _id(self, ref: str) -> int:
        what = f"reading #{ref}"
        number = self._client.get(f"issues/{ref}", what=what).body
        found = number.get("id") if isinstance(number, dict) else None
        if not isinstance(found, int):
            raise Malformed(f"github: {what}: the answer is no issue")
        return found

    # -- what an answer shows --------------------------------------------------------------------------------

    def _receipt(self, op: NativeOp, answer: Answer) -> Receipt:
        body = answer.body
        if op.kind in (OpKind.COMMENT_CREATE, OpKind.COMMENT_UPDATE):
            if (comment := wire.comment(body)) is None:
                raise Malformed("a comment on a pull request")
            return Receipt(ref=_ref(op), at=answer.at, comment=comment, comment_ref=comment.ref)
        if op.action == "milestone.create" and isinstance(body, dict) and isinstance(body.get("number"), int):
            self._milestones[str(op.payload["title"])] = body["number"]
        if op.action in _ANSWERED:
            native = wire.ticket(body, fetched_at=answer.at)
            lists = self._left_alone(op, body)
            shown = wire.ticket(body, fetched_at=answer.at, dependencies=lists)
            hidden = self._dependencies.on and lists is None
            return Receipt(ref=native.ref, at=answer.at, ticket=None if hidden else shown)
        return Receipt(ref=_ref(op), at=answer.at, comment_ref=op.comment)

    def _left_alone(self, op: NativeOp, body: JsonObject) -> JsonObject | None:
        """The dependencies of the answered issue, which are those that it had before; None where they must be read."""
        if not self._dependencies.on:
            return None
        if op.kind is OpKind.CREATE:
            return {side: [] for side in wire.SIDES}
        known = op.payload.get(wire.DEPENDENCIES)
        return self._dependencies.after(body, known if isinstance(known, dict) else {})

    def _unshown(self, op: NativeOp) -> Receipt:
        return Receipt(ref=_ref(op), at=self._client.now(), comment_ref=op.comment)


def _about(op: NativeOp, error: Rejected) -> Rejected:
    """The refusal of a request for one field is about that field, by whatever name GitHub calls it."""
    if len(op.fields) != 1:
        return error
    (name,) = op.fields
    return Rejected(str(error), [replace(problem, field=name) for problem in error.problems])


def _ref(op: NativeOp) -> NativeRef:
    if op.ref is None:
        raise InvariantBroken(f"github: {op.action} of no ticket")
    return op.ref
