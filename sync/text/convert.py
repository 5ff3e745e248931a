"""From canonical Markdown to each format and back."""

from typing import Any

from .adf_pairs import keep_adf
from .adf_read import read_adf
from .html_pairs import keep_html
from .html_read import read_html
from .md_read import read_markdown
from .md_write import write_markdown
from .wiki_pairs import keep_wiki
from .wiki_read import read_wiki


def markdown_to_adf(text: str, current: Any = None) -> dict[str, Any]:
    """A whole ADF document, valid by Atlassian's schema.

    Of the `current` document every node stays that reads the same; what is read of the result doesn't depend on it.
    """
    return keep_adf(current, read_markdown(text))


def adf_to_markdown(doc: Any) -> str:
    """The Markdown of any JSON value that stands where a document should."""
    return write_markdown(read_adf(doc))


def markdown_to_wiki(text: str, current: str = "") -> str:
    """Jira's wiki markup, as Server and Data Center store it; `current` as in `markdown_to_adf`."""
    return keep_wiki(current, read_markdown(text))


def wiki_to_markdown(text: str) -> str:
    """The Markdown of wiki markup; what is not closed or not known stays as words."""
    return write_markdown(read_wiki(text))


def markdown_to_html(text: str, current: str = "") -> str:
    """Sanitised HTML for Azure DevOps; `current` as in `markdown_to_adf`."""
    return keep_html(current, read_markdown(text))


def html_to_markdown(html: str) -> str:
    """The Markdown of HTML, sanitised first; a mention becomes the person's name after an @."""
    return write_markdown(read_html(html))
