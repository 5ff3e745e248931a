"""The reporting feeds: revisions, discussions and links, each behind a watermark."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.azure_devops.simulator.describing import iso
from adapters.azure_devops.simulator.errors import JsonObject, bad_argument
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.state import Item, Organisation, Revision

MAX_PAGE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What of the revisions a caller asks for."""

    fields: Sequence[str] | None = None
    types: Sequence[str] | None = None
    latest_only: bool = False
    include_deleted: bool = False
    identity_refs: bool = False
    long_text: bool = False
    discussions_only: bool = False
    project: str | None = None  # the name of the one that the path names


class Reporting:
    """Reads the organisation's logs."""

    def __init__(self, organisation: Organisation, render: Renderer) -> None:
        self.organisation = organisation
        self.render = render

    def start(self, token: str | None, since: str | None, log: Sequence[Any]) -> int:
        """The place in a log (entries begin with or have a time) that a continuation token or a time means."""
        if token and since:
            raise bad_argument("startDateTime cannot be used together with a continuationToken.")
        if token:
            watermark = token.partition(";")[0]
            if not watermark.isdigit():
                raise bad_argument(f"The continuation token '{token}' is not valid.")
            return int(watermark)
        if since:
            moment = _moment(since)
            return bisect.bisect_left(log, moment, key=lambda e: e[0] if isinstance(e, tuple) else e.when)
        return 0

    def revisions(self, start: int, size: int, chosen: Filter, path: str) -> JsonObject:
        """One batch of revisions from the place `start` on."""
        log, values, at = self.organisation.log, list[JsonObject](), start
        token = f"{start};0;0"
        for place, item, revision in self._entries(start, chosen):
            at = place
            values.append(self._entry(item, revision, chosen))
            if len(values) >= size:
                break
        else:
            at = max(start, len(log))
        if log and at:
            _, number, rev = log[min(at, len(log)) - 1]
            token = f"{at};{number};{rev}"
        return self._batch(values, token, at >= len(log), path)

    def _entries(self, start: int, chosen: Filter) -> Iterator[tuple[int, Item, Revision]]:
        types = {name.lower() for name in chosen.types} if chosen.types else None
        log = self.organisation.log
        for at in range(start, len(log)):
            _, number, rev = log[at]
            item = self.organisation.items.get(number)
            if item is None or (item.deleted is not None and not chosen.include_deleted):
                continue
            if chosen.latest_only and rev != item.rev:
                continue
            revision = item.revisions[rev - 1]
            if not self._within(item, revision, chosen.project):
                continue
            if types is not None and item.type.name.lower() not in types:
                continue
            if chosen.discussions_only and revision.comment is None:
                continue
            yield at + 1, item, revision

    def _within(self, item: Item, revision: Revision, project: str | None) -> bool:
        """Whether a project's feed tells the revision: also the one by which it left, unless the rules say otherwise."""
        if project is None or revision.fields["System.TeamProject"] == project:
            return True
        if self.organisation.rules.moved_leave_feed or revision.rev == 1:
            return False
        return bool(item.revisions[revision.rev - 2].fields["System.TeamProject"] == project)

    def _entry(self, item: Item, revision: Revision, chosen: Filter) -> JsonObject:
        fields = self.render.reporting_fields(
            item,
            revision,
            wanted=chosen.fields,
            long_text=chosen.long_text,
            identity_refs=chosen.identity_refs,
        )
        entry: JsonObject = {"id": item.id, "rev": revision.rev, "fields": fields}
        if revision.comment is not None:
            reference = self.render.comment_reference(item, revision.comment, text=chosen.discussions_only)
            entry["commentVersionRef"] = reference
        return entry

    def links(self, start: int, size: int, types: Sequence[str] | None, path: str) -> JsonObject:
        """One batch of link changes from the place `start` on."""
        log = self.organisation.link_log
        wanted = {name.lower() for name in types} if types else None
        values: list[JsonObject] = []
        at = start
        for at in range(start, len(log)):
            if len(values) >= size:
                break
            event = log[at]
            if wanted is not None and event.rel.lower() not in wanted:
                continue
            values.append(
                {
                    "rel": event.rel,
                    "sourceId": event.source,
                    "targetId": event.target,
                    "changedDate": iso(event.when),
                    "isActive": event.active,
                    "changedBy": str(event.by),
                    "changedOperation": "create" if event.active else "remove",
                    "sourceProjectId": self._project_id(event.source),
                    "targetProjectId": self._project_id(event.target),
                }
            )
        else:
            at = max(start, len(log))
        return self._batch(values, str(at), at >= len(log), path)

    def _project_id(self, number: int) -> str:
        item = self.organisation.items.get(number)
        return self.organisation.project_of(item).id if item else self.organisation.project_id

    def _batch(self, values: list[JsonObject], token: str, last: bool, path: str) -> JsonObject:
        next_link = f"{self.render.scope}/_apis/wit/reporting/{path}?continuationToken={token}"
        return {"values": values, "nextLink": next_link, "continuationToken": token, "isLastBatch": last}


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_argument(f"The value '{text}' is not a valid date.") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
