"""Cassettes of an adapter's talk with its tracker that hold no secret, whatever the tracker puts where.

vcrpy's own filters take out headers, query parameters and form members that are named to them, of requests only; `Set-Cookie`
and tokens in JSON answers stay. Here headers are kept by name instead of dropped by name, every JSON body is walked, and what
looks like a secret is taken out of any text. Needs vcrpy.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

#: What stands in a cassette for a secret.
REMOVED: Final = "***"
#: Where the tracker of a cassette lives; nobody listens on that port.
PLACE: Final = "http://127.0.0.1:1"
#: The headers that a cassette may hold, in lower case: what our adapters read, and what a reader of a cassette wants to see.
KEPT_HEADERS: Final = frozenset([
    "accept", "content-type", "content-length", "date", "etag", "if-match", "if-none-match", "last-modified", "link", "location",
    "ratelimit-reason", "retry-after", "transfer-encoding", "x-atlassian-token", "x-ausername", "x-github-api-version",
    "x-github-enterprise-version", "x-http-method-override", "x-ratelimit-delay", "x-ratelimit-fillrate",
    "x-ratelimit-interval-seconds", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-resource",
    "x-ratelimit-used", "x-seraph-loginreason", "x-tfs-fedauthredirect",
])  # fmt: skip
#: Members and parameters whose value is a secret, by name.
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|passphrase|api_?key|private_?key|credential|authori[sz]ation|session|cookie|signature|jwt|\bsig\b|\bpat\b",
    re.IGNORECASE,
)
#: Names that only sound like one: places in a list, and a word of ours.
_HARMLESS: Final = frozenset({"nextpagetoken", "continuationtoken", "authorizationscopes", "tokenscopes"})
_SHAPES: Final = (
    re.compile(r"(?<=://)[^\s/@:\"'<>]+(?::[^\s/@\"'<>]*)?@"),  # user and password before a host
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|ATATT|xox[abp]-|sk-)[A-Za-z0-9_=.-]{6,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"),
)


_BOUNDARY: Final = "the-boundary"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")
#: The clock of a server is measured from whole seconds.
_SLACK: Final = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scrubber:
    """Takes secrets out of requests and answers; `secrets` are known ones, `here` is the address that becomes `PLACE`."""

    secrets: frozenset[str] = frozenset()
    here: str = ""
    _known: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        spelt = {form for secret in self.secrets if len(secret) >= 4 for form in _spellings(secret)}
        object.__setattr__(self, "_known", tuple(sorted(spelt, key=len, reverse=True)))

    def text(self, text: str) -> str:
        """The text without known secrets and without what has the shape of one; our address becomes `PLACE`."""
        for secret in self._known:
            text = text.replace(secret, REMOVED)
        if self.here:
            text = text.replace(self.here, PLACE).replace(_host(self.here), _host(PLACE))
        for shape in _SHAPES:
            text = shape.sub("", text) if shape is _SHAPES[0] else shape.sub(REMOVED, text)
        return text

    def url(self, url: str) -> str:
        """The address without user, password and secret parameters."""
        parts = urlsplit(self.text(url))
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        shown = [(name, REMOVED if is_secret_name(name) else value) for name, value in pairs]
        query = parts.query if shown == pairs else urlencode(shown, safe=REMOVED)
        fragment = REMOVED if _SECRET_NAME.search(parts.fragment) else parts.fragment
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, fragment))

    def tree(self, value: Any) -> Any:
        """JSON without the values of members that are named like secrets."""
        if isinstance(value, dict):
            return {
                self.text(name): REMOVED
                if is_secret_name(name) and isinstance(member, str) and member
                else self.tree(member)
                for name, member in value.items()
            }
        if isinstance(value, list):
            return [self.tree(member) for member in value]
        if isinstance(value, str):
            return self.url(value) if re.match(r"https?://\S+\?", value) else self.text(value)
        return value

    def body(self, body: bytes | None) -> bytes | None:
        """A body without secrets: JSON is walked, a form is read as a query; bytes that are no text are emptied."""
        if not body:
            return body
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return REMOVED.encode()
        try:
            tree = json.loads(text)
        except ValueError:
            form = re.fullmatch(r"[\w.~%+-]+=[^&\s]*(?:&[\w.~%+-]+=[^&\s]*)*", text)
            shown = self.url(f"?{text}").removeprefix("?") if form else self.text(text)
        else:
            clean = self.tree(tree)
            shown = self.text(text) if clean == tree else json.dumps(clean)
        return shown.encode()

    def headers(self, headers: Mapping[str, Any]) -> dict[str, Any]:
        """The headers that a cassette may hold."""
        return {
            name: [self.url(one) for one in value] if isinstance(value, list) else self.url(str(value))
            for name, value in headers.items()
            if str(name).lower() in KEPT_HEADERS
        }

    def request(self, request: Any) -> Any:
        """A vcrpy request, scrubbed in place."""
        request.uri = self.url(request.uri)
        body, headers = self.body(_said(request.body)), self.headers(request.headers)
        for name, value in headers.items():
            # The line between the parts of a form is drawn anew for each request.
            if found := re.search(r"boundary=([\w'()+,./:=?-]+)", value):
                headers[name] = value.replace(found[1], _BOUNDARY)
                body = (body or b"").replace(found[1].encode(), _BOUNDARY.encode())
        request.body, request.headers = body, headers
        return request

    def answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        """A copy of a vcrpy answer, scrubbed; its length is told anew."""
        body = self.body(answer["body"]["string"])
        headers = self.headers(answer["headers"])
        for name in [name for name in headers if name.lower() == "content-length"]:
            headers[name] = [str(len(body or b""))]
        return {**answer, "headers": headers, "body": {"string": body}}


def alike(one: str, other: str) -> bool:
    """Whether two texts say the same, but for times that lie a few seconds apart: our clock goes on between two tellings."""
    if one == other:
        return True
    if _MOMENT.sub("", one) != _MOMENT.sub("", other):
        return False
    pairs = zip(_MOMENT.findall(one), _MOMENT.findall(other), strict=True)
    return all(abs(datetime.fromisoformat(a) - datetime.fromisoformat(b)) <= _SLACK for a, b in pairs)


def is_secret_name(name: str) -> bool:
    """Whether the value of a member or parameter of this name is a secret."""
    return name.replace("_", "").lower() not in _HARMLESS and _SECRET_NAME.search(name) is not None


@contextmanager
def recording(path: Path, *, here: str, secrets: Iterable[str]) -> Iterator[Any]:
    """Everything that is sent goes to the real place and into a new cassette, without secrets."""
    path.unlink(missing_ok=True)
    with _cassette(path, "all", Scrubber(secrets=frozenset(secrets), here=here)) as cassette:
        yield cassette


@contextmanager
def replaying(path: Path, *, secrets: Iterable[str] = ()) -> Iterator[Any]:
    """Everything that is sent is answered from the cassette, once and in its order; what is not in it fails."""
    with _cassette(path, "none", Scrubber(secrets=frozenset(secrets))) as cassette:
        yield cassette


def secrets_in(path: Path, *, secrets: Iterable[str] = ()) -> list[str]:
    """What a cassette holds that it should not: headers that are not kept, secrets by name, by shape and by value."""
    from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

    found: list[str] = []
    raw = path.read_text(encoding="utf-8")
    known = {form for secret in secrets for form in _spellings(secret)}
    found += [f"a known secret ({len(secret)} characters)" for secret in known if secret in raw]
    # The patterns are linear, the texts are ours.
    found += [f"looks like a secret: {match[0][:12]}…" for shape in _SHAPES for match in shape.finditer(raw)]
    found += [
        f"another address than {PLACE}: {match}" for match in re.findall(r"127\.0\.0\.1:(?!1\b)\d+|localhost:\d+", raw)
    ]
    for number, talk in enumerate(yamlserializer.deserialize(raw)["interactions"]):
        for side in (talk["request"], talk["response"]):
            names = [name for name in side["headers"] if name.lower() not in KEPT_HEADERS]
            found += [f"{number}: header {name}" for name in names]
            body = side["body"]["string"] if isinstance(side.get("body"), dict) else side.get("body")
            found += [f"{number}: body member {name}" for name in _named_secrets(body)]
        query = parse_qsl(urlsplit(talk["request"]["uri"]).query)
        found += [f"{number}: parameter {name}" for name, value in query if is_secret_name(name) and value != REMOVED]
    return found


def _named_secrets(body: Any) -> list[str]:
    try:
        pending = [json.loads(body or "null")]
    except (ValueError, TypeError):
        return []
    found = []
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending += node.values()
            found += [
                name
                for name, value in node.items()
                if is_secret_name(name) and isinstance(value, str) and value not in ("", REMOVED)
            ]
        elif isinstance(node, list):
            pending += node
    return found


def _cassette(path: Path, mode: str, scrubber: Scrubber) -> Any:
    import vcr  # type: ignore[import-untyped]

    recorder = vcr.VCR(
        record_mode=mode,
        match_on=("method", "scheme", "host", "port", "path", "what"),
        before_record_request=scrubber.request,
        before_record_response=scrubber.answer,
        decode_compressed_response=True,
    )
    recorder.register_matcher("what", _same_question)
    return recorder.use_cassette(str(path))


def _same_question(one: Any, other: Any) -> None:
    """Query and body are the same, in vcrpy's way of saying so."""
    asked, known = (f"{request.query} {(_said(request.body) or b'')!r}" for request in (one, other))
    if not alike(asked, known):
        raise AssertionError(f"{asked} is not {known}")


def _said(body: Any) -> bytes | None:
    """A request's body, whatever it was given as."""
    if hasattr(body, "read"):
        body = body.read()
    elif body is not None and not isinstance(body, str | bytes):
        parts = list(body)  # of bytes, or (of what we have put there ourselves) of single ones
        body = bytes(parts) if parts and isinstance(parts[0], int) else b"".join(parts)
    return body.encode() if isinstance(body, str) else body


def _spellings(secret: str) -> set[str]:
    """How a secret may stand in a request: as it is, in an address, in JSON, and in Basic authentication."""
    basic = {base64.b64encode(f"{user}{secret}".encode()).decode() for user in ("", ":")}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *basic}


def _host(url: str) -> str:
    return urlsplit(url).netloc
