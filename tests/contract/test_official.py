"""The judge itself: it lets a recorded exchange pass, and notices what is not in a description."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.contract.official import SPECS, Exchange, judge
from tests.contract.whitelist import WHITELIST, excuse

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not here")

JSON = (("Content-Type", "application/json"),)
LABELS = Exchange(
    kind="github",
    product="github.com",
    method="post",
    path="/repos/acme/payments/issues/12/labels",
    query="",
    headers=JSON,
    body=json.dumps({"labels": ["bug"]}).encode(),
    status=200,
    answer_headers=JSON,
    answer=json.dumps([
        {
            "id": 1,
            "node_id": "x",
            "url": "https://api.github.com/repos/acme/payments/labels/bug",
            "name": "bug",
            "color": "ff0000",
            "default": True,
            "description": None,
        }
    ]).encode(),
)  # fmt: skip


def _complaints(exchange: Exchange) -> list[str]:
    return [f"{one.side}: {one.what}" for one in judge(exchange)[1]]


def test_what_is_described_passes() -> None:
    """A request and an answer as they are described are found under their operation, without complaint."""
    assert judge(LABELS) == ("POST /repos/{owner}/{repo}/issues/{issue_number}/labels", [])


def test_what_is_not_described_is_noticed() -> None:
    """An unknown parameter, a wrong body, a wrong answer, another status and an unknown operation: each is told by its side."""
    assert _complaints(replace(LABELS, query="colour=red")) == ["request: undocumented parameter colour"]
    assert any(one.startswith("request: ") for one in _complaints(replace(LABELS, body=b'{"labels": [1]}')))
    assert any("is a required property" in one for one in _complaints(replace(LABELS, answer=b'[{"id": 1}]')))
    assert any("Unknown response http status" in one for one in _complaints(replace(LABELS, status=218)))
    assert _complaints(replace(LABELS, path="/repos/acme/payments/tickets/12")) == ["request: not in the document"]


def test_an_operation_that_a_product_lacks_is_noticed() -> None:
    """Sub-issues are in GitHub's description, and Enterprise Server 3.17 does not have them."""
    asked = replace(
        LABELS, product="ghes-3.17", method="get", path="/repos/acme/payments/issues/1/sub_issues", body=b""
    )
    given = replace(asked, answer=b"[]")
    assert _complaints(given) == ["answer: ghes-3.17 has no such operation"]
    assert _complaints(replace(given, product="github.com")) == []


def test_an_escaped_slash_is_no_slash() -> None:
    """A label that is called `ci/cd` is one segment of a path, as it is sent."""
    gone = replace(LABELS, method="delete", body=b"", path="/repos/acme/payments/issues/12/labels/ci%2Fcd")
    assert _complaints(gone) == []
    assert _complaints(replace(gone, path="/repos/acme/payments/issues/12/labels/ci/cd")) == [
        "request: not in the document"
    ]


def test_excuses_are_for_one_product_each() -> None:
    """No excuse is good for a tracker that it does not name, and each has a reason of its own."""
    assert len({one.reason for one in WHITELIST}) == len(WHITELIST)
    (wrong,) = judge(replace(LABELS, path="/nowhere"))[1]
    assert excuse("github", "github.com", wrong) is None
