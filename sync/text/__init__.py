"""Rich text: a star of one node model with a reader and a writer for each tracker's format.

Canonical text is GitHub-flavoured Markdown. Every function is pure, takes any text and loses no word; what a format
can't say travels through it as text between invisible marks. Nothing is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .blocks import rephrase
    from .canon import canonical, same_text
    from .convert import (
        adf_to_markdown,
        html_to_markdown,
        markdown_to_adf,
        markdown_to_html,
        markdown_to_wiki,
        wiki_to_markdown,
    )
    from .mentions import Mentions
    from .neutral import neutralise, restore

__all__ = [
    "Mentions",
    "adf_to_markdown",
    "canonical",
    "html_to_markdown",
    "markdown_to_adf",
    "markdown_to_html",
    "markdown_to_wiki",
    "neutralise",
    "rephrase",
    "restore",
    "same_text",
    "wiki_to_markdown",
]

_HOME = {
    "canonical": "canon",
    "same_text": "canon",
    "neutralise": "neutral",
    "restore": "neutral",
    "rephrase": "blocks",
    "Mentions": "mentions",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f".{_HOME.get(name, 'convert')}", __name__), name)
    globals()[name] = found
    return found
