"""Writes to one project: work items, their links, comments and files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.azure_devops import client, codec_files, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.errors import AlreadyLinked, NotThere, RuleBroken
from adapters.azure_devops.reading import Reader, native_comment
from sync.core.errors import Malformed, PreconditionFailed, Rejected, Retryable, Uncertain
from sync.core.ids import NativeRef
from sync.core.models import Field, FieldProblem, JsonObject
from sync.core.ports import NativeOp, OpKind, Receipt

_PATCH: Final = "application/json-patch+json"
_BYTES: Final = "application/octet-stream"
_CHUNK: Final = 65_536
_PARENTS: Final = "TF201036"


class Writes:
    """Sends what the codec worded."""

    def __init__(self, connection: Connection, reader: Reader) -> None:
        self._connection = connection
        self._reader = reader
        self._made: set[tuple[str, str]] = set()

    def send(self, op: NativeOp, content: Path | None) -> Receipt:
        """Do it; a refusal names the fields as the ticket has them."""
        try:
            match op.kind:
                case OpKind.CREATE:
                    return self._create(op)
                case OpKind.UPDATE:
                    return self._update(op)
                case OpKind.DELETE:
                    return self._delete(op)
                case OpKind.ATTACHMENT_CREATE:
                    return self._attach(op, content)
                case OpKind.ATTACHMENT_DELETE:
                    return self._detach(op)
            return self._comment(op)
        except RuleBroken as error:
            raise Rejected(str(error), _named(op, error)) from None
        except Malformed as error:
            raise Uncertain(f"{op.summary}: done, but the answer can't be read: {error}") from None

    # -- work items ------------------------------------------------------------------------------

    def _create(self, op: NativeOp) -> Receipt:
        try:
            route = {"type": op.payload["type"]}
            return self._receipt(self._patch("POST", client.NEW_WORK_ITEM, route, op.payload["patch"]))
        except NotThere as error:
            if Field.PARENT not in op.fields:
                raise
            # The one work item that a create names is the parent.
            mend = "Give the ticket another parent, or restore the one that is gone."
            raise Rejected(str(error), [FieldProblem(field=Field.PARENT, message=str(error), mend=mend)]) from None

    def _update(self, op: NativeOp) -> Receipt:
        if op.action == "relate":
            return self._relate(op)
        for tree, above, name in op.payload.get("nodes", ()):
            self._make(tree, above, name)
        revision = wire.revision(op.expects)
        test = [] if revision is None else [_test(revision)]
        return self._receipt(self._change(_ref(op), [*test, *op.payload["patch"]]))

    def _delete(self, op: NativeOp) -> Receipt:
        """Into the recycle bin, from where people can take it back; one that is there already is as good."""
        with suppress(NotThere):
            self._connection.call("DELETE", client.WORK_ITEM, route={"id": _ref(op)})
        return Receipt(ref=_ref(op), at=self._now())

    def _make(self, tree: str, above: str, name: str) -> None:
        """Make an area or iteration; one that is there already is as good."""
        path = f"{above}/{name}".casefold()
        if (tree, path) in self._made:
            return
        route = {"structureGroup": tree, **({"path": above} if above else {})}
        try:
            self._connection.call("POST", client.NODES, route=route, body={"name": name})
        except Rejected as error:
            if "VS402371" not in str(error) and "already in use" not in str(error):
                raise
        self._made.add((tree, path))

    def _relate(self, op: NativeOp) -> Receipt:
        """Add and remove links; what is there already, or gone already, is done.

        What is only added is sent at once. A link is removed by its place, links raise no revision and come in any order: so the
        places are read now, and tested for with the revision.
        """
        ref, add, remove = _ref(op), op.payload["add"], op.payload["remove"]
        try:
            if not remove:
                return self._receipt(self._change(ref, [self._linked(rel, other) for rel, other in add]))
        except AlreadyLinked:
            pass
        except Rejected as error:
            if _PARENTS in str(error) and any(_is_parent(rel) for rel, _ in add):
                raise PreconditionFailed(f"{op.summary}: somebody gave it another parent meanwhile") from None
            raise
        payload = self._read(ref)
        there = [(rel.casefold(), other) for rel, other in wire.links(payload)]
        gone = {(rel.casefold(), other) for rel, other in remove}
        if any(_is_parent(rel) for rel, _ in add) and wire.parent(payload) not in _parents(add, remove):
            raise PreconditionFailed(f"{op.summary}: somebody gave it another parent meanwhile")
        patch = [*_removals(payload, lambda one: (wire.text(one.get("rel")).casefold(), wire.target(one)) in gone)]
        patch += [self._linked(rel, other) for rel, other in add if (rel.casefold(), other) not in there]
        if not patch:
            return self._receipt(payload)
        return self._receipt(self._change(ref, [_test(wire.number(payload.get("rev"))), *patch]))

    def _linked(self, rel: str, other: str) -> JsonObject:
        return _relation(rel, f"{self._connection.url}/_apis/wit/workItems/{other}")

    # -- comments --------------------------------------------------------------------------------

    def _comment(self, op: NativeOp) -> Receipt:
        ref = _ref(op)
        route: JsonObject = {"workItemId": ref}
        if op.comment is not None:
            route["commentId"] = wire.comment_number(op.comment)
        method = {OpKind.COMMENT_CREATE: "POST", OpKind.COMMENT_UPDATE: "PATCH"}.get(op.kind, "DELETE")
        body = None if method == "DELETE" else {"text": op.payload["text"]}
        answer = self._connection.call(method, client.COMMENTS, route=route, body=body)
        comment = native_comment(ref, answer)
        if comment is None and method != "DELETE":
            raise Malformed(f"Azure DevOps: the answer to a comment on work item {ref} is no comment")
        at = wire.moment(answer.get("modifiedDate"))
        return Receipt(
            ref=ref,
            at=at if at > wire.NEVER else self._now(),
            comment=None if method == "DELETE" else comment,
            comment_ref=op.comment if comment is None else comment.ref,
        )

    # -- files -----------------------------------------------------------------------------------

    def _attach(self, op: NativeOp, content: Path | None) -> Receipt:
        """Upload the bytes, which nobody sees, and then say whose they are."""
        if content is None:
            raise Rejected(f"{op.summary}: there is no file to send")
        name = op.payload["name"]
        try:
            body, query = _chunks(content), {"fileName": name}
            answer = self._connection.call("POST", client.ATTACHMENTS, query=query, body=body, media_type=_BYTES)
        except (Uncertain, Malformed) as error:
            raise Retryable(f"{op.summary}: {error}; nobody refers to what may have arrived") from None
        number, url = wire.file_id(answer.get("url")), wire.text(answer.get("url"))
        if not number:
            raise Retryable(f"{op.summary}: the answer names no file")
        added = _relation(wire.ATTACHED, url)
        added["value"]["attributes"] = {"name": name}
        receipt = self._receipt(self._change(_ref(op), [added]))
        found = [] if receipt.ticket is None else codec_files.attachments(receipt.ticket.payload, receipt.ref)
        attached = next((one for one in found if one.ref == number), None)
        if attached is None:
            raise Malformed("Azure DevOps: the answer does not show the file that was attached")
        return replace(receipt, attachment=attached)

    def _detach(self, op: NativeOp) -> Receipt:
        payload, number = self._read(_ref(op)), op.payload["attachment"]

        def is_it(relation: JsonObject) -> bool:
            return wire.text(relation.get("rel")) == wire.ATTACHED and wire.file_id(relation.get("url")) == number

        patch = [*_removals(payload, is_it)]
        if not patch:
            return self._receipt(payload)
        return self._receipt(self._change(_ref(op), [_test(wire.number(payload.get("rev"))), *patch]))

    # -- pieces ----------------------------------------------------------------------------------

    def _read(self, ref: NativeRef) -> JsonObject:
        return self._connection.call("GET", client.WORK_ITEM, route={"id": ref}, query={"$expand": "relations"})

    def _change(self, ref: NativeRef, operations: list[JsonObject]) -> JsonObject:
        return self._patch("PATCH", client.WORK_ITEM, {"id": ref}, operations)

    def _patch(
        self, method: str, resource: tuple[str, str], route: JsonObject, operations: list[JsonObject]
    ) -> JsonObject:
        query = {"$expand": "relations"}
        return self._connection.call(method, resource, route=route, query=query, body=operations, media_type=_PATCH)

    def _receipt(self, answer: JsonObject) -> Receipt:
        if not wire.number(answer.get("id")):
            raise Malformed("Azure DevOps: the answer to a write names no work item")
        ticket = self._reader.native(answer)
        return Receipt(ref=ticket.ref, at=ticket.updated_at, ticket=ticket)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._connection.transport.clock().offset


def _named(op: NativeOp, error: RuleBroken) -> list[FieldProblem]:
    """The broken rules as problems of the ticket's fields; a rule that stops a move of the state is the status's problem."""
    carried = {native.casefold(): Field(name) for native, name in op.payload.get("fields", {}).items()}
    problems: list[FieldProblem] = []
    for native, problem in zip(error.natives, error.problems, strict=True):
        field = carried.get(native.casefold(), problem.field)
        if op.action == "move" and field not in op.fields:
            waiting = f"the move to '{op.payload.get('state')}' waits: {problem.message}"
            problem, field = replace(problem, message=waiting), Field.STATUS
        problems.append(replace(problem, field=field))
    return problems


def _ref(op: NativeOp) -> NativeRef:
    if op.ref is None:
        raise Rejected(f"Azure DevOps: {op.action} of no work item")
    return op.ref


def _is_parent(rel: str) -> bool:
    return rel.casefold() == wire.PARENT_LINK.casefold()


def _parents(add: list[list[str]], remove: list[list[str]]) -> set[NativeRef | None]:
    """The parents beside which the change makes sense: none, the one that goes and the one that comes."""
    return {None, *(NativeRef(other) for rel, other in [*add, *remove] if _is_parent(rel))}


def _test(revision: int) -> JsonObject:
    return {"op": "test", "path": "/rev", "value": revision}


def _relation(rel: str, url: str) -> JsonObject:
    return {"op": "add", "path": "/relations/-", "value": {"rel": rel, "url": url}}


def _removals(payload: JsonObject, goes: Any) -> Iterator[JsonObject]:
    """The last place first, so that the others keep theirs."""
    rows = wire.relations(payload)
    for place in reversed(range(len(rows))):
        if goes(rows[place]):
            yield {"op": "remove", "path": f"/relations/{place}"}


def _chunks(content: Path) -> Iterator[bytes]:
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
