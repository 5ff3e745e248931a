"""Jira, Cloud and Data Center: executes requests and decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from adapters._http import Pace, parse_http_date
from adapters.jira.client import JiraClient, missing
from adapters.jira.flow import Flow
from adapters.jira.native import key_number, read_comment, read_events
from adapters.jira.probing import probe
from adapters.jira.pulling import BATCH, Reader
from adapters.jira.settings import Settings
from adapters.jira.wire import PROPERTY, as_list, as_object, at, marker_in, person_ids, quote, text_at
from sync.core.capabilities import Capabilities
from sync.core.errors import ConfigError, Malformed, Rejected, TrackerError, Uncertain
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Field, Gone, JsonObject, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import ClockReading, NativeOp, OpKind, Page, Receipt, Traffic

#: How many keys without an issue end the search for a lost create on Data Center (deleted and moved ones leave gaps).
_GAP: Final = 10
_CHANGELOG_BATCH: Final = 1000
_COMMENT_BATCH: Final = 1000


class JiraAdapter:
    """See `sync.core.ports.Adapter`."""

    def __init__(self, client: JiraClient, settings: Settings, *, select: str | None) -> None:
        self._client = client
        self._project = settings.project
        self._reader = Reader(
            client=client,
            project=settings.project,
            select=select,
            overlap=timedelta(minutes=settings.overlap_minutes),
            now=lambda: datetime.now(UTC),
            flow=Flow(client=client),
        )
        self._account = ""
        self._probed = False

    @property
    def traffic(self) -> Traffic:
        """See `Adapter`."""
        return self._client.traffic

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        found = probe(self._client, self._project)
        self._take(found)
        return found

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        self._client.resume(cloud=known.facts.extra.get("deployment") == "cloud")
        self._take(known)

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        self._know()
        return self._reader.pages(since)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`. A missing ticket is believed only while Jira still knows who we are."""
        self._know()
        size = BATCH if self._client.cloud else 1
        read = self._reader.page if self._client.cloud else self._reader.one
        sure = False
        malformed: list[str] = []
        for start in range(0, len(refs), size):
            batch = list(refs[start : start + size])
            page = read(batch, comments=comments)
            if page.gone and not sure:
                self._client.myself()
                sure = True
            yield from page.tickets
            yield from page.gone
            malformed += [f"{place}: {wrong}" for place, wrong in page.malformed]
        if malformed:
            raise Malformed(f"{self._client.tracker}: {'; '.join(malformed)}")

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`."""
        self._know()
        if op.kind is OpKind.COMMENT_CREATE:
            return self._find_comment(op)
        return self._find_on_cloud(op, fence) if self._client.cloud else self._find_on_server(op, fence)

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:  # noqa: ARG002
        """See `Adapter`."""
        self._know()
        payload = op.payload
        method, path = str(payload["method"]), str(payload["path"])
        body = self._with_key(payload)
        try:
            response, answer = self._client.send(method, path, params=as_object(payload.get("params")), body=body)
        except Rejected as error:
            self._reader.flow.forget(text_at(body, "transition", "id"))
            raise self._named(error) from None
        moment = parse_http_date(response.headers.get("Date")) or datetime.now(UTC)
        if op.kind is OpKind.CREATE:
            return self._created(op, answer, moment)
        if op.ref is None:
            raise Rejected(f"{self._client.tracker}: {op.summary}: the operation names no ticket")
        if op.kind in (OpKind.COMMENT_CREATE, OpKind.COMMENT_UPDATE):
            comment = read_comment(answer, op.ref)
            if comment is None:
                raise Uncertain(f"{self._client.tracker}: {op.summary}: the answer has no comment")
            return Receipt(ref=op.ref, at=moment, comment=comment, comment_ref=comment.ref)
        if op.kind is OpKind.COMMENT_DELETE:
            return Receipt(ref=op.ref, at=moment, comment_ref=op.comment)
        ticket = self._returned(answer)
        return Receipt(ref=op.ref, at=moment, ticket=ticket)

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:  # noqa: ARG002
        """See `Adapter`."""
        raise Rejected(f"{attachment.name}: no files are read here")

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`."""
        self._know()
        if not self._client.cloud:
            for ref in refs:
                yield from self._history_of(ref, since)
            return
        for start in range(0, len(refs), _CHANGELOG_BATCH):
            yield from self._bulk_history(refs[start : start + _CHANGELOG_BATCH], since)

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self._client.transport.clock()

    def close(self) -> None:
        """See `Adapter`."""
        self._client.close()

    # -- within --------------------------------------------------------------------------------------

    def _take(self, known: Capabilities) -> None:
        extra = known.facts.extra
        self._account = known.account
        self._probed = True
        self._reader.project = str(extra.get("project") or self._project)
        self._reader.project_id = str(extra.get("project_id") or "")
        self._reader.epic_link = str(extra.get("epic_link") or "")
        self._reader.flow.words = as_object(extra.get("status_words"))

    def _know(self) -> None:
        """Data Center needs the id of the epic link's field before anything can be read."""
        if not self._probed and not self._client.cloud:
            self.probe()

    def _with_key(self, payload: JsonObject) -> Any:
        """The body; an epic link, which takes keys, gets the key of the id that the codec knows."""
        body = payload.get("body")
        named = as_list(payload.get("key_of"))
        if len(named) != 2 or named[1] is None or not isinstance(body, dict):
            return body
        key = self._reader.keys.get(str(named[1])) or text_at(
            self._client.get(f"issue/{named[1]}", {"fields": "updated"}), "key"
        )
        return {**body, "fields": {**as_object(body.get("fields")), str(named[0]): key}}

    def _named(self, error: Rejected) -> Rejected:
        """The refusal with the epic link's field, whose id differs from site to site, known as the parent."""
        link = self._reader.epic_link
        problems = [
            replace(each, field=Field.PARENT) if link and each.message.startswith(link) else each
            for each in error.problems
        ]
        return Rejected(str(error), problems)

    def _created(self, op: NativeOp, answer: Any, moment: datetime) -> Receipt:
        ref = text_at(answer, "id")
        if not ref:
            raise Uncertain(f"{self._client.tracker}: {op.summary}: the answer has no id: {answer!r:.200}")
        self._reader.keys[ref] = text_at(answer, "key")
        return Receipt(ref=NativeRef(ref), at=moment)

    def _returned(self, answer: Any) -> NativeTicket | None:
        """The ticket of an edit's answer; None where it is empty or not usable (it will be read).

        Making sense of it may ask for a screen; the edit is done, whatever becomes of that.
        """
        if not isinstance(answer, dict):
            return None
        try:
            tickets = self._reader.read([answer], comments=False).tickets
        except TrackerError:
            return None
        return tickets[0] if tickets else None

    def _find_on_cloud(self, op: NativeOp, fence: int) -> NativeRef | None:
        first = fence + 1
        while True:
            keys = [f"{self._reader.project}-{number}" for number in range(first, first + BATCH)]
            answer = self._client.post(
                "issue/bulkfetch", {"issueIdsOrKeys": keys, "fields": ["creator"], "properties": [PROPERTY]}
            )
            issues = as_list(answer.get("issues"))
            for issue in issues:
                if self._is_ours(issue, op):
                    return NativeRef(text_at(issue, "id"))
            if not issues:
                self._client.myself()
                return None
            first += BATCH

    def _find_on_server(self, op: NativeOp, fence: int) -> NativeRef | None:
        """Key after key: Data Center has no batch that gives properties. Search only says how far to go at least."""
        jql = f"project = {quote(self._reader.project)} ORDER BY key DESC"
        listed = self._client.post("search", {"jql": jql, "fields": ["updated"], "startAt": 0, "maxResults": 1})
        newest = max((key_number(text_at(issue, "key")) for issue in as_list(listed.get("issues"))), default=0)
        number, absent = fence, 0
        while absent < _GAP or number < newest:
            number += 1
            try:
                params = {"fields": "creator", "properties": PROPERTY}
                issue = self._client.get(f"issue/{self._reader.project}-{number}", params)
            except Rejected as error:
                if not missing(error):
                    raise
                absent += 1
                continue
            absent = 0
            if self._is_ours(issue, op):
                return NativeRef(text_at(issue, "id"))
        self._client.myself()
        return None

    def _is_ours(self, issue: Any, op: NativeOp) -> bool:
        """Whether the issue carries the marker and was created by our account: a copy was made by somebody else."""
        creator = at(issue, "fields", "creator")
        return (
            bool(op.marker) and marker_in(at(issue, "properties")) == op.marker and self._who() in person_ids(creator)
        )

    def _find_comment(self, op: NativeOp) -> NativeRef | None:
        """Among the comments that our account wrote on the ticket; the marker stands in a property of the comment."""
        account = self._who()
        mine = [
            text_at(comment, "id")
            for comment in self._reader.comments(str(op.ref))
            if account in person_ids(at(comment, "author"))
        ]
        found: list[Any] = []
        if self._client.cloud:
            for start in range(0, len(mine), _COMMENT_BATCH):
                ids = {"ids": [int(ref) for ref in mine[start : start + _COMMENT_BATCH] if ref.isdecimal()]}
                found += as_list(self._client.post("comment/list", ids, {"expand": "properties"}).get("values"))
            return next(
                (NativeRef(text_at(c, "id")) for c in found if marker_in(at(c, "properties")) == op.marker), None
            )
        for ref in reversed(mine):
            try:
                value = at(self._client.get(f"comment/{ref}/properties/{PROPERTY}"), "value", "marker")
            except Rejected:
                continue  # a comment of ours without the property
            if value == op.marker:
                return NativeRef(ref)
        return None

    def _who(self) -> str:
        if not self._account:
            me = self._client.myself()
            self._account = text_at(me, "accountId") or text_at(me, "name")
        return self._account

    def _history_of(self, ref: NativeRef, since: datetime) -> list[NativeEvent]:
        try:
            issue = self._client.get(f"issue/{ref}", {"fields": "updated", "expand": "changelog"})
        except Rejected as error:
            if missing(error):
                return []
            raise
        return read_events(at(issue, "changelog", "histories"), ref, since)

    def _bulk_history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        body: JsonObject = {"issueIdsOrKeys": list(refs), "maxResults": _CHANGELOG_BATCH}
        while True:
            page = self._client.post("changelog/bulkfetch", body)
            for log in as_list(page.get("issueChangeLogs")):
                yield from read_events(at(log, "changeHistories"), NativeRef(text_at(log, "issueId")), since)
            token = text_at(page, "nextPageToken")
            if not token:
                return
            if token == body.get("nextPageToken"):
                raise Malformed(f"{self._client.tracker}: the history does not go on")
            body = {**body, "nextPageToken": token}


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> JiraAdapter:
    """An adapter that has not asked anything yet; `select` is a condition in JQL. Raises `ConfigError` for one with an order."""
    if select is not None and "order by" in select.casefold():
        raise ConfigError([f"select: {select!r} must be a condition only: leave out ORDER BY"])
    client = JiraClient(settings, tracker=str(replica), pace=pace, sleep=sleep)
    return JiraAdapter(client, settings, select=select)
