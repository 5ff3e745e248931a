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
    simulator: JiraSimulator, method: str, path: str, body: Any = None, *, version: str = "3", user: str | None = "bot"
) -> httpx.Response:
    version = version if simulator.catalogue.cloud else "2"
    headers = {}
    auth = None
    if user is not None:
        person = simulator.catalogue.people[user]
        if simulator.catalogue.cloud:
            auth = httpx.BasicAuth(person.email, person.token)
        else:
            headers["Authorization"] = f"Bearer {person.token}"
    return httpx.request(
        method, f"{simulator.base_url}/rest/api/{version}{path}", json=body, headers=headers, auth=auth
    )


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
