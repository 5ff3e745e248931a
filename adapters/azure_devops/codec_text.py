"""Long text and discussion: HTML, or Markdown where the field says so, to canonical Markdown and back."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adapters.azure_devops import wire
from sync.core.mapping import ProjectMapping
from sync.core.models import JsonObject
from sync.text import Mentions, html_to_markdown, markdown_to_html, neutralise, restore
from sync.text.mentions import spelled

_NOBODY = Mentions()
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: A mention as Markdown spells it there; what only looks like one has a joiner in it.
_MENTIONED = re.compile(rf"@<({_GUID.pattern})>(?:\u2060(?=[\w-]))?", re.IGNORECASE)
#: An uploaded file's address: the name in its query is for the browser, the same file may stand there without it.
_FILE = re.compile(
    r"(https?://[^\s<>()\[\]\"'`|?]{1,400}/_apis/wit/attachments/[0-9a-f-]{36})(?:\?(?:\([^\s()<>\"']*\)|[^\s<>()\[\]\"'`|])*)?",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r'<code class="language-[^"]*">')
#: The line that `encode_comment` puts before what somebody wrote elsewhere, as a paragraph of its own.
_ATTRIBUTION = re.compile(r"\A[*_](?=\S)[^\n]{1,400} wrote in [^\n]{1,200} \([^\n]{1,400}\):[*_][ \t]*(?:\n+|\Z)")


def mentions(mapping: ProjectMapping) -> Mentions:
    """Who can be mentioned here: the service knows a mention by the GUID of an identity and by nothing else."""
    guids = wire.mapping(mapping.facts.extra.get("people"))
    known = ((person, wire.text(guids.get(one.casefold())) or one) for person, one in mapping.people.native_ids.items())
    return Mentions.of((person, native) for person, native in known if _GUID.fullmatch(native))


def body_field(payload: JsonObject, known: JsonObject) -> str:
    """Where the form of this type shows the long text: bugs have their own field, and `System.Description` is hidden there."""
    fields = wire.fields_of(payload)
    named = wire.text(known.get(wire.text(fields.get(wire.WORK_ITEM_TYPE))))
    if named:
        return named
    return wire.REPRO_STEPS if wire.REPRO_STEPS in fields and wire.DESCRIPTION not in fields else wire.DESCRIPTION


def body_source(payload: JsonObject, known: JsonObject) -> str:
    """Where the long text stands: what became a bug, or was one, may have it where its form hides it now."""
    place, fields = body_field(payload, known), wire.fields_of(payload)
    other = wire.DESCRIPTION if place == wire.REPRO_STEPS else wire.REPRO_STEPS
    return other if not fields.get(place) and fields.get(other) else place


def is_markdown(payload: JsonObject, field: str) -> bool:
    """Whether a long text was switched to Markdown, which can't be undone."""
    return wire.text(wire.mapping(payload.get("multilineFieldsFormat")).get(field)).lower() == "markdown"


@functools.lru_cache(maxsize=2048)
def read(native: str, *, markdown: bool = False, who: Mentions = _NOBODY) -> str:
    """A native long text as canonical Markdown; files stand by their plain address."""
    native = _FILE.sub(r"\1", native) if "/_apis/wit/attachments/" in native else native
    if markdown:
        return restore(native.replace("\r\n", "\n"), _bracketed(who))
    return restore(html_to_markdown(native, who))


@functools.lru_cache(maxsize=2048)
def write(
    body: str,
    *,
    markdown: bool = False,
    current: str = "",
    who: Mentions = _NOBODY,
    files: tuple[tuple[str, str], ...] = (),
) -> str:
    """Canonical Markdown as the native long text; Markdown in an HTML field would show its stars.

    Of the `current` HTML the blocks that read the same stay as they are. `files` are addresses with the names under which the
    web page shows them: without a name, it shows no picture.
    """
    if files:
        names = dict(files)
        body = _FILE.sub(lambda found: _named(found[1], names), body)
    said = neutralise(body, _bracketed(who))
    if markdown:
        return said
    said = _MENTIONED.sub(lambda found: spelled(who.person(found[1]) or found[1]), said)
    # The service drops classes: a language that is written would come back as an edit that nobody made.
    return _LANGUAGE.sub("<code>", markdown_to_html(said, current, who))


def _named(url: str, names: Mapping[str, str]) -> str:
    name = names.get(url)
    return f"{url}?fileName={quote(name, safe='')}" if name else url


def plain_address(url: str) -> str:
    """The address of an uploaded file as texts have it in canonical terms; other addresses as they are."""
    return _FILE.sub(r"\1", url)


def pictures(native: str) -> list[str]:
    """The addresses of uploaded files in a native text, as they stand there."""
    return [html.unescape(found[0]) for found in _FILE.finditer(native)]


def _bracketed(who: Mentions) -> Mentions:
    """As Markdown there spells a mention: `@<GUID>`."""
    return Mentions(tuple((person, f"<{native}>") for person, native in who.pairs))


def read_comment(payload: JsonObject, *, ours: bool, who: Mentions = _NOBODY) -> str:
    """A comment's text, without our own attribution where our account wrote it."""
    body = read(
        wire.text(payload.get("text")), markdown=wire.text(payload.get("format")).lower() == "markdown", who=who
    )
    return _ATTRIBUTION.sub("", body) if ours else body


def is_ours(author: Any, account: Any) -> bool:
    """Whether an identity is the account whose token we hold."""
    known = {wire.text(one).casefold() for one in account} if isinstance(account, list | tuple) else set()
    return any(one.casefold() in known for one in wire.people_ids(author)[:3])
