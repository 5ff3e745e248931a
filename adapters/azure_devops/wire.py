"""Small typed accessors over the service's JSON (total: any JSON may come) and the texts that go the other way."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sync.core.ids import NativeRef
from sync.core.models import JsonObject

TITLE: Final = "System.Title"
DESCRIPTION: Final = "System.Description"
REPRO_STEPS: Final = "Microsoft.VSTS.TCM.ReproSteps"
WORK_ITEM_TYPE: Final = "System.WorkItemType"
STATE: Final = "System.State"
TAGS: Final = "System.Tags"
ASSIGNED_TO: Final = "System.AssignedTo"
PRIORITY: Final = "Microsoft.VSTS.Common.Priority"
REASON: Final = "System.Reason"
CREATED_BY: Final = "System.CreatedBy"
AREA: Final = "System.AreaPath"
ITERATION: Final = "System.IterationPath"
SEVERITY: Final = "Microsoft.VSTS.Common.Severity"
SCHEDULING: Final = "Microsoft.VSTS.Scheduling."
PARENT_LINK: Final = "System.LinkTypes.Hierarchy-Reverse"
ATTACHED: Final = "AttachedFile"
#: Where a marker lives: an address that no name server knows, on a hyperlink of the work item.
MARKER_URL: Final = "https://trackdown.invalid/m/"
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TARGET = re.compile(r"/_apis/wit/workitems/(\d+)/?$", re.IGNORECASE)
_FILE = re.compile(r"/_apis/wit/attachments/([0-9a-f-]{36})(?=[/?]|$)", re.IGNORECASE)
_NAME_AND_MAIL = re.compile(r"^(?P<name>.*?)\s*<(?P<mail>[^<>]+)>$")


def mapping(value: Any) -> JsonObject:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> Iterator[JsonObject]:
    """The objects of a list, nothing else."""
    if isinstance(value, list):
        yield from (row for row in value if isinstance(row, dict))


def text(value: Any) -> str:
    """The value where it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int:
    """The value where it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: Any) -> datetime:
    """A time as aware UTC; 1970 for what is none."""
    try:
        parsed = datetime.fromisoformat(text(value))
    except ValueError:
        return NEVER
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def people_ids(value: Any) -> list[str]:
    """The names by which one person may be known, the one to write first; an identity is an object or "Name <mail>"."""
    if isinstance(value, str):
        match = _NAME_AND_MAIL.match(value)
        return [match["mail"], match["name"]] if match else [value] if value else []
    identity = mapping(value)
    unique = text(identity.get("uniqueName"))
    match = _NAME_AND_MAIL.match(unique)
    candidates = [match["mail"] if match else unique]
    candidates += [text(identity.get(key)) for key in ("id", "descriptor", "displayName")]
    return [candidate for candidate in candidates if candidate]


def person_name(value: Any) -> str:
    """The name to show for an identity."""
    if isinstance(value, str):
        match = _NAME_AND_MAIL.match(value)
        return match["name"] if match else value
    identity = mapping(value)
    return text(identity.get("displayName")) or text(identity.get("uniqueName")) or "somebody"


def fields_of(payload: JsonObject) -> JsonObject:
    """The fields of a work item."""
    return mapping(payload.get("fields"))


def relations(payload: JsonObject) -> list[JsonObject]:
    """The relations of a work item, in the order in which the server counts them."""
    return list(rows(payload.get("relations")))


def target(relation: JsonObject) -> NativeRef | None:
    """The work item that a relation leads to: the number at the end of its address."""
    match = _TARGET.search(text(relation.get("url")))
    return NativeRef(match[1]) if match else None


def parent(payload: JsonObject) -> NativeRef | None:
    """The parent, from the relations; `System.Parent` says it where an answer holds no relations."""
    for relation in relations(payload):
        if text(relation.get("rel")).lower() == PARENT_LINK.lower():
            return target(relation)
    shown = number(fields_of(payload).get("System.Parent"))
    return NativeRef(str(shown)) if shown and "relations" not in payload else None


def links(payload: JsonObject) -> list[tuple[str, NativeRef]]:
    """The links to other work items: link type and number."""
    found = ((text(row.get("rel")), target(row)) for row in relations(payload))
    return [(rel, other) for rel, other in found if other is not None]


def file_id(url: Any) -> str:
    """The number of the uploaded file that an address leads to; empty for what is none."""
    match = _FILE.search(text(url))
    return match[1].lower() if match else ""


def hyperlinks(payload: JsonObject) -> list[str]:
    """The addresses that people and programs attached to a work item."""
    return [text(row.get("url")) for row in relations(payload) if text(row.get("rel")).lower() == "hyperlink"]


def below(path: Any) -> str:
    r"""The part of `Project\Node\Leaf` below the project, with `/` between the nodes; empty for the project itself."""
    return "/".join(text(path).split("\\")[1:])


def split_tags(value: Any) -> list[str]:
    """The tags of a tag string."""
    return [name for part in text(value).split(";") if (name := part.strip())]


def version(payload: JsonObject) -> str:
    """Differs whenever the work item changed: links raise no revision on many servers, so they are part of it."""
    linked = sorted(f"{rel.lower()}:{other}" for rel, other in links(payload))
    return f"{number(payload.get('rev'))}.{zlib.crc32(' '.join(linked).encode()):x}"


def revision(of_version: str | None) -> int | None:
    """The revision in a version."""
    first = (of_version or "").partition(".")[0]
    return int(first) if first.isdigit() else None


def utc(when: datetime) -> str:
    """A time as the service's queries and parameters read it in any zone."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def wiql(*conditions: str, select: str | None = None, order: str = "[System.Id]") -> str:
    """A query for ids in the project; `select` is a condition of the user's own."""
    every = ["[System.TeamProject] = @project", *conditions]
    if select:
        every.append(f"({select})")
    return f"SELECT [System.Id] FROM WorkItems WHERE {' AND '.join(every)} ORDER BY {order}"  # noqa: S608 - WIQL has no parameters


def id_list(numbers: Iterable[int]) -> str:
    """Numbers as a WIQL list."""
    return f"({', '.join(str(int(one)) for one in numbers)})"


def comment_ref(item: NativeRef | str, comment: int) -> NativeRef:
    """A comment's ref: it is read and written through its work item."""
    return NativeRef(f"{item}:{comment}")


def comment_id(payload: Any) -> int:
    """The number of a comment's answer; 0 for what is none."""
    row = mapping(payload)
    return number(row.get("id")) or number(row.get("commentId"))


def comment_number(ref: NativeRef | str) -> int:
    """The comment's own number in its ref."""
    last = str(ref).rpartition(":")[2]
    return int(last) if last.isdigit() else 0
