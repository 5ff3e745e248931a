"""How the simulated GitHub shows accounts and repositories."""

from __future__ import annotations

import base64
from datetime import datetime

from adapters.github.simulator.state import FEATURES, Feature, JsonObject, Product, Repository, User

REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def stamp(moment: datetime | None) -> str | None:
    """GitHub's own writing of a time: UTC, whole seconds, `Z`."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(kind: str, number: int) -> str:
    """An opaque global id."""
    return f"{kind}_" + base64.urlsafe_b64encode(number.to_bytes(8, "big")).decode().rstrip("=")


class AccountRenderer:
    """Renders for one address (`root`, without a slash at the end) and one product."""

    def __init__(self, root: str, product: Product, *, summaries_lag: bool = False) -> None:
        self.root = root
        self.summaries_lag = summaries_lag
        self._features = FEATURES[product]
        self._users: dict[tuple[int, str], JsonObject] = {}

    def has(self, feature: Feature) -> bool:
        """Whether answers of this product show it."""
        return feature in self._features

    def user(self, user: User | None) -> JsonObject | None:
        """A `simple-user`; null for a deleted account."""
        if user is None:
            return None
        key = user.id, user.login
        if key not in self._users:
            url = f"{self.root}/users/{user.login}"
            self._users[key] = {
                "login": user.login,
                "id": user.id,
                "node_id": node_id("U", user.id),
                "avatar_url": f"{self.root}/avatars/u/{user.id}?v=4",
                "gravatar_id": "",
                "url": url,
                "html_url": f"{self.root}/{user.login}",
                **{name: url + path for name, path in USER_LINKS.items()},
                "type": user.type,
                "user_view_type": "public",
                "site_admin": False,
            }
        return self._users[key]

    def profile(self, user: User, *, own: bool) -> JsonObject:
        """A `private-user` (`own`) or a `public-user`."""
        since = "2019-03-01T09:00:00Z"
        profile: JsonObject = {
            **(self.user(user) or {}),
            **dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"), None),
            "name": user.name,
            "blog": "",
            **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
            "created_at": since,
            "updated_at": since,
        }
        if own:
            counts = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
            profile |= {**dict.fromkeys(counts, 0), "two_factor_authentication": True, "user_view_type": "private"}
        return profile

    def api(self, repository: Repository) -> str:
        """The repository's address in the API."""
        return f"{self.root}/repos/{repository.full_name}"

    def owner(self, repository: Repository) -> JsonObject:
        """The owner as a `simple-user`."""
        account = User(id=repository.id - 690_000_000, login=repository.owner, type=repository.owner_type)
        return self.user(account) or {}

    def simple_repository(self, repository: Repository) -> JsonObject:
        """What issue references and events carry."""
        url = self.api(repository)
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.owner(repository),
            "html_url": f"{self.root}/{repository.full_name}",
            "description": "Online payments",
            "fork": False,
            "url": url,
            **{name: url + path for name, path in REPOSITORY_LINKS.items()},
        }

    def repository(self, repository: Repository, viewer: User | None) -> JsonObject:
        """A `full-repository` with the viewer's permissions."""
        page, since = f"{self.root}/{repository.full_name}", stamp(repository.created_at)
        push, admin = bool(viewer and viewer.push), bool(viewer and viewer.admin)
        rendered = self.simple_repository(repository) | {
            "git_url": f"git:{page.partition(':')[2]}.git",
            "ssh_url": f"git@example.invalid:{repository.full_name}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            **dict.fromkeys(("mirror_url", "homepage", "language", "license"), None),
            **dict.fromkeys(("forks", "forks_count", "stargazers_count", "watchers", "watchers_count"), 0),
            **dict.fromkeys(("network_count", "subscribers_count", "size"), 0),
            "default_branch": "main",
            "open_issues": repository.open_pulls_and_issues,
            "open_issues_count": repository.open_pulls_and_issues,
            "has_issues": repository.has_issues,
            **dict.fromkeys(("has_projects", "has_wiki", "has_downloads"), True),
            **dict.fromkeys(("has_pages", "has_discussions", "disabled", "is_template"), False),
            **dict.fromkeys(("has_pull_requests", "allow_forking"), True),
            "pull_request_creation_policy": "all",
            "web_commit_signoff_required": False,
            "topics": [],
            "archived": repository.archived,
            "visibility": "private" if repository.private else "public",
            **dict.fromkeys(("pushed_at", "created_at", "updated_at"), since),
            "permissions": {"admin": admin, "maintain": admin, "push": push, "triage": push, "pull": True},
        }
        if repository.owner_type == "Organization":
            rendered["organization"] = self.owner(repository)
        return rendered
