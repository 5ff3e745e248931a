"""How the simulated GitHub shows what it remembers: the members and URLs of its answers."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any
from urllib.parse import quote

from adapters.github.simulator.state import (
    Comment,
    Event,
    Issue,
    IssueType,
    JsonObject,
    Label,
    Milestone,
    Product,
    Repository,
    User,
)

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
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


class Renderer:
    """Renders for one address (`root`, without a slash at the end) and one product."""

    def __init__(self, root: str, product: Product) -> None:
        self.root = root
        self.hosted = product == "github.com"
        self._users: dict[int, JsonObject] = {}

    def user(self, user: User | None) -> JsonObject | None:
        """A `simple-user`; null for a deleted account."""
        if user is None:
            return None
        if user.id not in self._users:
            url = f"{self.root}/users/{user.login}"
            self._users[user.id] = {
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
        return self._users[user.id]

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
            "topics": [],
            "archived": repository.archived,
            "visibility": "private" if repository.private else "public",
            **dict.fromkeys(("pushed_at", "created_at", "updated_at"), since),
            "permissions": {"admin": admin, "maintain": admin, "push": push, "triage": push, "pull": True},
        }
        if repository.owner_type == "Organization":
            rendered["organization"] = self.owner(repository)
        return rendered

    def label(self, repository: Repository, label: Label) -> JsonObject:
        """A `label`."""
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self.api(repository)}/labels/{quote(label.name, safe='')}",
            "name": label.name,
            "color": label.color,
            "default": label.default,
            "description": label.description,
        }

    def milestone(self, repository: Repository, milestone: Milestone | None) -> JsonObject | None:
        """A `milestone`."""
        if milestone is None:
            return None
        url = f"{self.api(repository)}/milestones/{milestone.number}"
        since = stamp(milestone.created_at)
        return {
            "url": url,
            "html_url": f"{self.root}/{repository.full_name}/milestone/{milestone.number}",
            "labels_url": f"{url}/labels",
            "id": milestone.id,
            "node_id": node_id("MI", milestone.id),
            "number": milestone.number,
            "title": milestone.title,
            "description": milestone.description,
            "creator": self.user(milestone.creator),
            "open_issues": 0,
            "closed_issues": 0,
            "state": milestone.state,
            "created_at": since,
            "updated_at": since,
            "due_on": None,
            "closed_at": None,
        }

    def type(self, kind: IssueType | None) -> JsonObject | None:
        """An `issue-type`."""
        if kind is None:
            return None
        return {
            "id": kind.id,
            "node_id": node_id("IT", kind.id),
            "name": kind.name,
            "description": kind.description,
            "color": kind.color,
            "created_at": "2024-01-25T13:06:03Z",
            "updated_at": "2024-07-26T08:52:39Z",
            "is_enabled": True,
        }

    def issue(self, repository: Repository, issue: Issue) -> JsonObject:
        """An `issue`, with the members that this product has."""
        api = self.api(repository)
        url, place = f"{api}/issues/{issue.number}", "pull" if issue.is_pull else "issues"
        page = f"{self.root}/{repository.full_name}/{place}/{issue.number}"
        rendered: JsonObject = {
            "url": url,
            "repository_url": api,
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": page,
            "id": issue.id,
            "node_id": node_id("PR" if issue.is_pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.user),
            "labels": [self.label(repository, label) for label in issue.labels],
            "state": issue.state,
            "locked": issue.locked,
            "assignee": self.user(issue.assignees[0]) if issue.assignees else None,
            "assignees": [self.user(user) for user in issue.assignees],
            "milestone": self.milestone(repository, issue.milestone),
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at),
            "author_association": self.association(issue.user),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body,
            "closed_by": self.user(issue.closed_by),
            "reactions": self.reactions(url),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
            "state_reason": issue.state_reason,
        }
        if self.hosted:
            rendered |= self._hierarchy(api, issue)
            if repository.types:
                rendered["type"] = self.type(issue.type)
        if issue.is_pull:
            pull = f"{api}/pulls/{issue.number}"
            links = {"url": pull, "html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch"}
            rendered |= {"draft": False, "pull_request": {**links, "merged_at": None}}
        return rendered

    def _hierarchy(self, api: str, issue: Issue) -> JsonObject:
        total = len(issue.children)
        done = sum(child.state == "closed" for child in issue.children)
        summary = {"total": total, "completed": done, "percent_completed": 100 * done // total if total else 0}
        nobody = dict.fromkeys(("blocked_by", "blocking", "total_blocked_by", "total_blocking"), 0)
        hierarchy: JsonObject = {"sub_issues_summary": summary, "issue_dependencies_summary": nobody}
        if issue.parent is not None:
            hierarchy["parent_issue_url"] = f"{api}/issues/{issue.parent.number}"
        return hierarchy

    def reactions(self, url: str) -> JsonObject:
        """An empty `reaction-rollup`."""
        return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}

    def association(self, user: User | None) -> str:
        """How the author stands to the repository."""
        return "NONE" if user is None else "MEMBER" if user.push else "CONTRIBUTOR"

    def comment(self, repository: Repository, comment: Comment) -> JsonObject:
        """An `issue-comment`."""
        api = self.api(repository)
        url = f"{api}/issues/comments/{comment.id}"
        place = "pull" if repository.issues[comment.number].is_pull else "issues"
        page = f"{self.root}/{repository.full_name}/{place}/{comment.number}"
        return {
            "url": url,
            "html_url": f"{page}#issuecomment-{comment.id}",
            "issue_url": f"{api}/issues/{comment.number}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.user(comment.user),
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "author_association": self.association(comment.user),
            "body": comment.body,
            "reactions": self.reactions(url),
            "performed_via_github_app": None,
        }

    def event(self, repository: Repository, event: Event) -> JsonObject:
        """An entry of an issue's events or timeline."""
        return {
            "id": event.id,
            "node_id": node_id("EV", event.id),
            "url": f"{self.api(repository)}/issues/events/{event.id}",
            "actor": self.user(event.actor),
            "event": event.kind,
            "commit_id": None,
            "commit_url": None,
            "created_at": stamp(event.at),
            "performed_via_github_app": None,
            **{name: self._detail(repository, value) for name, value in event.detail.items()},
            **({"assigner": self.user(event.actor)} if "assignee" in event.detail else {}),
        }

    def _detail(self, repository: Repository, value: Any) -> Any:
        if isinstance(value, User):
            return self.user(value)
        if isinstance(value, IssueType):
            return {"id": value.id, "name": value.name, "color": value.color}
        if isinstance(value, Issue):
            return {
                "number": value.number,
                "title": value.title,
                "state": value.state,
                "state_reason": value.state_reason,
                "repository": self.simple_repository(repository),
                "issue_type": self.type(value.type),
            }
        return value

    def timeline(self, repository: Repository, issue: Issue) -> list[JsonObject]:
        """Events and comments by time, oldest first."""
        entries = [(event.at, event.id, self.event(repository, event)) for event in issue.events]
        for comment in issue.comments.values():
            said = self.comment(repository, comment) | {"event": "commented", "actor": self.user(comment.user)}
            entries.append((comment.created_at, comment.id, said))
        return [entry for _, _, entry in sorted(entries, key=lambda entry: entry[:2])]
