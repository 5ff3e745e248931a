"""A marker says which copy is ours, and only who holds the store's key can make one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.ids import Marker, ReplicaName
from sync.core.linking import make_marker, read_marker
from tests.scenarios.world import ALIKE, GITHUB, JIRA, World

IDS = st.text("0123456789abcdef", min_size=1, max_size=32)
NAMES = st.sampled_from([ReplicaName(name) for name in ("jira", "github", "azure", "github2", "git")])
KEYS = st.binary(min_size=32, max_size=32)


@given(entity=IDS, replica=NAMES, secret=KEYS, other=IDS, elsewhere=NAMES, theirs=KEYS)
def test_a_marker_holds_for_one_id_in_one_replica_of_one_store(
    entity: str, replica: ReplicaName, secret: bytes, other: str, elsewhere: ReplicaName, theirs: bytes
) -> None:
    """The code of one copy proves nothing for another ticket, another project or another installation."""
    marker = make_marker(entity, replica, secret)
    assert read_marker(marker, replica, secret) == entity
    code = marker.rpartition(":")[2]
    assert read_marker(Marker(f"trackdown:v1:{other}:{code}"), replica, secret) in ({entity} & {other} or {None})
    assert (read_marker(marker, elsewhere, secret) is None) is (elsewhere != replica)
    assert (read_marker(marker, replica, theirs) is None) is (theirs != secret)


@given(entity=IDS, secret=KEYS, place=st.integers(0, 200), sign=st.characters(codec="ascii"))
def test_no_changed_marker_passes(entity: str, secret: bytes, place: int, sign: str) -> None:
    """One sign of it changed, added or taken away makes it nobody's."""
    marker = make_marker(entity, JIRA, secret)
    at = place % len(marker)
    for changed in (marker[:at] + sign + marker[at + 1 :], marker[:at] + marker[at + 1 :], marker + sign):
        if changed != marker:
            assert read_marker(Marker(changed), JIRA, secret) is None


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path, ALIKE)
    yield found
    found.close()


@pytest.mark.parametrize("where", ["the same ticket", "another ticket"])
def test_a_comment_with_a_copied_marker_is_somebodys_own(world: World, where: str) -> None:
    """It takes over no comment: both are there, each with its words, and the author's name stands before the copy."""
    jira, github = world.trackers[JIRA], world.trackers[GITHUB]
    ref, other = jira.create(title="One"), jira.create(title="Two")
    jira.comment(ref, "the true words")
    world.settle()
    (copy,) = github.ticket(world.twin(JIRA, ref, GITHUB))["comments"]
    place = ref if where == "the same ticket" else other
    github.comment(world.twin(JIRA, place, GITHUB), "forged words", author="mallory", marker=copy["marker"])
    world.settle()
    assert world.comments(JIRA, ref)[0] == "the true words"
    assert world.comments(GITHUB, world.twin(JIRA, ref, GITHUB))[0].endswith("the true words")
    (forged,) = [one for one in world.comments(JIRA, place) if "forged words" in one]
    assert "mallory" in forged
