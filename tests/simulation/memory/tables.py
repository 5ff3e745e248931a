"""The tables of the store in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sync.store.records import (
    AttachmentRecord,
    CommentRecord,
    ConflictRecord,
    CopyRecord,
    LinkRecord,
    OutboxRecord,
    ReplicaRecord,
    RunRecord,
    TicketRecord,
)


@dataclass(slots=True)
class Tables:
    """Everything that is stored: a table is a dict of values that never change, so that to copy one is cheap."""

    cursors: dict[Any, Any] = field(default_factory=dict)
    inbox: dict[Any, Any] = field(default_factory=dict)
    tickets: dict[Any, TicketRecord] = field(default_factory=dict)
    comments: dict[Any, CommentRecord] = field(default_factory=dict)
    attachments: dict[Any, AttachmentRecord] = field(default_factory=dict)
    copies: dict[Any, CopyRecord] = field(default_factory=dict)
    links: dict[Any, LinkRecord] = field(default_factory=dict)
    outbox: dict[Any, OutboxRecord] = field(default_factory=dict)
    conflicts: dict[Any, ConflictRecord] = field(default_factory=dict)
    problems: dict[Any, Any] = field(default_factory=dict)
    replicas: dict[Any, ReplicaRecord] = field(default_factory=dict)
    runs: dict[Any, RunRecord] = field(default_factory=dict)
    audit: dict[Any, Any] = field(default_factory=dict)
    meta: dict[Any, str] = field(default_factory=dict)
    leases: dict[Any, Any] = field(default_factory=dict)

    def copied(self) -> Tables:
        """The same, to be changed apart."""
        return Tables(*(dict(getattr(self, name)) for name in self.__slots__))
