"""Links, requests, conflicts and problems in memory: what `sync.store` does by SQL, over dicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sync.core.errors import StoreError
from sync.core.models import UNKNOWN, Field
from sync.core.ports import OpKind
from sync.store.records import UNFINISHED, ConflictRecord, LinkRecord, OutboxRecord, ProblemRecord
from tests.simulation.memory.tickets import Noun

_LIVELIEST = {"active": 0, "gone": 1, "removed": 2}


class Links(Noun):
    def add(self, **values: Any) -> LinkRecord:
        now = self.now()
        values["agreed"] = values.get("agreed") or {}
        values["observed_at"] = values.get("observed_at") or now
        record = LinkRecord(id=self.new_id(), created_at=now, **values)
        self._keep(record)
        return self.tables.links[record.id]

    def _keep(self, record: LinkRecord) -> None:
        agreed = {name: record.agreed[name] for name in sorted(record.agreed)}
        base = None if record.base is None else {name: record.base[name] for name in sorted(record.base)}
        record = replace(record, agreed=agreed, base=base)
        if record.state == "active":
            for other in self.tables.links.values():
                if other.id == record.id or other.state != "active" or other.replica != record.replica:
                    continue
                if (other.comment is None) is not (record.comment is None):
                    continue
                mine = record.comment or record.ticket
                if (other.bridge, other.ref) == (record.bridge, record.ref) or (other.comment or other.ticket) == mine:
                    raise StoreError(f"a second active link of {record.replica} {record.ref}")
        self.tables.links[record.id] = record

    def get(self, link: str) -> LinkRecord | None:
        return self.tables.links.get(link)

    def by_ref(
        self, bridge: Any, replica: Any, ref: Any, comment: bool = False, *, removed: bool = False
    ) -> LinkRecord | None:
        found = [
            (_LIVELIEST[one.state], -one.created_at.timestamp(), number, one)
            for number, one in enumerate(self.tables.links.values())
            if one.ref == ref and one.replica == replica and one.bridge == bridge
            if (one.comment is not None) is comment and (removed or one.state != "removed")
        ]
        return min(found)[3] if found else None

    def of_ticket(self, ticket: Any, *, removed: bool = False) -> list[LinkRecord]:
        return self._of(ticket, comment=False, removed=removed)

    def of_comments(self, ticket: Any) -> list[LinkRecord]:
        return self._of(ticket, comment=True, removed=False)

    def _of(self, ticket: Any, *, comment: bool, removed: bool) -> list[LinkRecord]:
        mine = [
            one
            for one in self.tables.links.values()
            if one.ticket == ticket and (one.comment is not None) is comment and (removed or one.state != "removed")
        ]
        return sorted(mine, key=lambda one: (one.created_at, one.id))

    def save(self, record: LinkRecord) -> None:
        self._keep(record)

    def remove(self, link: str) -> None:
        self.tables.links[link] = replace(self.tables.links[link], state="removed")

    def _active(self, bridge: Any, replica: Any) -> list[LinkRecord]:
        mine = [
            one
            for one in self.tables.links.values()
            if one.replica == replica and one.bridge == bridge and one.comment is None and one.state == "active"
        ]
        return sorted(mine, key=lambda one: (one.number, one.ref))

    def count(self, bridge: Any, replica: Any) -> int:
        return len(self._active(bridge, replica))

    def tickets(self, bridge: Any) -> int:
        rows = self.tables.links.values()
        return len(
            {one.ticket for one in rows if one.bridge == bridge and one.comment is None and one.state == "active"}
        )

    def missing(self, bridge: Any, replica: Any) -> list[LinkRecord]:
        mine = [one for one in self._active(bridge, replica) if one.missing_since is not None]
        return sorted(mine, key=lambda one: (one.number, one.id))

    def orphans(self, bridge: Any, replica: Any) -> list[LinkRecord]:
        mine = [one for one in self._active(bridge, replica) if (one.base or {}).get(Field.PARENT) is UNKNOWN]
        return sorted(mine, key=lambda one: (one.number, one.id))

    def numbers(self, bridge: Any, replica: Any) -> int:
        linked = [one.number for one in self.tables.links.values() if (one.bridge, one.replica) == (bridge, replica)]
        pulled = [row.number for key, row in self.tables.inbox.items() if key[:2] == (bridge, replica)]
        return max([*linked, *pulled], default=0)

    def all_refs(self, bridge: Any, replica: Any) -> list[Any]:
        return [one.ref for one in self._active(bridge, replica)]

    def refs_to_tickets(self, bridge: Any, replica: Any, refs: Iterable[Any]) -> dict[Any, Any]:
        wanted = set(refs)
        return {one.ref: one.ticket for one in self._active(bridge, replica) if one.ref in wanted}

    def tickets_to_refs(self, bridge: Any, replica: Any, ids: Iterable[Any]) -> dict[Any, Any]:
        wanted = set(ids)
        mine = self._active(bridge, replica)
        return {one.ticket: one.ref for one in mine if one.ticket in wanted and one.missing_since is None}

    def comment_counts(self, bridge: Any, replica: Any, refs: Iterable[Any]) -> dict[Any, int]:
        wanted, counts = set(refs), dict[Any, int]()
        for one in self.tables.links.values():
            if (one.bridge, one.replica, one.state) == (bridge, replica, "active") and one.parent_ref in wanted:
                counts[one.parent_ref] = counts.get(one.parent_ref, 0) + 1
        return counts

    def list(self, bridge: Any, replica: Any = None, state: Any = None) -> Iterator[LinkRecord]:
        mine = (
            one
            for one in self.tables.links.values()
            if one.bridge == bridge
            and one.comment is None
            and replica in (None, one.replica)
            and state in (None, one.state)
        )
        return iter(sorted(mine, key=lambda one: (one.number, one.id)))


class Outbox(Noun):
    def add(self, **values: Any) -> OutboxRecord:
        record = OutboxRecord(
            **{
                "id": self.new_id(),
                "sequence": len(self.tables.outbox) + 1,
                "comment": None,
                "link": None,
                "state": "pending",
                "fence": 0,
                "attempts": 0 if values.get("sent_at") is None else 1,
                "not_before": None,
                "created_at": self.now(),
                "sent_at": None,
                "finished_at": None,
                "before": None,
                "after": None,
                "error": None,
                **values,
                "context": values.get("context") or {},
            }
        )
        self.tables.outbox[record.id] = record
        return record

    def get(self, request: str) -> OutboxRecord | None:
        return self.tables.outbox.get(request)

    def save(self, record: OutboxRecord) -> None:
        self.tables.outbox[record.id] = record

    def counts(self, bridge: Any) -> dict[Any, dict[Any, int]]:
        found: dict[Any, dict[Any, int]] = {}
        for one in self._rows():
            if one.bridge == bridge:
                states = found.setdefault(one.replica, {})
                states[one.state] = states.get(one.state, 0) + 1
        return found

    def sent_since(self, moment: datetime) -> list[tuple[Any, OpKind, datetime]]:
        rows = [one for one in reversed(self._rows()) if one.created_at >= moment]
        return [(one.replica, one.op.kind, one.sent_at) for one in rows if one.sent_at is not None]

    def _rows(self) -> list[OutboxRecord]:
        return list(self.tables.outbox.values())

    def unfinished(self, bridge: Any) -> list[OutboxRecord]:
        return [one for one in self._rows() if one.bridge == bridge and one.state in UNFINISHED]

    def of_run(self, run: Any) -> list[OutboxRecord]:
        return [one for one in self._rows() if one.run == run]

    def of_ticket(self, ticket: Any, replica: Any) -> list[OutboxRecord]:
        return [one for one in self._rows() if one.ticket == ticket and one.replica == replica]

    def writes_after(self, bridge: Any, replica: Any, sequence: int) -> list[OutboxRecord]:
        kinds = (OpKind.CREATE, OpKind.UPDATE)
        return [
            one
            for one in self._rows()
            if one.sequence > sequence and (one.bridge, one.replica, one.state) == (bridge, replica, "done")
            if one.op.kind in kinds
        ]

    def _creates(self, of: Any) -> list[OutboxRecord]:
        return [
            one
            for one in self._rows()
            if (one.ticket == of and one.op.kind is OpKind.CREATE)
            or (one.comment == of and one.op.kind is OpKind.COMMENT_CREATE)
        ]

    def close_creates(self, of: Any, replica: Any, *, ref: Any) -> list[OutboxRecord]:
        closed = [one for one in self._creates(of) if one.replica == replica and one.state in UNFINISHED]
        for one in closed:
            self.save(replace(one, state="done", finished_at=self.now(), context={**one.context, "ref": ref}))
        return closed

    def has_creates(self, of: Any) -> bool:
        return bool(self._creates(of))

    def last_refusal(self, of: Any, replica: Any) -> OutboxRecord | None:
        last = next((one for one in reversed(self._creates(of)) if one.replica == replica), None)
        return last if last is not None and last.state == "failed" and "refused" in last.context else None

    def has_unknown_create(self, of: Any, replica: Any) -> bool:
        return any(one.replica == replica and one.state in ("sent", "unknown") for one in self._creates(of))

    def unknown_uploads(self, ticket: Any) -> set[tuple[str, Any]]:
        return {
            (str(one.context.get("attachment")), one.replica)
            for one in self._rows()
            if one.ticket == ticket and one.op.kind is OpKind.ATTACHMENT_CREATE and one.state in UNFINISHED
        }


class Conflicts(Noun):
    def add(self, **values: Any) -> ConflictRecord:
        now = self.now()
        defaults = {
            "chosen": None,
            "chosen_replica": None,
            "by": "policy",
            "state": "open",
            "comment": None,
            "run": None,
        }
        values = {**defaults, **values, "claims": tuple(values["claims"])}
        record = ConflictRecord(
            id=f"C-{len(self.tables.conflicts) + 1}",
            created_at=now,
            resolved_at=None if values["state"] == "open" else now,
            **values,
        )
        self.tables.conflicts[record.id] = record
        return record

    def get(self, conflict: str) -> ConflictRecord | None:
        return self.tables.conflicts.get(conflict.strip().upper())

    def save(self, record: ConflictRecord) -> None:
        self.tables.conflicts[record.id] = record

    def open_for(self, ticket: Any, comment: Any = None) -> dict[Any, ConflictRecord]:
        rows = self.tables.conflicts.values()
        return {one.field: one for one in rows if (one.ticket, one.comment, one.state) == (ticket, comment, "open")}

    def count(self, bridge: Any = None, state: Any = None) -> int:
        return len(list(self.list(bridge, state)))

    def list(self, bridge: Any = None, state: Any = None) -> Iterator[ConflictRecord]:
        rows = self.tables.conflicts.values()
        return iter([one for one in rows if bridge in (None, one.bridge) and state in (None, one.state)])


class Problems(Noun):
    def report(self, *, bridge: Any, kind: str, message: str, mend: str = "", **where: Any) -> ProblemRecord:
        where = {"replica": None, "ref": None, "ticket": None, "field": None, **where}
        place = (bridge, kind, message, *where.values())
        now, known = self.now(), self.tables.problems.get(place)
        if known is None:
            record = ProblemRecord(
                id=len(self.tables.problems) + 1,
                bridge=bridge,
                kind=kind,
                message=message,
                mend=mend,
                first_seen=now,
                last_seen=now,
                times=1,
                cleared_at=None,
                **where,
            )
        else:
            record = replace(known, times=known.times + 1, last_seen=now, mend=mend, cleared_at=None)
        self.tables.problems[place] = record
        return record

    def clear(
        self,
        bridge: Any,
        replica: Any = None,
        *,
        ref: Any = None,
        ticket: Any = None,
        kind: str | None = None,
        fields: Any = None,
    ) -> int:
        count = 0
        wanted = {"replica": replica, "ref": ref, "ticket": ticket, "kind": kind}
        for place, one in list(self.tables.problems.items()):
            same = all(value is None or getattr(one, name) == value for name, value in wanted.items())
            named = fields is None or one.field is None or one.field in set(fields)
            if one.bridge == bridge and one.cleared_at is None and same and named:
                self.tables.problems[place] = replace(one, cleared_at=self.now())
                count += 1
        return count

    def open(self, bridge: Any = None) -> list[ProblemRecord]:
        rows = self.tables.problems.values()
        return sorted(
            (one for one in rows if one.cleared_at is None and bridge in (None, one.bridge)), key=lambda one: one.id
        )

    def any_of(self, bridge: Any, replica: Any, ticket: Any) -> bool:
        return any(one.replica == replica and one.ticket == ticket for one in self.open(bridge))

    def fields_of(self, bridge: Any, replica: Any, ticket: Any) -> frozenset[Any]:
        mine = (one for one in self.open(bridge) if (one.replica, one.ticket, one.kind) == (replica, ticket, "write"))
        return frozenset(one.field for one in mine if one.field is not None)
