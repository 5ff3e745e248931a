"""What hangs on an issue of the simulated Jira has the members that the recordings of the real one have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.jira.simulator import JiraSimulator

TRAFFIC = Path(__file__).resolve().parents[3] / "shared" / "api" / "traffic" / "jira"
pytestmark = pytest.mark.skipif(not TRAFFIC.is_dir(), reason="the recordings are not here")
#: Members of files and versions that only some sites give: pictures have thumbnails, released versions a date.
OPTIONAL = {"thumbnail", "properties", "releaseDate", "description", "comment", "goal", "completeDate"}


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _objects(child)


def _recorded(file: str, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    for node in _objects(json.loads((TRAFFIC / file).read_text(encoding="utf-8"))):
        if found := wanted(node):
            return dict(found[0] if isinstance(found, list) else found)
    raise LookupError(file)


def _sample(deployment: str) -> dict[str, Any]:
    """An issue with all of it, as it is read over version 2."""
    simulator = JiraSimulator(deployment=deployment)
    simulator.base_url = "https://jira.example"
    simulator.add_version("1.0")
    simulator.add_component("Web", "What people see")
    sprint = {simulator.field_id("Sprint"): simulator.add_sprint("Sprint 1", "active", goal="Pay")}
    key = simulator.add_issue(
        "First", components=[{"name": "Web"}], fixVersions=[{"name": "1.0"}], timetracking={"originalEstimate": "4h"}, **sprint
    )  # fmt: skip
    simulator.link(key, simulator.add_issue("Second"))
    simulator.attach(key, "log.patch", b"x", mime_type="text/plain")
    simulator.log_work(key, "1h")
    shown: dict[str, Any] = simulator.request("GET", f"/issue/{key}?expand=changelog")
    sprints = shown["fields"][simulator.field_id("Sprint")]
    return shown["fields"] | {"sprint": sprints, "histories": shown["changelog"]["histories"]}


CASES = [
    ("server", "issuelinks", "apache-duraspace/CB-6415.json", lambda node: node.get("issuelinks")),
    ("server", "attachment", "apache-duraspace/DS-196.json", lambda node: node.get("attachment")),
    ("server", "components", "apache-duraspace/CB-5760.json", lambda node: node.get("components")),
    ("server", "fixVersions", "apache-duraspace/CB-6415.json", lambda node: node.get("fixVersions")),
    ("server", "timetracking", "apache-duraspace/CLIMATE-235.json", lambda node: node.get("timetracking")),
    ("server", "watches", "apache-duraspace/CB-5760.json", lambda node: node.get("watches")),
    ("cloud", "fixVersions", "devlake/cloud-board-issues.part1.json", lambda node: node.get("fixVersions")),
    ("cloud", "timetracking", "devlake/cloud-board-issues.part1.json", lambda node: node.get("timetracking")),
    (
        "cloud",
        "worklog",
        "devlake/cloud-worklogs.part1.json",
        lambda node: node if "timeSpentSeconds" in node else None,
    ),
    ("cloud", "sprint", "devlake/cloud-board-issues.part1.json", lambda node: node.get("customfield_10020")),
]


@pytest.mark.parametrize(("deployment", "name", "file", "wanted"), CASES, ids=[f"{row[0]} {row[1]}" for row in CASES])
def test_members_are_those_of_a_recording(
    deployment: str, name: str, file: str, wanted: Callable[[dict[str, Any]], Any]
) -> None:
    """Nothing that the real service gives is missing, and nothing is made up."""
    shown = _sample(deployment)[name]
    mine = shown["worklogs"][0] if name == "worklog" else shown[0] if isinstance(shown, list) else shown
    theirs = _recorded(file, wanted)
    assert set(mine) - OPTIONAL - {"inwardIssue", "outwardIssue"} == set(theirs) - OPTIONAL - {
        "inwardIssue",
        "outwardIssue",
    }
    assert {key: type(value) for key, value in mine.items() if key in theirs and key not in OPTIONAL} == {
        key: type(value) for key, value in theirs.items() if key in mine and key not in OPTIONAL
    }


def test_the_other_end_of_a_link_has_the_recorded_fields() -> None:
    """Summary, status, priority and type: enough to show it, too little to decide by."""
    (link,) = _sample("server")["issuelinks"]
    theirs = _recorded("apache-duraspace/CB-6415.json", lambda node: node.get("inwardIssue"))
    assert set(link["outwardIssue"]) == set(theirs)
    assert set(link["outwardIssue"]["fields"]) == set(theirs["fields"])


@pytest.mark.parametrize(
    ("field", "file"),
    [
        ("Link", "apache-duraspace/DRILL-1039.json"),
        ("Attachment", "apache-duraspace/DRILL-1039.json"),
        ("timespent", "apache-duraspace/HYDRA-465.json"),
        ("timeestimate", "apache-duraspace/HYDRA-465.json"),
    ],
)
def test_items_of_the_changelog_are_written_as_recorded(field: str, file: str) -> None:
    """The same sides are filled for the same kind of change."""
    items = [item for entry in _sample("server")["histories"] for item in entry["items"]]
    (mine,) = (item for item in items if item["field"] == field)
    theirs = _recorded(file, lambda node: node if node.get("field") == field and node.get("to") else None)
    told = {name for name in ("to", "toString") if theirs.get(name)}
    assert told <= set(mine)
    assert mine["fieldtype"] == theirs["fieldtype"]
    pattern = {"Link": r"This issue \w[\w ]* [A-Z]+-\d+", "Attachment": r"[\w.-]+"}.get(field, r"\d+")
    assert all(re.fullmatch(pattern, item["toString"]) for item in (mine, theirs))
