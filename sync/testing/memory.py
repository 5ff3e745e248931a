"""A tracker in memory with a real adapter and codec: for tests of whatever stands on the two seams.

tracker = MemoryTracker("jira", MemoryKnobs(max_assignees=1), clock)
ref = tracker.create(title="Refunds fail", author="ada")
adapter, codec = MemoryAdapter(tracker), MemoryCodec(tracker.knobs)
capabilities = adapter.probe()
mapping = tracker.knobs.mapping().bind(capabilities.facts, people)
"""

from __future__ import annotations

from sync.testing.memory_adapter import MemoryAdapter
from sync.testing.memory_codec import MemoryCodec
from sync.testing.memory_knobs import ACCOUNT, TOKEN, ManualClock, MemoryKnobs
from sync.testing.memory_server import MemoryTracker, MemoryWrite

__all__ = [
    "ACCOUNT",
    "TOKEN",
    "ManualClock",
    "MemoryAdapter",
    "MemoryCodec",
    "MemoryKnobs",
    "MemoryTracker",
    "MemoryWrite",
]
