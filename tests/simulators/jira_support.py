"""What the tests of the simulated Jira share: logins, raw calls, documents."""

from __future__ import annotations

from typing import Any

import httpx
from jira import JIRA

from adapters.jira.simulator import JiraSimulator


def library(simulator: JiraSimulator, version: str = "2") -> JIRA:
    auth = simulator.auth()
    login: dict[str, Any] = (
        {"basic_auth": (auth["user"], auth["token"])} if "user" in auth else {"token_auth": auth["token"]}
    )
    options = {"rest_api_version": version}
    return JIRA(simulator.base_url, max_retries=0, options=options, **login)


def call(
    simulator: JiraSimulator,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str = "3",
    user: str | None = "bot",
    files: Any = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    version = version if simulator.catalogue.cloud else "2"
    headers = dict(headers or {})
    auth = None
    if user is not None:
        person = simulator.catalogue.people[user]
        if simulator.catalogue.cloud:
            auth = httpx.BasicAuth(person.email, person.token)
        else:
            headers["Authorization"] = f"Bearer {person.token}"
    where = path if path.startswith(("/rest/", "/secure/")) else f"/rest/api/{version}{path}"
    # Without certificates to load a call takes a tenth of the time.
    return httpx.request(
        method, f"{simulator.base_url}{where}", json=body, headers=headers, auth=auth, files=files, verify=False
    )


def fields(simulator: JiraSimulator, key: str, *, user: str = "bot") -> dict[str, Any]:
    answer = call(simulator, "GET", f"/issue/{key}", user=user)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["fields"])


def told(simulator: JiraSimulator, key: str) -> list[dict[str, Any]]:
    """The items of the last entry of the changelog."""
    answer = call(simulator, "GET", f"/issue/{key}?expand=changelog").json()["changelog"]["histories"]
    newest = max(answer, key=lambda entry: int(entry["id"]))
    return list(newest["items"])


def document(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def search(simulator: JiraSimulator, jql: str, **body: Any) -> dict[str, Any]:
    answer = call(simulator, "POST", "/search/jql", {"jql": jql, "fields": ["summary", "updated"], **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
