"""What a test or a story does as a person: in the web page, rather than through the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import attachments, comments, links, nodes
from adapters.azure_devops.simulator.editing import Editor
from adapters.azure_devops.simulator.errors import JsonObject, bad_argument
from adapters.azure_devops.simulator.fields import PRIORITY
from adapters.azure_devops.simulator.rendering import Renderer
from adapters.azure_devops.simulator.state import (
    ATTACHED,
    HIERARCHY_DOWN,
    HIERARCHY_UP,
    RELATED,
    Node,
    Organisation,
    User,
)

ORGANISATION = "acme"
#: Two people share a display name, as people do: a bare name is then ambiguous.
PEOPLE: Mapping[str, User] = {
    "bot": User(name="Trackdown Bot", mail="bot@acme.example"),
    "ada": User(name="Ada Lovelace", mail="ada@acme.example"),
    "grace": User(name="Grace Hopper", mail="grace@acme.example"),
    "alan": User(name="Alan Turing", mail="alan@acme.example"),
    "alan2": User(name="Alan Turing", mail="alan@contractor.example"),
}
#: Links as people call them, seen from the work item that they are on.
LINKS: Mapping[str, str] = {
    "relates": RELATED,
    "blocks": "System.LinkTypes.Dependency-Forward",
    "blocked by": "System.LinkTypes.Dependency-Reverse",
    "duplicates": "System.LinkTypes.Duplicate-Reverse",
    "duplicated by": "System.LinkTypes.Duplicate-Forward",
    "parent": HIERARCHY_UP,
    "child": HIERARCHY_DOWN,
}
_RELATION = "/relations/-"
_SPECIAL = frozenset({"epic", "feature", "task"})


class Acting(Simulator):
    """The organisation with its people; people are named by short name, mail or display name."""

    organisation: Organisation
    editor: Editor
    _rendering: Renderer

    @property
    def url(self) -> str:
        """The organisation's address, as `url` of a `[trackers.x]` table takes it."""
        return f"{self.base_url}/{ORGANISATION}"

    @property
    def _render(self) -> Renderer:
        """For the address of the moment: the port is known once the simulator is served."""
        if self._rendering.root != self.url:
            self._rendering = Renderer(self.organisation, self.url)
        return self._rendering

    def add_issue(
        self,
        *,
        title: str,
        body: str = "",
        type: str | None = None,  # noqa: A002 - the service's own word
        state: str | None = None,
        labels: Sequence[str] = (),
        assignee: str | None = None,
        priority: int | None = None,
        parent: int | None = None,
        links: Sequence[str] = (),
        by: str = "ada",
        fields: Mapping[str, Any] | None = None,
    ) -> int:
        """Create a work item as a person (short name or mail) and return its id; `body` is HTML, `links` are addresses."""
        with self.lock:
            kinds = self.organisation.types
            kind = kinds[type.lower()] if type else next(k for name, k in kinds.items() if name not in _SPECIAL)
            values: JsonObject = {"System.Title": title, **(fields or {})}
            if body:
                values[kind.body_field] = body
            if priority is not None:
                values[PRIORITY] = priority
            values |= _common(labels or None, assignee)
            added = [{"op": "add", "path": "/relations/-", "value": {"rel": "Hyperlink", "url": url}} for url in links]
            operations = [*_operations(values), *_parent(parent), *added]
            item = self.editor.create(kind, operations, self._person(by))
            if state is not None and state != item.fields["System.State"]:
                self.editor.update(item, _operations({"System.State": state}), self._person(by))
            return item.id

    def issue(self, key: int) -> JsonObject:
        """The work item as GET with `$expand=all` answers; raises ApiError where it is not there."""
        with self.lock:
            return self._render.work_item(self.organisation.item(int(key)), expand="all")

    def edit(
        self,
        key: int,
        *,
        by: str = "ada",
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        reason: str | None = None,
        type: str | None = None,  # noqa: A002 - the service's own word
        area: str | None = None,
        iteration: str | None = None,
        labels: Sequence[str] | None = None,
        assignee: str | None = None,
        priority: int | None = None,
        parent: int | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Change a work item as a person; `labels` replaces all tags, assignee "" unassigns, a field's None empties it.

        `type` is another work item type, which needs one of its states where it does not have the present one; `fields`
        are by reference name or display name.
        """
        with self.lock:
            item = self.organisation.item(int(key))
            named = {
                "System.WorkItemType": type,
                "System.Title": title,
                item.type.body_field: body,
                "System.State": state,
                "System.Reason": reason,
                "System.AreaPath": area,
                "System.IterationPath": iteration,
                PRIORITY: priority,
            }
            values = {name: value for name, value in named.items() if value is not None}
            values |= {**_common(labels, assignee), **(fields or {})}
            self.editor.update(item, [*_operations(values), *_parent(parent)], self._person(by))

    def comment(self, key: int, text: str, *, by: str = "ada", format: str = "html") -> int:  # noqa: A002
        """Write a comment as a person and return its id; `format` is html or markdown."""
        with self.lock:
            item = self.organisation.item(int(key))
            return comments.add(self.organisation, item, self._person(by), text, format).id

    def edit_comment(self, key: int, comment: int, text: str) -> None:
        """Change a comment as its author."""
        with self.lock:
            item = self.organisation.item(int(key))
            found = comments.find(item, comment)
            comments.edit(self.organisation, item, found, found.by, text)

    def delete_comment(self, key: int, comment: int) -> None:
        """Delete a comment as its author."""
        with self.lock:
            item = self.organisation.item(int(key))
            found = comments.find(item, comment)
            comments.delete(self.organisation, item, found, found.by)

    def comments_of(self, key: int) -> list[JsonObject]:
        """The comments that are not deleted, oldest first."""
        with self.lock:
            item = self.organisation.item(int(key))
            return [self._render.comment(item, comment) for comment in item.comments.values() if not comment.deleted]

    def delete(self, key: int, *, by: str = "ada") -> None:
        """Move a work item to the recycle bin as a person."""
        with self.lock:
            comments.recycle(self.organisation, self.organisation.item(int(key)), self._person(by))

    def restore(self, key: int, *, by: str = "ada") -> None:
        """Take a work item back out of the recycle bin."""
        with self.lock:
            comments.restore(self.organisation, self.organisation.item(int(key), deleted=True), self._person(by))

    def destroy(self, key: int) -> None:
        """Remove a work item for good."""
        with self.lock:
            comments.destroy(self.organisation, self.organisation.item(int(key)))

    def move(self, key: int, project: str, *, by: str = "ada") -> None:
        """Move a work item to the root of another project, which is made where it is not there: it keeps its id."""
        with self.lock:
            name = self.organisation.add_project(project).name
            values = dict.fromkeys(("System.TeamProject", "System.AreaPath", "System.IterationPath"), name)
            self.editor.update(self.organisation.item(int(key)), _operations(values), self._person(by))

    def relate(self, key: int, other: int, *, by: str = "ada") -> None:
        """Link two work items as related."""
        self.link(key, other, "relates", by=by)

    def link(self, key: int, other: int, word: str, *, by: str = "ada", comment: str = "") -> None:
        """Link two work items by a word of `LINKS`, or by the reference name of any link type."""
        with self.lock:
            added = _link(LINKS.get(word, word), other, comment)
            self.editor.update(self.organisation.item(int(key)), [added], self._person(by))

    def unlink(self, key: int, other: int, word: str, *, by: str = "ada") -> None:
        """Remove such a link; raises ValueError where there is none."""
        self._unrelate(key, (LINKS.get(word, word), int(other)), by)

    def links_of(self, key: int) -> set[tuple[str, int]]:
        """The links to other work items: word of `LINKS`, or reference name, and id."""
        words = {reference: word for word, reference in LINKS.items()}
        with self.lock:
            shown = links.visible(self.organisation, self.organisation.item(int(key)))
            return {(words.get(each.rel, each.rel), each.target) for each in shown if each.target is not None}

    # -- files -----------------------------------------------------------------------------------

    def attach(self, key: int, name: str, content: bytes, *, by: str = "ada", comment: str = "") -> str:
        """Attach a file as a person and return the attachment's id."""
        with self.lock:
            item, person = self.organisation.item(int(key)), self._person(by)
            made = attachments.add(self.organisation, name, content, person)
            attributes = {"name": name, **({"comment": comment} if comment else {})}
            value = {"rel": ATTACHED, "url": f"/_apis/wit/attachments/{made.id}", "attributes": attributes}
            self.editor.update(item, [{"op": "add", "path": _RELATION, "value": value}], person)
            return made.id

    def detach(self, key: int, attachment: str, *, by: str = "ada") -> None:
        """Take a file off a work item; raises ValueError where it is not there."""
        self._unrelate(key, (ATTACHED, attachment), by)

    def files_of(self, key: int) -> dict[str, bytes]:
        """The attached files' contents by name."""
        with self.lock:
            shown = links.visible(self.organisation, self.organisation.item(int(key)))
            known = self.organisation.attachments
            return {each.attributes["name"]: bytes(known[each.url].content) for each in shown if each.rel == ATTACHED}

    # -- areas and iterations --------------------------------------------------------------------

    def add_area(self, path: str) -> None:
        r"""Make an area, and those above it that are not there, at `Project\Child\…`."""
        self._node("area", path)

    def add_iteration(self, path: str, *, start: str = "", finish: str = "") -> None:
        r"""Make an iteration, and those above it that are not there, at `Project\Child\…`; dates are ISO days."""
        node = self._node("iteration", path)
        node.attributes = nodes.dates({"startDate": start, "finishDate": finish})

    def rename_area(self, path: str, name: str) -> None:
        """Give an area another name; its work items follow without a revision."""
        with self.lock:
            nodes.rename(self.organisation, self._node("area", path), name)

    def rename_iteration(self, path: str, name: str) -> None:
        """Give an iteration another name; its work items follow without a revision."""
        with self.lock:
            nodes.rename(self.organisation, self._node("iteration", path), name)

    def leave(self, name: str) -> None:
        """Let a person leave the organisation: work items go on naming them, but nobody can be given work by that name."""
        with self.lock:
            self.organisation.people.remove(self._person(name))

    def keys(self) -> list[int]:
        """The ids of every work item that is not deleted."""
        with self.lock:
            return [item.id for item in self.organisation.items.values() if item.deleted is None]

    def _person(self, name: str) -> User:
        found = [PEOPLE[name]] if name in PEOPLE else self.organisation.user(name)
        if len(found) != 1:
            raise bad_argument(f"nobody or several people are called {name}")
        return found[0]

    def _unrelate(self, key: int, same: tuple[str, int | str], by: str) -> None:
        with self.lock:
            item = self.organisation.item(int(key))
            index = [each.same for each in links.visible(self.organisation, item)].index(same)
            self.editor.update(item, [{"op": "remove", "path": f"/relations/{index}"}], self._person(by))

    def _node(self, kind: str, path: str) -> Node:
        with self.lock:
            node = self.organisation.add_project(path.split("\\", maxsplit=1)[0]).nodes[kind]
            for name in path.split("\\")[1:]:
                node = node.children.get(name.lower()) or nodes.add(self.organisation, node, name)
            return node


def _link(rel: str, target: int, comment: str = "") -> JsonObject:
    value: JsonObject = {"rel": rel, "url": f"/_apis/wit/workItems/{target}"}
    if comment:
        value["attributes"] = {"comment": comment}
    return {"op": "add", "path": _RELATION, "value": value}


def _parent(parent: int | None) -> list[JsonObject]:
    return [] if parent is None else [_link(HIERARCHY_UP, parent)]


def _common(labels: Sequence[str] | None, assignee: str | None) -> JsonObject:
    values: JsonObject = {}
    if labels is not None:
        values["System.Tags"] = "; ".join(labels)
    if assignee is not None:
        values["System.AssignedTo"] = PEOPLE[assignee].mail if assignee in PEOPLE else assignee
    return values


def _operations(values: JsonObject) -> list[JsonObject]:
    return [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in values.items()]
