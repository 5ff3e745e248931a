"""The simulator answers recorded sessions of the real service: same requests, same statuses, same members."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from tests.simulators.azure_devops_support import http

TRAFFIC = Path(__file__).resolve().parents[3] / "shared" / "api" / "traffic" / "ado"
pytestmark = pytest.mark.skipif(not TRAFFIC.is_dir(), reason="the recordings are not here")

#: Members that the recorded organisation does not have: its process adds nothing, and older answers have fewer.
OURS = {"multilineFieldsFormat", "Custom.Regulated", "commentVersionRef", "workItemComments", "System.IsDeleted"}
#: Members that are not imitated: what the levels of a path are called one by one, and addresses of other features.
THEIRS = {"System.AreaLevel1", "System.IterationLevel1", "workItemHistory"}
_FACTS = ("System.State", "System.Reason", "System.WorkItemType", "System.CommentCount", "System.Title")


def _session(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    recorded = json.loads((TRAFFIC / "az-cli" / f"{name}.json").read_text(encoding="utf-8"))
    for exchange in recorded["interactions"]:
        if "/_apis/wit/" in exchange["request"]["url"] and exchange["request"]["method"] != "OPTIONS":
            yield exchange["request"], exchange["response"]


def _members(value: Any) -> Any:
    """The shape of an answer: members, and what the first of each list looks like."""
    if isinstance(value, dict):
        return {key: _members(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_members(value[0])] if value else []
    return type(value).__name__


def _differences(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from (f"{place}/{name} is missing" for name in set(theirs) - set(ours) - THEIRS)
        yield from (f"{place}/{name} is made up" for name in set(ours) - set(theirs) - OURS)
        for name in set(ours) & set(theirs):
            yield from _differences(ours[name], theirs[name], f"{place}/{name}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        if ours and theirs:
            yield from _differences(ours[0], theirs[0], f"{place}/0")
    elif ours != theirs:
        yield f"{place} is {ours}, recorded {theirs}"


class Replay:
    """Sends recorded requests to a simulator, with the numbers that things have there."""

    def __init__(self, client: httpx.Client, sim: AzureDevOpsSimulator) -> None:
        self.client, self.sim = client, sim
        self.numbers: dict[str, str] = {}
        self.shown: dict[str, list[str]] = {}  # by item: what the recorded relations pointed to, in their order

    def send(self, request: dict[str, Any]) -> httpx.Response:
        text = self._translated(request["url"].partition("/contoso-org/")[2])
        body = request["body"]
        if isinstance(body, list):
            item = request["url"].rpartition("/")[2]
            body = self._located(item, body)
        content = self._translated(json.dumps(body)) if body is not None else None
        kind = request["headers"].get("Content-Type", ["application/json"])[0]
        return self.client.request(request["method"], text, content=content, headers={"Content-Type": kind})

    def learn(self, ours: Any, theirs: Any) -> None:
        """Match the recorded answer's number with ours, and remember the order of its relations."""
        if isinstance(theirs, dict) and isinstance(theirs.get("id"), int):
            self.numbers[str(theirs["id"])] = str(ours["id"])
        if isinstance(theirs, dict) and "fields" in theirs:
            targets = [relation["url"].rpartition("/")[2] for relation in theirs.get("relations", ())]
            self.shown[str(theirs["id"])] = targets

    def facts(self, answer: Any, *, theirs: bool = False) -> Any:
        """What a work item's answer says that does not depend on when and where it was recorded."""
        if not isinstance(answer, dict) or not isinstance(answer.get("fields"), dict):
            return None
        found = [(each["rel"], each["url"].rpartition("/")[2]) for each in answer.get("relations", ())]
        ends = {(rel, self._translated(number) if theirs else number) for rel, number in found}
        return answer["rev"], ends, {name: answer["fields"][name] for name in _FACTS if name in answer["fields"]}

    def _translated(self, text: str) -> str:
        for theirs, ours in self.numbers.items():
            text = re.sub(rf"\b{theirs}\b", ours, text)
        return text

    def _located(self, item: str, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Relations are removed by their place in our order, the last first, rather than in the recorded one."""
        places = [re.fullmatch(r"/relations/(\d+)", operation["path"]) for operation in operations]
        removed = {self._translated(self.shown[item][int(place[1])]) for place in places if place}
        if not removed:
            return operations
        shown = self.sim.issue(int(self.numbers[item]))["relations"]
        indexes = [at for at, relation in enumerate(shown) if relation["url"].rpartition("/")[2] in removed]
        return [{"op": "remove", "path": f"/relations/{at}"} for at in reversed(indexes)]


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("work-item-create-show-update-delete", "WorkItemCreateShowUpdateDeleteTests"),
        ("boards-iterations", "IterationProj_000001"),
        ("relations-add-remove", "WIRel000001"),
    ],
)
def test_recorded_sessions_are_answered_as_recorded(name: str, project: str) -> None:
    """Every work item request of the session gets the recorded status, members, revision, state, reason and links."""
    with served(AzureDevOpsSimulator(process="Basic", project=project)) as sim, http(sim) as client:
        sim.add_iteration(f"{project}\\Sprint 1")
        replay, count = Replay(client, sim), 0
        for request, recorded in _session(name):
            answer = replay.send(request)
            place = f"{request['method']} {request['url']}"
            assert answer.status_code == recorded["status"], f"{place}: {answer.text}"
            if recorded["body"]:
                ours = answer.json()
                assert list(_differences(_members(ours), _members(recorded["body"]))) == [], place
                replay.learn(ours, recorded["body"])
                assert replay.facts(ours) == replay.facts(recorded["body"], theirs=True), place
            count += 1
        assert count > 3
