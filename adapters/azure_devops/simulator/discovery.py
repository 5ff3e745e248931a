"""What a client asks before its first call: resource locations, areas, who am I, projects, people."""

from __future__ import annotations

from adapters.azure_devops.simulator.errors import ApiError, JsonObject
from adapters.azure_devops.simulator.process import PROCESS_IDS
from adapters.azure_devops.simulator.state import Organisation, Project, User, guid

_PROJECT = "{project}/_apis/{area}/"
# (location id, area, resource, route template, resource version, released version)
_LOCATIONS = (
    ("e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}", 1, "0.0"),
    ("00d9565f-ed9c-4a06-9a50-00e7896ccab4", "Location", "ConnectionData", "_apis/{resource}", 1, "0.0"),
    ("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}", 4, "7.1"),
    ("28010c54-d0c0-4c89-a5b0-1c9e188b9fb7", "IMS", "Identities", "_apis/{resource}/{identityId}", 1, "0.0"),
    ("1a9c53f7-f243-4447-b110-35ef023636e4", "wit", "wiql", "{project}/{team}/_apis/{area}/{resource}", 2, "7.1"),
    ("908509b6-4248-4475-a1cd-829139ba419f", "wit", "workItemsBatch", _PROJECT + "{resource}", 1, "7.1"),
    ("72c7ddf8-2cdc-4f60-90cd-ab71c14a399b", "wit", "workItems", _PROJECT + "{resource}/{id}", 3, "7.1"),
    ("62d3d110-0047-428c-ad3c-4fe872c91c74", "wit", "workItems", _PROJECT + "{resource}/${type}", 3, "7.1"),
    ("b70d8d39-926c-465e-b927-b1bf0e5ca0e0", "wit", "recyclebin", _PROJECT + "{resource}/{id}", 2, "7.1"),
    (
        "6570bf97-d02c-4a91-8d93-3abe9895b1a9",
        "wit",
        "updates",
        _PROJECT + "workItems/{id}/updates/{updateNumber}",
        4,
        "7.1",
    ),
    (
        "a00c85a5-80fa-4565-99c3-bcd2181434bb",
        "wit",
        "revisions",
        _PROJECT + "workItems/{id}/revisions/{revisionNumber}",
        3,
        "7.1",
    ),
    (
        "608aac0a-32e1-4493-a863-b9cf4566d257",
        "wit",
        "comments",
        "{project}/_apis/wit/workItems/{workItemId}/comments/{commentId}",
        4,
        "0.0",
    ),
    ("7c8d7a76-4a09-43e8-b5df-bd792f4ac6aa", "wit", "workItemTypes", _PROJECT + "{resource}/{type}", 2, "7.1"),
    (
        "7c9d7a76-4a09-43e8-b5df-bd792f4ac6aa",
        "wit",
        "workItemTypeStates",
        _PROJECT + "workitemtypes/{type}/states",
        1,
        "7.1",
    ),
    (
        "bd293ce5-3d25-4192-8e67-e8092e879efb",
        "wit",
        "workItemTypesField",
        _PROJECT + "workitemtypes/{type}/fields/{field}",
        3,
        "7.1",
    ),
    ("b51fd764-e5c2-4b9b-aaf7-3395cf4bdd94", "wit", "fields", _PROJECT + "{resource}/{fieldNameOrRefName}", 3, "7.1"),
    ("bc15bc60-e7a8-43cb-ab01-2106be3983a1", "wit", "tags", _PROJECT + "{resource}/{tagIdOrName}", 1, "7.1"),
    ("a70579d1-f53a-48ee-a5be-7be8659023b9", "wit", "classificationNodes", _PROJECT + "{resource}", 2, "7.1"),
    (
        "5a172953-1b41-49d3-840a-33f79c3ce89f",
        "wit",
        "classificationNodes",
        _PROJECT + "{resource}/{structureGroup}/{*path}",
        2,
        "7.1",
    ),
    (
        "f5d33bc9-5b49-4a3c-a9bd-f3cd46dd2165",
        "wit",
        "workItemRelationTypes",
        "_apis/{area}/{resource}/{relation}",
        2,
        "7.1",
    ),
    ("e07b5fa4-1499-494d-a496-64b860fd64ff", "wit", "attachments", _PROJECT + "{resource}/{id}", 3, "7.1"),
    ("f828fe59-dd87-495d-a17c-7a8d6211ca6c", "wit", "workItemRevisions", _PROJECT + "reporting/{resource}", 2, "7.1"),
    ("b5b5b6d0-0308-40a1-b3f4-b9bb3c66878f", "wit", "workItemLinks", _PROJECT + "reporting/{resource}", 3, "7.1"),
    (
        "4a644469-90c5-4fcc-9a9f-be0827d369ec",
        "wit",
        "workItemRevisionsDiscussions",
        _PROJECT + "reporting/workItemRevisions/discussions",
        1,
        "7.1",
    ),
)
_AREAS = {
    "wit": "5264459e-e5e0-4bd8-b118-0985e68a4ec5",
    "core": "79134c72-4a58-4b42-976c-04e7115f32bf",
    "work": "1d4f49f9-02b9-4e26-b826-2cdb6195f2a9",
    "IMS": "8a3d49b8-91f0-46ef-b33d-dda338c25db3",
}
LATEST_VERSION = 7.2
#: Resources that have a preview version only.
PREVIEW_ONLY = frozenset(resource.lower() for _, _, resource, _, _, released in _LOCATIONS if released == "0.0")


def locations() -> list[JsonObject]:
    """The answer to OPTIONS _apis."""
    return [
        {
            "id": number,
            "area": area,
            "resourceName": resource,
            "routeTemplate": template,
            "resourceVersion": version,
            "minVersion": "5.1" if resource == "comments" else "1.0",
            "maxVersion": str(LATEST_VERSION),
            "releasedVersion": released,
        }
        for number, area, resource, template, version, released in _LOCATIONS
    ]


def resource_areas(root: str) -> list[JsonObject]:
    """Every area lives at this one address."""
    return [{"id": number, "name": name, "locationUrl": f"{root}/"} for name, number in _AREAS.items()]


def identity(user: User) -> JsonObject:
    """A person as the identity service describes one."""
    return {
        "id": user.id,
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{guid('tenant')}\\{user.mail}",
        "subjectDescriptor": user.descriptor,
        "providerDisplayName": user.name,
        "isActive": True,
        "properties": {
            "SchemaClassName": {"$type": "System.String", "$value": "User"},
            "Account": {"$type": "System.String", "$value": user.mail},
            "Mail": {"$type": "System.String", "$value": user.mail},
        },
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


def connection_data(user: User) -> JsonObject:
    """Who the credentials are."""
    me = identity(user)
    return {
        "authenticatedUser": me,
        "authorizedUser": me,
        "instanceId": guid("instance"),
        "deploymentId": guid("deployment"),
        "deploymentType": "hosted",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    }


def project(organisation: Organisation, found: Project, root: str, *, capabilities: bool) -> JsonObject:
    """A project; all of them follow the organisation's one process."""
    url = f"{root}/_apis/projects/{found.id}"
    answer: JsonObject = {
        "id": found.id,
        "name": found.name,
        "url": url,
        "state": "wellFormed",
        "revision": 12,
        "visibility": organisation.visibility,
        "lastUpdateTime": "2024-03-04T08:12:11.27Z",
    }
    if capabilities:
        template = {"templateName": organisation.process, "templateTypeId": PROCESS_IDS[organisation.process]}
        answer["capabilities"] = {"processTemplate": template, "versioncontrol": {"sourceControlType": "Git"}}
    return answer


def find_project(organisation: Organisation, name: str) -> Project:
    """The project of that name or GUID; raises the service's 404."""
    for project in organisation.projects.values():
        if name.lower() in (project.name.lower(), project.id):
            return project
    message = (
        f"TF200016: The following project does not exist: {name}. Verify that the name of the project is "
        "correct and that the project exists on the specified Azure DevOps Server."
    )
    raise ApiError(404, "ProjectDoesNotExistWithNameException", message)
