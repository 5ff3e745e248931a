"""Who blocks whom, read where an issue says that there is anybody.

An issue shows only how many they are. That number may lag behind the lists, so it is not believed where the repository's
events have told of a change, where it was wrong before, or while this process has not read the events yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from adapters.github import wire
from adapters.github.client import Client
from sync.core.errors import Malformed
from sync.core.models import JsonObject

#: Issues whose numbers are known to be wrong; the oldest are believed again.
DOUBTFUL_LIMIT = 500


class Dependencies:
    """The dependencies of one repository's issues; `on` where the server has them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.on = False
        self._doubtful: dict[str, None] | None = None

    @property
    def doubtful(self) -> list[str]:
        """The refs of the issues whose numbers are not believed."""
        return list(self._doubtful or ())[-DOUBTFUL_LIMIT:]

    def remember(self, refs: Iterable[str]) -> None:
        """What an earlier process knew, whose cursor we go on from."""
        self._doubtful = {**dict.fromkeys(refs), **(self._doubtful or {})}

    def doubt(self, *refs: str) -> None:
        """Do not believe the numbers of these."""
        self._doubtful = {**(self._doubtful or {}), **dict.fromkeys(refs)}

    def of(self, row: JsonObject) -> JsonObject | None:
        """Both lists of an issue, without a request where there are surely none; None where the server knows no dependencies."""
        if not self.on:
            return None
        ref, counts = str(row.get("number")), counts_of(row)
        doubted = self._doubtful is None or counts is None or ref in self._doubtful
        told = counts or dict.fromkeys(wire.SIDES, 0)
        lists = {side: list(self._list(row, side)) if doubted or told[side] else [] for side in wire.SIDES}
        if self._doubtful is not None:
            if counts == {side: len(rows) for side, rows in lists.items()}:
                self._doubtful.pop(ref, None)
            else:
                self._doubtful[ref] = None
        return dict(lists)

    def after(self, row: JsonObject, known: JsonObject) -> JsonObject | None:
        """The lists of an issue after a write that left them alone: those `known` before it, if the issue agrees.

        None where they would have to be read.
        """
        lists = {side: wire.objects(known.get(side)) for side in wire.SIDES}
        sure = self._doubtful is not None and str(row.get("number")) not in self._doubtful
        return lists if sure and counts_of(row) == {side: len(rows) for side, rows in lists.items()} else None

    def _list(self, row: JsonObject, side: str) -> Iterator[JsonObject]:
        number = row.get("number")
        what = f"reading the dependencies of #{number}"
        for other in self._client.rows(f"issues/{number}/dependencies/{side}", what=what):
            ref = wire.ref_of(other.get("url"), row)
            if ref is None or not isinstance(other.get("id"), int):
                raise Malformed(f"github: {what}: the answer is no list of issues")
            yield {"ref": ref, "id": other["id"]}


def counts_of(row: JsonObject) -> dict[str, int] | None:
    """How many an issue says that there are, closed ones too; None where it does not say."""
    summary = row.get("issue_dependencies_summary")
    if not isinstance(summary, dict):
        return None
    found = {side: summary.get(f"total_{side}", summary.get(side)) for side in wire.SIDES}
    return (
        {side: count for side, count in found.items() if isinstance(count, int)}
        if all(isinstance(count, int) for count in found.values())
        else None
    )
