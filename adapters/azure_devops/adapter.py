"""Executes requests against one project; `open_adapter` makes one that has not asked anything yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters._download import download
from adapters._pace import Call, Pace
from adapters._select import is_closed
from adapters.azure_devops import codec_text, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.errors import NotThere
from adapters.azure_devops.facts import as_list, carried, read_facts
from adapters.azure_devops.feed import Feed
from adapters.azure_devops.reading import Malformed, Reader
from adapters.azure_devops.settings import Settings
from adapters.azure_devops.writes import Writes
from sync.core.capabilities import Capabilities, Visibility
from sync.core.errors import ConfigError, Rejected
from sync.core.errors import Malformed as MalformedAnswer
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Field, Gone, JsonObject, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import ClockReading, NativeOp, OpKind, Page, Pause, Receipt, Traffic

#: The service's limits, in characters.
TITLE_LIMIT, TEXT_LIMIT = 255, 1_000_000
#: Downloads need a version as well; every server knows this one.
_DOWNLOAD_VERSION = "5.1"
#: What a work item is while an entry of its history is read: an entry itself names only what it changed.
_KEPT = {"type": wire.WORK_ITEM_TYPE, "state": wire.STATE, "reason": wire.REASON}

#: The service's words for who may read a project.
_VISIBILITY = {
    "private": Visibility.PRIVATE,
    "organization": Visibility.INTERNAL,
    "public": Visibility.PUBLIC,
}


class AzureDevOpsAdapter:
    """See `Adapter`."""

    def __init__(self, connection: Connection, *, replica: ReplicaName, select: str | None) -> None:
        self.traffic = connection.traffic
        self.replica = replica
        self._connection = connection
        self._reader = Reader(connection, select)
        self._writes = Writes(connection, self._reader)
        self._account: list[str] = []
        self._told: dict[NativeRef, str] = {}  # which create a comment came of, by its marker

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        me = self._me()
        project = self._project()
        self._account = _names(me)
        process = wire.text(wire.mapping(wire.mapping(project.capabilities).get("processTemplate")).get("templateName"))
        facts = read_facts(self._connection)
        more = {
            "url": self._connection.url,
            "project": project.name,
            "account": self._account,
            "process": process,
            "routes": self._connection.routes(),
        }
        return Capabilities(
            server=f"Azure DevOps ({process or 'unknown process'})",
            account=self._account[0] if self._account else "",
            fields=carried(facts),
            tells=frozenset({Field.REPORTER}),
            facts=replace(facts, extra={**facts.extra, **more}),
            max_assignees=1,
            title_limit=TITLE_LIMIT,
            body_limit=TEXT_LIMIT,
            conditional_writes=True,
            history=True,
            attachments=True,
            can_delete=True,
            clock_resolution=timedelta(milliseconds=10),
            feeds=2,
        )

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        self._account = as_list(known.facts.extra.get("account"))
        self._connection.remember(list(wire.rows(known.facts.extra.get("routes"))))

    def visibility(self) -> Visibility:
        """See `Adapter`."""
        return _VISIBILITY.get(str(self._project().visibility), Visibility.UNKNOWN)

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

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """See `Adapter`."""
        receipt = self._writes.send(op, content)
        if op.kind is OpKind.COMMENT_CREATE and receipt.comment_ref is not None:
            self._told[receipt.comment_ref] = str(op.marker)
        return receipt

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """See `Adapter`."""
        connection = self._connection
        if not attachment.url.casefold().startswith(f"{connection.url.casefold()}/"):
            raise Rejected(f"{attachment.name}: {attachment.url} is no file of {connection.url}")
        url = f"{attachment.url}?download=true&api-version={_DOWNLOAD_VERSION}"
        download(connection.session, connection.transport, url, take, limit=limit, hosts=[connection.url])

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`: the service tells it one work item at a time."""
        for ref in refs:
            known = dict.fromkeys(_KEPT, "")
            for update in self._reader.updates(ref):
                fields = wire.mapping(update.get("fields"))
                for name, native in _KEPT.items():
                    known[name] = wire.text(wire.mapping(fields.get(native)).get("newValue")) or known.get(name, "")
                at = _event_time(update)
                if at <= since:
                    continue
                authors = wire.people_ids(update.get("revisedBy"))
                yield NativeEvent(
                    id=f"{ref}.{wire.number(update.get('id'))}",
                    ref=ref,
                    author=authors[0] if authors else None,
                    at=at,
                    payload={"fields": fields, "relations": update.get("relations"), **known},
                )

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """See `Adapter`."""
        return self._connection.transport.pause(Call(method=kind, path="", write=True), count)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`: what is left is known from answers alone."""

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

    def _find_comment(self, op: NativeOp) -> NativeRef | None:
        """The oldest comment of ours with this text, of those that nobody knew when it was sent.

        Of two with the same text whose answers were lost, each is found once.
        """
        ours = self._account or _names(self._me())
        wanted = codec_text.read(wire.text(op.payload.get("text")))
        after = wire.number(op.payload.get("after"))
        for comment in self._reader.comments(_ref(op)):
            if (
                wire.comment_number(comment.ref) > after
                and self._told.get(comment.ref, str(op.marker)) == str(op.marker)
                and codec_text.is_ours(comment.payload.get("createdBy"), ours)
                and codec_text.read_comment(comment.payload, ours=False) == wanted
            ):
                self._told[comment.ref] = str(op.marker)
                return comment.ref
        return None


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> AzureDevOpsAdapter:
    """An adapter for one project; `select` is a WIQL condition of one's own, for example `[System.Tags] CONTAINS 'sync'`."""
    if select is not None:
        select = select.strip()
        if not select or not is_closed(select):
            raise ConfigError([f"select for {replica} is no WIQL condition: {select!r}; quotes and brackets must pair"])
    connection = Connection(settings, Traffic(), pace=pace, sleep=sleep, now=now)
    return AzureDevOpsAdapter(connection, replica=replica, select=select)


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


def _event_time(update: JsonObject) -> datetime:
    """When a revision was made; `revisedDate` is when it was replaced, unless links alone changed."""
    changed = wire.mapping(wire.mapping(update.get("fields")).get("System.ChangedDate")).get("newValue")
    return wire.moment(changed or update.get("revisedDate"))
