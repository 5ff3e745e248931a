"""Whatever the converters lose, nobody's text is written again and again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.core.ids import ReplicaName
from sync.core.models import Decoded, DecodedComment, Field, NativeComment, NativeTicket, Snapshot
from sync.testing import strategies
from sync.testing.memory import MemoryCodec
from tests.scenarios.world import ALIKE, NAMES, SHELF, World

EXAMPLES = int(os.environ.get("TRACKDOWN_EXAMPLES", "300")) // 30

#: Ways to spoil a text, from harmless to absurd.
LOSSES = {
    "nothing": lambda text: text,
    "case": str.upper,
    "every third word": lambda text: " ".join(word for number, word in enumerate(text.split()) if number % 3),
    "line ends": lambda text: " ".join(text.split()),
    "everything": lambda text: "",
    "marks": lambda text: "".join(character for character in text if character.isalnum() or character == "\n"),
    "adds": lambda text: f"{text}\n\nconverted",
    "backwards": lambda text: text[::-1],
}


@dataclass(frozen=True, slots=True)
class LossyCodec(MemoryCodec):
    """Reads every text through a loss that neither `project` nor `encode` knows of."""

    loss: str = "nothing"

    def decode(self, native: NativeTicket, mapping: Any) -> Decoded:
        """The ticket with its text spoilt."""
        decoded = MemoryCodec.decode(self, native, mapping)
        body = decoded.snapshot.fields.get(Field.BODY)
        spoilt = LOSSES[self.loss](body) if isinstance(body, str) else body
        return replace(decoded, snapshot=Snapshot(fields={**decoded.snapshot.fields, Field.BODY: spoilt}))

    def decode_comment(self, native: NativeComment, mapping: Any) -> DecodedComment:
        """The comment with its text spoilt."""
        decoded = MemoryCodec.decode_comment(self, native, mapping)
        return replace(decoded, body=LOSSES[self.loss](decoded.body))


def spoilt(world: World, losses: dict[ReplicaName, str]) -> None:
    for name, replica in world.bridge.replicas.items():
        replica.codec = LossyCodec(world.trackers[name].knobs, losses[name])


@settings(max_examples=max(5, EXAMPLES), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    losses=st.fixed_dictionaries({name: st.sampled_from(sorted(LOSSES)) for name in NAMES}),
    text=strategies.markdown(),
    edited=strategies.markdown(),
    where=st.sampled_from(NAMES),
)
def test_idle_cycles_write_nothing(losses, text, edited, where):
    """One edit costs at most one write on each other side, and after it there is silence."""
    with tempfile.TemporaryDirectory(prefix="trackdown-ping-", dir=SHELF) as folder:
        world = World(Path(folder), ALIKE)
        try:
            spoilt(world, losses)
            ref = world.trackers[where].create(title="Refunds", text=text)
            comment = world.trackers[where].comment(ref, text or "words")
            world.settle()
            quiet = [sum(world.cycle().writes.values()) for _ in range(2)]
            world.trackers[where].edit(ref, text=edited)
            world.trackers[where].edit_comment(comment, edited or "others")
            report = world.cycle()
            assert report.writes[where] == 0
            assert all(count <= 2 for count in report.writes.values()), report.writes
            world.settle()
            quiet += [sum(world.cycle().writes.values()) for _ in range(2)]
            # A new version of everything, with the texts as they were: no text is touched for it.
            for name in NAMES:
                twin = world.twin(where, ref, name)
                world.trackers[name].edit(twin, priority="P1")
            world.cycle()
            quiet += [sum(world.cycle().writes.values()) for _ in range(2)]
            assert quiet == [0] * len(quiet)
        finally:
            world.close()
