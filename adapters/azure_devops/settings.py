"""The `[trackers.x]` table of an Azure DevOps project."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from adapters._pace import Pace


class Auth(BaseModel):
    """How we get in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(
        min_length=1, description="A personal access token with the scope Work Items (read & write)."
    )
    user: str | None = Field(default=None, description="Not needed: a token says by itself whose it is.")


class Settings(BaseModel):
    """One project of one organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl = Field(description="The organisation's address, for example https://dev.azure.com/acme.")
    project: str = Field(min_length=1, description="The project's name, for example Payments.")
    auth: Auth = Field(description="The token.")
    pause_between_requests: float = Field(default=0.0, ge=0, description="Seconds between two requests.")
    pause_between_writes: float = Field(
        default=0.1, ge=0, description="Seconds between two writes; the service delays a user who writes faster."
    )
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(default=100.0, gt=0, description="Seconds to wait for an answer; queries may take 30.")

    @property
    def organisation(self) -> str:
        """The organisation's address without a slash at its end."""
        return str(self.url).rstrip("/")

    def pace(self) -> Pace:
        """How fast we may go."""
        return Pace(
            between_requests=self.pause_between_requests,
            between_writes=self.pause_between_writes,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )
