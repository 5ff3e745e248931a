"""One opaque type for each kind of identifier, so that they cannot be mixed up."""

from __future__ import annotations

from typing import NewType

#: A canonical ticket; opaque, survives a change of kind or title.
TicketId = NewType("TicketId", str)
#: A canonical comment.
CommentId = NewType("CommentId", str)
#: A canonical attachment: one content at one ticket.
AttachmentId = NewType("AttachmentId", str)
#: A `[bridges.x]` of the config.
BridgeName = NewType("BridgeName", str)
#: A `[trackers.x]` of the config, as one of the replicas of a bridge.
ReplicaName = NewType("ReplicaName", str)
#: What a tracker itself calls a ticket or a comment, stable over renames: an opaque string of its adapter.
NativeRef = NewType("NativeRef", str)
#: A `[people.x]` of the config, or `tracker:native-id` for somebody without an entry there.
PersonId = NewType("PersonId", str)
#: What a create carries so that it can be found again: `trackdown:v1:<id>:<mac>`.
Marker = NewType("Marker", str)
#: Where a pull goes on: an opaque string of its adapter, committed with the page that it follows.
Cursor = NewType("Cursor", str)
#: One cycle of one or more bridges.
RunId = NewType("RunId", str)
