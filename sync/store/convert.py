"""Values to JSON and back, exactly: what `from_json(to_json(x))` gives equals `x`.

Absent stays absent (no member), empty is `null`, `""` or `[]`, unknown is `{"unknown": true}`.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from sync.core.ids import Marker, NativeRef, PersonId, ReplicaName
from sync.core.models import (
    UNKNOWN,
    Canonical,
    Field,
    Fields,
    Gone,
    JsonObject,
    NativeComment,
    NativeTicket,
    Provenance,
    Value,
)
from sync.core.ports import NativeOp, OpKind
from sync.store.records import ClaimRecord

_MICROSECOND = timedelta(microseconds=1)


def dumps(value: Any) -> str:
    """The one JSON text of `value`: sorted, compact, ASCII; numbers that JSON does not know become null."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return value


def time_to_json(at: datetime) -> str:
    """ISO 8601 in UTC; refuses a naive time."""
    if at.utcoffset() is None:
        raise ValueError("a time without its zone can't be stored")
    return at.astimezone(UTC).isoformat()


def time_from_json(text: str) -> datetime:
    """The aware time, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def value_to_json(value: Value) -> Any:
    """A field's value; a set becomes a sorted list."""
    if value is UNKNOWN:
        return {"unknown": True}
    return sorted(value) if isinstance(value, frozenset) else value


def value_from_json(data: Any) -> Value:
    """The value that `value_to_json` wrote."""
    if isinstance(data, dict):
        return UNKNOWN
    return frozenset(data) if isinstance(data, list) else data


def fields_to_json(fields: Fields) -> JsonObject:
    """Fields by name."""
    return {name.value: value_to_json(value) for name, value in fields.items()}


def fields_from_json(data: JsonObject) -> dict[Field, Value]:
    """The fields that `fields_to_json` wrote."""
    return {Field(name): value_from_json(value) for name, value in data.items()}


def provenance_to_json(origin: Provenance) -> JsonObject:
    """Who wrote a value; `uncertainty` in microseconds."""
    return {
        "replica": origin.replica,
        "author": origin.author,
        "at": None if origin.at is None else time_to_json(origin.at),
        "uncertainty": origin.uncertainty // _MICROSECOND,
    }


def provenance_from_json(data: JsonObject) -> Provenance:
    """The origin that `provenance_to_json` wrote."""
    return Provenance(
        replica=None if data["replica"] is None else ReplicaName(data["replica"]),
        author=None if data["author"] is None else PersonId(data["author"]),
        at=None if data["at"] is None else time_from_json(data["at"]),
        uncertainty=timedelta(microseconds=data["uncertainty"]),
    )


def origins_to_json(canonical: Canonical) -> JsonObject:
    """The origins of a canonical state by field name; its values go through `fields_to_json`."""
    return {name.value: provenance_to_json(origin) for name, origin in canonical.provenance.items()}


def canonical_from_json(fields: JsonObject, origins: JsonObject) -> Canonical:
    """The canonical state of its two JSON objects."""
    return Canonical(
        fields=fields_from_json(fields),
        provenance={Field(name): provenance_from_json(origin) for name, origin in origins.items()},
    )


def comment_to_json(native: NativeComment) -> JsonObject:
    """A native comment."""
    return {
        "ref": native.ref,
        "ticket": native.ticket,
        "version": native.version,
        "payload": native.payload,
    }


def comment_from_json(data: JsonObject) -> NativeComment:
    """The comment that `comment_to_json` wrote."""
    return NativeComment(
        ref=NativeRef(data["ref"]),
        ticket=NativeRef(data["ticket"]),
        version=data["version"],
        payload=data["payload"],
    )


def ticket_to_json(native: NativeTicket) -> JsonObject:
    """A native ticket."""
    comments = native.comments
    return {
        "ref": native.ref,
        "key": native.key,
        "url": native.url,
        "number": native.number,
        "version": native.version,
        "payload": native.payload,
        "fetched_at": time_to_json(native.fetched_at),
        "updated_at": time_to_json(native.updated_at),
        "comment_count": native.comment_count,
        "comments": None if comments is None else [comment_to_json(comment) for comment in comments],
    }


def ticket_from_json(data: JsonObject) -> NativeTicket:
    """The ticket that `ticket_to_json` wrote."""
    comments = data["comments"]
    return NativeTicket(
        ref=NativeRef(data["ref"]),
        key=data["key"],
        url=data["url"],
        number=data["number"],
        version=data["version"],
        payload=data["payload"],
        fetched_at=time_from_json(data["fetched_at"]),
        updated_at=time_from_json(data["updated_at"]),
        comment_count=data["comment_count"],
        comments=None if comments is None else tuple(comment_from_json(comment) for comment in comments),
    )


def gone_to_json(gone: Gone) -> JsonObject:
    """What the tracker says is not there."""
    return {"ref": gone.ref, "reason": gone.reason, "moved_to": gone.moved_to, "sure": gone.sure}


def gone_from_json(data: JsonObject) -> Gone:
    """The absence that `gone_to_json` wrote."""
    return Gone(
        ref=NativeRef(data["ref"]),
        reason=data["reason"],
        moved_to=data.get("moved_to", ""),
        sure=data.get("sure", False),
    )


def op_to_json(op: NativeOp) -> JsonObject:
    """One request as it waits in the outbox."""
    return {
        "kind": op.kind.value,
        "action": op.action,
        "summary": op.summary,
        "payload": op.payload,
        "ref": op.ref,
        "comment": op.comment,
        "fields": sorted(op.fields),
        "expects": op.expects,
        "marker": op.marker,
    }


def op_from_json(data: JsonObject) -> NativeOp:
    """The request that `op_to_json` wrote."""
    return NativeOp(
        kind=OpKind(data["kind"]),
        action=data["action"],
        summary=data["summary"],
        payload=data["payload"],
        ref=None if data["ref"] is None else NativeRef(data["ref"]),
        comment=None if data["comment"] is None else NativeRef(data["comment"]),
        fields=frozenset(Field(name) for name in data["fields"]),
        expects=data["expects"],
        marker=None if data["marker"] is None else Marker(data["marker"]),
    )


def claim_to_json(claim: ClaimRecord) -> JsonObject:
    """One side's claim."""
    return {
        "replica": claim.replica,
        "value": value_to_json(claim.value),
        "author": claim.author,
        "at": None if claim.at is None else time_to_json(claim.at),
        "uncertain": claim.uncertain,
    }


def claim_from_json(data: JsonObject) -> ClaimRecord:
    """The claim that `claim_to_json` wrote."""
    return ClaimRecord(
        replica=None if data["replica"] is None else ReplicaName(data["replica"]),
        value=value_from_json(data["value"]),
        author=None if data["author"] is None else PersonId(data["author"]),
        at=None if data["at"] is None else time_from_json(data["at"]),
        uncertain=data["uncertain"],
    )
