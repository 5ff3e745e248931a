"""Whose token it is, and which repository it is used on: the one that the config names, or the error that says where it went."""

from __future__ import annotations

from adapters.github import wire
from adapters.github.client import Answer, Client
from adapters.github.settings import Settings
from sync.core.errors import Forbidden, Malformed, Moved, Rejected


class Home:
    """The account and the repository; each is asked for once."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.project = settings.project
        self.account = settings.auth.user
        self.repository_id: int | None = None
        self._root = settings.url
        self._client = client

    def who(self) -> str:
        """Our login."""
        if self.account:
            return self.account
        what = "asking who the token belongs to"
        try:
            user = self._client.get("/user", what=what).body
        except Forbidden as error:  # an App's token may not ask
            raise Rejected(f"{error}; write the App's login (name[bot]) into auth.user of this tracker") from None
        self.account = wire.name_of(user, "login")
        if self.account is None:
            raise Malformed(f"github: {what}: the answer has no login")
        return self.account

    def repository(self) -> Answer:
        """The repository as it is now; raises `Moved` with its new name, `Rejected` where the token sees none."""
        try:
            answer = self._client.get("", what=f"reading the repository {self.project}")
        except Moved as moved:
            raise self.renamed(moved) from None
        except Rejected as error:
            mend = "check project, and that the token may read the repository"
            raise Rejected(f"github: there is no repository {self.project} for this token ({error}); {mend}") from None
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("id"), int):
            raise Malformed(f"github: reading the repository {self.project}: the answer is no repository")
        self.repository_id = answer.body["id"]
        return answer

    def is_elsewhere(self, moved: Moved) -> bool:
        """Whether a redirect leads into another repository: the ticket was transferred, and ours is where it was."""
        return self.repository_id is not None and f"/repositories/{self.repository_id}/" not in moved.location

    def renamed(self, moved: Moved) -> Moved:
        """The error for a repository that lives under another name now, which it is asked for."""
        path = "/" + moved.location.partition("://")[2].partition("/")[2] if "://" in moved.location else moved.location
        stem = "/".join(path.removeprefix(self._prefix()).split("/")[:3])
        name = None
        if stem.startswith("/repositories/"):
            found = self._client.get(stem, what="asking for the repository's new name").body
            name = found.get("full_name") if isinstance(found, dict) else None
        where = f"was renamed to {name}: write that" if name else "has moved: write its new name"
        message = f"github: the repository {self.project} {where} into project of this tracker"
        return Moved(message, location=moved.location)

    def _prefix(self) -> str:
        rest = self._root.partition("://")[2].partition("/")[2]
        return f"/{rest}" if rest else ""
