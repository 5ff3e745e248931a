"""One operation as one request, and whether GitHub did all of it: what it may not do it drops in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from adapters.github import wire
from sync.core.errors import InvariantBroken, Rejected
from sync.core.models import Field, FieldProblem
from sync.core.ports import NativeOp


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """Method, path below the repository and JSON; `gone_is_done` for a removal of what is not there any more."""

    method: str
    path: str
    body: Any = None
    gone_is_done: bool = False


def request_for(op: NativeOp) -> WriteRequest:
    """The request of an operation that `codec` made."""
    issue, payload = f"issues/{op.ref}", op.payload
    match op.action:
        case "issue.create":
            return WriteRequest(method="POST", path="issues", body=payload)
        case "issue.edit" | "milestone.set":
            body = {name: value for name, value in payload.items() if name != wire.DEPENDENCIES}
            return WriteRequest(method="PATCH", path=issue, body=body)
        case "milestone.create":
            return WriteRequest(method="POST", path="milestones", body=payload)
        case "field.set":
            return WriteRequest(method="POST", path=f"{issue}/issue-field-values", body=payload)
        case "field.clear":
            return WriteRequest(
                method="DELETE", path=f"{issue}/issue-field-values/{payload['field']}", gone_is_done=True
            )
        case "blocker.add":
            path = f"issues/{payload['blocked']}/dependencies/blocked_by"
            return WriteRequest(method="POST", path=path, body={"issue_id": payload["id"]})
        case "blocker.remove":
            path = f"issues/{payload['blocked']}/dependencies/blocked_by/{payload['id']}"
            return WriteRequest(method="DELETE", path=path, gone_is_done=True)
        case "labels.add":
            return WriteRequest(method="POST", path=f"{issue}/labels", body=payload)
        case "label.remove":
            name = quote(str(payload["label"]), safe="")
            return WriteRequest(method="DELETE", path=f"{issue}/labels/{name}", gone_is_done=True)
        case "assignees.add":
            return WriteRequest(method="POST", path=f"{issue}/assignees", body=payload)
        case "assignees.remove":
            return WriteRequest(method="DELETE", path=f"{issue}/assignees", body=payload)
        case "parent.set":
            # The child is named by its database id, not by its number.
            body = {name: payload[name] for name in ("sub_issue_id", "replace_parent")}
            return WriteRequest(method="POST", path=f"issues/{payload['parent']}/sub_issues", body=body)
        case "parent.clear":
            body = {"sub_issue_id": payload["sub_issue_id"]}
            return WriteRequest(
                method="DELETE", path=f"issues/{payload['parent']}/sub_issue", body=body, gone_is_done=True
            )
        case "comment.create":
            return WriteRequest(method="POST", path=f"{issue}/comments", body=payload)
        case "comment.edit":
            return WriteRequest(method="PATCH", path=f"issues/comments/{op.comment}", body=payload)
        case "comment.delete":
            return WriteRequest(method="DELETE", path=f"issues/comments/{op.comment}", gone_is_done=True)
    raise InvariantBroken(f"github: no request for {op.action}")


def is_done_already(op: NativeOp, error: Rejected) -> bool:
    """Whether a refusal says that what was asked for is there."""
    if op.action == "blocker.add":
        return "already been taken" in str(error)
    return op.action == "milestone.create" and "already_exists" in str(error)


def silently_dropped(op: NativeOp, answer: Any) -> FieldProblem | None:
    """What was asked for and is not in the answer."""
    sent = op.payload
    if op.action == "field.set":
        return _unset(op, answer)
    if isinstance(answer, list):
        answer = {"labels": answer}
    if not isinstance(answer, dict):
        return None
    if "labels" in sent and (lost := _lost(sent["labels"], wire.names_of(answer.get("labels")))):
        message = f"GitHub dropped the label {', '.join(lost)} in silence"
        return FieldProblem(field=Field.LABELS, message=message, mend="Give the token's account push access.")
    if "assignees" in sent and op.action != "assignees.remove":
        there = wire.names_of(answer.get("assignees"), "login")
        if lost := _lost(sent["assignees"], there):
            message = f"GitHub dropped the assignee {', '.join(lost)} in silence"
            mend = "Give the person access to the repository, or take the login out of [people.x]."
            return FieldProblem(field=Field.ASSIGNEES, message=message, mend=mend)
    if sent.get("milestone") and (wire.name_of(answer.get("milestone"), "title") or "") != sent["milestone"]:
        message = f"GitHub dropped the milestone {sent['milestone']} in silence"
        return FieldProblem(field=Field.MILESTONE, message=message, mend="Give the token's account push access.")
    if "type" in sent and wire.name_of(answer.get("type")) != sent["type"]:
        message = f"GitHub dropped the type {sent['type']} in silence"
        return FieldProblem(field=Field.TYPE, message=message, mend="Give the token's account push access.")
    return None


def _unset(op: NativeOp, answer: Any) -> FieldProblem | None:
    """The answer is the list of all values that the issue has then."""
    wanted = {row["field_id"] for row in op.payload["issue_field_values"]}
    if not isinstance(answer, list) or wanted <= {row.get("issue_field_id") for row in wire.objects(answer)}:
        return None
    message = f"GitHub dropped it in silence: {op.summary}"
    mend = "Look whether issue fields are enabled for the repository, and give the token's account push access."
    return FieldProblem(field=next(iter(op.fields), None), message=message, mend=mend)


def _lost(sent: list[str], there: list[str]) -> list[str]:
    known = {name.casefold() for name in there}
    return [name for name in sent if name.casefold() not in known]
