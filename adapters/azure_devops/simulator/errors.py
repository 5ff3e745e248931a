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


def invalid_status(status: str, reference_name: str) -> ApiError:
    """The value has the wrong type or form, or the field is the server's own; no rules come with this one."""
    message = f"TF401326: Invalid field status '{status}' for field '{reference_name}'."
    return ApiError(400, "WorkItemFieldInvalidException", message)


def unknown_identity(reference_name: str, name: str, value: object) -> ApiError:
    """Nobody is called so."""
    return _invalid_identity(reference_name, f"The identity value '{value}' for field '{name}' is an unknown identity.")


def ambiguous_identity(reference_name: str, name: str, value: object) -> ApiError:
    """Several people are called so."""
    return _invalid_identity(
        reference_name, f"The identity value '{value}' for field '{name}' is an ambiguous identity."
    )


def _invalid_identity(reference_name: str, message: str) -> ApiError:
    return rule_broken(reference_name, message, "hasValues, invalidIdentity", 16777216)


def unknown_field(name: str, status: int = 400) -> ApiError:
    """The organisation, or the work item type, has no such field."""
    message = f"TF51535: Cannot find field {name}."
    return ApiError(status, "WorkItemTrackingFieldDefinitionNotFoundException", message)
