"""Every recording of the real services is read, or left out for a reason that stands here."""

from __future__ import annotations

import re
from collections import Counter
from types import ModuleType

import pytest

from tests.recordings import in_azure_devops, in_github, in_jira
from tests.recordings.left_out import LEFT_OUT
from tests.recordings.material import API, Found, files, find, owner

JUDGES: dict[str, ModuleType] = {"azure_devops": in_azure_devops, "github": in_github, "jira": in_jira}
#: What a judge calls its check of each kind of thing.
CHECKS = {"history": "story", "event": "story"}

pytestmark = pytest.mark.skipif(not API.is_dir(), reason="the recordings of the real services are not here")


def _found(name: str) -> list[Found]:
    return find(name, JUDGES[owner(name)].shape)


def _reasons(name: str) -> list[str]:
    return [reason for pattern, reason in LEFT_OUT.items() if re.fullmatch(pattern, name)]


def _folders() -> list[str]:
    depth = {"corpus": 2}
    if not API.is_dir():
        return []
    cut = {"/".join(name.split("/")[: depth.get(name.split("/")[0], 3)]) for name in files()}
    return sorted(cut)


def test_every_file_is_read_or_left_out_for_one_reason() -> None:
    """No file is passed over in silence, none that holds a ticket is left out, and no reason is without a file."""
    read, left, wrong = [], [], []
    for name in files():
        kinds = Counter(one.kind for one in _found(name))
        reasons = _reasons(name)
        if kinds and not reasons:
            read.append(f"read  {name}: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}")
        elif reasons and not kinds:
            left.append(f"left  {name}: {'; '.join(reasons)}")
        if bool(kinds) + len(reasons) != 1:
            wrong.append(f"{name}: {dict(kinds)}, reasons {reasons}")
    print("\n".join([*read, *left, f"{len(read)} read, {len(left)} left out"]))  # noqa: T201 - `-rP` shows it
    assert wrong == []
    unused = [pattern for pattern in LEFT_OUT if not any(re.fullmatch(pattern, name) for name in files())]
    assert unused == []
    assert len(read) > 350


@pytest.mark.parametrize("folder", _folders())
def test_what_was_recorded_is_understood(folder: str) -> None:
    """Each ticket, comment, history, text and refusal in the files of a folder means to us what it says."""
    wrong: list[str] = []
    for name in files():
        if not (name + "/").startswith(folder + "/") or _reasons(name):
            continue
        judge = JUDGES[owner(name)]
        for one in _found(name):
            try:
                getattr(judge, CHECKS.get(one.kind, one.kind))(one.value)
            except Exception as error:  # noqa: BLE001 - all of a folder's faults at once
                wrong.append(f"{name}: {one.kind}: {type(error).__name__}: {error}"[:900])
    assert not wrong, "\n".join(wrong)
