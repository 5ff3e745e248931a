"""From canonical Markdown to each format and back.

Of the `current` text of a tracker everything stays, native nodes and source, that reads the same as what is to stand
there; what is read of the result doesn't depend on it. `who` says which people are mentioned live.
"""

from typing import Any

from .adf_pairs import keep_adf
from .adf_read import read_adf
from .html_pairs import keep_html
from .html_read import read_html
from .md_read import read_markdown
from .md_write import write_markdown
from .mentions import NOBODY, Mentions, addressed, named
from .wiki_pairs import keep_wiki
from .wiki_read import read_wiki


def markdown_to_adf(text: str, current: Any = None, who: Mentions = NOBODY) -> dict[str, Any]:
    """A whole ADF document, valid by Atlassian's schema."""
    return keep_adf(current, addressed(read_markdown(text), who), who)


def adf_to_markdown(doc: Any, who: Mentions = NOBODY) -> str:
    """The Markdown of any JSON value that stands where a document should."""
    return write_markdown(named(read_adf(doc), who))


def markdown_to_wiki(text: str, current: str = "", who: Mentions = NOBODY) -> str:
    """Jira's wiki markup, as Server and Data Center store it."""
    return keep_wiki(current, addressed(read_markdown(text), who), who)


def wiki_to_markdown(text: str, who: Mentions = NOBODY) -> str:
    """The Markdown of wiki markup; what is not closed or not known stays as words."""
    return write_markdown(named(read_wiki(text), who))


def markdown_to_html(text: str, current: str = "", who: Mentions = NOBODY) -> str:
    """Sanitised HTML for Azure DevOps."""
    return keep_html(current, addressed(read_markdown(text), who), who)


def html_to_markdown(html: str, who: Mentions = NOBODY) -> str:
    """The Markdown of HTML, sanitised first."""
    return write_markdown(named(read_html(html), who))
