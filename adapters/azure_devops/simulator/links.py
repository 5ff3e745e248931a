"""Relations: one link, two ends, an order of the server's own, and no revision for most of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.state import (
    ATTACHED,
    HIERARCHY_DOWN,
    HIERARCHY_UP,
    RELATED,
    Difference,
    Item,
    LinkEvent,
    Organisation,
    Relation,
    Update,
    User,
)

#: Reference name to (display name, opposite end).
LINK_TYPES = {
    HIERARCHY_DOWN: ("Child", HIERARCHY_UP),
    HIERARCHY_UP: ("Parent", HIERARCHY_DOWN),
    "System.LinkTypes.Dependency-Forward": ("Successor", "System.LinkTypes.Dependency-Reverse"),
    "System.LinkTypes.Dependency-Reverse": ("Predecessor", "System.LinkTypes.Dependency-Forward"),
    "System.LinkTypes.Duplicate-Forward": ("Duplicate", "System.LinkTypes.Duplicate-Reverse"),
    "System.LinkTypes.Duplicate-Reverse": ("Duplicate Of", "System.LinkTypes.Duplicate-Forward"),
    "Microsoft.VSTS.Common.Affects-Forward": ("Affects", "Microsoft.VSTS.Common.Affects-Reverse"),
    "Microsoft.VSTS.Common.Affects-Reverse": ("Affected By", "Microsoft.VSTS.Common.Affects-Forward"),
    "Microsoft.VSTS.Common.TestedBy-Forward": ("Tested By", "Microsoft.VSTS.Common.TestedBy-Reverse"),
    "Microsoft.VSTS.Common.TestedBy-Reverse": ("Tests", "Microsoft.VSTS.Common.TestedBy-Forward"),
    RELATED: ("Related", RELATED),
}
#: Of these a work item can have one at its -Reverse end.
TREES = frozenset({"System.LinkTypes.Hierarchy", "System.LinkTypes.Duplicate"})
RESOURCE_TYPES = {"Hyperlink": "Hyperlink", "ArtifactLink": "Artifact Link", ATTACHED: "Attached File"}
LINK_LIMIT, ATTACHMENT_LIMIT = 1_000, 100
_SPELLING = {name.lower(): name for name in (*LINK_TYPES, *RESOURCE_TYPES)}
_WORK_ITEM = re.compile(r"/_apis/wit/workitems/(\d+)/?$", re.IGNORECASE)
_ATTACHMENT = re.compile(r"/_apis/wit/attachments/([0-9a-f-]{36})(?:\?(?:.*&)?filename=([^&]*))?", re.IGNORECASE)


def mirror(relation: Relation, source: int) -> Relation:
    """The link as its other end shows it."""
    return Relation(rel=LINK_TYPES[relation.rel][1], target=source, attributes=relation.attributes)


def mirrored(change: Difference, target: int, source: int) -> Difference:
    """The same change as the work item `target` sees it, `source` being where it was made."""

    def seen(relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
        return tuple(mirror(relation, source) for relation in relations if relation.target == target)

    return Difference(added=seen(change.added), removed=seen(change.removed), updated=seen(change.updated))


def base(rel: str) -> str:
    """The link type without its direction."""
    return re.sub("-(Forward|Reverse)$", "", rel)


def visible(organisation: Organisation, item: Item) -> list[Relation]:
    """The relations in the order in which the server lists them; links to deleted work items are hidden."""
    shown = [r for r in item.relations if r.target is None or organisation.items[r.target].deleted is None]
    return sorted(shown, key=lambda relation: zlib.crc32(repr(relation.same).encode()))


def patch(organisation: Organisation, relations: list[Relation], verb: str, path: str, value: Any) -> None:
    """Apply one operation on `/relations/…` to the list."""
    place, _, rest = path.removeprefix("/relations/").partition("/")
    if place == "-" and verb == "add":
        relation = _parse(organisation, value)
        if relation.same in {existing.same for existing in relations}:
            raise ApiError(400, "RelationAlreadyExistsException", "Relation already exists.")
        relations.append(relation)
        return
    if not place.isdigit() or int(place) >= len(relations):
        raise bad_argument(f"The path '{path}' is not valid: there is no relation at that index.")
    index = int(place)
    if verb == "remove" and not rest:
        del relations[index]
    elif rest == "attributes/comment" and verb in ("add", "replace"):
        attributes = {**relations[index].attributes, "comment": str(value)}
        relations[index] = replace(relations[index], attributes=attributes)
    else:
        raise bad_argument(f"The path '{path}' is not valid for the operation '{verb}'.")


def _parse(organisation: Organisation, value: Any) -> Relation:
    if not isinstance(value, dict) or not value.get("rel") or not value.get("url"):
        raise bad_argument("A relation needs 'rel' and 'url'.")
    rel = _SPELLING.get(str(value["rel"]).lower())
    if rel is None:
        raise bad_argument(f"Unknown relation type {value['rel']}.", "WorkItemRelationTypeNotFoundException")
    comment = (value.get("attributes") or {}).get("comment")
    extra: JsonObject = {"comment": comment} if comment else {}
    if rel in RESOURCE_TYPES:
        return _resource(organisation, rel, value, extra)
    found = _WORK_ITEM.search(str(value["url"]))
    if found is None:
        raise bad_argument(f"Invalid work item url {value['url']}.")
    return Relation(rel=rel, target=int(found[1]), attributes=extra)


def _resource(organisation: Organisation, rel: str, value: JsonObject, extra: JsonObject) -> Relation:
    organisation.last_resource += 1
    when, url = organisation.now(), str(value["url"])
    attributes: JsonObject = {
        "authorizedDate": when,
        "id": organisation.last_resource,
        "resourceCreatedDate": when,
        "resourceModifiedDate": when,
        **extra,
    }
    name = (value.get("attributes") or {}).get("name")
    if rel == ATTACHED:
        found = _ATTACHMENT.search(url)
        attachment = organisation.attachments.get(found[1].lower()) if found else None
        if found is None or attachment is None or not attachment.complete:  # the wording is not recorded
            raise bad_argument(f"The attachment {url} does not exist.", "WorkItemResourceLinkException")
        url = attachment.id
        name = name or unquote(found[2] or "") or attachment.name
        attributes |= {"resourceCreatedDate": attachment.created, "resourceSize": attachment.size}
    return Relation(rel=rel, url=url, attributes={**attributes, "name": name} if name else attributes)


def check(organisation: Organisation, item: Item, relations: Sequence[Relation]) -> None:
    """Raise where the new links break a rule of the link types or a limit."""
    known = {relation.same for relation in item.relations}
    new = [relation for relation in relations if relation.same not in known]
    _check_limits(item, relations)
    for relation in new:
        if relation.target is None:
            continue
        other = organisation.item(relation.target) if relation.target != item.id else item
        if other is item:
            raise _bad_link(f"TF201035: You cannot link work item {item.id} to itself.")
        if base(relation.rel) in TREES:
            _check_tree(relation, item, other, relations)
        if relation.rel != RELATED:
            _refuse_circle(organisation, item, relation)


def _check_limits(item: Item, relations: Sequence[Relation]) -> None:
    """The limits are documented, the wording of their refusals is not."""
    if sum(relation.target is not None for relation in relations) > LINK_LIMIT:
        raise _bad_link(f"Work item {item.id} cannot have more than {LINK_LIMIT} links.")
    if sum(relation.rel == ATTACHED for relation in relations) > ATTACHMENT_LIMIT:
        raise _bad_link(f"Work item {item.id} cannot have more than {ATTACHMENT_LIMIT} attachments.")


def _check_tree(relation: Relation, item: Item, other: Item, relations: Sequence[Relation]) -> None:
    upward = f"{base(relation.rel)}-Reverse"
    if relation.rel == upward:
        taken = sum(each.rel == upward for each in relations) > 1
    else:
        taken = any(each.rel == upward for each in other.relations)
    if taken:
        raise _bad_link(
            f"TF201036: You cannot add a {LINK_TYPES[relation.rel][0]} link between work items {item.id} and "
            f"{other.id} because a work item can have only one {LINK_TYPES[upward][0]} link."
        )


def _refuse_circle(organisation: Organisation, item: Item, relation: Relation) -> None:
    queue, seen = [relation.target], set[int]()
    while queue:
        current = queue.pop()
        if current == item.id:
            message = (
                f"TF201035: Adding a {LINK_TYPES[relation.rel][0]} link between work items {item.id} and "
                f"{relation.target} would result in a circular relationship."
            )
            raise ApiError(organisation.rules.circular_status, "WorkItemLinkCircularException", message)
        if current is not None and current not in seen and current in organisation.items:
            seen.add(current)
            queue += [r.target for r in organisation.items[current].relations if r.rel == relation.rel]


def _bad_link(message: str) -> ApiError:
    return ApiError(400, "WorkItemLinkInvalidException", message)


def difference(organisation: Organisation, item: Item, relations: Sequence[Relation]) -> Difference:
    """What the list adds to, takes from and changes of the relations that the work item shows."""
    old, new = {r.same: r for r in visible(organisation, item)}, {r.same: r for r in relations}
    return Difference(
        added=tuple(relation for key, relation in new.items() if key not in old),
        removed=tuple(relation for key, relation in old.items() if key not in new),
        updated=tuple(relation for key, relation in new.items() if old.get(key, relation) != relation),
    )


def record(organisation: Organisation, item: Item, by: User, change: Difference) -> None:
    """Note a change of links alone: an update without a revision."""
    item.updates.append(Update(rev=item.rev, by=by, when=organisation.now(), links_only=True, change=change))


def store(
    organisation: Organisation,
    item: Item,
    relations: Sequence[Relation],
    change: Difference,
    by: User,
    *,
    raise_rev: bool,
) -> None:
    """Keep the list on this end, and its mirror image on the other ends."""
    shown = {relation.same for relation in visible(organisation, item)}
    item.relations = [*relations, *(r for r in item.relations if r.same not in shown)]
    touched = (*change.added, *change.removed, *change.updated)
    for number in dict.fromkeys(relation.target for relation in touched if relation.target is not None):
        other, seen = organisation.items[number], mirrored(change, number, item.id)
        gone = {relation.same for relation in (*seen.removed, *seen.updated)}
        kept = [relation for relation in other.relations if relation.same not in gone]
        other.relations = [*kept, *seen.added, *seen.updated]
        if raise_rev:
            fields = {key: value for key, value in other.fields.items() if key != "System.History"}
            organisation.commit(other, fields, by, change=seen)
        else:
            record(organisation, other, by, seen)
    for relation in (*change.added, *change.removed):
        if relation.target is not None:
            organisation.link_log.append(_event(organisation, item, relation, by, active=relation in change.added))


def _event(organisation: Organisation, item: Item, relation: Relation, by: User, *, active: bool) -> LinkEvent:
    """A link is told once, from its forward end."""
    assert relation.target is not None
    forward = not relation.rel.endswith("-Reverse")
    source, target = (item.id, relation.target) if forward else (relation.target, item.id)
    when = organisation.now()
    return LinkEvent(rel=base(relation.rel), source=source, target=target, when=when, by=by, active=active)
