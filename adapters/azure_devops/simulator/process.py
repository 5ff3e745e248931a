"""The four system processes: work item types, their states with categories, and their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ProcessName = Literal["Agile", "Scrum", "Basic", "CMMI"]
FieldType = Literal["string", "integer", "dateTime", "plainText", "html", "treePath", "double", "boolean", "history"]

TITLE = "System.Title"
DESCRIPTION = "System.Description"
REPRO_STEPS = "Microsoft.VSTS.TCM.ReproSteps"
PRIORITY = "Microsoft.VSTS.Common.Priority"
SEVERITY = "Microsoft.VSTS.Common.Severity"
STATE_CHANGED = "Microsoft.VSTS.Common.StateChangeDate"
CLOSED_DATE = "Microsoft.VSTS.Common.ClosedDate"
CLOSED_BY = "Microsoft.VSTS.Common.ClosedBy"

PROCESS_IDS: Mapping[ProcessName, str] = {
    "Agile": "adcc42ab-9882-485e-a3ed-7678f01f66bc",
    "Scrum": "6b724908-ef14-45cf-84f8-768b5384da45",
    "CMMI": "27450541-8e31-4150-9947-dc59f998fc01",
    "Basic": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as the organisation defines it."""

    reference: str
    name: str
    type: FieldType
    read_only: bool = False
    identity: bool = False
    allowed: tuple[str | int, ...] = ()


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


def _field(reference: str, name: str, kind: FieldType, *, read_only: bool = False, identity: bool = False) -> Field:
    allowed: tuple[str | int, ...] = ()
    if reference == PRIORITY:
        allowed = (1, 2, 3, 4)
    elif reference == SEVERITY:
        allowed = ("1 - Critical", "2 - High", "3 - Medium", "4 - Low")
    return Field(reference=reference, name=name, type=kind, read_only=read_only, identity=identity, allowed=allowed)


FIELDS: Mapping[str, Field] = {
    field.reference.lower(): field
    for field in (
        _field("System.Id", "ID", "integer", read_only=True),
        _field("System.Rev", "Rev", "integer", read_only=True),
        _field("System.AreaId", "Area ID", "integer", read_only=True),
        _field("System.AreaPath", "Area Path", "treePath"),
        _field("System.TeamProject", "Team Project", "string", read_only=True),
        _field("System.NodeName", "Node Name", "string", read_only=True),
        _field("System.AuthorizedDate", "Authorized Date", "dateTime", read_only=True),
        _field("System.RevisedDate", "Revised Date", "dateTime", read_only=True),
        _field("System.IterationId", "Iteration ID", "integer", read_only=True),
        _field("System.IterationPath", "Iteration Path", "treePath"),
        _field("System.WorkItemType", "Work Item Type", "string"),
        _field("System.State", "State", "string"),
        _field("System.Reason", "Reason", "string"),
        _field("System.AssignedTo", "Assigned To", "string", identity=True),
        _field("System.CreatedDate", "Created Date", "dateTime", read_only=True),
        _field("System.CreatedBy", "Created By", "string", read_only=True, identity=True),
        _field("System.ChangedDate", "Changed Date", "dateTime", read_only=True),
        _field("System.ChangedBy", "Changed By", "string", read_only=True, identity=True),
        _field("System.AuthorizedAs", "Authorized As", "string", read_only=True, identity=True),
        _field("System.PersonId", "Person ID", "integer", read_only=True),
        _field("System.Watermark", "Watermark", "integer", read_only=True),
        _field("System.IsDeleted", "Is Deleted", "boolean", read_only=True),
        _field("System.CommentCount", "Comment Count", "integer", read_only=True),
        _field("System.Parent", "Parent", "integer", read_only=True),
        _field(TITLE, "Title", "string"),
        _field(DESCRIPTION, "Description", "html"),
        _field("System.History", "History", "history"),
        _field("System.Tags", "Tags", "plainText"),
        _field(PRIORITY, "Priority", "integer"),
        _field(STATE_CHANGED, "State Change Date", "dateTime", read_only=True),
        _field(CLOSED_DATE, "Closed Date", "dateTime", read_only=True),
        _field(CLOSED_BY, "Closed By", "string", read_only=True, identity=True),
        _field(SEVERITY, "Severity", "string"),
        _field(REPRO_STEPS, "Repro Steps", "html"),
        _field("Microsoft.VSTS.TCM.SystemInfo", "System Info", "html"),
        _field("Microsoft.VSTS.Common.AcceptanceCriteria", "Acceptance Criteria", "html"),
        _field("Microsoft.VSTS.Common.StackRank", "Stack Rank", "double"),
        _field("Microsoft.VSTS.Scheduling.StoryPoints", "Story Points", "double"),
        _field("Microsoft.VSTS.Scheduling.Effort", "Effort", "double"),
        _field("Microsoft.VSTS.Scheduling.Size", "Size", "double"),
        _field("Microsoft.VSTS.Scheduling.OriginalEstimate", "Original Estimate", "double"),
        _field("Microsoft.VSTS.Scheduling.RemainingWork", "Remaining Work", "double"),
        _field("Microsoft.VSTS.Scheduling.CompletedWork", "Completed Work", "double"),
        _field("Microsoft.VSTS.Scheduling.StartDate", "Start Date", "dateTime"),
        _field("Microsoft.VSTS.Scheduling.TargetDate", "Target Date", "dateTime"),
    )
}

_COMMON = frozenset(
    field.reference
    for field in FIELDS.values()
    if field.reference.startswith("System.")
    or field.reference in (PRIORITY, STATE_CHANGED, CLOSED_DATE, CLOSED_BY, "Microsoft.VSTS.Common.StackRank")
)
_DATES = ("Microsoft.VSTS.Scheduling.StartDate", "Microsoft.VSTS.Scheduling.TargetDate")
_BUG = (SEVERITY, REPRO_STEPS, "Microsoft.VSTS.TCM.SystemInfo")
_WORK = ("Microsoft.VSTS.Scheduling.RemainingWork",)
_ALL_WORK = (
    *_WORK,
    "Microsoft.VSTS.Scheduling.OriginalEstimate",
    "Microsoft.VSTS.Scheduling.CompletedWork",
)
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
        fields=_COMMON.union(fields),
    )


def _points(name: str) -> str:
    return f"Microsoft.VSTS.Scheduling.{name}"


# Where "Resolved" belongs to another category on a Bug than on the types around it, it does so in the real processes.
PROCESSES: Mapping[ProcessName, tuple[WorkItemType, ...]] = {
    "Agile": (
        _type("Epic", _AGILE, _points("Effort"), *_DATES),
        _type("Feature", _AGILE, _points("Effort"), *_DATES),
        _type("User Story", _AGILE, _points("StoryPoints"), _ACCEPTANCE, *_DATES),
        _type("Task", (("New", _P), ("Active", _I), ("Closed", _C), ("Removed", _X)), *_ALL_WORK, *_DATES),
        _type(
            "Bug",
            (("New", _P), ("Active", _I), ("Resolved", _R), ("Closed", _C)),
            *_BUG,
            _points("StoryPoints"),
            *_ALL_WORK,
        ),
    ),
    "Scrum": (
        _type("Epic", _SCRUM_PORTFOLIO, _points("Effort"), *_DATES),
        _type("Feature", _SCRUM_PORTFOLIO, _points("Effort"), *_DATES),
        _type("Product Backlog Item", _SCRUM, _points("Effort"), _ACCEPTANCE),
        _type("Task", (("To Do", _P), ("In Progress", _I), ("Done", _C), ("Removed", _X)), *_WORK),
        _type("Bug", _SCRUM, *_BUG, _points("Effort"), _ACCEPTANCE, *_WORK),
    ),
    "Basic": (
        _type("Epic", _BASIC, _points("Effort"), *_DATES),
        _type("Issue", _BASIC, _points("Effort")),
        _type("Task", _BASIC, *_WORK),
    ),
    "CMMI": (
        _type("Epic", (*_CMMI, ("Removed", _X)), _points("Size"), *_DATES),
        _type("Feature", (*_CMMI, ("Removed", _X)), _points("Size"), *_DATES),
        _type("Requirement", _CMMI, _points("Size"), *_DATES),
        _type("Task", _CMMI, *_ALL_WORK, *_DATES),
        _type(
            "Bug",
            (("Proposed", _P), ("Active", _I), ("Resolved", _R), ("Closed", _C)),
            *_BUG,
            _points("Size"),
            *_ALL_WORK,
        ),
    ),
}
