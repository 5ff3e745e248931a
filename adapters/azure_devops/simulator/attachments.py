"""Files: uploaded in one request or in parts, downloaded with the same credentials as everything else."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from werkzeug.wrappers import Response

from adapters.azure_devops.simulator.call import Answer, Call, Handler
from adapters.azure_devops.simulator.errors import ApiError, bad_argument
from adapters.azure_devops.simulator.state import Attachment, Organisation, User, guid

_OCTETS = "application/octet-stream"
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def routes() -> dict[tuple[str, str], Handler]:
    """Routes of the attachments, with and without a project."""
    found: dict[tuple[str, str], Handler] = {}
    for scope in ("", "/<project>"):
        found["POST", f"{scope}/_apis/wit/attachments"] = _upload
        found["PUT", f"{scope}/_apis/wit/attachments/<number>"] = _upload_part
        found["GET", f"{scope}/_apis/wit/attachments/<number>"] = _download
    return found


def add(organisation: Organisation, name: str, content: bytes, by: User, *, size: int | None = None) -> Attachment:
    """A new file, which no work item shows before a relation names it."""
    expected = len(content) if size is None else size
    if expected > organisation.rules.attachment_limit:
        megabytes = organisation.rules.attachment_limit / 1024 / 1024
        message = (
            "TF237082: The file you are trying to upload exceeds the supported file upload size "
            f"({megabytes:.3f} MB(s)). Instead of uploading the file, add the file to version control or to the team "
            "project web site, and then link the file to the work item."
        )
        raise ApiError(400, "FileAttachmentException", message)
    made = Attachment(
        id=guid(f"attachment/{len(organisation.attachments) + 1}"),
        name=name,
        by=by,
        created=organisation.now(),
        content=bytearray(content),
        size=expected,
    )
    return organisation.attachments.setdefault(made.id, made)


def find(organisation: Organisation, number: str) -> Attachment:
    """The file; raises the 404 (its wording is not recorded)."""
    found = organisation.attachments.get(number.lower())
    if found is None:
        raise ApiError(404, "AttachmentNotFoundException", f"VS402397: The attachment {number} does not exist.")
    return found


def _upload(call: Call) -> Answer:
    if call.request.mimetype != _OCTETS:
        message = (
            f'The request indicated a Content-Type of "{call.request.mimetype}" for method type "POST" which is not '
            f"supported. Valid content types for this method are: {_OCTETS}."
        )
        raise ApiError(415, "VssRequestContentTypeNotSupportedException", message)
    name = call.query.get("filename", "")
    content = call.request.get_data()
    if call.query.get("uploadtype", "").lower() == "chunked":
        return _reference(call, add(call.organisation, name, b"", call.user, size=-1), 202)
    return _reference(call, add(call.organisation, name, content, call.user), 201)


def _upload_part(call: Call, number: str) -> Answer:
    """The next bytes of a file that was announced with uploadType=Chunked."""
    attachment, content = find(call.organisation, number), call.request.get_data()
    found = _RANGE.fullmatch(call.request.headers.get("Content-Range", ""))
    if found is None:
        raise bad_argument("The Content-Range header of an upload in parts must be 'bytes first-last/all'.")
    first, last, size = (int(text) for text in found.groups())
    if attachment.complete or first != len(attachment.content) or last - first + 1 != len(content) or last >= size:
        raise bad_argument(f"The range {found[0]} does not continue the file of {len(attachment.content)} bytes.")
    if size > call.organisation.rules.attachment_limit:
        add(call.organisation, attachment.name, b"", call.user, size=size)  # says the limit
    attachment.content += content
    attachment.size = size
    return _reference(call, attachment, 201 if attachment.complete else 202)


def _download(call: Call, number: str) -> Answer:
    attachment = find(call.organisation, number)
    name = call.query.get("filename") or attachment.name
    kind = "attachment" if call.flag("download") else "inline"
    headers = {"Content-Disposition": f"{kind}; filename*=UTF-8''{quote(name)}"}
    return Response(bytes(attachment.content), headers=headers, content_type=_OCTETS)


def _reference(call: Call, attachment: Attachment, status: int) -> Response:
    url = call.render.attachment(attachment.id)
    if attachment.name:
        url += f"?fileName={quote(attachment.name)}"
    return Response(json.dumps({"id": attachment.id, "url": url}), status=status)
