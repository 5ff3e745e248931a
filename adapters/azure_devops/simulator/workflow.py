"""From state to state: which moves a work item type allows, and which reasons a move offers.

Processes of the service allow every move today; the graphs of older ones are `CLASSIC`. The names of reasons are those of
recorded work items and field definitions, where a move was recorded with its reason it has it here first; which of the
others a move offers besides is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from adapters.azure_devops.simulator.process import ProcessName, WorkItemType

#: Work item type to state to the states that follow it; "" is where a new one starts.
Graph = Mapping[str, Mapping[str, Sequence[str]]]
WorkflowKind = Literal["any", "classic"]
Reasons = Mapping[tuple[str, str], tuple[str, ...]]

_AGILE_PORTFOLIO = {
    "New": ("Removed", "Closed", "Resolved", "Active"),
    "Active": ("Removed", "Closed", "Resolved", "New"),
    "Resolved": ("Removed", "Closed", "Active", "New"),
    "Closed": ("Resolved", "Active", "New"),
    "Removed": ("New",),
}
_SCRUM = {
    "New": ("Approved", "Committed", "Done", "Removed"),
    "Approved": ("New", "Committed", "Done", "Removed"),
    "Committed": ("New", "Approved", "Done"),
    "Done": ("Committed",),
    "Removed": ("New",),
}
_SCRUM_PORTFOLIO = {
    "New": ("In Progress", "Done", "Removed"),
    "In Progress": ("New", "Done", "Removed"),
    "Done": ("In Progress",),
    "Removed": ("New",),
}
_CMMI = {
    "Proposed": ("Active", "Closed"),
    "Active": ("Proposed", "Resolved", "Closed"),
    "Resolved": ("Active", "Closed"),
    "Closed": ("Active", "Proposed"),
}
_CMMI_PORTFOLIO = {**_CMMI, "Proposed": ("Active", "Closed", "Removed"), "Removed": ("Proposed",)}
#: The restrictive graphs: Agile's are recorded, the others are as their documentation draws them.
CLASSIC: Mapping[ProcessName, Graph] = {
    "Agile": {
        **dict.fromkeys(("Epic", "Feature", "User Story"), _AGILE_PORTFOLIO),
        "Task": {
            "New": ("Removed", "Closed", "Active"),
            "Active": ("Removed", "Closed", "New"),
            "Closed": ("Active", "New"),
            "Removed": ("New",),
        },
        "Bug": {
            "New": ("Closed", "Resolved", "Active"),
            "Active": ("Closed", "Resolved", "New"),
            "Resolved": ("Closed", "Active", "New"),
            "Closed": ("Resolved", "Active", "New"),
        },
        "Issue": {"Active": ("Closed",), "Closed": ("Active",)},
    },
    "Scrum": {
        **dict.fromkeys(("Epic", "Feature"), _SCRUM_PORTFOLIO),
        **dict.fromkeys(("Product Backlog Item", "Bug"), _SCRUM),
        "Task": {
            "To Do": ("In Progress", "Done", "Removed"),
            "In Progress": ("To Do", "Done", "Removed"),
            "Done": ("To Do", "In Progress"),
            "Removed": ("To Do",),
        },
        "Impediment": {"Open": ("Closed",), "Closed": ("Open",)},
    },
    "Basic": {},
    "CMMI": {
        **dict.fromkeys(("Epic", "Feature"), _CMMI_PORTFOLIO),
        **dict.fromkeys(("Requirement", "Task", "Bug", "Issue", "Change Request"), _CMMI),
    },
}

_NOT_A_FAULT = ("As Designed", "Cannot Reproduce", "Copied to Backlog", "Deferred", "Duplicate", "Obsolete")
_RESOLUTIONS = ("Fixed", *_NOT_A_FAULT, "Will not Fix")
_AGILE_REASONS: Reasons = {
    ("", "New"): ("New",),
    ("New", "Active"): ("Implementation started",),
    ("Active", "New"): ("Implementation halted",),
    ("Active", "Resolved"): ("Stories complete",),
    ("Resolved", "Active"): ("Acceptance tests fail",),
    ("Resolved", "Closed"): ("Acceptance tests pass",),
    ("Closed", "Active"): ("Reactivated",),
    ("", "Active"): ("New",),
}
_AGILE_BUG: Reasons = {
    ("", "New"): ("New", "Build Failure"),
    ("New", "Active"): ("Approved", "Investigate"),
    ("New", "Resolved"): _RESOLUTIONS,
    ("New", "Closed"): (*_NOT_A_FAULT, "Will not Fix"),
    ("Active", "New"): ("Investigation Complete",),
    ("Active", "Resolved"): _RESOLUTIONS,
    ("Active", "Closed"): ("Fixed and verified", *_NOT_A_FAULT, "Will not Fix"),
    ("Resolved", "Active"): ("Not fixed", "Test Failed"),
    ("Resolved", "Closed"): ("Verified",),
    ("Closed", "Active"): ("Regression", "Reactivated"),
    ("Closed", "Resolved"): ("Resolved in error",),
}
_SCRUM_REASONS: Reasons = {
    ("New", "Approved"): ("Approved by the Product Owner",),
    ("Approved", "New"): ("Moved to the backlog",),
    ("Committed", "New"): ("Moved to the backlog",),
    ("New", "Committed"): ("Commitment made by the team",),
    ("Approved", "Committed"): ("Commitment made by the team",),
    ("Committed", "Approved"): ("Work stopped", "Additional work found"),
    ("Committed", "Done"): ("Work finished",),
    ("Done", "Committed"): ("Additional work found",),
    ("In Progress", "To Do"): ("Work stopped",),
    ("In Progress", "Done"): ("Work finished",),
    ("Done", "In Progress"): ("Additional work found",),
}
_SCRUM_BIRTH = {
    "Epic": "New epic",
    "Feature": "New feature",
    "Product Backlog Item": "New backlog item",
    "Bug": "New defect reported",
    "Task": "New task",
}
_BASIC_REASONS: Reasons = {
    ("", "To Do"): ("Added to backlog",),
    ("To Do", "Doing"): ("Started",),
    ("To Do", "Done"): ("Completed",),
    ("Doing", "Done"): ("Completed",),
}
_CMMI_REASONS: Reasons = {
    ("", "Proposed"): ("New",),
    ("Proposed", "Active"): ("Accepted", "Investigate"),
    ("Active", "Resolved"): ("Code complete and system test passed", "Fixed"),
    ("Resolved", "Closed"): ("Validation test passed", "Verified"),
    ("Resolved", "Active"): ("Validation test failed", "Not fixed"),
    ("Closed", "Active"): ("Reactivated",),
}


class Workflow:
    """The moves and reasons of one project's work item types."""

    def __init__(self, process: ProcessName, graph: WorkflowKind | Graph) -> None:
        self._process = process
        chosen: Graph = {} if graph == "any" else CLASSIC[process] if graph == "classic" else graph
        self._graph = {name.lower(): moves for name, moves in chosen.items()}

    def transitions(self, kind: WorkItemType) -> dict[str, list[str]]:
        """From each state ("" is before the first) to those that may follow, each state to itself included."""
        names = [state.name for state in kind.states]
        moves = self._graph.get(kind.name.lower())
        found = {"": [names[0]]}
        for name in names:
            found[name] = names if moves is None else [name, *moves.get(name, ())]
        return found

    def reasons(self, kind: WorkItemType, old: str, new: str) -> tuple[str, ...]:
        """What `System.Reason` may be after a move, the default first; `old` is "" for a new work item."""
        move = (old, new)
        match self._process:
            case "Agile":
                found = (_AGILE_BUG if kind.name == "Bug" else _AGILE_REASONS).get(move)
            case "Scrum":
                found = (_SCRUM_BIRTH.get(kind.name, "New"),) if not old else _SCRUM_REASONS.get(move)
            case "Basic":
                found = _BASIC_REASONS.get(move)
            case "CMMI":
                found = _CMMI_REASONS.get(move)
        if found is None:
            found = ("Removed from the backlog",) if new == "Removed" else (f"Moved to state {new}",)
        return found

    def all_reasons(self, kind: WorkItemType) -> list[str]:
        """Every reason that some move of the type offers, sorted."""
        moves = self.transitions(kind)
        return sorted(
            {
                reason
                for old, following in moves.items()
                for new in following
                if old != new
                for reason in self.reasons(kind, old, new)
            }
        )
