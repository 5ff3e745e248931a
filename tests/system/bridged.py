"""Three simulated trackers bridged through the real client libraries, in this process, by a real config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters._simulator import Fault, served
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.github.simulator import GitHubSimulator
from adapters.jira.simulator import JiraSimulator
from sync.core.ids import ReplicaName
from sync.core.models import Field, NativeTicket
from sync.engine.cycle import run_cycle
from sync.engine.probe import probe_all
from sync.engine.report import CycleReport
from sync.engine.runtime import Bridge
from sync.shell.app import Effects, open_bridges, open_store
from sync.shell.configfile import load

JIRA, GITHUB, AZURE = ReplicaName("jira"), ReplicaName("github"), ReplicaName("azure")

CONFIG = """
[store]
url = "sqlite:///t.db"

[trackers.jira]
kind = "jira"
url = "{jira.base_url}"
project = "PAY"
auth = {{ {jira_auth} }}
{jira_extra}

[trackers.github]
kind = "github"
url = "{github.base_url}"
project = "{github_project}"
auth = {{ token = "{github_token}" }}
timeout = 3

[trackers.azure]
kind = "azure_devops"
url = "{azure.url}"
project = "Payments"
auth = {{ token = "{azure_token}" }}
{azure_extra}

[bridges.payments]
trackers = ["jira", "github", "azure"]
settle = "1s"
{bridge}
"""


@dataclass(slots=True, kw_only=True)
class Bridged:
    """The simulators, and a way to run cycles over them."""

    jira: JiraSimulator
    github: GitHubSimulator
    azure: AzureDevOpsSimulator
    folder: Path
    bridge_config: str = ""
    jira_extra: str = ""
    azure_extra: str = ""
    github_token: str = "token-bridge"
    github_project: str = "acme/payments"
    reports: list[CycleReport] = field(default_factory=list)

    @property
    def config(self) -> Path:
        """The config file, written anew."""
        path = self.folder / "trackdown.toml"
        auth = ", ".join(f'{key} = "{value}"' for key, value in self.jira.auth().items())
        token = self.azure.auth()["token"]
        text = CONFIG.format(
            jira=self.jira,
            github=self.github,
            azure=self.azure,
            jira_auth=auth,
            azure_token=token,
            bridge=self.bridge_config,
            jira_extra=self.jira_extra,
            azure_extra=self.azure_extra,
            github_token=self.github_token,
            github_project=self.github_project,
        )
        path.write_text(text, encoding="utf-8")
        return path

    @contextmanager
    def opened(self, **effects: Any) -> Iterator[Bridge]:
        """The bridge, opened as a new process would."""
        config = load(self.config)
        with open_store(config) as store, open_bridges(config, store, effects=Effects(**effects)) as bridges:
            yield bridges[0]

    def sync(self, **effects: Any) -> CycleReport:
        """Let the search index catch up, then one cycle of a fresh process."""
        self.while_passes()
        with self.opened(**effects) as bridge:
            report = run_cycle(bridge)
        self.reports.append(report)
        return report

    def until_quiet(self, most: int = 6) -> CycleReport:
        """Cycles until one writes nothing; that one."""
        for _ in range(most):
            report = self.sync()
            if not any(report.writes.values()) and not report.pulled:
                return report
        raise AssertionError(f"not quiet after {most} cycles: {report}")

    def while_passes(self, seconds: float = 30) -> None:
        """Let time pass in all three trackers."""
        for simulator in (self.jira, self.github, self.azure):
            simulator.clock.advance(seconds)

    def fail(self, simulator: Any, **fault: Any) -> None:
        """Make a simulator fail."""
        simulator.faults.append(Fault(**fault))

    def shown(self, title_part: str, name: Field) -> dict[ReplicaName, Any]:
        """What each tracker itself shows for a field of the ticket whose canonical title holds `title_part`."""
        with self.opened() as bridge:
            probe_all(bridge)
            with bridge.store.read() as tx:
                ticket = next(
                    one.id
                    for one in tx.tickets.list(bridge.name)
                    if title_part in str(one.canonical.fields.get(Field.TITLE))
                )
                links = tx.links.of_ticket(ticket)
            found: dict[ReplicaName, Any] = {}
            for link in links:
                if bridge.replicas[link.replica].mapping is None:
                    continue  # it refused us
                replica = bridge.replicas[link.replica]
                native = next(iter(replica.adapter.fetch([link.ref])))
                assert isinstance(native, NativeTicket)
                assert replica.mapping is not None
                found[link.replica] = replica.codec.decode(native, replica.mapping).snapshot.fields.get(name)
        return found

    def keys(self, title_part: str) -> dict[ReplicaName, str]:
        """The native refs of the ticket whose canonical title holds `title_part`; Jira's key."""
        with self.opened() as bridge, bridge.store.read() as tx:
            ticket = next(
                one.id
                for one in tx.tickets.list(bridge.name)
                if title_part in str(one.canonical.fields.get(Field.TITLE))
            )
            return {
                link.replica: link.key if link.replica == JIRA else str(link.ref) for link in tx.links.of_ticket(ticket)
            }


@contextmanager
def bridged(folder: Path, **knobs: dict[str, Any]) -> Iterator[Bridged]:
    """Three empty trackers, served; `knobs` by tracker."""
    with ExitStack() as stack:
        yield Bridged(
            jira=stack.enter_context(served(JiraSimulator(**knobs.get("jira", {})))),
            github=stack.enter_context(served(GitHubSimulator(**knobs.get("github", {})))),
            azure=stack.enter_context(served(AzureDevOpsSimulator(**knobs.get("azure", {})))),
            folder=folder,
        )


SETTLED = timedelta(seconds=1.1)
