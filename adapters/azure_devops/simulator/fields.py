"""The fields of an organisation: the system's, the processes' and, as an example of each type, its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["string", "integer", "dateTime", "plainText", "html", "treePath", "double", "boolean", "history"]
Value = str | int | float | bool

TITLE = "System.Title"
DESCRIPTION = "System.Description"
REPRO_STEPS = "Microsoft.VSTS.TCM.ReproSteps"
PRIORITY = "Microsoft.VSTS.Common.Priority"
SEVERITY = "Microsoft.VSTS.Common.Severity"
ACTIVITY = "Microsoft.VSTS.Common.Activity"
DISCIPLINE = "Microsoft.VSTS.Common.Discipline"
VALUE_AREA = "Microsoft.VSTS.Common.ValueArea"
STATE_CHANGED = "Microsoft.VSTS.Common.StateChangeDate"
ACTIVATED_DATE = "Microsoft.VSTS.Common.ActivatedDate"
ACTIVATED_BY = "Microsoft.VSTS.Common.ActivatedBy"
RESOLVED_DATE = "Microsoft.VSTS.Common.ResolvedDate"
RESOLVED_BY = "Microsoft.VSTS.Common.ResolvedBy"
RESOLVED_REASON = "Microsoft.VSTS.Common.ResolvedReason"
CLOSED_DATE = "Microsoft.VSTS.Common.ClosedDate"
BOARD_COLUMN, BOARD_DONE = "System.BoardColumn", "System.BoardColumnDone"
#: A board's own field: the service makes one for each, and work items carry it beside the process's.
KANBAN_COLUMN = "WEF_5C6D9B1E0B7A4E53A1F2C3D4E5F60718_Kanban.Column"
CLOSED_BY = "Microsoft.VSTS.Common.ClosedBy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as the organisation defines it; `default` fills it on every save that leaves it empty."""

    reference: str
    name: str
    type: FieldType
    read_only: bool = False
    identity: bool = False
    allowed: tuple[Value, ...] = ()
    picklist: bool = False
    default: Value | None = None
    ignored: bool = False  # a write is neither done nor refused


def custom(name: str, kind: FieldType, *, allowed: tuple[Value, ...] = (), identity: bool = False) -> Field:
    """A field that somebody added to an inherited process; one with `allowed` values is a picklist."""
    return Field(
        reference=f"Custom.{name.replace(' ', '')}",
        name=name,
        type=kind,
        allowed=allowed,
        identity=identity,
        picklist=bool(allowed),
        # The process editor demands a default of a boolean, which then is never empty.
        default=False if kind == "boolean" else None,
    )


def by_reference(fields: Iterable[Field]) -> dict[str, Field]:
    """The fields by reference name in lower case."""
    return {field.reference.lower(): field for field in fields}


def _field(reference: str, name: str, kind: FieldType) -> Field:
    return Field(reference=reference, name=name, type=kind)


def _own(reference: str, name: str, kind: FieldType, *, identity: bool = False, ignored: bool = False) -> Field:
    return Field(reference=reference, name=name, type=kind, read_only=True, identity=identity, ignored=ignored)


def _choice(reference: str, name: str, *allowed: Value, default: Value | None = None) -> Field:
    kind: FieldType = "integer" if isinstance(allowed[0], int) else "string"
    return Field(reference=reference, name=name, type=kind, allowed=allowed, default=default)


def _scheduling(name: str, kind: FieldType) -> Field:
    return _field(f"Microsoft.VSTS.Scheduling.{name.replace(' ', '')}", name, kind)


_WORDS = ("Deployment", "Design", "Development", "Documentation", "Requirements", "Testing")
_DISCIPLINES = ("Analysis", "Development", "Test", "User Education", "User Experience")

#: Which fields the server writes alone, and which of those writes it ignores in silence, is by other people's reports of
#: live calls: System.Parent, System.Id and System.CreatedBy are ignored, every other one is refused with TF401326.
FIELDS: Mapping[str, Field] = by_reference(
    (
        _own("System.Id", "ID", "integer", ignored=True),
        _own("System.Rev", "Rev", "integer"),
        _own("System.AreaId", "Area ID", "integer"),
        _field("System.AreaPath", "Area Path", "treePath"),
        _field("System.TeamProject", "Team Project", "string"),
        _own("System.NodeName", "Node Name", "string"),
        _own("System.AuthorizedDate", "Authorized Date", "dateTime"),
        _own("System.RevisedDate", "Revised Date", "dateTime"),
        _own("System.IterationId", "Iteration ID", "integer"),
        _field("System.IterationPath", "Iteration Path", "treePath"),
        _field("System.WorkItemType", "Work Item Type", "string"),
        _field("System.State", "State", "string"),
        _field("System.Reason", "Reason", "string"),
        Field(reference="System.AssignedTo", name="Assigned To", type="string", identity=True),
        _own("System.CreatedDate", "Created Date", "dateTime"),
        _own("System.CreatedBy", "Created By", "string", identity=True, ignored=True),
        _own("System.ChangedDate", "Changed Date", "dateTime"),
        _own("System.ChangedBy", "Changed By", "string", identity=True),
        _own("System.AuthorizedAs", "Authorized As", "string", identity=True),
        _own("System.PersonId", "Person ID", "integer"),
        _own("System.Watermark", "Watermark", "integer"),
        _own("System.IsDeleted", "Is Deleted", "boolean"),
        _own("System.CommentCount", "Comment Count", "integer"),
        _own("System.Parent", "Parent", "integer", ignored=True),
        _field(TITLE, "Title", "string"),
        _field(DESCRIPTION, "Description", "html"),
        _field("System.History", "History", "history"),
        _field("System.Tags", "Tags", "plainText"),
        _choice(PRIORITY, "Priority", 1, 2, 3, 4, default=2),
        _own(BOARD_COLUMN, "Board Column", "string"),
        _own(BOARD_DONE, "Board Column Done", "boolean"),
        _field(KANBAN_COLUMN, "Kanban Column", "string"),
        _own(STATE_CHANGED, "State Change Date", "dateTime"),
        _own(ACTIVATED_DATE, "Activated Date", "dateTime"),
        _own(ACTIVATED_BY, "Activated By", "string", identity=True),
        _own(RESOLVED_DATE, "Resolved Date", "dateTime"),
        _own(RESOLVED_BY, "Resolved By", "string", identity=True),
        _own(RESOLVED_REASON, "Resolved Reason", "string"),
        _own(CLOSED_DATE, "Closed Date", "dateTime"),
        _own(CLOSED_BY, "Closed By", "string", identity=True),
        _choice(SEVERITY, "Severity", "1 - Critical", "2 - High", "3 - Medium", "4 - Low", default="3 - Medium"),
        _choice(ACTIVITY, "Activity", *_WORDS),
        _choice(DISCIPLINE, "Discipline", *_DISCIPLINES),
        _choice(VALUE_AREA, "Value Area", "Architectural", "Business", default="Business"),
        _field(REPRO_STEPS, "Repro Steps", "html"),
        _field("Microsoft.VSTS.TCM.SystemInfo", "System Info", "html"),
        _field("Microsoft.VSTS.Common.AcceptanceCriteria", "Acceptance Criteria", "html"),
        _field("Microsoft.VSTS.Common.StackRank", "Stack Rank", "double"),
        _field("Microsoft.VSTS.Common.BusinessValue", "Business Value", "integer"),
        _field("Microsoft.VSTS.Common.TimeCriticality", "Time Criticality", "double"),
        _scheduling("Story Points", "double"),
        _scheduling("Effort", "double"),
        _scheduling("Size", "double"),
        _scheduling("Original Estimate", "double"),
        _scheduling("Remaining Work", "double"),
        _scheduling("Completed Work", "double"),
        _scheduling("Start Date", "dateTime"),
        _scheduling("Finish Date", "dateTime"),
        _scheduling("Target Date", "dateTime"),
        _scheduling("Due Date", "dateTime"),
    )
)

#: One field of each type, as an inherited process may add them to every work item type.
CUSTOM_FIELDS = (
    custom("Customer", "string"),
    custom("Seats", "integer"),
    custom("Exposure", "double"),
    custom("Go Live", "dateTime"),
    custom("Regulated", "boolean"),
    custom("Tier", "string", allowed=("Bronze", "Silver", "Gold")),
    custom("Wave", "integer", allowed=(1, 2, 3)),
    custom("Approver", "string", identity=True),
    custom("Release Note", "html"),
)
