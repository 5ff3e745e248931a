"""The real client library, with its retries off, its discovery cache kept to one connection, and our transport below."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

# The library makes a cache directory when it is imported, in the home directory unless told otherwise.
os.environ.setdefault("AZURE_DEVOPS_CACHE_DIR", tempfile.gettempdir())

import requests
from azure.core.exceptions import AzureError
from azure.devops.v7_1.core import CoreClient
from azure.devops.v7_1.location import LocationClient
from azure.devops.v7_1.work_item_tracking import WorkItemTrackingClient
from msrest.exceptions import ClientException
from msrest.universal_http import ClientRequest

from adapters._headers import moment, retry_after, until
from adapters._http import Redactor, TrackerTransport, json_object, mount
from adapters._pace import Budget, Pace, shared
from adapters.azure_devops.errors import Classifier, is_write
from adapters.azure_devops.settings import Settings
from sync.core.errors import Malformed, Unsupported
from sync.core.models import JsonObject
from sync.core.ports import Traffic

T = TypeVar("T")

#: Location ids and versions of the resources that we read and write as JSON.
WIQL = ("1a9c53f7-f243-4447-b110-35ef023636e4", "7.1-preview.2")
BATCH = ("908509b6-4248-4475-a1cd-829139ba419f", "7.1-preview.1")
WORK_ITEM = ("72c7ddf8-2cdc-4f60-90cd-ab71c14a399b", "7.1-preview.3")
NEW_WORK_ITEM = ("62d3d110-0047-428c-ad3c-4fe872c91c74", "7.1-preview.3")
UPDATES = ("6570bf97-d02c-4a91-8d93-3abe9895b1a9", "7.1-preview.3")
COMMENTS = ("608aac0a-32e1-4493-a863-b9cf4566d257", "7.1-preview.4")
REVISIONS = ("f828fe59-dd87-495d-a17c-7a8d6211ca6c", "7.1-preview.2")
DISCUSSIONS = ("4a644469-90c5-4fcc-9a9f-be0827d369ec", "7.1-preview.1")
LINKS = ("b5b5b6d0-0308-40a1-b3f4-b9bb3c66878f", "7.1-preview.3")
NODES = ("5a172953-1b41-49d3-840a-33f79c3ce89f", "7.1-preview.2")
ATTACHMENTS = ("e07b5fa4-1499-494d-a496-64b860fd64ff", "7.1-preview.3")
_RESOURCES = (
    WIQL,
    BATCH,
    WORK_ITEM,
    NEW_WORK_ITEM,
    UPDATES,
    COMMENTS,
    REVISIONS,
    DISCUSSIONS,
    LINKS,
    NODES,
    ATTACHMENTS,
)
#: Those that `probe` alone asks.
TYPES = ("7c8d7a76-4a09-43e8-b5df-bd792f4ac6aa", "7.1-preview.2")
TYPE_FIELDS = ("bd293ce5-3d25-4192-8e67-e8092e879efb", "7.1-preview.3")
FIELDS = ("b51fd764-e5c2-4b9b-aaf7-3395cf4bdd94", "7.1-preview.3")
ROOTS = ("a70579d1-f53a-48ee-a5be-7be8659023b9", "7.1-preview.2")
#: The one part of an address that has parts itself.
_SAFE = {"path": "/"}
#: The longest, in seconds, that is left between two requests because the limit is near.
LONGEST_GAP = 5.0
_LOCATION = {
    "id": "id",
    "area": "area",
    "resource_name": "resourceName",
    "route_template": "routeTemplate",
    "resource_version": "resourceVersion",
    "min_version": "minVersion",
    "max_version": "maxVersion",
    "released_version": "releasedVersion",
}


class Connection:
    """One organisation as one token sees it.

    The library keeps discovered addresses in a class variable and on disk for 12 hours: a moved organisation or a
    restarted server would be spoken to at its old routes. Here each `Connection` discovers once, for itself. Every client is
    made for the organisation's own address, which is where the service's resource areas place work items and projects.
    """

    def __init__(
        self,
        settings: Settings,
        traffic: Traffic,
        *,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        redactor = Redactor()
        token = settings.auth.token.get_secret_value()
        redactor.add(token)
        self.url = settings.organisation
        self.project = settings.project
        self.traffic = traffic
        pace = pace or settings.pace()
        self.transport = TrackerTransport(
            "Azure DevOps",
            traffic,
            pace=pace,
            budget=shared(urlsplit(self.url).netloc, token, pace, now),
            redactor=redactor,
            sleep=sleep,
            is_write=is_write,
            classify=Classifier("Azure DevOps"),
            learn=learn,
        )
        self.session = requests.Session()
        self.session.auth = ("", token)
        mount(self.session, self.transport)
        self._routes: dict[str, dict[str, Any]] = {}
        self._remembered: dict[str, Any] = {}
        self.tracking = self._client(WorkItemTrackingClient)
        self.core = self._client(CoreClient)
        self.location = self._client(LocationClient)

    def call(
        self,
        method: str,
        resource: tuple[str, str],
        *,
        route: JsonObject | None = None,
        query: JsonObject | None = None,
        body: Any = None,
        media_type: str = "application/json",
    ) -> JsonObject:
        """One request in the project through the library, answered as JSON.

        The library's own methods parse answers into models that drop members (the reporting batches lose all of
        them), so its routing, versions and headers are used and its models are not.
        """
        values = {"project": self.project, **(route or {})}
        location, version = resource
        response = self.tracking._send(  # noqa: SLF001 - the one door below the models
            http_method=method,
            location_id=location,
            version=version,
            route_values={name: quote(str(value), safe=_SAFE.get(name, "")) for name, value in values.items()},
            query_parameters={name: quote(str(value), safe="") for name, value in (query or {}).items()},
            content=body,
            media_type=media_type,
        )
        if response.status_code == 204:
            return {}
        return json_object(response, f"Azure DevOps: {method} {response.request.path_url.partition('?')[0]}")

    def ask(self, what: str, call: Callable[[], T | None]) -> T:
        """A read by the library's own method; whatever the library stumbles over in an answer is `Malformed`."""
        try:
            found = call()
        except (ClientException, AzureError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Malformed(f"Azure DevOps: {what}: the answer is not what the service promises ({error})") from None
        if found is None:
            raise Malformed(f"Azure DevOps: {what}: the answer is empty")
        return found

    def routes(self) -> list[JsonObject]:
        """The discovered routes of what we use, as JSON for `remember`."""
        known = self._routes.get(self.tracking.normalized_url, {})
        return [
            {wire_name: getattr(known[location], name) for name, wire_name in _LOCATION.items()}
            for location, _ in _RESOURCES
            if location in known
        ]

    def remember(self, routes: list[JsonObject]) -> None:
        """Take over routes that were discovered before; what is not among them is discovered when it is asked for."""
        found = self.tracking._base_deserialize("[ApiResourceLocation]", routes)  # noqa: SLF001
        self._remembered = {location.id: location for location in found or ()}

    def close(self) -> None:
        """Give back connections."""
        self.session.close()

    def _client(self, kind: Any) -> Any:
        connection = self

        class Isolated(kind):  # type: ignore[misc]  # the library has no types
            """The library's client, discovering through the connection that owns it."""

            def _get_resource_location(self, url: str, location_id: str) -> Any:
                return connection._route(self, url, location_id)

        client = Isolated(self.url, None)
        client.config.retry_policy.retries = 0
        client.config.session_configuration_callback = self._own_session
        return client

    def _own_session(self, _session: Any, _config: Any, _local: Any, **kwargs: Any) -> JsonObject:
        return {**kwargs, "session": self.session}

    def _route(self, client: Any, url: str, location_id: str) -> Any:
        known = self._routes.get(url)
        if known is None and location_id in self._remembered and url == client.normalized_url:
            return self._remembered[location_id]
        if known is None:
            headers = {"Accept": "application/json", "X-TFS-FedAuthRedirect": "Suppress"}
            request = ClientRequest(method="OPTIONS", url=f"{url}/_apis")
            response = client._send_request(request, headers=headers)  # noqa: SLF001
            answer = json_object(response, f"Azure DevOps: OPTIONS {url}/_apis")
            if not isinstance(answer.get("value"), list):
                raise Malformed(f"Azure DevOps: {url} lists no resources: is it the organisation's address?")
            read = client._base_deserialize  # noqa: SLF001
            found = self.ask(f"OPTIONS {url}/_apis", lambda: read("[ApiResourceLocation]", answer["value"]))
            known = self._routes.setdefault(url, {location.id: location for location in found})
        location = known.get(location_id)
        if location is None and url == client.normalized_url:
            raise Unsupported(f"Azure DevOps: {url} has no resource {location_id}; is it an old server?")
        return location


def learn(response: requests.Response, budget: Budget) -> None:
    """The service first delays a busy user and says so on a success; going on at speed ends in 429."""
    headers = response.headers
    if (after := retry_after(headers)) is not None:
        budget.block(after.total_seconds(), "Azure DevOps, which asks us to wait")
    left, reset = headers.get("X-RateLimit-Remaining", ""), moment(headers.get("X-RateLimit-Reset"))
    if left.isdecimal() and reset is not None:
        seconds = until(reset, headers).total_seconds()
        if int(left) == 0:
            budget.block(seconds + 1, "its limit of five minutes")
        budget.slow(min(seconds / max(int(left), 1), LONGEST_GAP), seconds, "Azure DevOps, whose limit is near")
