"""From canonical Markdown to each format and back."""

from typing import Any

from .adf_read import read_adf
from .adf_write import write_adf
from .html_read import read_html
from .html_write import write_html
from .md_read import read_markdown
from .md_write import write_markdown
from .wiki_read import read_wiki
from .wiki_write import write_wiki


def markdown_to_adf(text: str) -> dict[str, Any]:
    """A whole ADF document, valid by Atlassian's schema."""
    return write_adf(read_markdown(text))


def adf_to_markdown(doc: Any) -> str:
    """The Markdown of any JSON value that stands where a document should."""
    return write_markdown(read_adf(doc))


def markdown_to_wiki(text: str) -> str:
    """Jira's wiki markup, as Server and Data Center store it."""
    return write_wiki(read_markdown(text))


def wiki_to_markdown(text: str) -> str:
    """The Markdown of wiki markup; what is not closed or not known stays as words."""
    return write_markdown(read_wiki(text))


def markdown_to_html(text: str) -> str:
    """Sanitised HTML for Azure DevOps."""
    return write_html(read_markdown(text))


def html_to_markdown(html: str) -> str:
    """The Markdown of HTML, sanitised first; a mention becomes the person's name after an @."""
    return write_markdown(read_html(html))
