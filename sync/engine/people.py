"""Who is who: the accounts that were seen in tickets, and which of them are one person beyond doubt.

Only an equal mail address is beyond doubt. Equal names are shown to be judged, and are never taken for a match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sync.core.ids import BridgeName, PersonId, ReplicaName
from sync.core.mapping import People
from sync.core.models import Account
from sync.core.ports import Codec
from sync.engine.probe import from_json
from sync.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One account of one tracker; `person` is who the config says that it is, `tickets` counts what it stands in."""

    replica: ReplicaName
    account: Account
    person: PersonId | None
    tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Accounts that are one person for a reason; `accounts` are those that the config lacks, by tracker."""

    person: str
    name: str
    accounts: Mapping[ReplicaName, str]
    reason: str
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What can be written down at once, and what a person has to judge: places that look alike or contradict each other."""

    matches: tuple[Match, ...]
    doubts: tuple[str, ...]


def seen_accounts(
    tx: Tx, bridges: Iterable[BridgeName], codecs: Mapping[ReplicaName, Codec], people: Mapping[ReplicaName, People]
) -> list[Seen]:
    """Every account in the tickets and comments that are linked, without the ones that the bridge itself writes with."""
    tickets: dict[tuple[ReplicaName, str], set[str]] = {}
    accounts: dict[tuple[ReplicaName, str], Account] = {}
    ours = {(name, account) for bridge in bridges for name, account in _own_accounts(tx, bridge)}
    for bridge in bridges:
        for link in tx.links.list(bridge, state="active"):
            links = [link, *(one for one in tx.links.of_comments(link.ticket) if one.replica == link.replica)]
            for native in (one.native for one in links if one.native is not None and one.replica in codecs):
                for account in codecs[link.replica].accounts(native):
                    if any((link.replica, name) in ours for name in account.ids):
                        continue
                    key = link.replica, account.ids[0]
                    tickets.setdefault(key, set()).add(link.ticket)
                    known = accounts.get(key, account)
                    accounts[key] = replace(account, mail=account.mail or known.mail)
    return [
        Seen(
            replica=replica,
            account=account,
            person=_mapped(people[replica], account),
            tickets=len(tickets[replica, first]),
        )
        for (replica, first), account in sorted(accounts.items())
    ]


def _own_accounts(tx: Tx, bridge: BridgeName) -> Iterator[tuple[ReplicaName, str]]:
    for record in tx.replicas.list(bridge):
        known = from_json(record.details.get("capabilities"))
        if known is not None and known.account:
            yield record.replica, known.account


def _mapped(people: People, account: Account) -> PersonId | None:
    person = people.read(account.ids)
    return None if person is None or person.startswith(f"{people.replica}:") else person


def review(seen: Sequence[Seen], people: Mapping[ReplicaName, People]) -> Review:
    """Group the accounts by mail address; what the config says already counts as said."""
    by_mail: dict[str, list[Seen]] = {}
    for one in seen:
        if mail := one.account.mail.casefold():
            by_mail.setdefault(mail, []).append(one)
    matches: list[Match] = []
    doubts: list[str] = []
    taken = {person for each in people.values() for person in each.native_ids}
    for mail, group in sorted(by_mail.items()):
        found = _match(mail, group, people, taken)
        if isinstance(found, str):
            doubts.append(found)
        elif found is not None:
            taken.add(PersonId(found.person))
            matches.append(found)
    settled = {(name, account) for match in matches for name, account in match.accounts.items()}
    left = [one for one in seen if one.person is None and (one.replica, one.account.ids[0]) not in settled]
    doubts += _look_alikes(left, seen)
    return Review(matches=tuple(matches), doubts=tuple(doubts))


def _match(
    mail: str, group: Sequence[Seen], people: Mapping[ReplicaName, People], taken: set[PersonId]
) -> Match | str | None:
    persons = {one.person for one in group if one.person is not None}
    persons |= {
        person for each in people.values() for person, native in each.native_ids.items() if native.casefold() == mail
    }
    new = {one.replica: one.account.ids[0] for one in group if one.person is None}
    if not new:
        return None
    if len(persons) > 1:
        return f"{mail} belongs to {' and '.join(sorted(persons))} in the config: say which of them it is"
    if any(sum(one.replica == name for one in group) > 1 for name in new):
        return f"{mail} belongs to several accounts of one tracker: say which of them counts"
    person = next(iter(persons), None)
    if person is not None:
        rival = [name for name in new if person in people[name].native_ids]
        if rival:
            return f"{person} has another account in {', '.join(rival)} than the one with {mail}"
        return Match(person=person, name="", accounts=new, reason=f"the same mail address, {mail}", known=True)
    if len(new) < 2:
        return None
    name = next((one.account.name for one in group if one.account.name), mail)
    return Match(
        person=_key(name, mail, taken), name=name, accounts=new, reason=f"the same mail address, {mail}", known=False
    )


def _key(name: str, mail: str, taken: set[PersonId]) -> str:
    """A short key for the config that nobody has yet."""
    words: list[str] = re.findall(r"[a-z0-9]+", name.casefold()) or re.findall(r"[a-z0-9]+", mail) or ["person"]
    keys = [words[0], "-".join(words), *(f"{words[0]}-{number}" for number in range(2, 1000))]
    return next(key for key in keys if PersonId(key) not in taken)


def _look_alikes(left: Sequence[Seen], seen: Sequence[Seen]) -> Iterator[str]:
    """Unknown accounts of different trackers with one name: perhaps one person, perhaps not."""
    told: set[frozenset[tuple[str, str]]] = set()
    for one in left:
        for other in seen:
            names = {one.account.name.casefold(), other.account.name.casefold()}
            pair = frozenset({(one.replica, one.account.ids[0]), (other.replica, other.account.ids[0])})
            if one.replica != other.replica and len(names) == 1 and names != {""} and pair not in told:
                told.add(pair)
                who = f", who is {other.person}" if other.person else ""
                yield (
                    f"{one.replica} {one.account.ids[0]} has the same name as {other.replica} {other.account.ids[0]}"
                    f"{who} ({one.account.name}): add it to [people] if you know that it is the same person"
                )
