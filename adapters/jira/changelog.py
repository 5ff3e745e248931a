"""What Jira tells of changes: in bulk on Cloud, issue by issue on Data Center."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from adapters.jira.client import JiraClient, missing
from adapters.jira.native import read_events
from adapters.jira.wire import as_list, at, text_at
from sync.core.errors import Malformed, Rejected
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeEvent

#: How many issues, and changes, Cloud takes and gives at once.
HISTORY_BATCH: Final = 1000


def history_of(client: JiraClient, ref: NativeRef, since: datetime) -> list[NativeEvent]:
    """The changes of one issue; none of one that is not there."""
    try:
        issue = client.get(f"issue/{ref}", {"fields": "updated", "expand": "changelog"})
    except Rejected as error:
        if missing(error):
            return []
        raise
    return read_events(at(issue, "changelog", "histories"), ref, since)


def bulk_history(client: JiraClient, refs: Sequence[NativeRef], since: datetime) -> list[NativeEvent]:
    """The changes of many issues; Cloud only."""
    body: JsonObject = {"issueIdsOrKeys": list(refs), "maxResults": HISTORY_BATCH}
    found: list[NativeEvent] = []
    while True:
        page = client.post("changelog/bulkfetch", body)
        for log in as_list(page.get("issueChangeLogs")):
            found += read_events(at(log, "changeHistories"), NativeRef(text_at(log, "issueId")), since)
        token = text_at(page, "nextPageToken")
        if not token:
            return found
        if token == body.get("nextPageToken"):
            raise Malformed(f"{client.tracker}: the history does not go on")
        body = {**body, "nextPageToken": token}
