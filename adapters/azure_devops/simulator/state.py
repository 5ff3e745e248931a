"""What the simulated organisation remembers, and the one way in which a work item gets a new revision."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters._simulator import SimulatorClock
from adapters.azure_devops.simulator.errors import not_found
from adapters.azure_devops.simulator.fields import CUSTOM_FIELDS, FIELDS, Field, by_reference
from adapters.azure_devops.simulator.process import PROCESSES, ProcessName, WorkItemType, with_states
from adapters.azure_devops.simulator.workflow import Graph, Workflow, WorkflowKind

#: Type name, or "Type/State", to the fields that must then be filled.
Requirements = Mapping[str, Sequence[str]]
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
HIERARCHY_UP, HIERARCHY_DOWN = "System.LinkTypes.Hierarchy-Reverse", "System.LinkTypes.Hierarchy-Forward"
RELATED, ATTACHED = "System.LinkTypes.Related", "AttachedFile"
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


@functools.lru_cache(maxsize=4096)
def guid(name: str) -> str:
    """The same GUID for the same name, always."""
    return str(uuid.uuid5(_NAMESPACE, f"trackdown/{name}"))


def sql_time(moment: datetime) -> datetime:
    """Rounded down as the service's database keeps times: milliseconds end in 0, 3 or 7."""
    hundredths, third = divmod(moment.microsecond * 3 // 10_000, 3)
    return moment.replace(microsecond=hundredths * 10_000 + (0, 3_000, 7_000)[third])


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or service account of the organisation."""

    name: str
    mail: str

    @property
    def id(self) -> str:
        """The storage key, a GUID."""
        return guid(self.mail)

    @property
    def descriptor(self) -> str:
        """The graph's subject descriptor."""
        return f"aad.{guid('descriptor/' + self.mail).replace('-', '')}"

    def __str__(self) -> str:
        return f"{self.name} <{self.mail}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A link as one end shows it: to a work item (`target`), or to an address or an attachment's id (`url`)."""

    rel: str
    target: int | None = None
    url: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def same(self) -> tuple[str, int | str]:
        """Two relations with one key are the same link."""
        return self.rel, self.url.lower() if self.target is None else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a patch did to the relations of one work item."""

    added: tuple[Relation, ...] = ()
    removed: tuple[Relation, ...] = ()
    updated: tuple[Relation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.updated)

    @property
    def versioned(self) -> bool:
        """Whether something that is no work item was linked: those changes are revisions."""
        return any(relation.target is None for relation in (*self.added, *self.removed, *self.updated))


@dataclass(slots=True, kw_only=True)
class Comment:
    """One discussion comment with its versions; `versions[-1]` is the text that shows."""

    id: int
    by: User
    created: datetime
    format: str
    changed_by: User
    changed: datetime
    revision: int
    versions: list[str]
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A work item as it stood from `when` until the next revision."""

    rev: int
    fields: dict[str, Any]
    by: User
    when: datetime
    watermark: int
    comment: tuple[int, int] | None = None  # id and version of the comment that made this revision
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One entry of a work item's history; a change of links alone has no revision of its own."""

    rev: int
    by: User
    when: datetime
    links_only: bool = False
    change: Difference = Difference()


@dataclass(slots=True, kw_only=True)
class Attachment:
    """An uploaded file; `size` is what a chunked upload announced, `content` what has come so far."""

    id: str
    name: str
    by: User
    created: datetime
    content: bytearray
    size: int

    @property
    def complete(self) -> bool:
        """Whether every byte is there."""
        return len(self.content) == self.size


@dataclass(slots=True, kw_only=True)
class Item:
    """A work item: `fields` maps reference names to plain values, dates and users; empty fields are absent."""

    id: int
    type: WorkItemType
    fields: dict[str, Any]
    relations: list[Relation] = field(default_factory=list)
    comments: dict[int, Comment] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    deleted: tuple[User, datetime] | None = None

    @property
    def rev(self) -> int:
        """The number of the newest revision."""
        return len(self.revisions)

    @property
    def changed(self) -> datetime:
        """`System.ChangedDate`."""
        return self.revisions[-1].when

    @property
    def parent(self) -> int | None:
        """The work item at the other end of the hierarchy link."""
        return next((relation.target for relation in self.relations if relation.rel == HIERARCHY_UP), None)


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """An area or iteration."""

    id: int
    name: str
    kind: str
    parent: Node | None = field(default=None, repr=False)
    attributes: dict[str, Any] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names from the root, which is the project, down to this node."""
        return (*self.parent.names, self.name) if self.parent is not None else (self.name,)

    @property
    def path(self) -> str:
        """The value that System.AreaPath or System.IterationPath has for it."""
        return "\\".join(self.names)

    def everything(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for child in self.children.values():
            yield from child.everything()


@dataclass(slots=True, kw_only=True, eq=False)
class Project:
    """A project of the organisation with the roots of its two trees; all projects have one process."""

    name: str
    nodes: dict[str, Node]

    @property
    def id(self) -> str:
        """A GUID."""
        return guid(f"project/{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEvent:
    """A hierarchy, dependency or related link made or removed."""

    rel: str
    source: int
    target: int
    when: datetime
    by: User
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this organisation's service behaves where processes, servers, recordings and documents differ.

    `custom_fields` are on every work item type; `custom_states` are, by type, names with their categories.
    `workflow` is "any" (every move, as processes allow today), "classic" (the older graphs) or type to state to states.
    `required_fields` names by type, or by "Type/State", what must be filled. `disabled_types` refuse new work items with
    a 500. `links_raise_rev`: a link is a revision on both ends. `circular_status` refuses a circular link (500 has been
    reported of the service). `moved_leave_feed`: a project's feed does not tell the revision by which a work item left
    it. `attachment_limit` is in bytes, `revision_limit` counts what the API takes before it answers 500.
    """

    custom_fields: Sequence[Field] = CUSTOM_FIELDS
    custom_states: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    workflow: WorkflowKind | Graph = "any"
    required_fields: Requirements = field(default_factory=dict)
    disabled_types: Sequence[str] = ()
    links_raise_rev: bool = False
    circular_status: int = 400
    moved_leave_feed: bool = False
    attachment_limit: int = 60 * 1024 * 1024
    revision_limit: int = 10_000


class Organisation:
    """One organisation, of whose projects one is worked on; the watermark of a revision is its place in `log`."""

    def __init__(
        self,
        *,
        project: str,
        process: ProcessName,
        clock: SimulatorClock,
        people: Iterable[User],
        rules: Rules,
    ) -> None:
        self.rules = rules
        self.project = project
        self.visibility = "private"
        self.process: ProcessName = process
        self.fields = {**FIELDS, **by_reference(rules.custom_fields)}
        own = frozenset(field.reference for field in rules.custom_fields)
        self.types = {
            kind.name.lower(): replace(
                kind, fields=kind.fields | own, states=with_states(kind, rules.custom_states.get(kind.name, {}))
            )
            for kind in PROCESSES[process]
        }
        #: By type name: the fields with a list of values, or a default that fills them on every save.
        self.choices = {
            kind.name: [field for field in self.fields_of(kind) if field.allowed or field.default is not None]
            for kind in self.types.values()
        }
        self.workflow = Workflow(process, rules.workflow)
        self.required_fields = {key.lower(): tuple(value) for key, value in rules.required_fields.items()}
        self.people = list(people)
        self.items: dict[int, Item] = {}
        self.log: list[tuple[datetime, int, int]] = []
        self.link_log: list[LinkEvent] = []
        self.tags: dict[str, str] = {}
        self.attachments: dict[str, Attachment] = {}
        self.last_node = 0
        self.projects: dict[str, Project] = {}
        self.project_id = self.add_project(project).id
        self.clock = clock
        self.pinned: datetime | None = None  # a seed makes its tickets in the past
        self.last_item = 0
        self.last_comment = 1_000
        self.last_resource = 65_000

    def now(self) -> datetime:
        """The service's time, never before the newest entry of the log."""
        now = sql_time(self.pinned or self.clock.now())
        return max(now, self.log[-1][0]) if self.log else now

    def add_project(self, name: str) -> Project:
        """A project of that name, the one that is there if it is."""
        if (known := self.projects.get(name.lower())) is not None:
            return known
        nodes = {
            kind: Node(id=self.last_node + at, name=name, kind=kind) for at, kind in ((1, "area"), (2, "iteration"))
        }
        self.last_node += 2
        return self.projects.setdefault(name.lower(), Project(name=name, nodes=nodes))

    def project_of(self, item: Item) -> Project:
        """The project that the work item is in now."""
        return self.projects[item.fields["System.TeamProject"].lower()]

    def item(self, item_id: int, *, deleted: bool = False) -> Item:
        """The work item; raises the service's 404 where it is not there, or not (`deleted`) in the recycle bin."""
        item = self.items.get(item_id)
        if item is None or (item.deleted is not None) is not deleted:
            raise not_found(item_id)
        return item

    def commit(
        self,
        item: Item,
        fields: dict[str, Any],
        by: User,
        *,
        comment: tuple[int, int] | None = None,
        change: Difference = Difference(),
        deleted: bool = False,
    ) -> Revision:
        """Give the work item its next revision, later than the one before."""
        when = self.now()
        if item.revisions and when <= item.changed:
            when = sql_time(item.changed + timedelta(milliseconds=4))
        fields.update({"System.ChangedDate": when, "System.ChangedBy": by})
        self.log.append((when, item.id, item.rev + 1))
        revision = Revision(
            rev=item.rev + 1,
            fields=fields,
            by=by,
            when=when,
            watermark=len(self.log),
            comment=comment,
            deleted=deleted,
        )
        item.revisions.append(revision)
        item.fields = fields
        item.updates.append(Update(rev=revision.rev, by=by, when=when, change=change))
        return revision

    def field(self, name: str) -> Field | None:
        """The field of that reference name or, as the service allows too, of that display name."""
        wanted = name.lower()
        found = self.fields.get(wanted)
        return found or next((field for field in self.fields.values() if field.name.lower() == wanted), None)

    def fields_of(self, kind: WorkItemType) -> list[Field]:
        """The fields of a work item type, by reference name."""
        return [self.fields[reference.lower()] for reference in sorted(kind.fields)]

    def user(self, value: str) -> list[User]:
        """Everybody whom the text may mean: a mail address, "Name <mail>", a GUID, a descriptor or a name."""
        text = value.strip().lower()
        exact = [p for p in self.people if text in (p.mail.lower(), str(p).lower(), p.id, p.descriptor)]
        return exact or [p for p in self.people if text == p.name.lower()]

    def node(self, kind: str, path: str) -> Node | None:
        r"""The node at `Project\Child\…`, whatever its case."""
        first, *rest = path.split("\\")
        project = self.projects.get(first.lower())
        node = project.nodes[kind] if project else None
        for name in rest:
            node = node.children.get(name.lower()) if node else None
        return node
