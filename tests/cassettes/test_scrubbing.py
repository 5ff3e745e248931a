"""What is planted in requests and answers does not come up in a cassette, and it is our scrubber that keeps it out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import vcr
from werkzeug.wrappers import Request, Response

from adapters._simulator import Simulator, served
from sync.testing.cassettes import KEPT_HEADERS, PLACE, Scrubber, recording, replaying, secrets_in

#: One for each place where a secret may stand; none is known to the scrubber by its value but `KNOWN`.
KNOWN = "a-known-secret-of-ours"
CANARIES = {
    "request header": "canary01request",
    "basic authentication": "canary02basic",
    "request cookie": "canary03cookie",
    "query parameter": "canary04query",
    "request member": "canary05member",
    "nested request member": "canary06nested",
    "form member": "canary07form",
    "answer header": "canary08header",
    "answer cookie": "canary09setcookie",
    "answer member": "canary10answer",
    "answer list": "canary11list",
    "address with a password in a body": "canary12userinfo",
    "address with a password in a header": "canary13location",
    "address with a token in a body": "canary14link",
    "token by its shape": "ghp_canary15shape",
    "bearer in a text": "canary16bearer",
    "request address": "canary17userinfo",
}
#: What vcrpy can be told to take out by itself, all of it.
FILTERS = {
    "filter_headers": ["authorization", "cookie", "x-api-key"],
    "filter_query_parameters": ["access_token"],
    "filter_post_data_parameters": ["password", "client_secret"],
}


class Leaky(Simulator):
    """A server that gives secrets away in every place that there is."""

    kind = "leaky"

    def handle(self, request: Request) -> Response:
        where = CANARIES
        host = request.host
        body = {
            "access_token": where["answer member"],
            "title": "Words that stay",
            "nextPageToken": "a-place-in-a-list",
            "rows": [{"refreshToken": where["answer list"]}],
            "clone": f"https://bot:{where['address with a password in a body']}@{host}/it",
            "download": f"https://{host}/file?name=a&token={where['address with a token in a body']}",
            "note": f"use {where['token by its shape']} or Bearer {where['bearer in a text']}",
            "self": f"http://{host}/tickets/1",
            "known": KNOWN,
        }
        answer = Response(json.dumps(body), mimetype="application/json")
        answer.headers["X-Session-Token"] = where["answer header"]
        answer.headers["Location"] = f"https://bot:{where['address with a password in a header']}@{host}/next"
        answer.set_cookie("session", where["answer cookie"])
        return answer

    def auth(self) -> dict[str, str]:
        return {}

    def user_of(self, request: Request) -> str | None:
        return None


@pytest.fixture
def leaky() -> Iterator[Leaky]:
    with served(Leaky()) as simulator:
        yield simulator


def _talk(url: str) -> list[Any]:
    where = CANARIES
    with requests.Session() as session:
        session.cookies.set("sid", where["request cookie"])
        headers = {"X-Api-Key": where["request header"]}
        told = session.get(f"{url}/tickets?access_token={where['query parameter']}&state=all", headers=headers)
        body = {
            "title": KNOWN,
            "password": where["request member"],
            "deep": [{"client_secret": where["nested request member"]}],
        }
        made = session.post(f"{url}/tickets", json=body, auth=("bot", where["basic authentication"]))
        form = session.post(f"{url}/login", data={"user": "ada", "password": where["form member"]})
        host = url.removeprefix("http://")
        inside = session.get(f"http://bot:{where['request address']}@{host}/inside", params={"page": "2"})
    return [told.json(), made.json(), form.json(), inside.json()]


def _left(path: Path) -> set[str]:
    text = path.read_text()
    return {place for place, canary in CANARIES.items() if canary in text}


def test_no_planted_secret_comes_up(leaky: Leaky, tmp_path: Path) -> None:
    """Headers, cookies, parameters, members and addresses of a cassette are clean; what is no secret is kept."""
    path = tmp_path / "clean.yaml"
    with recording(path, here=leaky.base_url, secrets=[KNOWN]):
        live = _talk(leaky.base_url)
    assert CANARIES["answer member"] in json.dumps(live), "who records still gets the real answer"
    assert _left(path) == set()
    text = path.read_text()
    assert KNOWN not in text
    assert leaky.base_url not in text
    for kept in ("Words that stay", "a-place-in-a-list", "state=all", f"{PLACE}/tickets/1", "name=a"):
        assert kept in text
    assert secrets_in(path, secrets=[KNOWN]) == []


def test_the_filters_of_vcrpy_alone_leave_most_of_it(leaky: Leaky, tmp_path: Path) -> None:
    """Told all names, vcrpy still writes `Set-Cookie` and every secret of an answer: it is our scrubber that removes them."""
    path = tmp_path / "filtered.yaml"
    with vcr.VCR(record_mode="all", **FILTERS).use_cassette(str(path)):
        _talk(leaky.base_url)
    left = _left(path)
    assert {"answer cookie", "answer header", "answer member", "answer list", "token by its shape"} <= left
    assert not {"request cookie", "query parameter", "request header"} & left
    found = secrets_in(path)
    assert any("Set-Cookie" in one for one in found)
    assert any("access_token" in one for one in found)


def test_without_any_filter_every_secret_is_there(leaky: Leaky, tmp_path: Path) -> None:
    """Each canary was really sent or answered, so its absence elsewhere means something."""
    path = tmp_path / "raw.yaml"
    with vcr.VCR(record_mode="all").use_cassette(str(path)):
        _talk(leaky.base_url)
    text = path.read_text()
    hidden = {"basic authentication", "request address"}  # these two stand there as base64
    assert _left(path) >= set(CANARIES) - hidden
    assert "Authorization" in text


def test_a_clean_cassette_can_be_replayed(leaky: Leaky, tmp_path: Path) -> None:
    """Requests find their answers again although their secrets are not in the cassette, at the place of all cassettes."""
    path = tmp_path / "clean.yaml"
    with recording(path, here=leaky.base_url, secrets=[KNOWN]):
        live = _talk(leaky.base_url)
    with replaying(path, secrets=[KNOWN]) as cassette:
        again = _talk(PLACE)
        assert cassette.all_played
    assert [one["title"] for one in again] == [one["title"] for one in live]
    assert again[0]["self"] == f"{PLACE}/tickets/1"


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "Set-Cookie", "X-TFS-Session", "Proxy-Authorization"])
def test_headers_are_kept_by_name(name: str) -> None:
    """A header that nobody thought of is left out, not let through."""
    assert name.lower() not in KEPT_HEADERS
    assert Scrubber().headers({name: "x", "Retry-After": "3"}) == {"Retry-After": "3"}


def test_a_form_is_the_same_each_time(tmp_path: Path, leaky: Leaky) -> None:
    """The line between the parts of a form is drawn anew for each request; a cassette has one for all, and finds its answer."""
    path = tmp_path / "form.yaml"
    with recording(path, here=leaky.base_url, secrets=[KNOWN]):
        _upload(leaky.base_url)
    with replaying(path, secrets=[KNOWN]) as cassette:
        _upload(PLACE)
        assert cassette.all_played
        assert b"what is in the file" in cassette.requests[0].body
    assert KNOWN not in path.read_text()


def _upload(url: str) -> None:
    with requests.Session() as session:
        session.post(f"{url}/files", files={"file": ("a.txt", f"what is in the file, and {KNOWN}")})
        session.post(f"{url}/files", data=iter([b"in pieces, ", KNOWN.encode()]))
