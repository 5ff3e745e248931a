"""Files at a work item: those that are attached to it, and the pictures that somebody pasted into its text."""

from __future__ import annotations

import re
from urllib.parse import unquote

from adapters.azure_devops import codec_text, wire
from sync.core.ids import NativeRef
from sync.core.models import JsonObject, NativeAttachment

_NAME = re.compile(r"[?&]fileName=([^&]+)", re.IGNORECASE)
_HOST = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


def attachments(payload: JsonObject, ticket: NativeRef) -> tuple[NativeAttachment, ...]:
    """The files, each once, by the number that their address ends with.

    A pasted picture is uploaded like any file, but no relation names it: the text alone does.
    """
    found: dict[str, NativeAttachment] = {}
    for relation in wire.relations(payload):
        number = wire.file_id(relation.get("url"))
        if not number or wire.text(relation.get("rel")) != wire.ATTACHED:
            continue
        attributes = wire.mapping(relation.get("attributes"))
        found[number] = NativeAttachment(
            ref=NativeRef(number),
            ticket=ticket,
            name=wire.text(attributes.get("name")) or number,
            url=codec_text.plain_address(wire.text(relation.get("url"))),
            size=wire.number(attributes.get("resourceSize")) or None,
        )
    fields, here = wire.fields_of(payload), _host(wire.text(payload.get("url")))
    for place in (wire.DESCRIPTION, wire.REPRO_STEPS):
        for url in codec_text.pictures(wire.text(fields.get(place))):
            if (number := wire.file_id(url)) not in found and _host(url) == here:
                named = _NAME.search(url)
                plain = codec_text.plain_address(url)
                name = unquote(named[1]) if named else number
                found[number] = NativeAttachment(ref=NativeRef(number), ticket=ticket, name=name, url=plain)
    return tuple(found.values())


def _host(url: str) -> str:
    found = _HOST.match(url)
    return found[0].casefold() if found else ""
