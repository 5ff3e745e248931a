"""The GitHub adapter: reads feeds and tickets, sends one request for each write, decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from adapters._http import Pace
from adapters.github import history, wire
from adapters.github.client import Answer, Client
from adapters.github.errors import NotThere
from adapters.github.feeds import Puller
from adapters.github.selection import Selection
from adapters.github.settings import Settings
from adapters.github.writes import request_for, silently_dropped
from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.errors import Forbidden, InvariantBroken, Malformed, Moved, Rejected, Uncertain
from sync.core.ids import Cursor, NativeRef, ReplicaName
from sync.core.models import Field, Gone, JsonObject, NativeAttachment, NativeComment, NativeEvent, NativeTicket
from sync.core.ports import Adapter, ClockReading, NativeOp, OpKind, Page, Receipt, Traffic

TITLE_LIMIT = 256
BODY_LIMIT = 65_536
MAX_ASSIGNEES = 10
#: What a repository carries.
FIELDS = frozenset(
    {
        Field.TITLE,
        Field.BODY,
        Field.KIND,
        Field.TYPE,
        Field.STATUS,
        Field.REASON,
        Field.PRIORITY,
        Field.LABELS,
        Field.ASSIGNEES,
        Field.PARENT,
    }
)
#: Numbers beyond the newest listed one that `find` tries: a list may lag behind a create.
UNLISTED = 3
#: From so many tickets on, the repository's events are asked for their history before their timelines.
SEVERAL = 4


class GitHubAdapter:
    """One repository; see `sync.core.ports.Adapter`."""

    def __init__(self, settings: Settings, client: Client, selection: Selection, traffic: Traffic) -> None:
        self.traffic = traffic
        self._settings = settings
        self._client = client
        self._selection = selection
        self._repository_id: int | None = None
        self._parents = True
        self._account = settings.auth.user

    # -- who and what ----------------------------------------------------------------------------------------

    def probe(self) -> Capabilities:
        """See `Adapter`."""
        account = self._who()
        answer = self._repository()
        repository: JsonObject = answer.body
        types = self._types()
        enterprise = answer.headers.get("x-github-enterprise-version")
        self._parents = enterprise is None or self._has_sub_issues()
        notes, can_write = self._rights(repository)
        return Capabilities(
            server=f"GitHub Enterprise Server {enterprise}" if enterprise else "github.com",
            account=account,
            fields=FIELDS - (frozenset() if self._parents else {Field.PARENT}),
            facts=ProjectFacts(
                types=tuple(f"type:{name}" for name in types),
                extra={"account": account, "sub_issues": self._parents, "repository": self._repository_id},
            ),
            max_assignees=MAX_ASSIGNEES,
            title_limit=TITLE_LIMIT,
            body_limit=BODY_LIMIT,
            history=True,
            can_write=can_write,
            feeds=2,
            notes=notes,
        )

    def resume(self, known: Capabilities) -> None:
        """See `Adapter`."""
        extra = known.facts.extra
        self._account = self._account or known.account
        self._parents = bool(extra.get("sub_issues", True))
        repository = extra.get("repository")
        self._repository_id = repository if isinstance(repository, int) else None

    def _who(self) -> str:
        if self._account:
            return self._account
        what = "asking who the token belongs to"
        try:
            user = self._client.get("/user", what=what).body
        except Forbidden as error:  # an App's token may not ask
            raise Rejected(f"{error}; write the App's login (name[bot]) into auth.user of this tracker") from None
        self._account = wire.name_of(user, "login")
        if self._account is None:
            raise Malformed(f"github: {what}: the answer has no login")
        return self._account

    def _repository(self) -> Answer:
        project = self._settings.project
        try:
            answer = self._client.get("", what=f"reading the repository {project}")
        except Moved as moved:
            raise self._renamed(moved) from None
        except Rejected as error:
            mend = "check project, and that the token may read the repository"
            raise Rejected(f"github: there is no repository {project} for this token ({error}); {mend}") from None
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("id"), int):
            raise Malformed(f"github: reading the repository {project}: the answer is no repository")
        self._repository_id = answer.body["id"]
        return answer

    def _renamed(self, moved: Moved) -> Moved:
        """The error for a repository that lives under another name now, which it is asked for."""
        project = self._settings.project
        path = "/" + moved.location.partition("://")[2].partition("/")[2] if "://" in moved.location else moved.location
        stem = "/".join(path.removeprefix(self._prefix()).split("/")[:3])
        name = None
        if stem.startswith("/repositories/"):
            found = self._client.get(stem, what="asking for the repository's new name").body
            name = found.get("full_name") if isinstance(found, dict) else None
        where = f"was renamed to {name}: write that" if name else "has moved: write its new name"
        return Moved(f"github: the repository {project} {where} into project of this tracker", location=moved.location)

    def _prefix(self) -> str:
        rest = self._settings.url.partition("://")[2].partition("/")[2]
        return f"/{rest}" if rest else ""

    def _types(self) -> list[str]:
        """An organization's issue types; none where the owner is a user or the server too old."""
        try:
            rows = self._client.get("issue-types", what="reading the issue types").body
        except (Rejected, Forbidden):
            return []
        enabled = (
            [row for row in rows if isinstance(row, dict) and row.get("is_enabled", True)]
            if isinstance(rows, list)
            else []
        )
        return wire.names_of(enabled)

    def _has_sub_issues(self) -> bool:
        query = {"state": "all", "per_page": "1"}
        rows = self._client.get("issues", query, what="reading one issue").body
        return isinstance(rows, list) and any("sub_issues_summary" in row for row in rows if isinstance(row, dict))

    def _rights(self, repository: JsonObject) -> tuple[tuple[str, ...], bool]:
        if repository.get("has_issues") is False:
            raise Rejected(f"github: issues are turned off in {self._settings.project}; turn them on in its settings")
        notes: list[str] = []
        permissions = repository.get("permissions")
        if isinstance(permissions, dict) and not permissions.get("push"):
            notes.append(
                "no push access: GitHub would drop labels, assignees and types in silence, so nothing is written"
            )
        if repository.get("archived"):
            notes.append("the repository is archived and can't be written")
        return tuple(notes), not notes

    # -- reading ---------------------------------------------------------------------------------------------

    def pull(self, since: Cursor | None) -> Iterator[Page]:
        """See `Adapter`."""
        yield from Puller(self._client, self._selection, parents=self._parents).pull(since)

    def fetch(self, refs: Sequence[NativeRef], *, comments: bool = True) -> Iterator[NativeTicket | Gone]:
        """See `Adapter`: one request a ticket, and one more for its comments; GitHub has no batch."""
        for ref in refs:
            yield self._fetch(ref, comments=comments)

    def _fetch(self, ref: NativeRef, *, comments: bool) -> NativeTicket | Gone:
        what = f"reading #{ref}"
        try:
            row = self._client.get(f"issues/{ref}", what=what).body
        except Moved as moved:
            if self._repository_id is None or f"/repositories/{self._repository_id}/" in moved.location:
                raise self._renamed(moved) from None
            return Gone(ref=ref, reason=f"transferred to {moved.location}")
        except NotThere as error:
            self._repository()  # a repository that is hidden from us would answer so for every ticket
            return Gone(ref=ref, reason=str(error))
        native = wire.ticket(row, fetched_at=self._client.now())
        if wire.is_pull(row):
            return Gone(ref=ref, reason="a pull request")
        if native.comments is not None or not comments:
            return native
        whole = tuple(self._comments_of(ref))
        return replace(native, comments=whole, comment_count=len(whole))

    def _comments_of(self, ref: NativeRef) -> Iterator[NativeComment]:
        for row in self._all(f"issues/{ref}/comments", what=f"reading the comments of #{ref}"):
            if (native := wire.comment(row)) is not None:
                yield native

    def _all(self, path: str, *, what: str) -> Iterator[JsonObject]:
        """Every row of a list, page by page."""
        link: str | None = path
        query: dict[str, str] | None = {"per_page": "100"}
        while link is not None:
            answer = self._client.get(link, query, what=what)
            if not isinstance(answer.body, list) or not all(isinstance(row, dict) for row in answer.body):
                raise Malformed(f"github: {what}: the answer is no list")
            yield from answer.body
            link, query = answer.links.get("next"), None

    def find(self, op: NativeOp, *, fence: int) -> NativeRef | None:
        """See `Adapter`: the newest of the list, then each number above the fence that the list did not show."""
        if op.marker is None:
            return None
        wanted = f"<!-- {op.marker} -->"
        if op.kind is OpKind.COMMENT_CREATE and op.ref is not None:
            ours = (native for native in self._comments_of(op.ref) if self._is_ours(native.payload, wanted))
            return next((native.ref for native in ours), None)
        found: dict[int, bool] = {}
        for row in self._newest():
            number = row.get("number")
            if not isinstance(number, int) or number <= fence:
                break
            found[number] = self._is_ours(row, wanted)
        newest = max([fence, *found])
        for number in range(fence + 1, newest + UNLISTED + 1):
            if number not in found:
                found[number] = self._is_ours(self._directly(number), wanted)
        return next((NativeRef(str(number)) for number in sorted(found) if found[number]), None)

    def _newest(self) -> Iterator[JsonObject]:
        query = "issues?state=all&sort=created&direction=desc"
        return self._all(query, what="looking for a lost create")

    def _directly(self, number: int) -> JsonObject:
        try:
            row = self._client.get(f"issues/{number}", what=f"looking at #{number}").body
        except Rejected:
            return {}
        return row if isinstance(row, dict) else {}

    def _is_ours(self, row: JsonObject, wanted: str) -> bool:
        """A copy of the text that somebody else made does not count."""
        author = (wire.name_of(row.get("user"), "login") or "").casefold()
        return wanted in wire.text_of(row, "body") and author == self._who().casefold()

    def download(self, attachment: NativeAttachment, take: Callable[[bytes], object], *, limit: int) -> None:  # noqa: ARG002
        """See `Adapter`."""
        raise Rejected(f"{attachment.name}: no files are read here")

    def history(self, refs: Sequence[NativeRef], since: datetime) -> Iterator[NativeEvent]:
        """See `Adapter`: from the repository's events where they tell what was before them, else from the whole timeline."""
        lately = self._lately(since, pages=len(refs) // 2) if len(refs) >= SEVERAL else None
        for ref in refs:
            news = None if lately is None else lately.get(str(ref), [])
            if news == []:
                continue
            start = history.rewound(news[-1]["issue"], news) if news else None
            if news and start is not None:
                yield from (event for event in history.replay(ref, news, start) if event.at > since)
                continue
            try:
                entries = list(self._all(f"issues/{ref}/timeline", what=f"reading the timeline of #{ref}"))
            except Rejected:
                continue
            yield from (event for event in history.replay(ref, entries) if event.at > since)

    def _lately(self, since: datetime, *, pages: int) -> dict[str, list[JsonObject]] | None:
        """The repository's events from `since` on by issue, oldest first; None where they fill more pages than that."""
        found: dict[str, list[JsonObject]] = {}
        for place, event in enumerate(self._all("issues/events", what="listing the events"), 1):
            at = wire.moment(event.get("created_at"))
            if at is not None and at < since:
                return found
            if place > 100 * pages:
                return None
            if isinstance(issue := event.get("issue"), dict):
                found.setdefault(str(issue.get("number")), []).insert(0, event)
        return found

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, op: NativeOp, content: Path | None = None) -> Receipt:  # noqa: ARG002
        """See `Adapter`."""
        request = request_for(op)
        what = op.summary
        try:
            answer = self._client.send(request.method, request.path, what=what, body=request.body)
        except Moved as moved:
            raise self._renamed(moved) from None
        except NotThere:
            if request.gone_is_done:
                self._repository()  # a repository that is hidden from us would answer so for everything
                return Receipt(ref=_ref(op), at=self._client.now(), comment_ref=op.comment)
            raise
        dropped = silently_dropped(op, answer.body)
        if dropped is not None and op.kind is OpKind.UPDATE:
            raise Rejected(f"github: {what}: {dropped.message}", [dropped])
        try:
            return self._receipt(op, answer)
        except Malformed as error:
            raise Uncertain(f"github: {what}: done, but the answer can't be read: {error}") from None

    def _receipt(self, op: NativeOp, answer: Answer) -> Receipt:
        body = answer.body
        if op.kind in (OpKind.COMMENT_CREATE, OpKind.COMMENT_UPDATE):
            if (comment := wire.comment(body)) is None:
                raise Malformed("a comment on a pull request")
            return Receipt(ref=_ref(op), at=answer.at, comment=comment, comment_ref=comment.ref)
        if op.action in ("issue.create", "issue.edit", "assignees.add", "assignees.remove"):
            native = wire.ticket(body, fetched_at=answer.at)
            return Receipt(ref=native.ref, at=answer.at, ticket=native)
        return Receipt(ref=_ref(op), at=answer.at, comment_ref=op.comment)

    def clock(self) -> ClockReading:
        """See `Adapter`."""
        return self._client.transport.clock()

    def close(self) -> None:
        """See `Adapter`."""
        self._client.close()


def _ref(op: NativeOp) -> NativeRef:
    if op.ref is None:
        raise InvariantBroken(f"github: {op.action} of no ticket")
    return op.ref


def open_adapter(
    settings: Settings,
    *,
    replica: ReplicaName,
    select: str | None = None,
    pace: Pace | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Adapter:
    """An adapter that has sent nothing yet; raises `ConfigError` for a `select` that can't be understood."""
    traffic = Traffic()
    selection = Selection.parse(select)
    return GitHubAdapter(settings, Client(settings, traffic, name=replica, pace=pace, sleep=sleep), selection, traffic)
