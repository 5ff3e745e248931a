"""What is true of the store as a whole: by name, one string each."""

from __future__ import annotations

from sync.store.repository import Repository
from sync.store.tables import MetaRow


class Meta(Repository):
    """A small map; the key of the creation markers lies here, because the markers live as long as the links."""

    def get(self, name: str) -> str | None:
        """The value; None for none."""
        row = self._get(MetaRow, name)
        return None if row is None else row.value

    def put(self, name: str, value: str) -> None:
        """Remember, in place of what was there."""
        self._upsert(MetaRow, [{"name": name, "value": value}])
