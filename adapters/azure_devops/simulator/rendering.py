"""How the organisation's state looks in answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

from adapters.azure_devops.simulator import links
from adapters.azure_devops.simulator.describing import Describer, american, iso
from adapters.azure_devops.simulator.errors import JsonObject
from adapters.azure_devops.simulator.state import (
    ATTACHED,
    FOREVER,
    Comment,
    Item,
    Relation,
    Revision,
    Update,
    User,
)


class Renderer(Describer):
    """Renders for one base address; identities are made once."""

    # -- work items ------------------------------------------------------------------------------

    def work_item(
        self,
        item: Item,
        *,
        expand: str = "none",
        fields: Iterable[str] | None = None,
        revision: Revision | None = None,
        linked: bool = True,
        relations: bool = False,
    ) -> JsonObject:
        """A work item, or one of its revisions; `linked` adds `_links`, `relations` forces the relations."""
        at = revision or item.revisions[-1]
        url = f"{self.scope_of(item)}/_apis/wit/workItems/{item.id}"
        answer: JsonObject = {"id": item.id, "rev": at.rev, "fields": self._fields(item, at, expand, fields)}
        if fields is not None:
            return {**answer, "url": f"{self.root}/_apis/wit/workItems/{item.id}"}
        answer["multilineFieldsFormat"] = dict(item.formats)
        if relations or expand in ("relations", "all"):
            shown = [self.relation(relation) for relation in links.visible(self.organisation, item)]
            if shown:
                answer["relations"] = shown
        if at.comment is not None:
            answer["commentVersionRef"] = self.comment_reference(item, at.comment)
        if linked or expand in ("links", "all"):
            answer["_links"] = self._links(item, url)
        return {**answer, "url": url if revision is None else f"{url}/revisions/{at.rev}"}

    def _fields(self, item: Item, at: Revision, expand: str, wanted: Iterable[str] | None) -> JsonObject:
        shown: JsonObject = {key: self.value(value) for key, value in at.fields.items()}
        if item.parent is not None and at.rev == item.rev:
            shown["System.Parent"] = item.parent
        if wanted is None and expand not in ("fields", "all"):
            return shown
        shown = {**{key: self.value(value) for key, value in self._server_fields(item, at).items()}, **shown}
        if wanted is None:
            return shown
        asked = {name.strip().lower() for name in wanted}
        return {key: value for key, value in shown.items() if key.lower() in asked}

    def _server_fields(self, item: Item, at: Revision) -> dict[str, Any]:
        organisation = self.organisation
        area = organisation.node("area", at.fields["System.AreaPath"])
        iteration = organisation.node("iteration", at.fields["System.IterationPath"])
        return {
            "System.Id": item.id,
            "System.AreaId": area.id if area else 0,
            "System.NodeName": area.name if area else "",
            "System.Rev": at.rev,
            "System.AuthorizedDate": at.when,
            "System.RevisedDate": item.revisions[at.rev].when if at.rev < item.rev else FOREVER,
            "System.IterationId": iteration.id if iteration else 0,
            "System.AuthorizedAs": at.by,
            "System.PersonId": int(at.by.id[:6], 16),
            "System.Watermark": at.watermark,
        }

    def _links(self, item: Item, url: str) -> JsonObject:
        kind, scope = quote(item.type.name), self.scope_of(item)
        hrefs = {
            "self": url,
            "workItemUpdates": f"{url}/updates",
            "workItemRevisions": f"{url}/revisions",
            "workItemComments": f"{url}/comments",
            "html": f"{scope}/_workitems/edit/{item.id}",
            "workItemType": f"{scope}/_apis/wit/workItemTypes/{kind}",
            "fields": f"{scope}/_apis/wit/fields",
        }
        return {name: {"href": href} for name, href in hrefs.items()}

    def relation(self, relation: Relation) -> JsonObject:
        """A relation; addresses of work items name the project by its GUID."""
        attributes = {key: self.value(value) for key, value in relation.attributes.items()}
        if relation.target is None:
            attributes.setdefault("revisedDate", iso(FOREVER))
            url = self.attachment(relation.url) if relation.rel == ATTACHED else relation.url
            return {"rel": relation.rel, "url": url, "attributes": attributes}
        name = links.LINK_TYPES[relation.rel][0]
        other = self.organisation.items.get(relation.target)
        scope = self.scope_of(other) if other else self.scope
        url = f"{scope}/_apis/wit/workItems/{relation.target}"
        return {"rel": relation.rel, "url": url, "attributes": {"isLocked": False, **attributes, "name": name}}

    def reporting_fields(
        self, item: Item, at: Revision, *, wanted: Iterable[str] | None, long_text: bool, identity_refs: bool
    ) -> JsonObject:
        """The fields of one entry of the reporting feed."""
        shown = {**self._server_fields(item, at), **at.fields}
        for internal in ("System.AuthorizedDate", "System.AuthorizedAs", "System.PersonId", "System.AreaId"):
            shown.pop(internal)
        if item.parent is not None and at.rev == item.rev:
            shown["System.Parent"] = item.parent
        if at.deleted:
            shown["System.IsDeleted"] = True
        if wanted is not None:
            asked = {name.strip().lower() for name in wanted}
            shown = {key: value for key, value in shown.items() if key.lower() in asked}
        elif not long_text:
            shown = {key: value for key, value in shown.items() if key not in self._long_text}
        if not identity_refs:
            return {key: self.string_value(value) for key, value in shown.items()}
        return {
            key: {"id": value.id, "uniqueName": str(value)} if isinstance(value, User) else self.value(value)
            for key, value in shown.items()
        }

    # -- history and comments --------------------------------------------------------------------

    def update(self, item: Item, index: int) -> JsonObject:
        """The update at the index (from 0) of the work item's history."""
        update = item.updates[index]
        answer: JsonObject = {
            "id": index + 1,
            "workItemId": item.id,
            "rev": update.rev,
            "revisedBy": {**self.identity(update.by), "name": str(update.by)},
            "revisedDate": iso(update.when),
        }
        if not update.links_only:
            answer["revisedDate"] = iso(item.revisions[update.rev].when if update.rev < item.rev else FOREVER)
            answer["fields"] = self._changes(item, update)
        change = update.change
        ends = {"added": change.added, "removed": change.removed, "updated": change.updated}
        if any(ends.values()):
            answer["relations"] = {name: [self.relation(r) for r in end] for name, end in ends.items() if end}
        return {**answer, "url": f"{self.root}/_apis/wit/workItems/{item.id}/updates/{index + 1}"}

    def _changes(self, item: Item, update: Update) -> JsonObject:
        at = item.revisions[update.rev - 1]
        new: Mapping[str, Any] = {**self._server_fields(item, at), **at.fields}
        old: Mapping[str, Any] = {}
        if update.rev > 1:
            before = item.revisions[update.rev - 2]
            old = {**self._server_fields(item, before), **before.fields}
        changes: JsonObject = {}
        for key in [*new, *(key for key in old if key not in new)]:
            if key == "System.History" and key not in new:
                continue
            if old.get(key) != new.get(key) or key == "System.History":
                pair = {"oldValue": old.get(key), "newValue": new.get(key)}
                changes[key] = {name: self.value(value) for name, value in pair.items() if value is not None}
        if at.deleted:
            changes["System.IsDeleted"] = {"oldValue": False, "newValue": True}
        return changes

    def comment(self, item: Item, comment: Comment, *, rendered: bool = False) -> JsonObject:
        """A comment as the comments resource shows it."""
        answer: JsonObject = {
            "workItemId": item.id,
            "id": comment.id,
            "version": len(comment.versions),
            "text": comment.versions[-1],
            "createdBy": self.identity(comment.by),
            "createdDate": iso(comment.created),
            "modifiedBy": self.identity(comment.changed_by),
            "modifiedDate": iso(comment.changed),
            "format": comment.format,
        }
        if comment.deleted:
            answer["isDeleted"] = True
        if rendered:
            text = comment.versions[-1]
            answer["renderedText"] = f"<p>{escape(text)}</p>\n" if comment.format == "markdown" else text
        return {**answer, "url": f"{self.scope_of(item)}/_apis/wit/workItems/{item.id}/comments/{comment.id}"}

    def comment_reference(self, item: Item, reference: tuple[int, int], *, text: bool = False) -> JsonObject:
        """Which comment a revision added, edited or deleted; `text` adds what only the reporting feed tells."""
        number, version = reference
        url = f"{self.scope_of(item)}/_apis/wit/workItems/{item.id}/comments/{number}/versions/{version}"
        answer: JsonObject = {"commentId": number, "version": version, "url": url}
        if text:
            comment = item.comments[number]
            deleted = comment.deleted and version == len(comment.versions)
            answer |= {"createdInRevision": comment.revision, "isDeleted": deleted}
            answer["text"] = comment.versions[version - 1]
        return answer

    # -- definitions -----------------------------------------------------------------------------

    def deleted(self, item: Item) -> JsonObject:
        """A work item in the recycle bin; people are strings there."""
        assert item.deleted is not None
        by, when = item.deleted
        url = f"{self.scope}/_apis/wit/recyclebin/{item.id}"
        fields = {key: self.string_value(value) for key, value in item.fields.items()}
        resource_links = {name: link for name, link in self._links(item, url).items() if name in _BIN_LINKS}
        resource = {"id": item.id, "rev": item.rev, "fields": fields, "_links": resource_links, "url": url}
        return {**self.deleted_reference(item, by, when), "resource": resource}

    def deleted_reference(self, item: Item, by: User, when: datetime) -> JsonObject:
        """What the recycle bin's list says of one work item."""
        return {
            "id": item.id,
            "type": item.type.name,
            "name": item.fields["System.Title"],
            "project": self.organisation.project_of(item).name,
            "deletedDate": american(when),
            "deletedBy": str(by),
            "code": 200,
            "url": f"{self.scope}/_apis/wit/recyclebin/{item.id}",
        }


_BIN_LINKS = frozenset({"self", "workItemType", "fields"})
