"""Executes requests against one project; `open_adapter` makes one that has not asked anything yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters._http import Pace
from adapters.azure_devops import client, codec_text, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.codec import FIELDS
from adapters.azure_devops.errors import NotThere
from adapters.azure_devops.feed import Feed
from adapters.azure_devops.reading import Malformed, Reader, native_comment
from adapters.azure_devops.settings import Settings
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.errors import ConfigError, Rejected, Uncertain
from sync.core.errors import Malformed as MalformedAnswer
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Gone, JsonObject, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import ClockReading, NativeOp, OpKind, Page, Receipt, Traffic

#: The service's limits, in characters.
TITLE_LIMIT, TEXT_LIMIT = 255, 1_000_000
_PATCH = "application/json-patch+json"


class AzureDevOpsAdapter:
    """See `Adapter`."""

    def __init__(self, connection: Connection, *, replica: ReplicaName, select: str | None) -> None:
        self.traffic = connection.traffic
        self.replica = replica
        self._connection = connection
        self._reader = Reader(connection, select)
        self._account: list[str] = []

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        me = self._me()
        project = self._project()
        account = self._account = _names(me)
        reading, name = self._connection.tracking.get_work_item_types, self._connection.project
        types = self._connection.ask("the work item types", lambda: reading(name))
        enabled = [kind for kind in types if not kind.is_disabled]
        process = wire.text(wire.mapping(wire.mapping(project.capabilities).get("processTemplate")).get("templateName"))
        states = {kind.name: {state.name: state.category or "" for state in kind.states or ()} for kind in enabled}
        return Capabilities(
            server=f"Azure DevOps ({process or 'unknown process'})",
            account=account[0] if account else "",
            fields=FIELDS,
            facts=ProjectFacts(
                statuses={name: category for known in states.values() for name, category in known.items()},
                statuses_by_type={name: tuple(known) for name, known in states.items()},
                types=tuple(states),
                priorities=("1", "2", "3", "4"),
                extra={
                    "url": self._connection.url,
                    "account": account,
                    "process": process,
                    "states": states,
                    "body_fields": {kind.name: _body_field(kind) for kind in enabled},
                    "routes": self._connection.routes(),
                },
            ),
            max_assignees=1,
            title_limit=TITLE_LIMIT,
            body_limit=TEXT_LIMIT,
            conditional_writes=True,
            history=True,
            clock_resolution=timedelta(milliseconds=10),
            feeds=2,
        )

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        account, routes = known.facts.extra.get("account"), known.facts.extra.get("routes")
        self._account = [name for name in account if isinstance(name, str)] if isinstance(account, list | tuple) else []
        self._connection.remember(list(wire.rows(routes)))

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        return Feed(self._reader).pull(since)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`: 200 to a request, and one more for each that has comments."""
        numbers = list(dict.fromkeys(int(ref) for ref in refs if ref.isdigit()))
        yield from (Gone(ref=ref, reason="no work item has such a number") for ref in refs if not ref.isdigit())
        malformed: list[Malformed] = []
        sure = False
        for item in self._reader.items(numbers):
            if isinstance(item, Malformed):
                malformed.append(item)
            else:
                if isinstance(item, Gone) and not sure:
                    self._project()  # a project that is hidden from us hides every work item
                    sure = True
                yield self._reader.with_comments(item) if comments and isinstance(item, NativeTicket) else item
        if malformed:
            raise MalformedAnswer("; ".join(f"Azure DevOps: work item {one.place}: {one.reason}" for one in malformed))

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`: our own work items above the fence, by their marker; a comment by its text."""
        if op.kind is OpKind.COMMENT_CREATE:
            return self._find_comment(op)
        wanted = f"{wire.MARKER_URL}{op.marker}"
        numbers = self._reader.query(f"[System.Id] > {fence}", "[System.CreatedBy] = @Me")
        for item in self._reader.items(numbers):
            if isinstance(item, NativeTicket) and wanted in wire.hyperlinks(item.payload):
                return item.ref
        return None

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:  # noqa: ARG002
        """See `Adapter`."""
        operations = self._operations(op) if op.kind is OpKind.UPDATE else []
        try:
            match op.kind:
                case OpKind.CREATE:
                    route = {"type": op.payload["type"]}
                    return self._receipt(self._patch("POST", client.NEW_WORK_ITEM, route, op.payload["patch"]))
                case OpKind.UPDATE:
                    return self._receipt(self._patch("PATCH", client.WORK_ITEM, {"id": _ref(op)}, operations))
            return self._write_comment(op)
        except MalformedAnswer as error:
            raise Uncertain(f"{op.summary}: done, but the answer can't be read: {error}") from None

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:  # noqa: ARG002
        """See `Adapter`."""
        raise Rejected(f"{attachment.name}: no files are read here")

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`: the service tells it one work item at a time."""
        for ref in refs:
            type_ = ""
            for update in self._reader.updates(ref):
                fields = wire.mapping(update.get("fields"))
                type_ = wire.text(wire.mapping(fields.get(wire.WORK_ITEM_TYPE)).get("newValue")) or type_
                at = _event_time(update)
                if at <= since:
                    continue
                authors = wire.people_ids(update.get("revisedBy"))
                yield NativeEvent(
                    id=f"{ref}.{wire.number(update.get('id'))}",
                    ref=ref,
                    author=authors[0] if authors else None,
                    at=at,
                    payload={"fields": fields, "relations": update.get("relations"), "type": type_},
                )

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self._connection.transport.clock()

    def close(self) -> None:
        """See `Adapter`."""
        self._connection.close()

    # -- pieces ----------------------------------------------------------------------------------

    def _me(self) -> Any:
        reading = self._connection.location.get_connection_data
        return self._connection.ask("who we are", lambda: reading().authenticated_user)

    def _project(self) -> Any:
        """The project under the name of the config: work items say by name which project they are in."""
        wanted = self._connection.project
        try:
            reading = self._connection.core.get_project
            found = self._connection.ask(f"the project {wanted}", lambda: reading(wanted, include_capabilities=True))
        except NotThere as error:
            raise Rejected(
                f"Azure DevOps: there is no project {wanted!r} at {self._connection.url}, or the token may "
                "not see it. Check `project` and `url` of the tracker in the config."
            ) from error
        if (found.name or "").casefold() != wanted.casefold():
            raise Rejected(f"Azure DevOps: the project {wanted!r} is called {found.name!r}: write that into `project`.")
        return found

    def _operations(self, op: NativeOp) -> list[JsonObject]:
        """The patch of an update: first the test of the revision, then what goes, then what comes.

        A link is removed by its place, links raise no revision and come in any order: so the place is read now.
        """
        patch = [*op.payload["patch"]]
        if (parent := op.payload.get("unlink")) is not None:
            query = {"$expand": "relations"}
            payload = self._connection.call("GET", client.WORK_ITEM, route={"id": _ref(op)}, query=query)
            places = [
                place
                for place, relation in enumerate(wire.relations(payload))
                if wire.text(relation.get("rel")) == wire.PARENT_LINK and wire.target(relation) == parent
            ]
            patch = [*({"op": "remove", "path": f"/relations/{place}"} for place in reversed(places)), *patch]
        revision = wire.revision(op.expects)
        if revision is None:
            return patch
        return [{"op": "test", "path": "/rev", "value": revision}, *patch]

    def _patch(
        self, method: str, resource: tuple[str, str], route: JsonObject, operations: list[JsonObject]
    ) -> JsonObject:
        query = {"$expand": "relations"}
        return self._connection.call(method, resource, route=route, query=query, body=operations, media_type=_PATCH)

    def _receipt(self, answer: JsonObject) -> Receipt:
        if not wire.number(answer.get("id")):
            raise MalformedAnswer("Azure DevOps: the answer to a write names no work item")
        ticket = self._reader.native(answer)
        return Receipt(ref=ticket.ref, at=ticket.updated_at, ticket=ticket)

    def _write_comment(self, op: NativeOp) -> Receipt:
        ref = _ref(op)
        route: JsonObject = {"workItemId": ref}
        if op.comment is not None:
            route["commentId"] = wire.comment_number(op.comment)
        method = {OpKind.COMMENT_CREATE: "POST", OpKind.COMMENT_UPDATE: "PATCH"}.get(op.kind, "DELETE")
        body = None if method == "DELETE" else {"text": op.payload["text"]}
        answer = self._connection.call(method, client.COMMENTS, route=route, body=body)
        comment = native_comment(ref, answer)
        if comment is None and method != "DELETE":
            raise MalformedAnswer(f"Azure DevOps: the answer to a comment on work item {ref} is no comment")
        at = wire.moment(answer.get("modifiedDate"))
        return Receipt(
            ref=ref,
            at=at if at > wire.NEVER else datetime.now(UTC) + self.clock().offset,
            comment=None if method == "DELETE" else comment,
            comment_ref=op.comment if comment is None else comment.ref,
        )

    def _find_comment(self, op: NativeOp) -> NativeRef | None:
        """The newest comment of ours with this text, of those that came after the ones that were known."""
        ours = self._account or _names(self._me())
        wanted = codec_text.read(wire.text(op.payload.get("text")))
        after = wire.number(op.payload.get("after"))
        found = [
            comment.ref
            for comment in self._reader.comments(_ref(op))
            if wire.comment_number(comment.ref) > after
            and codec_text.is_ours(comment.payload.get("createdBy"), ours)
            and codec_text.read_comment(comment.payload, ours=False) == wanted
        ]
        return found[-1] if found else None


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> AzureDevOpsAdapter:
    """An adapter for one project; `select` is a WIQL condition of one's own, for example `[System.Tags] CONTAINS 'sync'`."""
    if select is not None:
        select = select.strip()
        if not select or select.count("'") % 2 or select.count("(") != select.count(")"):
            raise ConfigError([f"select for {replica} is no WIQL condition: {select!r}; quotes and brackets must pair"])
    return AzureDevOpsAdapter(Connection(settings, Traffic(), pace=pace, sleep=sleep), replica=replica, select=select)


def _ref(op: NativeOp) -> NativeRef:
    if op.ref is None:
        raise Rejected(f"Azure DevOps: {op.action} of no work item")
    return op.ref


def _names(identity: Any) -> list[str]:
    """How our account may appear as an author, the way that histories name it first."""
    return [name for name in (_mail(identity), identity.id, identity.subject_descriptor) if name]


def _mail(identity: Any) -> str:
    properties = wire.mapping(getattr(identity, "properties", None))
    return wire.text(wire.mapping(properties.get("Account")).get("$value"))


def _body_field(kind: Any) -> str:
    names = {field.reference_name for field in kind.fields or ()}
    return wire.REPRO_STEPS if wire.REPRO_STEPS in names else wire.DESCRIPTION


def _event_time(update: JsonObject) -> datetime:
    """When a revision was made; `revisedDate` is when it was replaced, unless links alone changed."""
    changed = wire.mapping(wire.mapping(update.get("fields")).get("System.ChangedDate")).get("newValue")
    return wire.moment(changed or update.get("revisedDate"))
