"""The canonical words of fields that have a fixed vocabulary."""

from __future__ import annotations

from sync.core.models import KINDS, PRIORITIES, REASONS, STATUSES, TYPES, Field

_WORDS = {
    Field.KIND: KINDS,
    Field.TYPE: TYPES,
    Field.STATUS: STATUSES,
    Field.REASON: REASONS,
    Field.PRIORITY: PRIORITIES,
}


def words_of(field: Field) -> tuple[str, ...]:
    """The words that the field may hold; none where any text will do."""
    return _WORDS.get(field, ())
