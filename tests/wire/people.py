"""People at work: a deed is done in its tracker, and what was written is remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sync.core.errors import Limited
from sync.core.models import Field, Fields, Value
from tests.wire.hands import REFUSED, WORD, Hand, NothingDone
from tests.wire.steps import MOST_TICKETS, Deed
from tests.wire.world import World

#: Fields of one value out of few.
CHOICES = (Field.STATUS, Field.PRIORITY, Field.KIND, Field.TYPE, Field.DUE)


@dataclass(slots=True, kw_only=True)
class Written:
    """A word that a person wrote: where, and whether a person took it back since."""

    word: str
    what: str  # "title", "body", "label", "comment", "file"
    place: str
    ref: str
    during: bool  # in the middle of a cycle, or while a late request was on its way
    edited: bool = False  # it replaced another word
    over: bool = False  # a person put something else there, or took it away
    replaced_here: bool = False  # a person did so in the same tracker


@dataclass(slots=True, kw_only=True)
class Chosen:
    """A choice that a person made: one of few values, so that it can't be told by a word."""

    field: Field
    value: Value
    place: str
    ref: str


@dataclass(slots=True, kw_only=True)
class People:
    """Everybody, with what they wrote in the order in which they did."""

    world: World
    written: list[Written] = field(default_factory=list)
    removed: list[Written] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    deleted: set[tuple[str, str]] = field(default_factory=set)  # place, ref
    done: int = 0
    in_cycle: bool = False
    _by_word: defaultdict[str, list[Written]] = field(default_factory=lambda: defaultdict(list))

    def do(self, deed: Deed) -> bool:
        """Do it, where it can be done."""
        hand = self.world.hands[deed.place]
        doing: dict[str, Callable[[Hand, Deed, str], None]] = {
            "title": self._title, "body": self._body, "label": self._label, "comment": self._comment,
            "recomment": self._recomment, "link": self._link, "attach": self._attach, "delete": self._delete,
        }  # fmt: skip
        try:
            with self.world.quietly():
                if deed.what == "create":
                    self._create(hand, deed)
                else:
                    doing.get(deed.what, self._choose)(hand, deed, self._ref(hand, deed))
        except (NothingDone, *REFUSED):
            return False
        self.done += 1
        return True

    @staticmethod
    def _ref(hand: Hand, deed: Deed) -> str:
        refs = hand.refs()
        if not refs:
            raise NothingDone
        return refs[deed.ticket % len(refs)]

    def _note(self, word: str, what: str, deed: Deed, ref: str, old: str = "") -> None:
        late = bool(self.world.wire.on_the_way)
        one = Written(word=word, what=what, place=deed.place, ref=ref, during=self.in_cycle or late, edited=bool(old))
        self._end(old, deed.place)
        self.written.append(one)
        self._by_word[word].append(one)

    def _end(self, word: str, place: str) -> None:
        for one in self._by_word.get(word, ()):
            one.over = True
            one.replaced_here |= one.place == place

    def _create(self, hand: Hand, deed: Deed) -> None:
        if len(hand.refs()) >= MOST_TICKETS:
            raise NothingDone
        title, words = f"t{deed.id}z", [f"b{deed.id}z", f"c{deed.id}z", f"d{deed.id}z"][: deed.number % 4]
        labels = [f"l{deed.id}z"] if deed.number % 3 else []
        kind = hand.kinds[deed.number // 7 % len(hand.kinds)]
        ref = hand.create(title, words, labels, kind)
        for word, what in [(title, "title"), *((one, "body") for one in words), *((one, "label") for one in labels)]:
            self._note(word, what, deed, ref)

    def _title(self, hand: Hand, deed: Deed, ref: str) -> None:
        old, word = hand.title(ref), f"t{deed.id}z"
        hand.edit(ref, "title", word)
        self._note(word, "title", deed, ref, old)

    def _body(self, hand: Hand, deed: Deed, ref: str) -> None:
        text, word = hand.body(ref), f"b{deed.id}z"
        words = [one for one in WORD.findall(text) if one[0] in "bcd"]
        if not words:
            hand.rewrite(ref, hand.paragraphs([word]) + ("\n\n" + text if text else ""))
            self._note(word, "body", deed, ref)
            return
        where = words[deed.number % len(words)]
        if deed.number // 7 % 2:
            hand.rewrite(ref, text.replace(where, word))
            self._note(word, "body", deed, ref, where)
        else:
            hand.rewrite(ref, hand.inserted(text, where, word))
            self._note(word, "body", deed, ref)

    def _label(self, hand: Hand, deed: Deed, ref: str) -> None:
        there, word = hand.labels(ref), f"l{deed.id}z"
        drop = [there[deed.number % len(there)]] if there and deed.number // 7 % 2 else []
        hand.relabel(ref, [word], drop)
        self._note(word, "label", deed, ref)
        for one in drop:
            self._end(one, deed.place)
            self.removed.append(Written(word=one, what="label", place=deed.place, ref=ref, during=self.in_cycle))

    def _comment(self, hand: Hand, deed: Deed, ref: str) -> None:
        if len(hand.comments(ref)) >= 5:
            raise NothingDone
        word = f"k{deed.id}z"
        hand.comment(ref, word)
        self._note(word, "comment", deed, ref)

    def _recomment(self, hand: Hand, deed: Deed, ref: str) -> None:
        there = [
            (number, text, ours, found) for number, text, ours in hand.comments(ref) if (found := WORD.search(text))
        ]
        if not there:
            raise NothingDone
        number, text, ours, found = there[deed.number % len(there)]
        if deed.number // 7 % 4 == 0 and not ours:
            hand.recomment(ref, number, None)
            self._end(found[0], deed.place)
            return
        word = f"k{deed.id}z"
        hand.recomment(ref, number, text.replace(found[0], word))
        self._note(word, "comment", deed, ref, found[0])

    def _link(self, hand: Hand, deed: Deed, ref: str) -> None:
        others = [one for one in hand.refs() if one != ref]
        if not others:
            raise NothingDone
        other = others[deed.number % len(others)]
        hand.link(ref, other, on=bool(deed.number // 7 % 3))

    def _attach(self, hand: Hand, deed: Deed, ref: str) -> None:
        word = f"f{deed.id}z"
        hand.attach(ref, f"{word}.txt", word.encode() * (1 + deed.number % 50))
        self._note(word, "file", deed, ref)

    def _delete(self, hand: Hand, deed: Deed, ref: str) -> None:
        before = set(hand.refs())
        hand.delete(ref)
        self.deleted |= {(deed.place, one) for one in before - set(hand.refs())}

    def _choose(self, hand: Hand, deed: Deed, ref: str) -> None:
        number = deed.number
        value: Any = None
        match deed.what:
            case "status":
                value = hand.statuses[number % len(hand.statuses)]
            case "kind":
                value = hand.kinds[number % len(hand.kinds)]
            case "priority":
                value = number
            case "assignee":
                value = (None, "ada", "grace")[number % 3]
            case "component":
                value = (None, "api", "web")[number % 3]
            case "milestone":
                value = (None, "1.0", "2.0")[number % 3]
            case "due":
                value = f"2026-12-{10 + number % 20}"
            case "parent":
                others = [None, *(one for one in hand.refs() if one != ref)]
                value = others[number % len(others)]
        before = self._seen(deed.place, ref)
        hand.edit(ref, deed.what, value)
        after = self._seen(deed.place, ref)
        self.chosen += [
            Chosen(field=name, value=after.get(name), place=deed.place, ref=ref)
            for name in CHOICES
            if before and after and before.get(name) != after.get(name)
        ]

    def _seen(self, place: str, ref: str) -> Fields:
        """The ticket as it is; nothing is known of it while the tracker makes everybody wait."""
        try:
            return self.world.shown(place, ref)
        except Limited:
            return {}
