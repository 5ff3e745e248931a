"""Requests for plans, links and custom fields: one a field, so that what Jira refuses stops nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from adapters.jira.codec_links import ends, hold_links, link_body, links_there
from adapters.jira.codec_plans import SPANS, Holding, hold
from adapters.jira.kinds import NAMED, SEVERAL, read_words, write_words
from adapters.jira.slots import TIME, Slot, slot_of, slotted
from adapters.jira.wire import as_object, at, text_at
from sync.core.models import UNKNOWN, Field, JsonObject, NativeTicket
from sync.core.ports import NativeOp, OpKind

if TYPE_CHECKING:
    from adapters.jira.codec_encode import Encoding

_ESTIMATES = {Field.ESTIMATE: "originalEstimate", Field.REMAINING: "remainingEstimate"}


def plan_fields(encoding: Encoding, *, subtask: bool) -> tuple[JsonObject, list[tuple[Field, str]]]:
    """What a create carries of plans and custom fields: native fields, and each canonical field with its native id.

    Names that have to be made, work that was done, and an estimate that is to be empty beside another, which Jira
    fills, follow when the ticket is there.
    """
    sent: JsonObject = {}
    carried: list[tuple[Field, str]] = []
    for name, slot, holding in _holdings(encoding, None):
        later = holding.make or name is Field.SPENT or (name in SPANS and not holding.words)
        if later or (slot.kind == "sprint" and subtask):
            continue
        carried.append((name, slot.id))
        if name in SPANS:
            sent.setdefault(TIME, {})[_ESTIMATES[name]] = holding.words[0]
        elif slot.kind == "sprint":
            sent[slot.id] = sprint_number(encoding, holding)
        else:
            sent[slot.id] = write_words(slot.kind, holding.words, cloud=encoding.site.cloud)
    return {name: value for name, value in sent.items() if value is not None}, carried


def plan_requests(encoding: Encoding, current: NativeTicket) -> Iterable[NativeOp]:
    """The requests for what changed of plans and custom fields."""
    spans: dict[Field, str] = {}
    for name, slot, holding in _holdings(encoding, current):
        if name in encoding.alike:
            continue
        yield from (_make(encoding, current, name, word) for word in holding.make)
        if name is Field.SPENT:
            if holding.words:
                yield _log_work(current, int(holding.words[0]))
        elif name in SPANS:
            spans[name] = holding.words[0] if holding.words else ""
        elif slot.kind in SEVERAL or slot.kind in NAMED:
            if operations := _operations(encoding, current, name, slot, holding):
                yield _put(encoding, current, name, slot, {"update": {slot.id: operations}})
        elif slot.kind == "sprint":
            made = {"number_of": [slot.id, holding.words[0]]} if holding.make else None
            number = None if made else sprint_number(encoding, holding)
            yield _put(encoding, current, name, slot, {"fields": {slot.id: number}}, made)
        else:
            present = at(current.payload, "fields", slot.id)
            value = write_words(slot.kind, holding.words, cloud=encoding.site.cloud, current=present)
            yield _put(encoding, current, name, slot, {"fields": {slot.id: value}})
    if spans:
        yield _estimate(encoding, current, spans)


def link_requests(encoding: Encoding, current: NativeTicket) -> Iterable[NativeOp]:
    """Each link that is to come or to go; making one that is there, and removing one that is gone, change nothing."""
    if Field.LINKS not in encoding.news or Field.LINKS in encoding.caps.tells or not links_there(current.payload):
        return
    change = encoding.changes.fields[Field.LINKS]
    held, problem = hold_links(change.new, current, encoding.mapping)
    if problem is not None:
        encoding.problems.append(problem)
    there = ends(current.payload, encoding.mapping)
    present = {each.member for each in there}
    old = change.old if isinstance(change.old, frozenset) else present
    for member in sorted(held - present):
        body = link_body(member, current.ref, encoding.mapping)
        if body is not None:
            yield _request(current, "link", f"link {member}", "POST", "issueLink", {Field.LINKS}, body)
    for each in there:
        if each.member in old - held:
            yield _request(current, "unlink", f"unlink {each.member}", "DELETE", f"issueLink/{each.id}", {Field.LINKS})


def sprint_number(encoding: Encoding, holding: Holding) -> int | None:
    """The number of the open sprint that is wanted; None for none."""
    known = as_object(encoding.mapping.facts.extra.get(Field.SPRINT.value))
    number = text_at(known, holding.words[0]) if holding.words else ""
    return int(number) if number.isdecimal() else None


def _holdings(encoding: Encoding, current: NativeTicket | None) -> Iterable[tuple[Field, Slot, Holding]]:
    """What can be held of the changed fields; the rest is told."""
    for name in slotted(encoding.mapping):
        if name not in encoding.news or name in encoding.caps.tells:
            continue
        holding = hold(name, encoding.news, current, encoding.mapping)
        if holding.problem is not None:
            encoding.problems.append(holding.problem)
        slot = slot_of(name, encoding.mapping)
        if slot is not None and holding.value is not UNKNOWN:
            yield name, slot, holding


def _operations(
    encoding: Encoding, current: NativeTicket, name: Field, slot: Slot, holding: Holding
) -> list[JsonObject]:
    """Single additions and removals, so that a member that somebody adds meanwhile stays."""
    present = read_words(slot.kind, at(current.payload, "fields", slot.id)) or []
    old = encoding.changes.fields[name].old
    cloud = encoding.site.cloud

    def said(verb: str, word: str) -> JsonObject:
        return {verb: write_words(slot.kind, [word], cloud=cloud)[0]}

    gone = [word for word in present if word not in holding.words]
    if isinstance(old, frozenset):
        gone = [word for word in gone if _canonical(encoding, name, word) in old]
    return [said("add", word) for word in holding.words if word not in present] + [said("remove", w) for w in gone]


def _canonical(encoding: Encoding, name: Field, word: str) -> str:
    row = encoding.mapping.mapping.custom.get(name)
    if row is None:
        return encoding.mapping.read_name(name, word)
    if row.type == "people":
        return str(encoding.mapping.people.read([word]))
    meaning = row.values.read(word)
    return meaning if isinstance(meaning, str) else word


def _estimate(encoding: Encoding, current: NativeTicket, spans: dict[Field, str]) -> NativeOp:
    """Both estimates together: Jira thinks of a value of its own for the one that is left out."""
    tracked = as_object(at(current.payload, "fields", TIME))
    sent: JsonObject = {}
    for name, key in _ESTIMATES.items():
        present = text_at(tracked, SPANS[name])
        sent[key] = spans.get(name, f"{int(present) // 60}m" if present.isdecimal() else "")
    told = ", ".join(sorted(spans))
    return encoding.put(current, {"fields": {TIME: sent}}, spans.keys(), f"set {told}")


def _log_work(current: NativeTicket, seconds: int) -> NativeOp:
    """The remaining estimate is somebody's statement of its own: it stays."""
    body: JsonObject = {"timeSpentSeconds": seconds}
    place, params = f"issue/{current.ref}/worklog", {"adjustEstimate": "leave"}
    summary = f"log {seconds // 60} minutes of work"
    return _request(current, "log work", summary, "POST", place, {Field.SPENT}, body, params)


def _make(encoding: Encoding, current: NativeTicket, name: Field, word: str) -> NativeOp:
    """A request that makes a name; it writes no field of the ticket."""
    extra = encoding.mapping.facts.extra
    body: JsonObject = {"name": word}
    if name is Field.SPRINT:
        place = "/rest/agile/1.0/sprint"
        body["originBoardId"] = extra.get("board")
    elif name is Field.MILESTONE:
        place = "version"
        body["projectId"] = int(text_at(extra, "project_id") or "0")
    else:
        place = "component"
        body["project"] = encoding.site.project
    return _request(current, "make", f"make the {name} {word!r}", "POST", place, set(), body)


def _put(
    encoding: Encoding, current: NativeTicket, name: Field, slot: Slot, body: JsonObject, more: JsonObject | None = None
) -> NativeOp:
    return encoding.put(current, body, {name}, f"set {name}", {"named": {slot.id: name.value}, **(more or {})})


def _request(
    current: NativeTicket,
    action: str,
    summary: str,
    method: str,
    path: str,
    fields: set[Field],
    body: Any = None,
    params: JsonObject | None = None,
) -> NativeOp:
    payload: JsonObject = {"method": method, "path": path}
    payload |= {"body": body} if body is not None else {}
    payload |= {"params": params} if params else {}
    return NativeOp(
        kind=OpKind.UPDATE,
        action=action,
        summary=f"{current.key}: {summary}",
        payload=payload,
        ref=current.ref,
        fields=frozenset(fields),
        expects=current.version,
    )
