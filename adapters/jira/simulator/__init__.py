"""A stateful imitation of Jira Cloud and Jira Data Center."""

from adapters.jira.simulator.server import JiraSimulator

__all__ = ["JiraSimulator"]
