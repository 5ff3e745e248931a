"""Jira under test: Cloud with a classic workflow and with a team-managed one, and Data Center."""

from types import MappingProxyType

from adapters.jira.simulator import JiraSimulator
from sync.core.ids import NativeRef
from sync.core.models import Field
from tests.conformance.simulated import SimulatedDriver, opened


class Driver(SimulatedDriver):
    """People in Jira; they write wiki markup, which plain words are too."""

    LISTS = ("GET", r"/search(/jql)?$")
    CREATES = ("POST", r"/issue$")
    CUSTOM = MappingProxyType(
        {
            "reference": ("text", "Customer reference", {}),
            "impact": ("text", "Impact", {}),
            "affected": ("number", "Affected customers", {}),
            "go_live": ("date", "Go-live", {}),
            "outage": ("datetime", "Outage began", {}),
            "risk": ("choice", "Risk", {"low": ("Low",), "high": ("High",)}),
            "platforms[]": ("choices", "Platforms", {"web": ("Web",), "ios": ("iOS",)}),
            "reviewer": ("person", "Reviewer", {}),
            "stakeholders[]": ("people", "Stakeholders", {}),
            "link": ("url", "Reference", {}),
        }
    )
    nowhere = "NOPE"

    def __init__(self, simulator):
        super().__init__(simulator)
        plans, number = simulator.world.planning, simulator.world.project_number(simulator.project)
        for name in self.names[Field.COMPONENTS]:
            plans.add_component(number, name)
        for name in self.names[Field.MILESTONE]:
            plans.add_version(number, name)
        for name in self.names[Field.SPRINT]:
            plans.add_sprint(1, name)

    @property
    def NAMES(self):  # noqa: N802 - a constant of the others
        people = self.simulator.catalogue.people
        cloud = self.simulator.catalogue.cloud
        return {name: people[name].account_id if cloud else name for name in ("ada", "grace")}

    def create(self, *, title, body="", labels=()):
        key = self.simulator.add_issue(title, description=body or None, labels=list(labels))
        return NativeRef(str(self.simulator.issue(key).id))

    def edit(self, ref, *, title=None, body=None, labels=None):
        given = {"summary": title, "description": body, "labels": None if labels is None else list(labels)}
        self.simulator.edit(ref, **{name: value for name, value in given.items() if value is not None})

    def copy(self, ref):
        with self.simulator.lock:
            found = self.simulator.world.find(ref)
            made = self.create(title=found.summary, labels=found.labels)
            self.simulator.world.set_properties(self.simulator.world.find(made), found.properties)
        return made

    def delete(self, ref):
        self.simulator.delete(ref)

    def comment(self, ref, text):
        return NativeRef(self.simulator.comment(ref, text))

    def edit_comment(self, ref, comment, text):
        self.simulator.edit_comment(ref, comment, text)

    def delete_comment(self, ref, comment):
        self.simulator.delete_comment(ref, comment)


#: Nobody waits here, so the limit of writes to one issue is lifted; what keeps within it has a test of its own.
SUBJECTS = {
    "cloud": lambda: opened(Driver, JiraSimulator(issue_write_limit=1000)),
    "data-center": lambda: opened(Driver, JiraSimulator(deployment="server")),
}
FLAVOURS = {"team-managed": lambda: opened(Driver, JiraSimulator(style="team-managed", issue_write_limit=1000))}
