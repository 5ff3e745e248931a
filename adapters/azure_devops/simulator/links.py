"""Relations: one link, two ends, an order of the server's own, and no revision for most of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.azure_devops.simulator.errors import ApiError, JsonObject, bad_argument
from adapters.azure_devops.simulator.state import (
    HIERARCHY_DOWN,
    HIERARCHY_UP,
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
    "System.LinkTypes.Related": ("Related", "System.LinkTypes.Related"),
}
RESOURCE_TYPES = {"Hyperlink": "Hyperlink", "ArtifactLink": "Artifact Link", "AttachedFile": "Attached File"}
_SPELLING = {name.lower(): name for name in (*LINK_TYPES, *RESOURCE_TYPES)}


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
        organisation.last_resource += 1
        when = organisation.now()
        created = {"authorizedDate": when, "id": organisation.last_resource, "resourceCreatedDate": when}
        return Relation(rel=rel, url=str(value["url"]), attributes={**created, "resourceModifiedDate": when, **extra})
    found = re.search(r"/_apis/wit/workitems/(\d+)$", str(value["url"]), re.IGNORECASE)
    if found is None:
        raise bad_argument(f"Invalid work item url {value['url']}.")
    return Relation(rel=rel, target=int(found[1]), attributes=extra)


def check(organisation: Organisation, item: Item, relations: Sequence[Relation]) -> None:
    """Raise where the new links break a rule of the link types."""
    known = {relation.same for relation in item.relations}
    if sum(relation.rel == HIERARCHY_UP for relation in relations) > 1:
        target = next(r.target for r in relations if r.rel == HIERARCHY_UP and r.same not in known)
        raise _second_parent("Parent", item.id, target)
    for relation in relations:
        if relation.same in known or relation.target is None:
            continue
        other = organisation.item(relation.target) if relation.target != item.id else item
        if other is item:
            raise _bad_link(f"TF201035: You cannot link work item {item.id} to itself.")
        if relation.rel == HIERARCHY_DOWN and other.parent not in (None, item.id):
            raise _second_parent("Child", item.id, other.id)
        if "Hierarchy" in relation.rel or "Dependency" in relation.rel:
            _refuse_circle(organisation, item, relation)


def _refuse_circle(organisation: Organisation, item: Item, relation: Relation) -> None:
    queue, seen = [relation.target], set[int]()
    while queue:
        current = queue.pop()
        if current == item.id:
            name = LINK_TYPES[relation.rel][0]
            raise _bad_link(
                f"TF201035: You cannot add a {name} link between work items {item.id} and {relation.target}: "
                "the result would be circular."
            )
        if current is not None and current not in seen and current in organisation.items:
            seen.add(current)
            queue += [r.target for r in organisation.items[current].relations if r.rel == relation.rel]


def _second_parent(name: str, source: int, target: int | None) -> ApiError:
    return _bad_link(
        f"TF201036: You cannot add a {name} link between work items {source} and {target} "
        "because a work item can have only one Parent link."
    )


def _bad_link(message: str) -> ApiError:
    return ApiError(400, "WorkItemLinkInvalidException", message)


def difference(
    organisation: Organisation, item: Item, relations: Sequence[Relation]
) -> tuple[tuple[Relation, ...], tuple[Relation, ...]]:
    """What the list adds to, and takes from, the relations that the work item shows."""
    old, new = {r.same: r for r in visible(organisation, item)}, {r.same: r for r in relations}
    added = tuple(relation for key, relation in new.items() if key not in old)
    removed = tuple(relation for key, relation in old.items() if key not in new)
    return added, removed


def record(
    organisation: Organisation, item: Item, by: User, added: tuple[Relation, ...], removed: tuple[Relation, ...]
) -> None:
    """Note a change of links alone: an update without a revision."""
    update = Update(rev=item.rev, by=by, when=organisation.now(), links_only=True, added=added, removed=removed)
    item.updates.append(update)


def store(
    organisation: Organisation,
    item: Item,
    relations: Sequence[Relation],
    added: tuple[Relation, ...],
    removed: tuple[Relation, ...],
    by: User,
    *,
    raise_rev: bool,
) -> None:
    """Keep the list on this end, and its mirror image on the other ends."""
    shown = {relation.same for relation in visible(organisation, item)}
    item.relations = [*relations, *(r for r in item.relations if r.same not in shown)]
    for relation in (*added, *removed):
        if relation.target is None:
            continue
        other = organisation.items[relation.target]
        mirror = Relation(rel=LINK_TYPES[relation.rel][1], target=item.id, attributes=relation.attributes)
        mirrored = (mirror,)
        if relation in added:
            other.relations = [*other.relations, mirror]
        else:
            other.relations = [r for r in other.relations if r.same != mirror.same]
        ends = (mirrored, ()) if relation in added else ((), mirrored)
        if raise_rev:
            fields = {key: value for key, value in other.fields.items() if key != "System.History"}
            organisation.commit(other, fields, by, added=ends[0], removed=ends[1])
        else:
            record(organisation, other, by, *ends)
        forward = relation.rel.endswith("-Forward") or relation.rel == "System.LinkTypes.Related"
        source, target = (item.id, other.id) if forward else (other.id, item.id)
        organisation.link_log.append(
            LinkEvent(
                rel=re.sub("-(Forward|Reverse)$", "", relation.rel),
                source=source,
                target=target,
                when=organisation.now(),
                by=by,
                active=relation in added,
            )
        )
