"""What `init` asks."""

from __future__ import annotations

import pytest

from sync.shell.registry import kinds
from sync.shell.setup import questions


@pytest.mark.parametrize("kind", kinds())
def test_every_question_says_what_is_wanted(kind: str):
    """In words that stand after a colon; an abbreviation keeps its capitals."""
    asked = list(questions(kinds()[kind], "x"))
    assert {("project",), ("auth", "token")} <= {question.path for question in asked}
    for question in asked:
        assert question.purpose
        assert not (question.purpose[0].islower() and question.purpose[1:2].isupper())
