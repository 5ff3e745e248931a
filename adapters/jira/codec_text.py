"""Markdown to Jira's rich text and back: documents on Cloud, wiki markup on Data Center.

Neither turns `@name` or `#12` in a text into a mention or a link, so nothing has to be neutralised here.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Final

from adapters.jira.codec_files import NO_FILES, Files, Links, exposed, restored, with_addresses, with_names
from sync.core.capabilities import Capabilities
from sync.core.mapping import ProjectMapping
from sync.core.models import Field, FieldProblem
from sync.text import Mentions, adf_to_markdown, markdown_to_adf, markdown_to_wiki, wiki_to_markdown

#: The line before a mirrored comment that names who wrote it.
_ATTRIBUTION: Final = re.compile(r"\A\*[^\n]+ wrote in [^\n]+\([^\n]*\):\*(?:\n+|\Z)")


_NOBODY: Final = Mentions()


def mentions(mapping: ProjectMapping) -> Mentions:
    """Who can be mentioned here: by account id on Cloud, by user name on Data Center."""
    return Mentions.of(mapping.people.native_ids.items())


def read_text(native: Any, who: Mentions = _NOBODY, files: Files = NO_FILES) -> str:
    """Markdown of a document, of wiki markup or of nothing; `files` are those that it may name."""
    if isinstance(native, str):
        return with_addresses(_from_wiki(native, who), files)
    # The same document is read several times on its way through a cycle.
    return _from_document(json.dumps(exposed(native, files)), who) if isinstance(native, dict) else ""


def write_text(
    markdown: str, *, cloud: bool, current: Any = None, who: Mentions = _NOBODY, files: Files = NO_FILES
) -> Any:
    """What to send for a Markdown text; None for an empty one. Of the `current` text the blocks that read the same stay."""
    if not markdown.strip():
        return None
    if cloud:
        before = exposed(current, files)
        return restored(markdown_to_adf(markdown, before, who), before)
    return markdown_to_wiki(with_names(markdown, files), current if isinstance(current, str) else "", who)


@functools.lru_cache(maxsize=1024)
def held_text(markdown: str, *, cloud: bool, who: Mentions = _NOBODY, links: Links = ()) -> str:
    """The Markdown that comes back when this one was written; `links` are the files that it refers to."""
    files = dict(links)
    return read_text(write_text(markdown, cloud=cloud, who=who, files=files), who, files)


@functools.lru_cache(maxsize=1024)
def stored_length(markdown: str, *, cloud: bool) -> int:
    """How long Jira counts the text: in its stored form, which may be longer than what was written."""
    wiki = markdown_to_wiki(markdown)
    return max(len(wiki), _document_text(markdown)) if cloud else len(wiki)


def too_long(markdown: str, caps: Capabilities, *, cloud: bool) -> FieldProblem | None:
    """What to say of a text over the limit of the site; None when it fits."""
    limit = caps.body_limit
    length = stored_length(markdown, cloud=cloud) if limit is not None else 0
    if limit is None or length <= limit:
        return None
    return FieldProblem(
        field=Field.BODY,
        message=f"The text has {length} characters in Jira's form, and Jira takes {limit}.",
        mend="Shorten the text, or split it into comments.",
    )


def without_attribution(markdown: str) -> str:
    """The comment without the line that names its author elsewhere."""
    return _ATTRIBUTION.sub("", markdown, count=1)


def with_attribution(markdown: str, attribution: str | None) -> str:
    """The comment after the line that names its author elsewhere."""
    return f"{attribution}\n\n{markdown}" if attribution else markdown


def one_line(title: str) -> str:
    """A title as Jira keeps it: one line, trimmed."""
    return " ".join(re.split(r"[\r\n]+", title)).strip()


@functools.lru_cache(maxsize=1024)
def _from_document(text: str, who: Mentions) -> str:
    return adf_to_markdown(json.loads(text), who)


@functools.lru_cache(maxsize=1024)
def _from_wiki(wiki: str, who: Mentions) -> str:
    return wiki_to_markdown(wiki, who)


def _document_text(markdown: str) -> int:
    """The length of the words of a document, without its structure."""
    document = markdown_to_adf(markdown)
    return sum(len(json.loads(text)) for text in re.findall(r'"text": ("(?:[^"\\]|\\.)*")', json.dumps(document)))
