"""The strategies give what they say."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from sync.core.fieldrules import Shape, shape_of
from sync.core.models import UNKNOWN, Field
from sync.core.policy import PolicyName
from sync.testing import strategies

PAYLOAD = {"title": "A", "labels": ["x", {"name": "y"}], "user": {"login": "ada", "ids": [1, 2]}}


@given(strategies.fields(complete=True))
def test_values_have_the_shape_of_their_field(fields):
    """Sets are frozensets, everything else is text or nothing; titles, kinds and statuses are never empty."""
    assert set(fields) == set(Field)
    for name, value in fields.items():
        assert isinstance(value, frozenset) == (shape_of(name) is Shape.SET)
        assert value is not UNKNOWN
    assert all(fields[name] for name in (Field.TITLE, Field.KIND, Field.STATUS))


@given(st.data())
def test_distorted_payloads_leave_the_original_alone(data):
    """What is given back is JSON of its own, and the sample stays as it was."""
    sample = copy.deepcopy(PAYLOAD)
    twisted = data.draw(strategies.distorted(sample))
    assert sample == PAYLOAD
    assert isinstance(twisted, dict)


@given(strategies.policies(("jira", "github")))
def test_policies_fit_their_fields(policy):
    """No scalar is merged, and who is preferred is in the bridge."""
    for name in Field:
        rule = policy.of(name)
        assert rule.name is not PolicyName.MERGE or shape_of(name) is not Shape.SCALAR
        assert (rule.prefer in policy.order) == (rule.name is PolicyName.PREFER)


@given(st.data())
def test_sides_without_a_past_have_agreed_to_nothing(data):
    """A side is settled with what its base says, and with nothing where it has none."""
    canonical = data.draw(st.none() | strategies.canonicals())
    side = data.draw(strategies.sides("jira", canonical))
    assert side.agreed == ({} if side.base is None else side.base.fields)
    assert side.base is not None or canonical is None
