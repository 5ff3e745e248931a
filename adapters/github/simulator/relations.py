"""How simulated issues stand to each other: sub-issues, dependencies, and leaving for another repository."""

from __future__ import annotations

from adapters.github.simulator import milestones
from adapters.github.simulator.state import ApiError, By, Comment, Issue, Repository
from adapters.github.simulator.world import World

MAX_CHILDREN = 100
MAX_DEPTH = 8
MAX_DEPENDENCIES = 50
ADD_CHILD = "/issues/sub-issues#add-sub-issue"
ADD_BLOCKER = "/issues/issue-dependencies#add-a-dependency-an-issue-is-blocked-by"
NOT_ADDED = "An error occured while adding the sub-issue to the parent issue. "
ONE_PARENT = "Issue may not contain duplicate sub-issues and Sub issue may only have one parent"

# -- sub-issues ------------------------------------------------------------------------------------


def add_child(world: World, parent: Issue, by: By, child: Issue, *, replace: bool = False) -> None:
    """Make `child` a sub-issue; `updated_at` of neither moves unless configured (as recorded)."""
    if child.parent is parent or (child.parent is not None and not replace):
        raise _no_child(ONE_PARENT)
    for issue, part in ((parent, "Parent"), (child, "Sub issue")):
        if issue.is_pull:
            raise _no_child(f"{part} may only be an issue")
    if child.home.owner.lower() != parent.home.owner.lower():
        raise _no_child("Sub issue must belong to the same repository owner as the parent issue")
    line = [parent]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    if child in line:
        raise _no_child("Sub issue may not be circular")
    if len(line) + _height(child) > MAX_DEPTH:
        raise _no_child(f"Sub issue may not be nested more than {MAX_DEPTH} levels deep")
    if len(parent.children) >= MAX_CHILDREN:
        raise _no_child(f"Parent cannot have more than {MAX_CHILDREN} sub-issues")
    if child.parent is not None:
        remove_child(world, child.parent, by, child)
    child.parent = parent
    parent.children.append(child)
    _record_family(world, parent, by, child, "added")


def remove_child(world: World, parent: Issue, by: By, child: Issue) -> None:
    """Take a sub-issue out of its parent; 404 when it is not in it."""
    if child.parent is not parent:
        raise ApiError(404, "Not Found", see="/issues/sub-issues#remove-sub-issue")
    child.parent = None
    parent.children.remove(child)
    _record_family(world, parent, by, child, "removed")


def _no_child(reason: str) -> ApiError:
    return ApiError(422, NOT_ADDED + reason, see=ADD_CHILD)


def _height(issue: Issue) -> int:
    return 1 + max(map(_height, issue.children), default=0)


def _record_family(world: World, parent: Issue, by: By, child: Issue, what: str) -> None:
    world.record(parent, by, f"sub_issue_{what}", sub_issue=child)
    world.record(child, by, f"parent_issue_{what}", parent_issue=parent)
    _changed(world, parent, child, by, touch=world.sub_issues_touch)


# -- dependencies ----------------------------------------------------------------------------------


def block(world: World, issue: Issue, by: By, blocker: Issue) -> None:
    """Make `issue` blocked by `blocker`; `updated_at` of neither moves unless configured (as recorded).

    The service refuses a repetition, itself and a cycle of two, and accepts a longer cycle (as measured by others).
    """
    for one, part in ((issue, "Source"), (blocker, "Target")):
        if one.is_pull:
            raise _no_blocker(f"{part} issue may only be an issue")
    if blocker is issue:
        raise _no_blocker("Target issue cannot be the same as the source issue")
    if blocker in issue.blocked_by:
        raise _no_blocker("Target issue has already been taken")
    if blocker in issue.blocking:
        raise _no_blocker("this dependency would create a cycle where the target is already blocked by the source")
    if len(issue.blocked_by) >= MAX_DEPENDENCIES or len(blocker.blocking) >= MAX_DEPENDENCIES:
        raise _no_blocker(f"Issue cannot have more than {MAX_DEPENDENCIES} dependencies of a type")
    issue.blocked_by.append(blocker)
    blocker.blocking.append(issue)
    _record_dependency(world, issue, by, blocker, "added")


def unblock(world: World, issue: Issue, by: By, blocker: Issue) -> None:
    """Remove a dependency; nothing happens when there is none."""
    if blocker in issue.blocked_by:
        issue.blocked_by.remove(blocker)
        blocker.blocking.remove(issue)
        _record_dependency(world, issue, by, blocker, "removed")


def _no_blocker(reason: str) -> ApiError:
    return ApiError(422, f"Validation failed: {reason}", see=ADD_BLOCKER)


def _record_dependency(world: World, issue: Issue, by: By, blocker: Issue, what: str) -> None:
    world.record(issue, by, f"blocked_by_{what}", blocked_by=blocker)
    world.record(blocker, by, f"blocking_{what}", blocking=issue)
    _changed(world, issue, blocker, by, touch=world.dependencies_touch)


def _changed(world: World, one: Issue, other: Issue, by: By, *, touch: bool) -> None:
    for issue in (one, other):
        issue.home.revision += 1
        if touch:
            world.touch(issue, by.at)


# -- leaving ---------------------------------------------------------------------------------------


def remove_issue(issue: Issue, moved_to: tuple[int, int] | None = None) -> None:
    """Take an issue out for good: deleted (410), or transferred to (repository id, number) (301)."""
    repository = issue.home
    if moved_to is None:
        repository.deleted.add(issue.number)
    else:
        repository.transferred[issue.number] = moved_to
    del repository.issues[issue.number], repository.by_id[issue.id]
    for comment in issue.comments:
        del repository.comments[comment]
    repository.open_pulls_and_issues -= issue.state == "open"
    repository.events = [event for event in repository.events if event.number != issue.number]
    milestones.count(issue, -1)
    if issue.parent is not None:
        issue.parent.children.remove(issue)
    for child in issue.children:
        child.parent = None
    for other in issue.blocked_by:
        other.blocking.remove(issue)
    for other in issue.blocking:
        other.blocked_by.remove(issue)
    repository.revision += 1


def transfer(world: World, issue: Issue, by: By, target: Repository) -> Issue:
    """Move an issue: another number and id, the same words, people and comments; labels that the target knows stay."""
    payload = {
        "title": issue.title,
        "body": issue.body,
        "labels": [label.name for label in issue.labels if label.name.lower() in target.labels],
        "assignees": [user.login for user in issue.assignees],
    }
    moved = world.create_issue(target, by, payload)
    moved.user, moved.created_at = issue.user, issue.created_at
    if issue.state == "closed":
        world.edit_issue(moved, by, {"state": "closed", "state_reason": issue.state_reason})
    for old in issue.comments.values():
        said = Comment(
            id=next(world.ids),
            number=moved.number,
            body=old.body,
            user=old.user,
            created_at=old.created_at,
            updated_at=old.updated_at,
        )
        moved.comments[said.id] = target.comments[said.id] = said
    world.record(moved, by, "transferred")
    remove_issue(issue, moved_to=(target.id, moved.number))
    return moved
