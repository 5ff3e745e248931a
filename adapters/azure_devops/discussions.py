"""Every comment of a project from one feed, so that a first look needs no request per work item."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from adapters.azure_devops import client, wire
from adapters.azure_devops.client import Connection
from adapters.azure_devops.reading import Reader, native_comment
from sync.core.errors import Rejected, Unsupported
from sync.core.models import JsonObject, NativeTicket

_PAGE = 1_000


@dataclass(slots=True, kw_only=True)
class Discussions:
    """Comments by work item and number, as the feed's newest entry about each tells them.

    The feed does not say in which format a text is, and its entries are described nowhere: a work item whose comments
    it tells not completely, or not as HTML, is asked for them directly.
    """

    known: dict[int, dict[int, JsonObject]] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection) -> Discussions:
        """The whole feed; empty on a server that has none."""
        found = cls()
        query: JsonObject = {"$maxPageSize": _PAGE}
        while True:
            try:
                batch = connection.call("GET", client.DISCUSSIONS, query=query)
            except (Rejected, Unsupported):
                return found
            for entry in wire.rows(batch.get("values")):
                found.take(entry)
            token = wire.text(batch.get("continuationToken"))
            if batch.get("isLastBatch") is not False or not token or token == query.get("continuationToken"):
                return found
            query = {"$maxPageSize": _PAGE, "continuationToken": token}

    def take(self, entry: JsonObject) -> None:
        """Take in what one revision did to one comment."""
        reference, fields = wire.mapping(entry.get("commentVersionRef")), wire.fields_of(entry)
        item, number = wire.number(entry.get("id")), wire.number(reference.get("commentId"))
        if not item or not number:
            return
        comments = self.known.setdefault(item, {})
        by, at = fields.get("System.ChangedBy"), fields.get("System.ChangedDate")
        comment = comments.setdefault(number, {"id": number, "workItemId": item, "version": 0})
        version = wire.number(reference.get("version"))
        if version == 1:
            comment |= {"createdBy": _identity(by), "createdDate": at}
        if version > comment["version"]:
            text = reference.get("text", fields.get("System.History"))
            comment |= {"version": version, "text": text, "modifiedDate": at, "format": "html"}
            comment["isDeleted"] = reference.get("isDeleted") is True

    def complete(self, ticket: NativeTicket, reader: Reader) -> NativeTicket:
        """The ticket with all its comments."""
        known = self.known.get(ticket.number, {})
        told = [native_comment(ticket.ref, comment) for _, comment in sorted(known.items()) if _is_whole(comment)]
        alive = tuple(comment for comment in told if comment is not None)
        if len(alive) == ticket.comment_count and len(told) == len(known):
            return replace(ticket, comments=alive)
        return reader.with_comments(ticket)


def _identity(by: object) -> object:
    if not isinstance(by, str):
        return by
    ids = wire.people_ids(by)
    return {"displayName": wire.person_name(by), "uniqueName": ids[0] if ids else ""}


def _is_whole(comment: JsonObject) -> bool:
    if comment.get("isDeleted") is True:
        return True
    return wire.text(comment.get("text")).lstrip().startswith("<") and "createdBy" in comment
