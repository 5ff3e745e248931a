"""What a tracker in memory refuses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sync.core.errors import Rejected
from sync.core.models import JsonObject
from sync.testing.memory_knobs import NATIVE_KEYS, MemoryKnobs


def checked(
    tracker: str, knobs: MemoryKnobs, names: Mapping[str, list[str]], native: JsonObject, present: JsonObject
) -> JsonObject:
    """What our account may set, as it asked for it; raises `Rejected` where the server refuses."""
    allowed = {
        "state": knobs.statuses.values(),
        "priority": knobs.priorities.values(),
        "reason": knobs.reasons.values(),
        "severity": knobs.severities.values(),
    }
    for key, known in allowed.items():
        if native.get(key) is not None and native[key] not in known:
            raise Rejected(f"{tracker}: '{native[key]}' is no {key} of this project")
    if told := sorted(NATIVE_KEYS[name] for name in knobs.tells if NATIVE_KEYS[name] in native):
        raise Rejected(f"{tracker}: nobody can set {', '.join(told)}")
    if knobs.title_limit is not None and len(native.get("title") or "") > knobs.title_limit:
        raise Rejected(f"{tracker}: the title is too long")
    if knobs.body_limit is not None and len(native.get("text") or "") > knobs.body_limit:
        raise Rejected(f"{tracker}: the text is too long")
    return {key: _named(tracker, knobs, key, value, names.get(key), present) for key, value in native.items()}


def _named(tracker: str, knobs: MemoryKnobs, key: str, value: Any, known: list[str] | None, present: JsonObject) -> Any:
    """The value without names that the project has not; refused for them, unless it drops them in silence."""
    if known is None or not value:
        return value
    there = present.get(key)
    words, there = (one if isinstance(one, list) else [one] for one in (value, there))
    missing = [word for word in words if word not in known and word not in there]
    if missing and not knobs.drops_names:
        raise Rejected(f"{tracker}: the project has no {key} '{missing[0]}'")
    kept = [word for word in words if word not in missing]
    return kept if isinstance(value, list) else kept[0] if kept else present.get(key)


def refuse_links(
    tracker: str,
    knobs: MemoryKnobs,
    native: JsonObject,
    present: JsonObject,
    ticket: Callable[[str], JsonObject | None],
) -> None:
    """Raise `Rejected` for new links to what is not there or to itself, and, where the server looks, for cycles."""
    ref = present["id"]
    come = set(native.get("links") or ()) - set(present.get("links") or ())
    for kind, other in (link.split(":", 1) for link in sorted(come)):
        if kind not in knobs.link_kinds or other == ref or ticket(other) is None:
            raise Rejected(f"{tracker}: {ref} can't be linked to {other} by '{kind}'")
        blocker, blocked = (ref, other) if kind == "blocks" else (other, ref)
        if knobs.refuses_cycles and kind in ("blocks", "blocked_by") and _leads(blocker, blocked, _blocked, ticket):
            raise Rejected(f"{tracker}: {blocked} would block itself")
    parent = native.get("parent")
    if knobs.refuses_cycles and parent and _leads(parent, ref, _parents, ticket):
        raise Rejected(f"{tracker}: {parent} would be its own ancestor")


def _leads(start: str, goal: str, onward: Callable[[JsonObject], list[str]], ticket: Callable[..., Any]) -> bool:
    found, pending = set[str](), [start]
    while pending:
        here = pending.pop()
        if here in found or (payload := ticket(here)) is None:
            continue
        found.add(here)
        pending += onward(payload)
    return goal in found


def _blocked(payload: JsonObject) -> list[str]:
    """What blocks a ticket."""
    return [link.removeprefix("blocked_by:") for link in payload["links"] if link.startswith("blocked_by:")]


def _parents(payload: JsonObject) -> list[str]:
    return [payload["parent"]] if payload["parent"] else []
