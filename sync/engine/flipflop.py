"""Flip-flop: a field that goes to and fro between two values. Some machine answers another one, and a person has to say who is right.

A rule of a tracker that takes back what the bridge writes, or two values that chase each other round a ring of bridges: no single
cycle can see either, but the log can.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sync.core.changes import ChangeSet
from sync.core.fieldrules import Shape, equal, shape_of
from sync.core.models import Field, Value
from sync.engine.runtime import Bridge
from sync.store import Tx
from sync.store.convert import fields_from_json
from sync.store.records import TicketRecord

#: How near to each other the turns are, and how many values make the pattern: there and back for the third time.
WITHIN = timedelta(hours=1)
TURNS = 6


def flip_flops(bridge: Bridge, tx: Tx, record: TicketRecord, changes: ChangeSet) -> frozenset[Field]:
    """The fields that would go to the same value and away from it for the third time within an hour.

    The log is read only for fields that changed within that time before.
    """
    since = bridge.now() - WITHIN
    names = {name for name in changes.fields if shape_of(name) is not Shape.SET and _changed_since(record, name, since)}
    if not names:
        return frozenset()
    values: dict[Field, list[Value]] = {name: [] for name in names}
    for entry in tx.audit.entries(record.id, limit=20 * TURNS):
        if entry.action == "merge" and entry.at >= since:
            for name, value in fields_from_json(entry.after or {}).items():
                if name in names:
                    values[name].append(value)
    return frozenset(name for name in names if _to_and_fro(name, [*values[name], changes.fields[name].new]))


def _changed_since(record: TicketRecord, name: Field, since: datetime) -> bool:
    source = record.canonical.provenance.get(name)
    return source is not None and (source.at is None or source.at >= since)


def _to_and_fro(name: Field, values: Sequence[Value]) -> bool:
    last = values[-TURNS:]
    there_and_back = all(equal(name, one, two) for one, two in zip(last, last[2:], strict=False))
    return len(last) == TURNS and there_and_back and not equal(name, last[0], last[1])
