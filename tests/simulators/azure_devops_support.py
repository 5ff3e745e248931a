"""What the tests of the Azure DevOps simulator and adapter share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.devops import client as library_client
from azure.devops import connection as library_connection
from azure.devops.connection import Connection
from msrest.authentication import BasicAuthentication

from adapters._simulator import served
from adapters.azure_devops.simulator import AzureDevOpsSimulator


class NoCache(dict[str, Any]):
    """Stands for the library's cache on disk, which would carry one test's addresses into the next."""

    def __missing__(self, key: str) -> dict[str, Any]:
        return {}

    def __setitem__(self, key: str, value: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def no_library_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_client, "OPTIONS_FILE_CACHE", NoCache())
    monkeypatch.setattr(library_connection, "RESOURCE_FILE_CACHE", NoCache())
    monkeypatch.setattr(library_client.Client, "_locations_cache", {})


@pytest.fixture
def sim() -> Iterator[AzureDevOpsSimulator]:
    with served(AzureDevOpsSimulator()) as simulator:
        yield simulator


def tracking(sim: AzureDevOpsSimulator, token: str | None = None) -> Any:
    """The real library's work item client."""
    connection = Connection(base_url=sim.url, creds=BasicAuthentication("", token or sim.token))
    client = connection.clients_v7_1.get_work_item_tracking_client()
    client.config.retry_policy.retries = 0
    client.config.retry_policy.policy.respect_retry_after_header = False
    return client


@pytest.fixture
def raw(sim: AzureDevOpsSimulator) -> Iterator[httpx.Client]:
    with http(sim) as client:
        yield client


def http(sim: AzureDevOpsSimulator, token: str | None = None) -> httpx.Client:
    headers = {"Accept": "application/json;api-version=7.1-preview", "X-TFS-FedAuthRedirect": "Suppress"}
    return httpx.Client(base_url=f"{sim.url}/", auth=("", token or sim.token), headers=headers)


def patch(client: httpx.Client, path: str, *operations: dict[str, Any], method: str = "PATCH") -> httpx.Response:
    headers = {"Content-Type": "application/json-patch+json"}
    return client.request(method, path, content=json.dumps(operations), headers=headers)


def field(name: str, value: Any, op: str = "add") -> dict[str, Any]:
    return {"op": op, "path": f"/fields/{name}", "value": value}
