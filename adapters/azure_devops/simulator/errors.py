"""The service's error envelope."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]


class ApiError(Exception):
    """A refusal, as the service words it."""

    def __init__(self, status: int, type_key: str, message: str, *, rules: list[JsonObject] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type_key = type_key
        self.message = message
        self.rules = rules

    def body(self) -> JsonObject:
        """The JSON that goes with the status."""
        namespace = "Microsoft.TeamFoundation.WorkItemTracking.Server"
        body: JsonObject = {
            "$id": "1",
            "innerException": None,
            "message": self.message,
            "typeName": f"{namespace}.{self.type_key}, {namespace}",
            "typeKey": self.type_key,
            "errorCode": 0,
            "eventId": 3200,
        }
        if self.rules is not None:
            body["customProperties"] = {"RuleValidationErrors": self.rules}
        return body


def not_found(item_id: int) -> ApiError:
    """Deleted, never there and not readable are one answer."""
    message = f"TF401232: Work item {item_id} does not exist, or you do not have permissions to read it."
    return ApiError(404, "WorkItemUnauthorizedAccessException", message)


def bad_argument(message: str, type_key: str = "VssPropertyValidationException") -> ApiError:
    """A malformed request."""
    return ApiError(400, type_key, message)


def rule_broken(reference_name: str, message: str, flags: str, code: int) -> ApiError:
    """A field rule of the process refused the value."""
    rule = {
        "fieldReferenceName": reference_name,
        "fieldStatusFlags": flags,
        "errorMessage": message,
        "fieldStatusCode": code,
        "ruleValidationErrors": None,
    }
    return ApiError(400, "RuleValidationException", message, rules=[rule])


def required(reference_name: str, name: str) -> ApiError:
    """A required field is empty."""
    message = f"TF401320: Rule Error for field {name}. Error code: Required, InvalidEmpty."
    return rule_broken(reference_name, message, "required, invalidEmpty", 524289)


def not_in_list(reference_name: str, name: str, value: object) -> ApiError:
    """The value is none of the allowed ones."""
    message = f"The field '{name}' contains the value '{value}' that is not in the list of supported values"
    return rule_broken(reference_name, message, "hasValues, limitedToValues, invalidListValue", 2097156)


def read_only(reference_name: str) -> ApiError:
    """The field is the server's own."""
    message = f"TF401326: Invalid field status 'ReadOnly' for field '{reference_name}'."
    return rule_broken(reference_name, message, "readOnly, invalidNotOldValue", 2064)
