"""The keys of a `[trackers.x]` table with `kind = "github"`."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from pydantic import Field as Key

from adapters._http import is_loopback
from adapters._pace import Call, Pace, Quota


def creates(call: Call) -> int:
    """Whether the call makes an issue or a comment.

    GitHub limits "content-generating requests" and does not list them; these two make something that people are told of.
    """
    return int(call.method == "POST" and re.search(r"/issues(/[0-9]+/comments)?/?$", call.path) is not None)


def points(call: Call) -> int:
    """What the call costs of the points that an account has for a minute."""
    return 5 if call.write else 1


def hourly(most: int) -> Quota:
    """So many new issues and comments an hour; the hours of two clocks are never quite the same."""
    return Quota(
        name=f"its hourly limit of {most} new issues and comments", most=most, span=3605.0, cost=creates, lasting=True
    )


#: GitHub asks for a second between writes, and limits what an account makes:
#: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
GITHUB_PACE = Pace(
    between_requests=0.25,
    between_writes=1.0,
    quotas=(
        hourly(500),
        Quota(name="its limit of 80 new issues and comments a minute", most=80, span=61.0, cost=creates),
        Quota(name="its limit of 900 points a minute", most=900, span=61.0, cost=points),
    ),
)
#: A server of one's own has these limits only where its administrator switched them on, and then answers tell.
SERVER_PACE = Pace(between_requests=0.25, between_writes=1.0)


class Auth(BaseModel):
    """Who we are on GitHub."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr = Key(
        description="a personal access token, or an App's installation token; issues: read and write"
    )
    user: str | None = Key(
        default=None, description="the account's login; needed only with an App's token, which may not ask who it is"
    )


class Settings(BaseModel):
    """One repository as a replica."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Key(
        default="https://api.github.com",
        description="the API's root; for GitHub Enterprise Server https://HOST/api/v3",
    )
    project: str = Key(description="the repository, owner/name")
    auth: Auth = Key(description="the credentials")
    seconds_between_writes: float | None = Key(
        default=None, ge=0, description="the least time between two writes; 1, and 0 for a server on this machine"
    )
    seconds_between_requests: float | None = Key(
        default=None, ge=0, description="the least time between two requests; 0.25, and 0 for a server on this machine"
    )
    new_per_hour: int | None = Key(
        default=None,
        ge=0,
        description="the most new issues and comments in an hour, 0 for any number; 500 on github.com, which allows no more",
    )
    timeout: float = Key(default=30.0, gt=0, description="how long to wait for an answer, in seconds")

    @field_validator("url")
    @classmethod
    def _root(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("write the API's root with its scheme, for example https://api.github.com")
        return url.rstrip("/")

    @field_validator("project")
    @classmethod
    def _owner_and_name(cls, project: str) -> str:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", project):
            raise ValueError("write the repository as owner/name, for example acme/payments")
        return project

    def pace(self) -> Pace:
        """How fast we go."""
        usual = Pace() if is_loopback(self.url) else GITHUB_PACE if self._is_cloud else SERVER_PACE
        others = tuple(quota for quota in usual.quotas if not quota.lasting)
        ours = usual.quotas if self.new_per_hour is None else (*others, *map(hourly, filter(None, [self.new_per_hour])))
        requests, writes = self.seconds_between_requests, self.seconds_between_writes
        return replace(
            usual,
            between_requests=usual.between_requests if requests is None else requests,
            between_writes=usual.between_writes if writes is None else writes,
            read_timeout=self.timeout,
            quotas=ours,
        )

    @property
    def _is_cloud(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        return host == "api.github.com" or host.endswith(".ghe.com")
