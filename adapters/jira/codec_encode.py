"""From changes to requests: few and small, and apart from each other where one refusal must not stop the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from adapters.jira.codec_files import NO_FILES, files_of
from adapters.jira.codec_requests import link_requests, plan_fields, plan_requests
from adapters.jira.codec_status import choose
from adapters.jira.codec_text import mentions, one_line, too_long, write_text
from adapters.jira.codec_values import (
    Site,
    held_assignee,
    held_labels,
    held_reason,
    held_status,
    held_type,
    strangers,
)
from adapters.jira.wire import PROPERTY, as_list, as_object, at, text_at
from sync.core.capabilities import Capabilities
from sync.core.changes import ChangeSet
from sync.core.ids import Marker, NativeRef
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, FieldProblem, Fields, JsonObject, NativeTicket, Value
from sync.core.ports import Encoded, NativeOp, OpKind

#: One edit carries these; the others have a request of their own, as Jira may refuse them for reasons of their own.
_TOGETHER: Final = frozenset({Field.TITLE, Field.BODY, Field.PRIORITY, Field.LABELS, Field.KIND, Field.TYPE})
#: What a create carries besides what depends on the site.
_CREATED: Final = _TOGETHER


class Encoding:
    """The encoding of one change set. `alike` are the fields that read as wanted already: nothing is sent for them."""

    def __init__(
        self,
        changes: ChangeSet,
        current: NativeTicket | None,
        mapping: ProjectMapping,
        caps: Capabilities,
        *,
        alike: Collection[Field] = (),
    ) -> None:
        off = mapping.mapping.off
        self.changes = ChangeSet(fields={name: each for name, each in changes.fields.items() if name not in off})
        self.news: Fields = {name: value for name, value in self.changes.news.items() if value is not UNKNOWN}
        self.current = current
        self.mapping = mapping
        self.caps = caps
        self.site = Site.of(mapping)
        self.alike = alike
        self.problems: list[FieldProblem] = []

    def create(self, marker: Marker | None) -> Encoded:
        """One POST with the marker inside; the status follows when it is there."""
        fields: JsonObject = {"project": {"key": self.site.project}}
        row = held_type(self.news, None, self.mapping)
        if row is None:
            return Encoded(problems=(self._no_type(),))
        fields["issuetype"] = {"name": self._native_type(row.native)}
        sets = self._scalars()
        fields["summary"] = sets.pop("summary", None) or "(no title)"
        fields |= {name: value for name, value in sets.items() if value is not None}
        labels = held_labels(self.news.get(Field.LABELS))
        self._tell_labels(labels)
        if labels:
            fields["labels"] = list(labels)
        told = {name for name in _CREATED if name in self.news} - {problem.field for problem in self.problems}
        if assignee := self._assignee(None):
            fields["assignee"] = assignee
            told.add(Field.ASSIGNEES)
        more: JsonObject = {}
        if (parent := self.news.get(Field.PARENT)) and row.kind != "epic":
            if self.site.cloud or self._is_subtask(row.native):
                fields["parent"] = {"id": str(parent)}
                told.add(Field.PARENT)
            elif self.site.epic_link:
                more["key_of"] = [self.site.epic_link, parent]
                told.add(Field.PARENT)
        if row.kind == "epic" and self.site.epic_name:
            fields[self.site.epic_name] = fields["summary"]
        planned, carried = plan_fields(self, subtask=self._is_subtask(row.native))
        fields |= planned
        told |= {name for name, _ in carried}
        more["named"] = {native: name.value for name, native in carried}
        body: JsonObject = {"fields": fields}
        if marker is not None:
            body["properties"] = [{"key": PROPERTY, "value": {"marker": marker}}]
        op = NativeOp(
            kind=OpKind.CREATE,
            action="create",
            summary=f"create '{fields['summary']}' in {self.site.project}",
            payload={"method": "POST", "path": "issue", "body": body, **more},
            fields=frozenset(told),
            marker=marker,
        )
        return Encoded(ops=(op,), problems=tuple(self.problems))

    def update(self, current: NativeTicket) -> Encoded:
        """What changed, in requests of which each may be refused alone; those whose answer shows the ticket come later."""
        ops = [
            *link_requests(self, current),
            *plan_requests(self, current),
            *self._edit(current),
            *self._assign(current),
            *self._adopt(current),
            *self._move(current),
        ]
        return Encoded(ops=tuple(ops), problems=tuple(self.problems))

    # -- the single requests -----------------------------------------------------------------------

    def _edit(self, current: NativeTicket) -> Iterable[NativeOp]:
        sets = self._scalars()
        body: JsonObject = {}
        if self._wants(Field.KIND) or self._wants(Field.TYPE):
            row = held_type(self.news, current, self.mapping)
            present = text_at(current.payload, "fields", "issuetype", "name")
            if row is None:
                self.problems.append(self._no_type())
            elif row.native.casefold() != present.casefold():
                sets["issuetype"] = {"name": self._native_type(row.native)}
        if sets:
            body["fields"] = sets
        if operations := self._label_operations(current):
            body["update"] = {"labels": operations}
        if body:
            refused = {problem.field for problem in self.problems}
            names = {name for name in _TOGETHER if self._wants(name) and name not in refused}
            yield self.put(current, body, names, "edit " + ", ".join(sorted(names)))

    def _assign(self, current: NativeTicket) -> Iterable[NativeOp]:
        value = self.news.get(Field.ASSIGNEES)
        if not isinstance(value, frozenset):
            return
        person = self._assignee(current)
        if self._wants(Field.ASSIGNEES) and (person or not value):
            told = next(iter(person.values())) if person else "nobody"
            yield self.put(current, {"fields": {"assignee": person}}, {Field.ASSIGNEES}, f"assign to {told}")

    def _assignee(self, current: NativeTicket | None) -> JsonObject | None:
        """The person to assign, as Jira names people; who has no account here is told."""
        value = self.news.get(Field.ASSIGNEES)
        if isinstance(value, frozenset) and (names := strangers(value, self.mapping)):
            self.problems.append(
                FieldProblem(
                    field=Field.ASSIGNEES,
                    message=f"{', '.join(names)}: no account in this Jira, as far as [people] says.",
                    mend="Add them to [people] with their Jira account.",
                )
            )
        held = held_assignee(value, current, self.mapping) if value else None
        identity = "accountId" if self.site.cloud else "name"
        return {identity: held[0]} if held and held[0] else None

    def _is_subtask(self, native: str) -> bool:
        return native.casefold() in {name.casefold() for name in self.site.subtasks}

    def _adopt(self, current: NativeTicket) -> Iterable[NativeOp]:
        if not self._wants(Field.PARENT):
            return
        parent = self.news[Field.PARENT]
        subtask = self._is_subtask(text_at(current.payload, "fields", "issuetype", "name"))
        if subtask and not parent:
            self.problems.append(
                FieldProblem(
                    field=Field.PARENT,
                    message="A sub-task must have a parent in Jira.",
                    mend="Move it to another type in Jira, or give it a parent.",
                )
            )
            return
        told = f"put under {parent}" if parent else "take out of its parent"
        if not self.site.cloud and not subtask:
            # The field takes keys; the adapter knows the key of an id.
            body: JsonObject = {"fields": {self.site.epic_link: None}}
            if self.site.epic_link:
                yield self.put(current, body, {Field.PARENT}, told, {"key_of": [self.site.epic_link, parent or None]})
            return
        body = (
            {"fields": {"parent": {"id": str(parent)}}} if parent else {"update": {"parent": [{"set": {"none": True}}]}}
        )
        yield self.put(current, body, {Field.PARENT}, told)

    def _move(self, current: NativeTicket) -> Iterable[NativeOp]:
        if not self._wants(Field.STATUS):
            return
        native_type = text_at(current.payload, "fields", "issuetype", "name")
        held = held_status(self.news[Field.STATUS], current, self.mapping, native_type)
        if held is None:
            self.problems.append(self._no_word(Field.STATUS, self.news[Field.STATUS]))
            return
        target, meaning = held
        if target.casefold() == self.site.status_word(_status(current)).casefold():
            return
        values = dict(self.mapping.screen(str(meaning)))
        resolution = held_reason(self.news.get(Field.REASON), meaning, current, self.mapping)
        if resolution and resolution[0]:
            values["resolution"] = resolution[0]
        step = choose(target, values, current, self.mapping)
        if step.problem is not None or step.move is None:
            self.problems += [step.problem] if step.problem else []
            return
        sent: JsonObject = {"transition": {"id": step.move.id}}
        if step.values:
            sent["fields"] = dict(step.values)
        reached = step.move.target.casefold() == target.casefold()
        yield NativeOp(
            kind=OpKind.UPDATE,
            action="transition",
            summary=f"{current.key}: '{step.move.name}' to {step.move.target}",
            payload={"method": "POST", "path": f"issue/{current.ref}/transitions", "body": sent},
            ref=current.ref,
            fields=frozenset({Field.STATUS, *({Field.REASON} & set(self.news) if reached else ())}),
            expects=current.version,
        )

    # -- values ------------------------------------------------------------------------------------

    def _scalars(self) -> JsonObject:
        """Summary, description and priority, as far as they changed and can be held."""
        sets: JsonObject = {}
        if self._wants(Field.TITLE):
            self._title(sets)
        if self._wants(Field.BODY):
            body = self.news[Field.BODY]
            text = body if isinstance(body, str) else ""
            if problem := too_long(text, self.caps, cloud=self.site.cloud):
                self.problems.append(problem)
            else:
                there = at(self.current.payload, "fields", "description") if self.current is not None else None
                who = mentions(self.mapping)
                files = files_of(self.current)
                sets["description"] = write_text(text, cloud=self.site.cloud, current=there, who=who, files=files)
        priority = self.news.get(Field.PRIORITY)
        if isinstance(priority, str) and priority and self._wants(Field.PRIORITY):
            word = self.mapping.write_priority(priority)
            if word is None:
                self.problems.append(self._no_word(Field.PRIORITY, priority))
            else:
                sets["priority"] = {"name": word}
        return sets

    def _title(self, sets: JsonObject) -> None:
        """The summary; one that is too long is never cut, but for a new ticket, which must have one."""
        value = self.news[Field.TITLE]
        title = one_line(value) if isinstance(value, str) else ""
        limit = self.caps.title_limit or len(title)
        if len(title) > limit:
            message = f"The title has {len(title)} characters, and Jira takes {limit}."
            self.problems.append(FieldProblem(field=Field.TITLE, message=message, mend="Shorten the title."))
            if self.current is None:
                sets["summary"] = title[: limit - 1].rstrip() + "…"
        elif title:
            sets["summary"] = title
        elif self.current is not None:
            message = "Jira takes no empty title."
            self.problems.append(FieldProblem(field=Field.TITLE, message=message, mend="Give the ticket a title."))

    def _wants(self, name: Field) -> bool:
        return name in self.news and name not in self.alike

    def _label_operations(self, current: NativeTicket) -> list[JsonObject]:
        """Single additions and removals, so that a label that somebody adds meanwhile stays."""
        if Field.LABELS not in self.news:
            return []
        change = self.changes.fields[Field.LABELS]
        new, present = held_labels(change.new), {str(label) for label in as_list(_fields(current).get("labels"))}
        if new is None:
            return []
        self._tell_labels(new)
        if not self._wants(Field.LABELS):
            return []
        # Without a known old value the present labels are the old ones.
        known = isinstance(change.old, frozenset)
        old = set(held_labels(change.old) or ()) if known else present
        added, removed = sorted(set(new) - present), sorted((old - set(new)) & present)
        return [{"add": label} for label in added] + [{"remove": label} for label in removed]

    def _tell_labels(self, held: Mapping[str, str] | None) -> None:
        wanted = self.news.get(Field.LABELS)
        lost = sorted(set(wanted) - set((held or {}).values())) if isinstance(wanted, frozenset) else []
        if lost:
            names = ", ".join(repr(label) for label in lost)
            message = f"Jira can't hold {names} as a label (no line breaks or tabs, 255 characters)."
            self.problems.append(FieldProblem(field=Field.LABELS, message=message, mend="Rename the label."))

    def put(
        self,
        current: NativeTicket,
        body: JsonObject,
        fields: Iterable[Field],
        summary: str,
        more: JsonObject | None = None,
    ) -> NativeOp:
        """One edit; on Cloud its answer is the ticket."""
        payload: JsonObject = {"method": "PUT", "path": f"issue/{current.ref}", "body": body, **(more or {})}
        if self.site.cloud:
            payload["params"] = {"returnIssue": "true", "expand": "transitions"}
        return NativeOp(
            kind=OpKind.UPDATE,
            action="edit",
            summary=f"{current.key}: {summary}",
            payload=payload,
            ref=current.ref,
            fields=frozenset(fields),
            expects=current.version,
        )

    def _native_type(self, name: str) -> str:
        """The type as the project spells it."""
        return next((each for each in self.mapping.facts.types if each.casefold() == name.casefold()), name)

    def _no_type(self) -> FieldProblem:
        kind, type_ = self.news.get(Field.KIND), self.news.get(Field.TYPE)
        return FieldProblem(
            field=Field.TYPE,
            message=f"The project has no issue type for {type_ or 'a'} {kind or 'issue'}.",
            mend="Add a [[types]] row to mappings/jira.toml for a type that the project has.",
        )

    @staticmethod
    def _no_word(field: Field, value: Value) -> FieldProblem:
        return FieldProblem(
            field=field,
            message=f"The project has no {field} for '{value}'.",
            mend=f"Add a native word to [fields.{field}.values] of mappings/jira.toml, or a fallback.",
        )


def delete_op(ticket: NativeTicket) -> NativeOp:
    """The request that deletes a ticket; Jira refuses it while there are subtasks."""
    payload = {"method": "DELETE", "path": f"issue/{ticket.ref}", "params": {"deleteSubtasks": "false"}}
    return NativeOp(
        kind=OpKind.DELETE, action="delete", summary=f"delete {ticket.key}", payload=payload, ref=ticket.ref
    )


def comment_op(
    kind: OpKind,
    ticket: NativeTicket,
    ref: NativeRef | None,
    body: JsonObject | None,
    marker: Marker | None,
    files: Mapping[str, str] = NO_FILES,
) -> NativeOp:
    """The request for one comment, which names these files of the ticket."""
    method = {OpKind.COMMENT_CREATE: "POST", OpKind.COMMENT_UPDATE: "PUT"}.get(kind, "DELETE")
    place = f"issue/{ticket.ref}/comment" + (f"/{ref}" if ref else "")
    payload: JsonObject = {"method": method, "path": place}
    if body is not None:
        payload["body"] = body
    if files:
        payload["files"] = dict(files)
    verb = {"POST": "comment on", "PUT": "edit a comment of", "DELETE": "delete a comment of"}[method]
    return NativeOp(
        kind=kind,
        action="comment",
        summary=f"{verb} {ticket.key}",
        payload=payload,
        ref=ticket.ref,
        comment=ref,
        fields=frozenset({Field.BODY}),
        expects=None,
        marker=marker,
    )


def _fields(current: NativeTicket) -> JsonObject:
    return as_object(current.payload.get("fields"))


def _status(current: NativeTicket) -> Any:
    return _fields(current).get("status")
