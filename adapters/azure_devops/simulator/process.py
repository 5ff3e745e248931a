"""The four system processes: work item types, their states with categories, and which fields they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.azure_devops.simulator.fields import (
    ACTIVATED_BY,
    ACTIVATED_DATE,
    ACTIVITY,
    BOARD_COLUMN,
    BOARD_DONE,
    CLOSED_BY,
    CLOSED_DATE,
    DESCRIPTION,
    DISCIPLINE,
    FIELDS,
    KANBAN_COLUMN,
    PRIORITY,
    REPRO_STEPS,
    RESOLVED_BY,
    RESOLVED_DATE,
    RESOLVED_REASON,
    SEVERITY,
    STATE_CHANGED,
    VALUE_AREA,
)

ProcessName = Literal["Agile", "Scrum", "Basic", "CMMI"]

PROCESS_IDS: Mapping[ProcessName, str] = {
    "Agile": "adcc42ab-9882-485e-a3ed-7678f01f66bc",
    "Scrum": "6b724908-ef14-45cf-84f8-768b5384da45",
    "CMMI": "27450541-8e31-4150-9947-dc59f998fc01",
    "Basic": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of one work item type."""

    name: str
    category: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemType:
    """A work item type of one process; the first state is the only initial one."""

    name: str
    reference: str
    color: str
    states: tuple[State, ...]
    fields: frozenset[str]

    def state(self, name: str) -> State | None:
        """The state of that name, whatever its case."""
        return next((state for state in self.states if state.name.lower() == name.lower()), None)

    @property
    def body_field(self) -> str:
        """Where the form shows the long text."""
        return REPRO_STEPS if REPRO_STEPS in self.fields else DESCRIPTION


BOARD = (BOARD_COLUMN, BOARD_DONE, KANBAN_COLUMN)
_COMMON = frozenset(
    field.reference
    for field in FIELDS.values()
    if (field.reference.startswith("System.") and field.reference not in BOARD)
    or field.reference in (PRIORITY, STATE_CHANGED, CLOSED_DATE, CLOSED_BY, "Microsoft.VSTS.Common.StackRank")
)
_OFF_BOARD = frozenset({"Task", "Impediment", "Change Request"})
_ACTORS = (ACTIVATED_DATE, ACTIVATED_BY, RESOLVED_DATE, RESOLVED_BY)
_BUG = (SEVERITY, REPRO_STEPS, "Microsoft.VSTS.TCM.SystemInfo", VALUE_AREA)
_ACCEPTANCE = "Microsoft.VSTS.Common.AcceptanceCriteria"
_COLORS = {
    "Proposed": "b2b2b2",
    "InProgress": "007acc",
    "Resolved": "ff9d00",
    "Completed": "339933",
    "Removed": "ffffff",
}
_TYPE_COLORS = {"Epic": "E06C00", "Feature": "773B93", "Task": "F2CB1D", "Bug": "CC293D"}

_P, _I, _R, _C, _X = "Proposed", "InProgress", "Resolved", "Completed", "Removed"
_AGILE = (("New", _P), ("Active", _I), ("Resolved", _I), ("Closed", _C), ("Removed", _X))
_SCRUM_PORTFOLIO = (("New", _P), ("In Progress", _I), ("Done", _C), ("Removed", _X))
_SCRUM = (("New", _P), ("Approved", _P), ("Committed", _I), ("Done", _C), ("Removed", _X))
_BASIC = (("To Do", _P), ("Doing", _I), ("Done", _C))
_CMMI = (("Proposed", _P), ("Active", _I), ("Resolved", _I), ("Closed", _C))


def _type(name: str, states: tuple[tuple[str, str], ...], *fields: str) -> WorkItemType:
    return WorkItemType(
        name=name,
        reference=f"Microsoft.VSTS.WorkItemTypes.{name.replace(' ', '')}",
        color=_TYPE_COLORS.get(name, "009CCC"),
        states=tuple(State(name=state, category=category, color=_COLORS[category]) for state, category in states),
        fields=_COMMON.union(fields, () if name in _OFF_BOARD else BOARD),
    )


def with_states(kind: WorkItemType, added: Mapping[str, str]) -> tuple[State, ...]:
    """The states of the type and those that somebody added (name to category), in the order of their categories."""
    more = [State(name=name, category=category, color=_COLORS[category]) for name, category in added.items()]
    return tuple(sorted((*kind.states, *more), key=lambda state: list(_COLORS).index(state.category)))


def _scheduling(*names: str) -> tuple[str, ...]:
    return tuple(f"Microsoft.VSTS.Scheduling.{name}" for name in names)


_TARGETED = _scheduling("StartDate", "TargetDate")
_PLANNED = _scheduling("StartDate", "FinishDate")
_WORK = _scheduling("OriginalEstimate", "RemainingWork", "CompletedWork")
_LEFT = _scheduling("RemainingWork")
_POINTS, _EFFORT, _SIZE = _scheduling("StoryPoints"), _scheduling("Effort"), _scheduling("Size")
_VALUE = ("Microsoft.VSTS.Common.BusinessValue", "Microsoft.VSTS.Common.TimeCriticality", VALUE_AREA)

# Where "Resolved" belongs to another category on a Bug than on the types around it, it does so in the real processes.
PROCESSES: Mapping[ProcessName, tuple[WorkItemType, ...]] = {
    "Agile": (
        _type("Epic", _AGILE, *_EFFORT, *_TARGETED, *_VALUE, *_ACTORS),
        _type("Feature", _AGILE, *_EFFORT, *_TARGETED, *_VALUE, *_ACTORS),
        _type("User Story", _AGILE, *_POINTS, *_PLANNED, _ACCEPTANCE, VALUE_AREA, *_ACTORS),
        _type(
            "Task",
            (("New", _P), ("Active", _I), ("Closed", _C), ("Removed", _X)),
            *_WORK,
            *_PLANNED,
            ACTIVITY,
            *_ACTORS[:2],
        ),
        _type(
            "Bug",
            (("New", _P), ("Active", _I), ("Resolved", _R), ("Closed", _C)),
            *_BUG,
            *_POINTS,
            *_WORK,
            ACTIVITY,
            *_ACTORS,
            RESOLVED_REASON,
        ),
        _type("Issue", (("Active", _I), ("Closed", _C)), *_scheduling("DueDate"), *_ACTORS[:2]),
    ),
    "Scrum": (
        _type("Epic", _SCRUM_PORTFOLIO, *_EFFORT, *_TARGETED, *_VALUE),
        _type("Feature", _SCRUM_PORTFOLIO, *_EFFORT, *_TARGETED, *_VALUE),
        _type("Product Backlog Item", _SCRUM, *_EFFORT, _ACCEPTANCE, _VALUE[0], VALUE_AREA),
        _type("Task", (("To Do", _P), ("In Progress", _I), ("Done", _C), ("Removed", _X)), *_LEFT, ACTIVITY),
        _type("Bug", _SCRUM, *_BUG, *_EFFORT, _ACCEPTANCE, *_LEFT, ACTIVITY),
        _type("Impediment", (("Open", _P), ("Closed", _C))),
    ),
    "Basic": (
        _type("Epic", _BASIC, *_EFFORT, *_TARGETED),
        _type("Issue", _BASIC, *_EFFORT),
        _type("Task", _BASIC, *_LEFT, ACTIVITY),
    ),
    "CMMI": (
        _type("Epic", (*_CMMI, ("Removed", _X)), *_SIZE, *_TARGETED, *_VALUE, *_ACTORS),
        _type("Feature", (*_CMMI, ("Removed", _X)), *_SIZE, *_TARGETED, *_VALUE, *_ACTORS),
        _type("Requirement", _CMMI, *_SIZE, *_WORK, *_PLANNED, VALUE_AREA, *_ACTORS),
        _type("Task", _CMMI, *_WORK, *_PLANNED, DISCIPLINE, *_ACTORS),
        _type(
            "Bug",
            (("Proposed", _P), ("Active", _I), ("Resolved", _R), ("Closed", _C)),
            *_BUG,
            *_SIZE,
            *_WORK,
            DISCIPLINE,
            *_ACTORS,
            RESOLVED_REASON,
        ),
        _type("Issue", _CMMI, *_scheduling("DueDate"), *_ACTORS),
        _type("Change Request", _CMMI, *_ACTORS),
    ),
}
