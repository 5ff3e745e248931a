"""What a project plans with: components, versions, boards and sprints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters.jira.simulator.errors import ApiError
from adapters.jira.simulator.model import Board, Component, Sprint, Version

#: A sprint's name has at most so many characters.
SPRINT_NAME_LIMIT = 30
NAME_LIMIT = 255


class Planning:
    """The plans of all projects. Every number is unique on the site; operations take values that were checked before."""

    def __init__(self, boards: tuple[Board, ...]) -> None:
        self.components: dict[int, Component] = {}
        self.versions: dict[int, Version] = {}
        self.boards = {board.id: board for board in boards}
        self.sprints: dict[int, Sprint] = {}
        self._next = 10000
        self._next_sprint = 0

    def components_of(self, project: int) -> list[Component]:
        """The components of a project by name."""
        return sorted((each for each in self.components.values() if each.project == project), key=lambda one: one.name)

    def versions_of(self, project: int) -> list[Version]:
        """The versions of a project in the order in which they were made."""
        return [each for each in self.versions.values() if each.project == project]

    def component(self, number: str) -> Component:
        """A component by its id; 404 otherwise."""
        found = self.components.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise ApiError(404, f"The component with id {number} does not exist.")
        return found

    def version(self, number: str) -> Version:
        """A version by its id; 404 otherwise."""
        found = self.versions.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise ApiError(404, f"Could not find version for id '{number}'")
        return found

    def add_component(self, project: int, name: str, description: str = "") -> Component:
        """Make a component."""
        if any(each.name.casefold() == name.casefold() for each in self.components_of(project)):
            raise ApiError(400, name=f"A component with the name {name} already exists in this project.")
        self._next += 1
        made = self.components[self._next] = Component(
            id=self._next, project=project, name=name, description=description
        )
        return made

    def add_version(self, project: int, name: str, **values: Any) -> Version:
        """Make a version."""
        if any(each.name.casefold() == name.casefold() for each in self.versions_of(project)):
            raise ApiError(400, name="A version with this name already exists in this project.")
        self._next += 1
        made = self.versions[self._next] = Version(id=self._next, project=project, name=name, **values)
        return made

    def change_component(self, component: Component, **values: Any) -> Component:
        """Write a component; its issues stay as they are, `updated` included."""
        made = self.components[component.id] = replace(component, **values)
        return made

    def change_version(self, version: Version, **values: Any) -> Version:
        """Write a version; its issues stay as they are, `updated` included."""
        made = self.versions[version.id] = replace(version, **values)
        return made

    def add_sprint(self, board: int, name: str, **values: Any) -> Sprint:
        """Make a sprint."""
        self._next_sprint += 1
        made = self.sprints[self._next_sprint] = Sprint(id=self._next_sprint, board=board, name=name, **values)
        return made

    def change_sprint(self, sprint: Sprint, **values: Any) -> Sprint:
        """Write a sprint; its issues stay as they are, `updated` included."""
        made = self.sprints[sprint.id] = replace(sprint, **values)
        return made
