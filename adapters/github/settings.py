"""The keys of a `[trackers.x]` table with `kind = "github"`."""

from __future__ import annotations

import re
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from pydantic import Field as Key

from adapters._http import Pace, is_loopback

#: GitHub asks for a second between writes; PyGithub paces so by default, and here it is done in one place for all.
PYGITHUB_PACE = Pace(between_requests=0.25, between_writes=1.0)


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
        usual = Pace() if is_loopback(self.url) else PYGITHUB_PACE
        requests, writes = self.seconds_between_requests, self.seconds_between_writes
        return replace(
            usual,
            between_requests=usual.between_requests if requests is None else requests,
            between_writes=usual.between_writes if writes is None else writes,
            read_timeout=self.timeout,
        )
