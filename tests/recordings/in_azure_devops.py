"""What Azure DevOps' recordings must mean to us."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from adapters.azure_devops import client as client_module
from adapters.azure_devops import errors, wire
from adapters.azure_devops.adapter import AzureDevOpsAdapter
from adapters.azure_devops.client import Connection
from adapters.azure_devops.codec import CODEC
from adapters.azure_devops.reading import Reader, native_comment
from adapters.azure_devops.settings import Settings
from sync.core.capabilities import ProjectFacts
from sync.core.errors import PreconditionFailed, Rejected, TrackerError
from sync.core.ids import NativeRef, ReplicaName
from sync.core.mapping import People, ProjectMapping
from sync.core.models import UNKNOWN, Field
from sync.core.ports import Traffic
from sync.shell.mappingfile import load
from sync.store import convert
from tests.recordings.material import Refusal, html_words, missing, nodes, plain_words
from tests.recordings.material import load as recorded
from tests.recordings.replay import PACE, answering, no_wait

LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)
DISCOVERY = "traffic/ado/az-cli/resource-discovery.json"
#: What the state categories of the four processes make of each state that stands in the recordings.
CATEGORIES = {
    "New": "Proposed", "To Do": "Proposed", "Approved": "Proposed", "Proposed": "Proposed", "Active": "InProgress",
    "Doing": "InProgress", "In Progress": "InProgress", "Committed": "InProgress", "Resolved": "Resolved",
    "Closed": "Completed", "Done": "Completed", "Removed": "Removed",
}  # fmt: skip
BUG = "Microsoft.VSTS.TCM.ReproSteps"


@cache
def mapping() -> ProjectMapping:
    """The shipped mapping, in a project where nobody is mapped."""
    facts = ProjectFacts(statuses=CATEGORIES, types=("User Story", "Bug", "Task"), extra={"url": "https://x.example"})
    return load("azure_devops", folder=Path()).bind(facts, People(replica=ReplicaName("azure"), native_ids={}))


@cache
def _meanings() -> dict[str, str]:
    text = (Path(__file__).parents[2] / "mappings" / "azure_devops.toml").read_text()
    status = tomllib.loads(text)["fields"]["status"]
    named = {word: meaning for meaning, words in status["values"].items() for word in words}
    return {state: status["categories"][category] for state, category in CATEGORIES.items()} | named


def shape(node: Any) -> str | None:
    """What a node of an answer is to us."""
    if not isinstance(node, dict):
        return None
    if "revisedBy" in node and "id" in node:
        return "event"
    fields = node.get("fields")
    if (
        isinstance(fields, dict)
        and isinstance(node.get("id"), int)
        and any(name.startswith("System.") for name in fields)
    ):
        return "ticket"
    numbered = "id" in node or "commentId" in node
    return "comment" if numbered and {"workItemId", "text"} <= set(node) else None


@cache
def _connection() -> Connection:
    """Opens no socket: everything that it would send is answered from a recording."""
    settings = Settings.model_validate(
        {"url": "https://dev.azure.com/contoso-org", "project": "Payments", "auth": {"token": "a-token-of-ours"}}
    )
    connection = Connection(settings, Traffic(), pace=PACE, sleep=no_wait)
    connection.remember(_routes())
    return connection


@cache
def _routes() -> list[Any]:
    """The routes of the service, as it really listed them."""
    used = {resource[0] for name, resource in vars(client_module).items() if name.isupper() and _is_resource(resource)}
    rows = [node for node in nodes(recorded(DISCOVERY)) if isinstance(node, dict) and "routeTemplate" in node]
    return [row for row in rows if row["id"] in used]


def _is_resource(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _person(identity: Any) -> str | None:
    if isinstance(identity, str) and identity:
        name, _, mail = identity.partition("<")
        return f"azure:{mail.rstrip('>')}" if mail else f"azure:{name}"
    if not isinstance(identity, dict):
        return None
    unique = (identity.get("uniqueName") or "").partition("<")
    return f"azure:{unique[2].rstrip('>') or unique[0] or identity.get('id') or identity.get('displayName')}"


def ticket(item: Any) -> str:
    """Title, text, status, people, parent and time of a work item are those of the recording."""
    fields = item["fields"]
    read = Reader(_connection(), None).native(item)
    assert (read.ref, read.number) == (str(item["id"]), item["id"])
    if changed := fields.get("System.ChangedDate"):
        assert read.updated_at == datetime.fromisoformat(changed)
    assert convert.ticket_from_json(convert.ticket_to_json(read)) == read
    decoded = CODEC.decode(read, mapping())
    found = decoded.snapshot.fields
    assert found[Field.TITLE] == fields.get("System.Title", "")
    assert found[Field.STATUS] == _meanings().get(fields.get("System.State", ""), UNKNOWN)
    long_text = (
        fields.get(BUG) if BUG in fields and "System.Description" not in fields else fields.get("System.Description")
    )
    body = found[Field.BODY]
    assert isinstance(body, str)
    place = BUG if BUG in fields and "System.Description" not in fields else "System.Description"
    markdown = item.get("multilineFieldsFormat", {}).get(place, "").lower() == "markdown"
    assert missing((plain_words if markdown else html_words)(long_text or ""), body) == []
    person = _person(fields.get("System.AssignedTo"))
    assert found[Field.ASSIGNEES] == (frozenset() if person is None else frozenset({person}))
    tags = frozenset(tag.strip() for tag in (fields.get("System.Tags") or "").split(";"))
    assert found[Field.LABELS] == tags - {""}
    if (priority := fields.get("Microsoft.VSTS.Common.Priority")) is not None:
        assert found[Field.PRIORITY] == ("P0", "P1", "P2", "P3")[int(priority) - 1]
    parents = [
        link["url"].rpartition("/")[2]
        for link in item.get("relations") or ()
        if isinstance(link, dict) and link.get("rel") == "System.LinkTypes.Hierarchy-Reverse"
    ]
    _links(item, found)
    attached = [
        one for one in item.get("relations") or () if isinstance(one, dict) and one.get("rel") == "AttachedFile"
    ]
    names = {(one.get("attributes") or {}).get("name") for one in attached}
    assert names <= {one.name for one in CODEC.attachments(read)}
    if parents:
        assert [found[Field.PARENT]] == parents
    assert decoded.author == _person(fields.get("System.CreatedBy"))
    unread = {name for name, value in found.items() if value is UNKNOWN}
    assert {problem.field for problem in decoded.problems} >= unread
    return read.key


def _links(item: Any, found: Any) -> None:
    """Dependencies and relations say the same from the work item's own point of view."""
    kinds = {"Dependency-Forward": "blocks", "Dependency-Reverse": "blocked_by", "Related": "relates"}
    for link in item.get("relations") or ():
        kind = kinds.get(str(link.get("rel")).rpartition(".")[2]) if isinstance(link, dict) else None
        if kind is not None:
            assert f"{kind}:{link['url'].rpartition('/')[2]}" in found[Field.LINKS]


def comment(row: Any) -> str:
    """The author, the words and the time of a comment are those of the recording; a deleted one is none."""
    read = native_comment(NativeRef(str(row["workItemId"])), row)
    if row.get("isDeleted"):
        assert read is None
        return "deleted"
    assert read is not None
    assert (read.ref, read.version) == (f"{row['workItemId']}:{row.get('id') or row['commentId']}", str(row["version"]))
    assert convert.comment_from_json(convert.comment_to_json(read)) == read
    decoded = CODEC.decode_comment(read, mapping())
    assert decoded.author == _person(row.get("createdBy"))
    assert decoded.author_name == row["createdBy"]["displayName"]
    assert decoded.created_at == datetime.fromisoformat(row["createdDate"])
    words = plain_words if row.get("format", "").lower() == "markdown" else html_words
    assert missing(words(row["text"]), decoded.body) == []
    return str(read.ref)


def story(update: Any) -> str:
    """Each update keeps its author and its time, and what it says of title, status, tags and parent."""
    ref = NativeRef(str(update.get("workItemId") or update["id"]))
    adapter = AzureDevOpsAdapter(_connection(), replica=ReplicaName("azure"), select=None)
    with answering(200, {}, {"count": 1, "value": [update]}):
        events = list(adapter.history([ref], LONG_AGO))
    assert len(events) == 1
    (event,) = events
    changes = update.get("fields") or {}
    author = _person(update["revisedBy"])
    assert event.author == (author.removeprefix("azure:") if author else None)
    told = {one.field: (one.old, one.new) for one in CODEC.decode_event(event, mapping())}
    if "System.Title" in changes:
        pair = changes["System.Title"]
        assert told[Field.TITLE] == (pair.get("oldValue", ""), pair.get("newValue", ""))
    if "System.ChangedDate" in changes:
        assert event.at == datetime.fromisoformat(changes["System.ChangedDate"]["newValue"])
    for end, place in (("added", 1), ("removed", 0)):
        for link in (update.get("relations") or {}).get(end) or ():
            if link["rel"] == "System.LinkTypes.Hierarchy-Reverse":
                assert told[Field.PARENT][place] == link["url"].rpartition("/")[2]
    return str(event.id)


def refusal(one: Refusal) -> str:
    """A refusal comes out of the real client library as the error that says what to do next."""
    reading = one.status == 400 and "VS402337" in str(one.body)
    resource = client_module.WIQL if reading else client_module.NEW_WORK_ITEM
    with answering(one.status, one.headers, one.body), pytest.raises(TrackerError) as caught:
        _connection().call("POST", resource, route={} if reading else {"type": "Task"}, body={})
    raised = caught.value
    known: dict[int, type[TrackerError]] = {404: errors.NotThere, 412: PreconditionFailed}
    wanted = errors.TooManyResults if reading else known.get(one.status, Rejected)
    assert wanted in type(raised).__mro__[:2], f"{one.status} {one.body}: {raised!r}"
    assert isinstance(raised, errors.NotThere) == (one.status in (404, 410) and wanted is errors.NotThere)
    said = wire.text(wire.mapping(one.body).get("message"))
    assert said in str(raised)
    if "fieldReferenceName" in str(one.body) or "field 'State'" in said:
        assert isinstance(raised, Rejected)
        assert raised.problems
        assert raised.problems[0].mend
    return f"{one.status} {wanted.__name__}"


def text(body: Any) -> str:
    """Every word of a body of the corpus is in the ticket's text."""
    read = Reader(_connection(), None).native({"id": 1, "rev": 1, "fields": {"System.Description": body}})
    found = CODEC.decode(read, mapping()).snapshot.fields[Field.BODY]
    assert isinstance(found, str)
    assert missing(html_words(body), found) == []
    return "text"
