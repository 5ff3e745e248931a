"""A stateful imitation of Jira Cloud and Jira Data Center."""

from typing import Any

from adapters.jira.simulator.server import JiraSimulator

__all__ = ["JiraSimulator", "create"]


def create(*, token: str, **knobs: Any) -> JiraSimulator:
    """A Jira whose bot has `token`; `knobs` are those of `JiraSimulator`."""
    return JiraSimulator(token=token, **knobs)
