"""Conflicts as a person reviews them: who wrote what, where and when, word by word against the base, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from sync.core.conflict import Reason
from sync.core.fieldrules import equal
from sync.core.ids import BridgeName, PersonId, ReplicaName
from sync.core.models import Field, Value
from sync.shell.words import label, moment, say
from sync.store import Tx
from sync.store.records import ClaimRecord, ConflictRecord, ConflictState

#: Above this many words a diff is made by lines: matching is quadratic at worst.
WORDS_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both have, that only the claim has, or that only the base has."""

    kind: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """One side of a conflict. `take` is what `--take` calls it; `proposed` is for a person who has to choose."""

    who: str
    where: str
    take: ReplicaName | None
    at: datetime | None
    uncertain: bool
    value: Value
    text: str
    diff: tuple[Piece, ...]
    proposed: bool
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictView:
    """One conflict, ready to be shown; all text is other people's and has to be escaped by who shows it."""

    id: str
    bridge: BridgeName
    ticket: str
    title: str
    links: tuple[tuple[str, str], ...]  # (place, url), where the tickets stand
    subject: str
    field: Field
    state: ConflictState
    reason: str
    sentence: str
    uncertain: bool
    base: Value
    claims: tuple[ClaimView, ...]
    proposed: Value
    chosen: Value
    by: str
    created_at: datetime
    resolved_at: datetime | None

    @property
    def past(self) -> str:
        """What the base is."""
        return "nothing was agreed yet" if self.reason == Reason.FIRST_MEETING else "what all sides last agreed on"

    @property
    def waits(self) -> bool:
        """Whether a person has to decide."""
        return self.state == "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Who and what ids are for people: persons by id, the trackers' titles by bridge."""

    people: Mapping[str, str]
    titles: Mapping[BridgeName, Mapping[ReplicaName, str]]

    def person(self, person: PersonId | None) -> str:
        """A person's name; somebody without an entry is an account."""
        if person is None:
            return "somebody"
        return self.people.get(person) or person.partition(":")[2] or person

    def place(self, bridge: BridgeName, replica: ReplicaName | None) -> str:
        """A tracker's title; trackdown itself for None."""
        if replica is None:
            return "trackdown"
        return self.titles.get(bridge, {}).get(replica, replica)


def conflict_views(
    tx: Tx, directory: Directory, *, bridge: BridgeName | None = None, state: ConflictState | None = None
) -> Iterator[ConflictView]:
    """The conflicts of the store, what waits for a person first, then the newest."""
    records = sorted(tx.conflicts.list(bridge, state), key=lambda one: one.created_at, reverse=True)
    for record in sorted(records, key=lambda one: one.state != "open"):
        yield conflict_view(tx, record, directory)


def conflict_view(tx: Tx, record: ConflictRecord, directory: Directory) -> ConflictView:
    """One conflict with everything around it."""
    record = _in_words(tx, record)
    ticket = tx.tickets.get(record.ticket)
    fields = ticket.canonical.fields if ticket is not None else {}
    claims = tuple(_claim(record, claim, directory) for claim in record.claims)
    return ConflictView(
        id=record.id,
        bridge=record.bridge,
        ticket=ticket.key if ticket is not None else record.ticket,
        title=say(fields.get(Field.TITLE)),
        links=tuple(
            (f"{directory.place(record.bridge, link.replica)} {link.key}", link.url)
            for link in tx.links.of_ticket(record.ticket)
        ),
        subject="a comment" if record.comment is not None else f"the {label(record.field).lower()}",
        field=record.field,
        state=record.state,
        reason=record.reason,
        sentence=_sentence(record, claims),
        uncertain=any(claim.uncertain for claim in claims),
        base=record.base,
        claims=claims,
        proposed=record.proposed,
        chosen=record.chosen,
        by=directory.person(PersonId(record.by)),
        created_at=record.created_at,
        resolved_at=record.resolved_at,
    )


def _in_words(tx: Tx, record: ConflictRecord) -> ConflictRecord:
    """The conflict with keys and names in place of our ids."""
    from sync.store.naming import in_words

    return replace(
        record,
        base=in_words(tx, record.base),
        claims=tuple(replace(claim, value=in_words(tx, claim.value)) for claim in record.claims),
        proposed=in_words(tx, record.proposed),
        chosen=in_words(tx, record.chosen),
    )


def word_diff(base: str, text: str) -> tuple[Piece, ...]:
    """What `text` says otherwise than `base`, by words; by lines where it is long."""
    before, after = _tokens(base), _tokens(text)
    pieces: list[Piece] = []
    for tag, b0, b1, a0, a1 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[b0:b1])))
            continue
        if b1 > b0:
            pieces.append(Piece("removed", "".join(before[b0:b1])))
        if a1 > a0:
            pieces.append(Piece("added", "".join(after[a0:a1])))
    return tuple(pieces)


def value_diff(base: Value, value: Value) -> tuple[Piece, ...]:
    """The same for any value; of sets, the members that came and went."""
    if base and (isinstance(base, frozenset) or isinstance(value, frozenset)):
        before = base if isinstance(base, frozenset) else frozenset()
        after = value if isinstance(value, frozenset) else frozenset()
        return tuple(_member_pieces(before, after)) or (Piece("same", say(frozenset())),)
    if not base:
        return (Piece("same", say(value)),)  # all of it is new: marks would say nothing
    if not value:
        return (Piece("removed", say(base)),)
    return word_diff(say(base), say(value))


def _member_pieces(before: frozenset[str], after: frozenset[str]) -> Iterator[Piece]:
    for number, member in enumerate(sorted(before | after)):
        if number:
            yield Piece("same", ", ")
        if member in before and member in after:
            yield Piece("same", say(member))
        else:
            yield Piece("added" if member in after else "removed", say(member))


def _tokens(text: str) -> list[str]:
    words = re.findall(r"\s+|\w+|[^\w\s]", text)
    return words if len(words) <= WORDS_LIMIT else text.splitlines(keepends=True)


def _claim(record: ConflictRecord, claim: ClaimRecord, directory: Directory) -> ClaimView:
    return ClaimView(
        who=directory.person(claim.author),
        where=directory.place(record.bridge, claim.replica),
        take=claim.replica,
        at=claim.at,
        uncertain=claim.uncertain,
        value=claim.value,
        text=say(claim.value),
        diff=value_diff(record.base, claim.value),
        proposed=record.state == "open" and equal(record.field, claim.value, record.proposed),
        chosen=record.state != "open" and equal(record.field, claim.value, record.chosen),
    )


# -- in plain words ------------------------------------------------------------------------------------


def _sentence(record: ConflictRecord, claims: Sequence[ClaimView]) -> str:
    """What happened and what came of it: "Ada changed the title in Jira while Grace changed it in GitHub; …"."""
    subject = "a comment" if record.comment is not None else f"the {label(record.field).lower()}"
    return f"{_what_happened(record.reason, subject, claims)}; {_outcome(record, claims)}."


def _what_happened(reason: str, subject: str, claims: Sequence[ClaimView]) -> str:
    deeds = [f"{claim.who} changed {{}} in {claim.where}" for claim in claims]
    match reason:
        case Reason.FIRST_MEETING:
            places = _and(claim.where for claim in claims)
            return f"The tickets in {places} were joined, and {subject} was not the same"
        case Reason.OVERWRITTEN:
            return f"{_and(_deeds(deeds, subject))}, and a sync ran over one of the edits before it could see it"
        case Reason.DIRECTION:
            return f"{_and(_deeds(deeds, subject))}, where one of the places only receives"
        case Reason.DELETED:
            return f"{_and(_deeds(deeds, subject))}, and the ticket was deleted elsewhere"
    return " while ".join(_deeds(deeds, subject)) or f"Several sides changed {subject}"


def _deeds(deeds: Sequence[str], subject: str) -> Iterator[str]:
    for number, deed in enumerate(deeds):
        # By parts, not by `format`: a name may hold braces.
        before, _, after = deed.rpartition("{}")
        phrase = f"{before}{subject if number == 0 else 'it'}{after}"
        yield "S" + phrase[1:] if number == 0 and phrase.startswith("somebody ") else phrase


def _outcome(record: ConflictRecord, claims: Sequence[ClaimView]) -> str:
    if record.state == "open":
        return "a person has to choose"
    taken = [claim for claim in claims if claim.chosen]
    if record.state == "resolved":
        what = f"the text of {taken[0].where}" if taken else "another value"
        return f"{record.by} chose {what} on {moment(record.resolved_at)}"
    if not taken:
        return "both edits were put together"
    winner = taken[0]
    known = [claim.at for claim in claims if claim.at is not None]
    whose = f"{winner.who}'s" if winner.who != "somebody" else f"the one in {winner.where}"
    if winner.uncertain:
        return f"nobody can tell which was later, and {whose} was taken by the order of the trackers"
    latest = len(known) == len(claims) and winner.at == max(known)
    return f"the later one, {whose}, was taken" if latest else f"{whose} was taken by rule"


def _and(phrases: Iterable[str]) -> str:
    *front, last = list(phrases) or [""]
    return f"{', '.join(front)} and {last}" if front else last
