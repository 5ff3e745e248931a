"""Discussion comments and the recycle bin: each change of one is a revision."""

from __future__ import annotations

from typing import Any

from adapters.azure_devops.simulator.errors import ApiError, bad_argument
from adapters.azure_devops.simulator.state import Comment, Item, Organisation, User
from adapters.azure_devops.simulator.text import rewrite_html


def add(organisation: Organisation, item: Item, by: User, text: Any, kind: str) -> Comment:
    """A new comment; raises the revision."""
    kept = _kept(text, kind)
    organisation.last_comment += 1
    number = organisation.last_comment
    fields = {**item.fields, "System.History": kept, "System.CommentCount": item.fields["System.CommentCount"] + 1}
    revision = organisation.commit(item, fields, by, comment=(number, 1))
    comment = Comment(
        id=number,
        by=by,
        created=revision.when,
        format=kind,
        changed_by=by,
        changed=revision.when,
        revision=revision.rev,
        versions=[kept],
    )
    item.comments[number] = comment
    return comment


def edit(organisation: Organisation, item: Item, comment: Comment, by: User, text: Any) -> None:
    """Another version of the comment, by its author alone; raises the revision."""
    _own(comment, by)
    kept = _kept(text, comment.format)
    _change(organisation, item, comment, by, kept)


def delete(organisation: Organisation, item: Item, comment: Comment, by: User) -> None:
    """The comment stays, marked as deleted, without text in lists; raises the revision."""
    _own(comment, by)
    comment.deleted = True
    _change(organisation, item, comment, by, comment.versions[-1])


def _change(organisation: Organisation, item: Item, comment: Comment, by: User, text: str) -> None:
    comment.versions.append(text)
    fields = {key: value for key, value in item.fields.items() if key != "System.History"}
    if comment.deleted:
        fields["System.CommentCount"] -= 1
    else:
        fields["System.History"] = text
    revision = organisation.commit(item, fields, by, comment=(comment.id, len(comment.versions)))
    comment.changed_by, comment.changed = by, revision.when


def find(item: Item, comment_id: int, *, deleted: bool = False) -> Comment:
    """The comment; raises the service's 404."""
    comment = item.comments.get(comment_id)
    if comment is None or (comment.deleted and not deleted):
        message = f"The comment with id {comment_id} does not exist on work item {item.id}."
        raise ApiError(404, "WorkItemCommentNotFoundException", message)
    return comment


def _kept(text: Any, kind: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise bad_argument("The comment text cannot be empty.", "WorkItemCommentTextEmptyException")
    return text if kind == "markdown" else rewrite_html(text)


def _own(comment: Comment, by: User) -> None:
    if comment.by != by:
        message = f"You do not have permissions to change the comment {comment.id}."
        raise ApiError(403, "WorkItemCommentAccessDeniedException", message)


def recycle(organisation: Organisation, item: Item, by: User) -> None:
    """Move the work item to the recycle bin; its last revision says so."""
    fields = {key: value for key, value in item.fields.items() if key != "System.History"}
    revision = organisation.commit(item, fields, by, deleted=True)
    item.deleted = (by, revision.when)


def restore(organisation: Organisation, item: Item, by: User) -> None:
    """Take the work item back out of the recycle bin."""
    item.deleted = None
    organisation.commit(item, dict(item.fields), by)


def destroy(organisation: Organisation, item: Item) -> None:
    """Remove the work item for good, with its ends of links."""
    for relation in item.relations:
        if relation.target is not None and (other := organisation.items.get(relation.target)) is not None:
            other.relations = [r for r in other.relations if r.target != item.id]
    del organisation.items[item.id]
