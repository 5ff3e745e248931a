"""Reads hostile texts as each tracker would send them, with a limit on the processor's time; `python hostile_texts.py SECONDS SIZE`.

Prints what it is about to read, so that the last line names what did not end.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from sync.core.capabilities import ProjectFacts
from sync.core.ids import NativeRef, ReplicaName
from sync.core.linking import explicit_references
from sync.core.mapping import People
from sync.core.models import NativeComment, NativeTicket
from sync.engine import addresses
from sync.shell import mappingfile

#: What a pattern with a hole in it repeats itself over.
UNITS = (
    *(
        "a",
        " ",
        "\t",
        "\n",
        "\r\n",
        "*",
        "_",
        "~",
        "`",
        "[",
        "](",
        "![",
        "<",
        "<!-- ",
        "<br>",
        "&",
        "|",
        "> ",
        "- ",
        "\\",
    ),
    *(
        "#",
        "@",
        "@a ",
        "/",
        "1",
        "http://",
        "https://a/_apis/wit/attachments/",
        "*a wrote in ",
        "mirrors: ",
        "{",
        "{code}",
    ),
    *("- **a:** ", "<!-- trackdown:v1:a", "attachment:", "\u2060", "h1. ", "a, ", "=", "<a href='", "a@b", "%20", "--"),
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def readers() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Every way on which a stranger's text is read."""
    for kind in ("github", "jira", "azure_devops"):
        codec = import_module(f"adapters.{kind}.codec").CODEC
        mapping = mappingfile.load(kind, folder=Path()).bind(ProjectFacts(), People(replica=ReplicaName("r")))
        yield f"{kind} ticket", lambda text, codec=codec, mapping=mapping: codec.decode(_ticket(text), mapping)
        yield (
            f"{kind} comment",
            lambda text, codec=codec, mapping=mapping: codec.decode_comment(_comment(text), mapping),
        )
    yield "references", explicit_references
    yield (
        "files",
        lambda text: (addresses._ADDRESS.findall(text), addresses._LISTED.fullmatch(text), addresses.mentioned(text)),
    )


def _ticket(text: str) -> NativeTicket:
    fields = {"summary": text[:255], "description": text}
    fields |= {"System.Title": text[:255], "System.Description": text, "System.Tags": text}
    payload = {"title": text[:255], "body": text, "state": "open", "fields": fields}
    return NativeTicket(
        ref=NativeRef("1"), key="1", url="u", number=1, version="1", payload=payload, fetched_at=NOW, updated_at=NOW
    )


def _comment(text: str) -> NativeComment:
    payload = {"body": text, "text": text, "created_at": "2026-11-22T00:00:00Z"}
    return NativeComment(ref=NativeRef("1:1"), ticket=NativeRef("1"), version="1", payload=payload)


def read_all(size: int) -> None:
    """All texts of `size` characters, by all readers."""
    for name, read in readers():
        for unit in UNITS:
            sys.stdout.write(f"{name} {unit!r}\n")
            sys.stdout.flush()
            for end in ("!", "\n-->)]}"):
                read((unit * size)[:size] + end)


if __name__ == "__main__":
    seconds, size = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    read_all(size)
    sys.stdout.write("done\n")
