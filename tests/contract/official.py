"""The trackers' own descriptions as judges of single exchanges, with the systematic faults of each document mended."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.wrappers import Request, Response

SPECS = Path(__file__).resolve().parents[3] / "shared" / "api" / "specs"
HOST = "https://tracker.example"
#: Bodies that are files or hold them: of these only the operation and the status are judged.
_FILES = frozenset({"multipart/form-data", "application/octet-stream"})
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request with its answer, as a simulator saw them; `product` is its variant."""

    kind: str
    product: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer: bytes

    @classmethod
    def of(cls, kind: str, product: str, request: Request, body: bytes, response: Response) -> Exchange:
        """What werkzeug holds of it."""
        return cls(
            kind=kind,
            product=product,
            method=request.method.lower(),
            path=request.environ["RAW_URI"].partition("?")[0],  # `%2F` in a name is no slash
            query=request.query_string.decode("latin-1"),
            headers=tuple(request.headers.items()),
            body=body,
            status=response.status_code,
            answer_headers=tuple(response.headers.items()),
            answer=response.get_data(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Where an exchange leaves the description."""

    side: str
    operation: str
    what: str


class _Sent:
    """A request as openapi-core reads one."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        self.host_url, self.path, self.path_pattern = HOST, path, None
        self.method, self.body = exchange.method, exchange.body or None
        headers = Headers(list(exchange.headers))
        self.content_type = headers.get("Content-Type", "").partition(";")[0]
        pairs = parse_qsl(exchange.query, keep_blank_values=True)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(pairs), header=headers, cookie=ImmutableMultiDict(), path={}
        )


class _Given:
    """An answer as openapi-core reads one."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code, self.data = exchange.status, exchange.answer
        self.headers = Headers(list(exchange.answer_headers))
        self.content_type = self.headers.get("Content-Type", "").partition(";")[0] if exchange.answer else ""


class Description:
    """One official document as a judge.

    `aliases` are (pattern, replacement) pairs that bring a path into the document's spelling; `mends` repair the document.
    """

    def __init__(
        self,
        file: str,
        *,
        aliases: tuple[tuple[str, str], ...] = (),
        mends: tuple[Callable[[Any], None], ...] = (),
        ignore_case: bool = False,
    ) -> None:
        document = json.loads((SPECS / file).read_text(encoding="utf-8-sig"))
        document["servers"] = [{"url": HOST}]
        document.pop("security", None)
        for item in document["paths"].values():
            item.pop("servers", None)
            for operation in (item[name] for name in METHODS & set(item)):
                operation.pop("security", None)
                operation.pop("servers", None)
        for mend in (*mends, nullable):
            mend(document)
        self.document, self.aliases = document, aliases
        flags = re.IGNORECASE if ignore_case else 0
        # Literal segments come before names: `/issues/comments` is no `/issues/{issue_number}`.
        templates = sorted(document["paths"], key=lambda path: (path.count("{"), -len(path)))
        pattern = r"\\\{[^/}]+?\\\}"
        self._templates = [(path, re.compile(re.sub(pattern, "([^/]+)", re.escape(path)), flags)) for path in templates]
        loads = {"application/json-patch+json": json.loads}
        config = Config(spec_validator_cls=None, extra_media_type_deserializers=loads)
        self._api = OpenAPI.from_dict(document, config=config)

    def find(self, method: str, path: str) -> tuple[str, str] | None:
        """The template of an operation, and the path in its spelling."""
        for spelt in dict.fromkeys([path, *(re.sub(old, new, path) for old, new in self.aliases)]):
            for template, pattern in self._templates:
                match = pattern.fullmatch(spelt)
                if match is not None and method in self.document["paths"][template]:
                    values = iter(match.groups())
                    return template, re.sub(r"\{[^/}]+?\}", lambda _, left=values: next(left), template)
        return None

    def complaints(self, exchange: Exchange, template: str, path: str) -> Iterator[tuple[str, str]]:
        """(side, what is wrong) of one exchange."""
        known = self._parameters(exchange.method, template)
        asked = dict(parse_qsl(exchange.query, keep_blank_values=True))
        yield from (("request", f"undocumented parameter {name}") for name in asked if name not in known)
        sent, given = _Sent(exchange, path), _Given(exchange)
        checks: list[tuple[str, Callable[[], None]]] = []
        if sent.content_type not in _FILES:
            checks.append(("request", lambda: self._api.validate_request(sent)))
        if given.headers.get("Content-Type", "") not in _FILES:
            checks.append(("answer", lambda: self._api.validate_response(sent, given)))
        elif str(given.status_code) not in self.document["paths"][template][exchange.method]["responses"]:
            yield "answer", f"Unknown response http status: {given.status_code}"
        for side, check in checks:
            try:
                check()
            except Exception as error:  # noqa: BLE001 - openapi-core has many, all of them complaints
                yield from ((side, what) for what in _explained(error))

    def _parameters(self, method: str, template: str) -> set[str]:
        item = self.document["paths"][template]
        listed = (self._resolved(one) for one in [*item.get("parameters", []), *item[method].get("parameters", [])])
        return {one["name"] for one in listed if one["in"] == "query"}

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            found = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node


def _explained(error: BaseException) -> list[str]:
    while error.__cause__ is not None:
        error = error.__cause__
    inner = getattr(error, "schema_errors", None)
    if not inner:
        return [f"{type(error).__name__}: {str(error)[:200]}"]
    places = (("/".join(map(str, one.absolute_path)), one.message) for one in inner)
    return [f"/{re.sub(r'(?<![^/])[0-9]+(?![^/])', '*', place)}: {message[-70:]}" for place, message in places]


# -- mends -----------------------------------------------------------------------------------------------------------


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document, the innermost first."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)
    if isinstance(node, dict):
        yield node


def operations(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(method, operation) of a document."""
    for item in document["paths"].values():
        yield from ((name, item[name]) for name in METHODS & set(item))


def nullable(document: Any) -> None:
    """`nullable` has an effect beside `type` only, and published documents write it anywhere."""
    for node in walk(document):
        if node.get("nullable") is not True:
            continue
        nothing = {"enum": [None], "nullable": True, "type": "string"}
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"].append(None)
        for name in ("oneOf", "anyOf"):
            if name in node and "type" not in node:
                node[name].append(nothing)
        if "allOf" in node and "type" not in node:
            node["anyOf"] = [{"allOf": node.pop("allOf")}, nothing]


def undated(document: Any) -> None:
    """Jira writes offsets without a colon, which is no `date-time`."""
    for node in walk(document):
        if node.get("type") == "string" and node.get("format") in ("date-time", "uri"):
            del node["format"]


def empty_answers(document: Any) -> None:
    """Jira's document gives answers without a body a schema of nothing."""
    for _, operation in operations(document):
        for status, answer in operation.get("responses", {}).items():
            content = answer.get("content", {})
            if status == "204" or all(not media.get("schema") for media in content.values()):
                answer.pop("content", None)


def spoken_parameters(document: Any) -> None:
    """Query parameters that are words, written as objects without members."""
    for _, operation in operations(document):
        for one in operation.get("parameters", []):
            if one.get("in") == "query" and one.get("schema", {}).get("type") == "object":
                one["schema"] = {"type": "string"}


def untyped(document: Any) -> None:
    """What may be any JSON is written as an object without members."""
    for node in walk(document):
        if node.get("format") == "T":
            node.pop("type", None)
            node.pop("format")
        if node.get("type") == "object" and not {"properties", "additionalProperties", "allOf", "$ref"} & set(node):
            del node["type"]


def azure(document: Any) -> None:
    """Collections travel as {count, value}, the version in the Accept header or the query.

    Recordings show 201 for what was made and 204 for what was deleted, null for a move without actions and for a field
    without a default, and for each work item that a batch with `errorPolicy: omit` can't show.
    """
    schemas = document.get("components", {}).get("schemas", {})
    for node in walk(schemas):
        for name in {"actions", "defaultValue"} & set(node.get("properties", {})):
            node["properties"][name]["nullable"] = True
    if "JsonPatchDocument" in schemas:
        schemas["JsonPatchDocument"] = {"type": "array", "items": {"$ref": "#/components/schemas/JsonPatchOperation"}}
    for method, operation in operations(document):
        version = {"name": "api-version", "in": "query", "schema": {"type": "string"}}
        given = [version if "api-Version" in one.get("$ref", "") else one for one in operation.get("parameters", [])]
        operation["parameters"] = [{**one, "required": False} if one.get("in") == "query" else one for one in given]
        for answer in operation["responses"].values():
            for media in answer.get("content", {}).values():
                schema = media.get("schema", {})
                if schema.get("type") == "array":
                    schema["items"] = {"allOf": [schema["items"]], "nullable": True}
                    wrapped = {"type": "object", "required": ["value"], "properties": {"value": dict(schema)}}
                    media["schema"] = {"oneOf": [schema, wrapped]}
        if method == "delete":
            operation["responses"].setdefault("204", {"description": "deleted"})
        if method == "post" and "200" in operation["responses"]:
            operation["responses"].setdefault("201", operation["responses"]["200"])


# -- who judges what -------------------------------------------------------------------------------------------------

_LATEST = (r"^/rest/api/(2|latest)/", "/rest/api/3/")


@cache
def descriptions(kind: str, product: str) -> tuple[Description, ...]:
    """The documents that describe a tracker's product, the first that knows an operation being its judge."""
    if kind == "github":
        by_id = (r"^/repositories/\d+", "/repos/acme/payments")
        return (Description("github/rest-openapi.trim.json", aliases=(by_id, (r"^/api/v3", ""))),)
    if kind == "azure_devops":
        project = (r"^/([^/]+)/_apis/(?!wit/wiql)", r"/\1/_/_apis/")
        team = (r"^/([^/]+)/([^/]+)/_apis/wit/wiql", r"/\1/\2/_/_apis/wit/wiql")
        return tuple(
            Description(
                f"ado/{name}-7.1.openapi3.json", aliases=(project, team), mends=(untyped, azure), ignore_case=True
            )
            for name in ("wit", "core")
        )
    mends = (undated, spoken_parameters, empty_answers)
    if product == "data-center":
        root = (r"^/rest/", "/")
        return (
            Description(
                "jira/jira-dc-10.0-rest.trim.json",
                aliases=(root,),
                mends=(undated, spoken_parameters, untyped, empty_answers),
            ),
        )
    cloud = Description("jira/jira-cloud-platform-v3.trim.json", aliases=(_LATEST,), mends=mends)
    return cloud, Description("jira/jira-software-agile-1.0.trim.json", mends=mends)


@cache
def products_of(operation: str) -> frozenset[str] | None:
    """Which products of GitHub have an operation; None where nobody says."""
    table = json.loads((SPECS / "github" / "availability-by-product.json").read_text(encoding="utf-8"))["operations"]
    return frozenset(table[operation]) if operation in table else None


_VERDICTS: dict[bytes, tuple[str, list[Complaint]]] = {}


def judge(exchange: Exchange) -> tuple[str, list[Complaint]]:
    """The operation that an exchange is of, and all that is wrong with it.

    Exchanges that differ in numbers only (ids, times, ports) are judged once: a probe is asked hundreds of times.
    """
    same = (exchange.kind, exchange.product, exchange.status)
    key = hashlib.sha256((repr(same) + re.sub(r"[0-9]+", "0", repr(exchange))).encode()).digest()
    if key not in _VERDICTS:
        _VERDICTS[key] = _judged(exchange)
    return _VERDICTS[key]


def _judged(exchange: Exchange) -> tuple[str, list[Complaint]]:
    for description in descriptions(exchange.kind, exchange.product):
        found = description.find(exchange.method, exchange.path.rstrip("/") or "/")
        if found is None:
            continue
        template, path = found
        operation = f"{exchange.method.upper()} {template}"
        complaints = [
            Complaint(side=side, operation=operation, what=what)
            for side, what in description.complaints(exchange, template, path)
        ]
        known = products_of(operation) if exchange.kind == "github" else None
        product = {"github.com": "api.github.com"}.get(exchange.product, exchange.product)
        if known is not None and product not in known and exchange.status != 404:
            complaints.append(Complaint(side="answer", operation=operation, what=f"{product} has no such operation"))
        return operation, complaints
    operation = f"{exchange.method.upper()} {re.sub(r'[0-9]+', '*', exchange.path)}"
    return operation, [Complaint(side="request", operation=operation, what="not in the document")]
