"""What is remembered of a tracker between two runs."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from sync.core.capabilities import Capabilities, ProjectFacts
from sync.core.models import Field
from sync.engine.probe import from_json, to_json
from sync.store.convert import dumps

FACTS = ProjectFacts(
    statuses={"New": "Proposed", "Approved": "Proposed", "Committed": "InProgress"},
    statuses_by_type={"Bug": ("New", "Approved", "Committed")},
    types=("Bug",),
    priorities=("2", "1"),
    extra={"states": {"Bug": {"New": "Proposed", "Approved": "Proposed", "Committed": "InProgress"}}},
)
KNOWN = Capabilities(
    server="s", account="a", fields=frozenset({Field.TITLE}), clock_resolution=timedelta(seconds=1), facts=FACTS
)


def test_what_the_store_gives_back_is_in_the_trackers_own_order():
    """A type's first state is the one in which a ticket starts: the order of the facts is one of the facts."""
    known = from_json(json.loads(dumps(to_json(KNOWN))))
    assert known == KNOWN
    assert list(known.facts.extra["states"]["Bug"]) == ["New", "Approved", "Committed"]
    assert list(known.facts.statuses) == ["New", "Approved", "Committed"]


@pytest.mark.parametrize("other", [{"fields": []}, "{}", '{"fields": []}', 7])
def test_what_another_version_remembered_is_asked_for_again(other):
    """A stored form that is not ours is no answer, and no error."""
    assert from_json(other) is None
