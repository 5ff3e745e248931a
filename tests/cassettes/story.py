"""An adapter's whole vocabulary, said once to whatever answers: a simulator, or a cassette of one."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sync.core.capabilities import Capabilities
from sync.core.changes import diff_fields
from sync.core.errors import TrackerError
from sync.core.ids import Cursor, Marker, NativeRef, PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import Field, Fields, NativeTicket
from sync.core.ports import Adapter, NativeOp, OpKind, Receipt
from sync.shell.mappingfile import load
from sync.testing.subject import ROUNDS, THROTTLE, Asked, Failure, Subject

MARKER = Marker("trackdown:v1:00112233445566aa:aa66554433221100")
SAID = Marker("trackdown:v1:bb112233445566aa:aa665544332211bb")
#: What is asked for, one change after the other; a tracker is asked for the fields that it has.
WISHES: tuple[dict[str, Any], ...] = (
    {
        "title": "Ours, renamed",
        "body": "# A heading\n\n- one\n- two\n\n```\ncode\n```\n\n[a link](https://example.org/a)",
    },
    {"status": "in_progress"},
    {"status": "done", "reason": "not_planned"},
    {"status": "reopened"},
    {"type": "feature", "priority": "P0", "severity": "high"},
    {"labels": frozenset({"one", "two words"}), "components": frozenset({"api"})},
    {"labels": frozenset({"two words"}), "assignees": frozenset({"grace"})},
    {"assignees": frozenset(), "body": ""},
    {"estimate": "8", "remaining": "3", "spent": "0.5", "points": "5"},
    {"start": "2026-03-01", "target": "2026-03-20", "due": "2026-04-01"},
    {"sprint": "Sprint 1", "milestone": frozenset({"1.0"})},
)

Transcript = list[list[Any]]


class Hand:
    """People in the tracker: a driver of a simulator whose answers are kept, or those answers again."""

    def __init__(self, *, driver: Any = None, log: Iterable[Any] = ()) -> None:
        self.driver = driver
        self.log: list[Any] = []
        self._kept = list(log)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def done(*args: Any, **words: Any) -> Any:
            if self.driver is None:
                return self._kept.pop(0)
            self.log.append(getattr(self.driver, name)(*args, **words))
            return self.log[-1]

        return done


def plain(value: Any) -> Any:
    """A value as JSON, without what differs from one telling to the next: when we read it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in dataclasses.fields(value) if one.name != "fetched_at"]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(member) for name, member in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(member) for member in value)
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.value if isinstance(value, Enum) else value


def _outline(value: Any) -> Any:
    if not isinstance(value, Receipt):
        return value
    version = value.ticket.version if value.ticket is not None else None
    return [value.ref, value.comment_ref, value.attachment and value.attachment.ref, version]


class Telling:
    """The steps of the story so far, each with what came of it."""

    def __init__(self, wait: Callable[[float], None]) -> None:
        self.steps: Transcript = []
        self.wait = wait

    def step(self, name: str, call: Callable[[], Any]) -> Any:
        """Do one thing and note what came of it (of a write: whom it concerned), or the error that it ended in."""
        try:
            value = call()
        except TrackerError as error:
            after = getattr(error, "after", None)
            self.steps.append([name, {"error": type(error).__name__, "message": str(error), "after": plain(after)}])
            return None
        self.steps.append([name, plain(_outline(value))])
        return value


def tell(
    kind: str,
    opened: Callable[..., Adapter],
    hand: Hand,
    *,
    people: Mapping[str, str],
    nowhere: str,
    wait: Callable[[float], None],
) -> Transcript:
    """The whole story; `opened` opens an adapter, `people` are native ids by person, `wait` lets seconds pass."""
    telling = Telling(wait)
    adapter = opened()
    try:
        capabilities: Capabilities = telling.step("probe", adapter.probe)
        known = People(
            replica=ReplicaName(kind), native_ids={PersonId(name): native for name, native in people.items()}
        )
        subject = Subject(
            adapter=adapter,
            codec=importlib.import_module(f"adapters.{kind}.codec").CODEC,
            capabilities=capabilities,
            mapping=load(kind, folder=Path()).bind(capabilities.facts, known),
            server=hand,  # type: ignore[arg-type]  # says less, and as much as this story asks
        )
        theirs, cursor = _reading(telling, subject)
        _failing(telling, subject, theirs, cursor)  # while there is little to read again
        ours = _writing(telling, subject)
        _discussing(telling, subject, ours)
        if subject.capabilities.attachments:
            _attaching(telling, subject, ours)
        _remembering(telling, subject, ours, theirs)
        _deleting(telling, subject, ours)
    finally:
        adapter.close()
    for name, wrong in (("a wrong token", {"wrong_token": True}), ("a wrong project", {"wrong_project": nowhere})):
        stranger = opened(**wrong)
        try:
            telling.step(name, stranger.probe)
        finally:
            stranger.close()
    return telling.steps


def _reading(telling: Telling, subject: Subject) -> tuple[NativeRef, Cursor]:
    """Everything, then what people did since, then nothing."""
    hand = subject.server
    theirs = hand.create(title="Theirs", body="Words of a person", labels=["one"])
    short = hand.create(title="Short-lived")
    pages = telling.step("pull everything", subject.pulled)
    cursor = pages[-1].cursor
    hand.edit(theirs, title="Theirs, renamed")
    comment = hand.comment(theirs, "A remark")
    hand.edit_comment(theirs, comment, "A better remark")
    hand.delete_comment(theirs, hand.comment(theirs, "A remark that goes"))
    hand.delete(short)
    pages = telling.step("pull what changed", lambda: subject.pulled(cursor))
    cursor = telling.step("pull nothing new", lambda: subject.pulled(pages[-1].cursor))[-1].cursor
    for one in telling.step("fetch", lambda: list(subject.adapter.fetch([theirs, short]))) or ():
        if one.ref == theirs:
            telling.step("decode", lambda one=one: subject.codec.decode(one, subject.mapping))
    return theirs, cursor


def _writing(telling: Telling, subject: Subject) -> NativeRef:
    """A create that carries all it can, and each field changed."""
    wanted: dict[str, Any] = {"title": "Ours", "body": "Some *words*", "type": "bug", "priority": "P1"}
    wanted |= {"labels": frozenset({"one"}), "assignees": frozenset({"ada"})}
    ours = _created(telling, subject, wanted, MARKER)
    above = _created(telling, subject, {"title": "Above", "kind": "epic"})
    other = _created(telling, subject, {"title": "Beside"})
    links = frozenset({f"blocks:{other}", f"relates:{above}"})
    family: tuple[dict[str, Any], ...] = ({"parent": above}, {"parent": None}, {"links": links}, {"links": frozenset()})
    current = subject.read(ours)
    held = subject.capabilities.fields - subject.capabilities.tells
    for wish in WISHES + family:
        fields = {name: value for name, value in _fields(wish).items() if name in held}
        if fields:
            current = _changed(telling, subject, current, fields)
    telling.step("decode what was written", lambda: subject.decoded(ours))
    return ours


def _changed(telling: Telling, subject: Subject, current: NativeTicket, wanted: Fields) -> NativeTicket:
    """Encode and write until nothing is left to say, as the engine does; what was answered is the new state."""
    for _ in range(ROUNDS):
        changes = diff_fields(subject.codec.decode(current, subject.mapping).snapshot.fields, wanted)
        encoded = subject.codec.encode(changes, current, subject.mapping, subject.capabilities)
        if not encoded.ops:
            if encoded.problems:
                telling.steps.append([f"can't set {', '.join(wanted)}", plain(encoded.problems)])
            break
        receipt = None
        for op in encoded.ops[:1] if subject.capabilities.conditional_writes else encoded.ops:
            receipt = telling.step(op.summary, lambda op=op: subject.write(op))
        current = receipt.ticket if receipt is not None and receipt.ticket is not None else subject.read(current.ref)
    return current


def _created(telling: Telling, subject: Subject, words: dict[str, Any], marker: Marker | None = None) -> NativeRef:
    op = _creation(subject, words, marker)
    receipt: Receipt = telling.step(op.summary, lambda: subject.write(op))
    return receipt.ref


def _creation(subject: Subject, words: dict[str, Any], marker: Marker | None = None) -> NativeOp:
    changes = diff_fields({}, _fields({"kind": "issue", **words}))
    (op,) = subject.codec.encode(changes, None, subject.mapping, subject.capabilities, marker).ops
    return op


def _fields(words: Mapping[str, Any]) -> Fields:
    return {Field(name): value for name, value in words.items()}


def _discussing(telling: Telling, subject: Subject, ours: NativeRef) -> None:
    """A comment that is made, found, rewritten and deleted."""
    current = None
    for body in ("A *remark*", "A better remark", None):
        ticket = subject.read(ours)
        (op,) = subject.codec.encode_comment(
            body,
            ticket,
            current,
            subject.mapping,
            subject.capabilities,
            marker=SAID if current is None else None,
            attribution="*Ada wrote in Elsewhere (X-1):*" if body else None,
        ).ops
        receipt = telling.step(op.kind.value, lambda op=op: subject.write(op))
        if op.kind is OpKind.COMMENT_CREATE:
            telling.step("find the comment", lambda op=op: subject.adapter.find(op, fence=0))
            current = next(one for one in subject.comments(ours) if one.ref == receipt.comment_ref)


def _attaching(telling: Telling, subject: Subject, ours: NativeRef) -> None:
    """A file that goes up, is listed, and is taken away (what comes down goes past every client library)."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_text("what is in the file")
        about = {"name": "a file.txt", "media_type": "text/plain", "size": file.stat().st_size}
        receipt = telling.step("attach", lambda: subject.write(_filing("attachment_create", ours, about), file))
    telling.step("list the files", lambda: subject.codec.attachments(subject.read(ours)))
    gone = {"attachment": receipt.attachment.ref}
    telling.step("take the file away", lambda: subject.write(_filing("attachment_delete", ours, gone)))


def _filing(kind: str, ours: NativeRef, payload: dict[str, Any]) -> NativeOp:
    return NativeOp(kind=OpKind(kind), action=kind.replace("_", "."), summary=kind, payload=payload, ref=ours)


def _remembering(telling: Telling, subject: Subject, ours: NativeRef, theirs: NativeRef) -> None:
    """The tracker's own history, and whether a lost create was done."""
    since = subject.read(theirs).updated_at - timedelta(days=1)
    events = telling.step("history", lambda: list(subject.adapter.history([theirs, ours], since))) or []
    telling.step("decode history", lambda: [subject.codec.decode_event(event, subject.mapping) for event in events])
    number = subject.read(ours).number
    lost = NativeOp(kind=OpKind.CREATE, action="create", summary="a lost create", payload={}, marker=MARKER)
    telling.step("find a create that was done", lambda: subject.adapter.find(lost, fence=number - 1))
    telling.step("find a create that was not", lambda: subject.adapter.find(lost, fence=number))


def _deleting(telling: Telling, subject: Subject, ours: NativeRef) -> None:
    """The whole ticket, twice; where none is deleted, what is said instead."""
    encoded = telling.step("delete", lambda: subject.codec.encode_delete(subject.read(ours)))
    for op in encoded.ops:
        for _ in range(2):
            telling.step(op.summary, lambda op=op: subject.write(op))
        telling.step("fetch what was deleted", lambda: list(subject.adapter.fetch([ours])))


def _failing(telling: Telling, subject: Subject, theirs: NativeRef, cursor: Cursor) -> None:
    """Refusals: an answer that says later, a gateway that says nothing, a ticket that is not there."""
    hand = subject.server
    for failure in (Failure.REFUSED, Failure.GATEWAY, Failure.THROTTLED):
        hand.edit(theirs, title=f"Theirs, {failure}")
        hand.fail(failure, Asked.READ)
        for page in telling.step(f"read: {failure}", lambda since=cursor: subject.pulled(since)) or ():
            cursor = page.cursor
        telling.wait(THROTTLE.total_seconds())
        hand.fail(failure, Asked.CREATE)
        telling.step(f"create: {failure}", lambda: subject.write(_creation(subject, {"title": "Never"})))
        telling.wait(THROTTLE.total_seconds())
    telling.step("fetch what never was", lambda: list(subject.adapter.fetch([NativeRef("9999")])))
