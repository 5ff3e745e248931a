"""Attachments: kept on the site, served by another host on Cloud."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.hung import attach, detach
from adapters.jira.simulator.model import Attachment, Issue
from adapters.jira.simulator.routing import Answer, Call, raw, route
from adapters.jira.simulator.state import World

_PER_ISSUE = 2000
_AT_ONCE = 60
_KEY_SECONDS = 600


@route("GET", "/attachment/meta")
def settings(call: Call) -> Answer:
    return 200, {"enabled": call.site.attachments, "uploadLimit": call.site.upload_limit}


@route("POST", "/issue/<key>/attachments")
def upload(call: Call, key: str) -> Answer:
    """Without the header against forged requests nothing of the rest is looked at."""
    if call.request.headers.get("X-Atlassian-Token", "").lower() not in ("no-check", "nocheck"):
        return raw(403, "XSRF check failed", media_type="text/plain")
    who, issue = call.who, call.issue(key)
    call.allow("CREATE_ATTACHMENTS", message="You do not have permission to create attachments for this issue.")
    _enabled(call)
    files = call.request.files.getlist("file")
    if not files:
        raise ApiError(400, "No files were sent: the name of the part has to be 'file'.")
    sent = [(each.filename or "file", each.mimetype or "application/octet-stream", each.read()) for each in files]
    call.request.close()
    too_many = len(sent) > _AT_ONCE or len(issue.attachments) + len(sent) > _PER_ISSUE
    if too_many or any(len(content) > call.site.upload_limit for _, _, content in sent):
        # The official description of Data Center says 404 here.
        raise ApiError(
            413 if call.world.catalogue.cloud else 404,
            f"The attachment is too large: the limit is {call.site.upload_limit} bytes.",
        )
    made = [attach(call.world, who, issue, *one) for one in sent]
    return 200, [call.render.attachment(each) for each in made]


@route("GET", "/attachment/<attachment_id>")
def read(call: Call, attachment_id: str) -> Answer:
    _, attachment = _found(call, attachment_id)
    shown = call.render.attachment(attachment)
    shown["id"] = attachment.id  # a number here, a text in the issue
    return 200, shown


@route("DELETE", "/attachment/<attachment_id>")
def delete(call: Call, attachment_id: str) -> Answer:
    who, (issue, attachment) = call.who, _found(call, attachment_id)
    call.allow("DELETE_OWN_ATTACHMENTS" if attachment.author == who else "DELETE_ALL_ATTACHMENTS")
    detach(call.world, who, issue, attachment)
    return 204, None


@route("GET", "/attachment/content/<attachment_id>", only="cloud")
def content(call: Call, attachment_id: str) -> Answer:
    """Sent to the media host with a key in the address, unless the caller wants no redirect."""
    _, attachment = _found(call, attachment_id)
    if call.request.args.get("redirect", "true").lower() == "false":
        return _bytes(attachment)
    host = call.render.base.replace("127.0.0.1", "localhost")
    name = quote(attachment.filename, safe="")
    expiry = int(call.world.now().timestamp()) + _KEY_SECONDS
    address = f"{host}/media/file/{attachment.id}/binary?token={_key(attachment, expiry)}&name={name}"
    return raw(303, b"", media_type="application/octet-stream", Location=address)


@route("GET", "/media/file/<attachment_id>/binary", only="cloud")
def media(call: Call, attachment_id: str) -> Answer:
    """The media host knows the key in the address alone, which is soon too old, and takes no credentials beside it."""
    if "Authorization" in call.request.headers:
        return raw(400, "Only one auth mechanism allowed", media_type="text/plain")
    attachment = _stored(call.world, attachment_id)
    token = call.request.args.get("token", "")
    expiry = int(token.partition(".")[0]) if token.partition(".")[0].isdecimal() else 0
    fresh = expiry > call.world.now().timestamp()
    if attachment is None or not fresh or token != _key(attachment, expiry):
        return raw(403, "Forbidden", media_type="text/plain")
    return _bytes(attachment)


@route("GET", "/secure/attachment/<attachment_id>/<path:name>", only="server")
def secure(call: Call, attachment_id: str, name: str) -> Answer:  # noqa: ARG001 - the name is for people
    """Whoever is not logged in is sent to the login page."""
    if call.person is None:
        target = quote(call.request.path, safe="")
        address = f"{call.render.base}/login.jsp?permissionViolation=true&os_destination={target}"
        return raw(302, "", media_type="text/html", Location=address)
    return _bytes(_found(call, attachment_id)[1])


@route("GET", "/login.jsp", only="server")
def login(_call: Call) -> Answer:
    return raw(200, "<html><body><form>Log in</form></body></html>", media_type="text/html")


def _enabled(call: Call) -> None:
    if not call.site.attachments:
        raise ApiError(404 if call.world.catalogue.cloud else 403, "Attachments are disabled.")


def _stored(world: World, attachment_id: str) -> Attachment | None:
    owner = world.attachment_owners.get(int(attachment_id)) if attachment_id.isdecimal() else None
    held = world.issues[owner].attachments if owner is not None and not world.issues[owner].archived else ()
    return next((each for each in held if str(each.id) == attachment_id), None)


def _found(call: Call, attachment_id: str) -> tuple[Issue, Attachment]:
    _enabled(call)
    attachment = _stored(call.world, attachment_id) if call.person else None
    if attachment is None:
        raise ApiError(404, f"The attachment with id '{attachment_id}' does not exist")
    return call.world.issues[call.world.attachment_owners[attachment.id]], attachment


def _bytes(attachment: Attachment) -> Answer:
    name = quote(attachment.filename, safe="")
    return raw(
        200, attachment.content, media_type=attachment.mime_type,
        Content_Disposition=f"attachment; filename*=UTF-8''{name}",
    )  # fmt: skip


def _key(attachment: Attachment, expiry: int) -> str:
    return f"{expiry}.{hashlib.sha256(f'media {attachment.id} {expiry}'.encode()).hexdigest()[:32]}"
