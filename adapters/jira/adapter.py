"""Jira, Cloud and Data Center: executes requests and decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote as quote_path

from adapters._headers import parse_http_date
from adapters._pace import Call, Pace
from adapters._select import is_closed
from adapters.jira.changelog import HISTORY_BATCH, bulk_history, history_of
from adapters.jira.client import JiraClient, missing
from adapters.jira.codec_files import attachments_in
from adapters.jira.flow import Flow
from adapters.jira.multipart import form_of
from adapters.jira.native import key_number, read_comment
from adapters.jira.probing import probe
from adapters.jira.probing_fields import read_plans
from adapters.jira.pulling import BATCH, Reader
from adapters.jira.settings import Settings
from adapters.jira.wire import PROPERTY, as_list, as_object, at, marker_in, person_ids, quote, text_at
from sync.core.capabilities import Capabilities, Visibility
from sync.core.errors import ConfigError, Malformed, Rejected, TrackerError, Uncertain
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Field, FieldProblem, Gone, JsonObject, NativeAttachment, NativeEvent, NativeTicket
from sync.core.ports import ClockReading, NativeOp, OpKind, Page, Pause, Receipt, Traffic

#: How many keys without an issue end the search for a lost create on Data Center (deleted and moved ones leave gaps).
_GAP: Final = 10
_COMMENT_BATCH: Final = 1000


class JiraAdapter:
    """See `sync.core.ports.Adapter`."""

    def __init__(self, client: JiraClient, settings: Settings, *, select: str | None) -> None:
        self._client = client
        self._project = settings.project
        self._public_comments = settings.public_comments
        self._sprints: dict[str, int] = {}
        self._reader = Reader(
            client=client,
            project=settings.project,
            select=select,
            overlap=timedelta(minutes=settings.overlap_minutes),
            now=lambda: datetime.now(UTC),
            flow=Flow(client=client),
            restricted=settings.restricted_issues,
        )
        self._account = ""
        self._probed = False

    @property
    def traffic(self) -> Traffic:
        """See `Adapter`."""
        return self._client.traffic

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        found = probe(self._client, self._project, public_comments=self._public_comments)
        self._take(found)
        return found

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        self._client.resume(cloud=known.facts.extra.get("deployment") == "cloud")
        self._take(known)

    def visibility(self) -> Visibility:
        """See `Adapter`. Jira tells who may browse a project to its administrators only; whether a stranger may can be tried."""
        self._know()
        return (
            Visibility.PUBLIC if self._client.is_shown_to_strangers(f"project/{self._project}") else Visibility.PRIVATE
        )

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        self._know()
        return self._reader.pages(since)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`. A missing ticket is believed only while Jira knows who we are and shows us the project.

        An issue that some people only may read is left out, neither read nor gone, unless the config lets them cross.
        """
        self._know()
        size = BATCH if self._client.cloud else 1
        read = self._reader.page if self._client.cloud else self._reader.one
        sure = False
        malformed: list[str] = []
        for start in range(0, len(refs), size):
            batch = list(refs[start : start + size])
            page = read(batch, comments=comments)
            if page.gone and not sure:
                self._reader.make_sure()
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

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:
        """See `Adapter`. Making a name that is there, and removing a ticket, a link or a file that is gone, is done already."""
        self._know()
        if op.kind is OpKind.ATTACHMENT_CREATE:
            return self._attach(op, content)
        payload = self._request_of(op)
        body = self._completed(payload)
        try:
            response, answer = self._client.send(
                str(payload["method"]), str(payload["path"]), params=as_object(payload.get("params")), body=body
            )
        except Rejected as error:
            if _is_done_already(op, error):
                return Receipt(ref=op.ref or NativeRef(""), at=datetime.now(UTC))
            self._reader.flow.forget(text_at(body, "transition", "id"))
            raise self._named(error, op) from None
        return self._received(op, answer, parse_http_date(response.headers.get("Date")) or datetime.now(UTC))

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:
        """See `Adapter`. From the site's own address, whatever the payload says of it."""
        if not attachment.ref.isdecimal():
            raise Rejected(f"{self._client.tracker}: {attachment.name}: {attachment.ref!r} is no attachment's id")
        if self._client.cloud:
            path = f"attachment/content/{attachment.ref}?redirect=false"
        else:
            path = f"/secure/attachment/{attachment.ref}/{quote_path(attachment.name, safe='')}"
        self._client.download(path, take, limit=limit)

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`."""
        self._know()
        if not self._client.cloud:
            for ref in refs:
                yield from self._reader.with_ids(history_of(self._client, ref, since))
            return
        for start in range(0, len(refs), HISTORY_BATCH):
            batch = refs[start : start + HISTORY_BATCH]
            yield from self._reader.with_ids(bulk_history(self._client, batch, since))

    def pause(self, kind: OpKind, count: int = 1) -> Pause | None:
        """See `Adapter`."""
        return self._client.transport.pause(Call(method=kind, path="", write=True), count)

    def recall(self, sent: Sequence[tuple[OpKind, timedelta]]) -> None:
        """See `Adapter`: Jira's limits are shorter than a restart."""

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
        self._reader.more_fields = tuple(as_object(extra.get("fields")))
        self._reader.flow.words = as_object(extra.get("status_words"))

    def _know(self) -> None:
        """The ids of the fields that hold plans differ from site to site: without them nothing can be read."""
        if not self._probed:
            self.probe()

    def _request_of(self, op: NativeOp) -> JsonObject:
        if op.kind is OpKind.ATTACHMENT_DELETE:
            return {"method": "DELETE", "path": f"attachment/{op.payload['attachment']}"}
        return op.payload

    def _completed(self, payload: JsonObject) -> Any:
        """The body with what the codec could not know: the key of an epic, the number of a sprint that was just made."""
        body = payload.get("body")
        if not isinstance(body, dict):
            return body
        fields = dict(as_object(body.get("fields")))
        match as_list(payload.get("key_of")):
            case [str(field), str(ref)]:
                key = self._reader.keys.get(ref) or text_at(
                    self._client.get(f"issue/{ref}", {"fields": "updated"}), "key"
                )
                fields[field] = key
        match as_list(payload.get("number_of")):
            case [str(field), str(name)]:
                fields[field] = self._sprints.get(name) or self._sprint(name)
        return {**body, "fields": fields} if fields else body

    def _sprint(self, name: str) -> int:
        plans = read_plans(self._client, {"id": self._reader.project_id}, sprints=True)
        self._sprints |= as_object(plans[Field.SPRINT.value])
        number = self._sprints.get(name)
        if number is None:
            problem = FieldProblem(
                field=Field.SPRINT, message=f"There is no open sprint {name!r} on the project's boards.",
                mend="Make it in Jira.",
            )  # fmt: skip
            raise Rejected(f"{self._client.tracker}: {problem.message}", [problem])
        return number

    def _named(self, error: Rejected, op: NativeOp) -> Rejected:
        """The refusal with the fields' ids, which differ from site to site, known as the fields that they hold."""
        ids = {self._reader.epic_link: Field.PARENT} if self._reader.epic_link else {}
        ids |= {name: Field(told) for name, told in as_object(op.payload.get("named")).items()}
        only = next(iter(op.fields)) if len(op.fields) == 1 else None
        problems = []
        for each in error.problems:
            told = next((field for name, field in ids.items() if each.message.startswith(f"{name}:")), None)
            problems.append(replace(each, field=told or each.field or only))
        return Rejected(str(error), problems)

    def _received(self, op: NativeOp, answer: Any, moment: datetime) -> Receipt:
        if op.kind is OpKind.CREATE:
            return self._created(op, answer, moment)
        if op.ref is None:
            raise Rejected(f"{self._client.tracker}: {op.summary}: the operation names no ticket")
        if op.kind in (OpKind.COMMENT_CREATE, OpKind.COMMENT_UPDATE):
            files = {name: str(url) for name, url in as_object(op.payload.get("files")).items()}
            comment = read_comment(answer, op.ref, files)
            if comment is None:
                raise Uncertain(f"{self._client.tracker}: {op.summary}: the answer has no comment")
            return Receipt(ref=op.ref, at=moment, comment=comment, comment_ref=comment.ref)
        if op.kind is OpKind.COMMENT_DELETE:
            return Receipt(ref=op.ref, at=moment, comment_ref=op.comment)
        if op.action != "edit":
            if text_at(op.payload, "path").endswith("/sprint") and text_at(answer, "id").isdecimal():
                self._sprints[text_at(answer, "name")] = int(text_at(answer, "id"))
            return Receipt(ref=op.ref, at=moment)
        return Receipt(ref=op.ref, at=moment, ticket=self._returned(answer))

    def _attach(self, op: NativeOp, content: Path | None) -> Receipt:
        if op.ref is None or content is None:
            raise Rejected(f"{self._client.tracker}: {op.summary}: there is no ticket or no file to attach")
        name, media_type = text_at(op.payload, "name"), text_at(op.payload, "media_type")
        with form_of(content, name=name, media_type=media_type) as form:
            answer = self._client.upload(f"issue/{op.ref}/attachments", form)
        payload = {"fields": {"attachment": answer}}
        found = attachments_in(payload, op.ref)
        if not found:
            raise Uncertain(f"{self._client.tracker}: {op.summary}: the answer has no attachment")
        return Receipt(ref=op.ref, at=datetime.now(UTC), attachment=found[-1])

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


def _is_done_already(op: NativeOp, error: Rejected) -> bool:
    """Whether the refusal says that things are as they should be."""
    if op.action == "make":
        return any("already exists" in problem.message for problem in error.problems)
    return missing(error) and (op.action == "unlink" or op.kind in (OpKind.DELETE, OpKind.ATTACHMENT_DELETE))


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> JiraAdapter:
    """An adapter that has not asked anything yet; `select` is a condition in JQL. Raises `ConfigError` for one with an order."""
    if select is not None and "order by" in select.casefold():
        raise ConfigError([f"select: {select!r} must be a condition only: leave out ORDER BY"])
    if select is not None and not is_closed(select, escape="\\"):
        raise ConfigError([f"select: {select!r} is no condition in JQL: quotes and brackets must pair"])
    client = JiraClient(settings, tracker=str(replica), pace=pace, sleep=sleep, now=now)
    return JiraAdapter(client, settings, select=select)
