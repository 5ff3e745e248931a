"""What becomes of accounts on the simulated GitHub."""

from __future__ import annotations

from adapters.github.simulator.state import Comment, Issue, User
from adapters.github.simulator.world import World

GHOST = 10_137


def rename(world: World, user: User, login: str) -> None:
    """Give an account another login: the id stays, and the old login leads nowhere."""
    del world.users[user.login.lower()]
    user.login = login
    world.users[login.lower()] = user


def delete(world: World, user: User, *, ghost: bool) -> None:
    """Close an account: what it wrote shows the account `ghost`, or nobody (null); its assignments end in silence."""
    del world.users[user.login.lower()]
    world.tokens = {token: other for token, other in world.tokens.items() if other is not user}
    for repository in world.repositories.values():
        texts: list[Issue | Comment] = [*repository.issues.values(), *repository.comments.values()]
        for written in texts:
            if written.user is user and not ghost:
                written.user = None
        for issue in repository.issues.values():
            issue.assignees = [other for other in issue.assignees if other is not user]
            issue.closed_by = None if issue.closed_by is user and not ghost else issue.closed_by
        repository.revision += 1
    user.id, user.login, user.name, user.push = GHOST, "ghost", None, False
