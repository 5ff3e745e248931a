"""What the text tests share: GitHub's parser as the judge of meaning, the ADF schema, and the corpora."""

from collections.abc import Callable
from typing import Any

import pytest

from bench import text_judges
from bench.text_corpora import Places
from bench.text_judges import Tree


@pytest.fixture(scope="session")
def meaning() -> Callable[[str], Tree]:
    """What GitHub shows for a Markdown text in an issue, as a tree."""
    return text_judges.meaning


@pytest.fixture(scope="session")
def adf_errors() -> Callable[[Any], list[str]]:
    """The complaints of Atlassian's schema about a document."""
    schema = Places().schema
    if not schema.exists():
        pytest.skip(f"{schema.name} of the shared API material is not here")
    return text_judges.adf_errors(schema)


@pytest.fixture(scope="session")
def corpus() -> Callable[[str], list[tuple[str, Any]]]:
    """The bodies of a folder of the corpus, each with a name to report it by."""

    def read(folder: str) -> list[tuple[str, Any]]:
        bodies = Places().bodies(folder)
        if not bodies:
            pytest.skip(f"the corpus {folder} of the shared API material is not here")
        return bodies

    return read
