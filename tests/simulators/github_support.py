"""Two ways to ask the simulated GitHub."""

from __future__ import annotations

import httpx
from github import Auth, Github

from adapters.github.simulator import GitHubSimulator


def library(sim: GitHubSimulator, token: str = "token-bridge") -> Github:
    """PyGithub without retries and pacing."""
    return Github(
        base_url=sim.base_url,
        auth=Auth.Token(token),
        per_page=100,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )


def plain(sim: GitHubSimulator, token: str | None = "token-ada") -> httpx.Client:
    """An HTTP client that follows nothing."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=f"{sim.base_url}/repos/acme/payments", headers=headers)
