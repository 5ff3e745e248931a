"""What a `[trackers.x]` table of kind `jira` says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Auth(BaseModel):
    """Credentials: an API token with its e-mail address on Cloud, a personal access token alone on Data Center."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: SecretStr = Field(description="API token (Cloud) or personal access token (Data Center)")
    user: str | None = Field(default=None, description="E-mail address of the token's account; Cloud only")


class Settings(BaseModel):
    """One project of one Jira site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Address of the site, with its context path if it has one", pattern=r"^https?://")
    project: str = Field(description="Key of the project, for example PAY", pattern=r"^[A-Za-z][A-Za-z0-9_]+$")
    auth: Auth = Field(description="Credentials of the bot's account")
    public_comments: bool = Field(
        default=False,
        description="In a service project: whether customers see the comments that are copied here",
    )
    restricted_issues: bool = Field(
        default=False,
        description="Whether issues with a security level, or for some roles only, are copied like the others",
    )
    overlap_minutes: int = Field(
        default=10, ge=2, description="How far a pull looks back: search is late, and its clock ticks in minutes"
    )
    seconds_between_requests: float = Field(default=0.0, ge=0, description="Least time between two requests")
    seconds_between_writes: float = Field(default=0.0, ge=0, description="Least time between two writes")
    connect_timeout: float = Field(default=10.0, gt=0, description="Seconds to wait for a connection")
    read_timeout: float = Field(default=60.0, gt=0, description="Seconds to wait for an answer")
    patience: float = Field(
        default=60.0, ge=0, description="Longest Retry-After, in seconds, that is waited for inside a request"
    )
