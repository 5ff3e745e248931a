"""Our own late writes: a request whose answer was lost may land after all, even over what was written later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sync.core.decision import Side
from sync.core.fieldrules import equal
from sync.core.models import Field, Snapshot, Tombstone, Value
from sync.engine.reading import Reader
from sync.store.convert import fields_from_json
from sync.store.records import LinkRecord

#: How long after `Bridge.settle` a request whose answer was lost may still land.
LATEST = timedelta(minutes=10)


def without_echoes(side: Side, reader: Reader, link: LinkRecord) -> Side:
    """The side, with what a lost request of ours wrote taken for that and not for a person's edit.

    Such a field has the base that stands there and was settled with the value that was sent: where the canonical ticket
    says something else by now, it is written again.
    """
    if side.base is None or side.head is None or isinstance(side.head, Tombstone):
        return side
    edited = [name for name in side.head.fields if side.edited(name)]
    if not edited:
        return side
    since = reader.bridge.now() - reader.bridge.settle - LATEST
    base: dict[Field, Value] = dict(side.base.fields)
    agreed: dict[Field, Value] = dict(side.agreed)
    for row in reader.tx.outbox.of_ticket(link.ticket, link.replica):
        if (
            row.comment != link.comment
            or row.link not in (None, link.id)
            or not row.context.get("lost")
            or (row.sent_at or row.created_at) < since
        ):
            continue
        sent = fields_from_json(row.after or {})
        held = side.project(sent)
        for name in edited:
            if (
                name in sent
                and name in row.op.fields
                and equal(name, side.head.fields[name], held.get(name, sent[name]))
            ):
                base[name], agreed[name] = side.head.fields[name], sent[name]
    return replace(side, base=Snapshot(fields=base), agreed=agreed)
