"""Jira under test: Cloud with a classic workflow and with a team-managed one, and Data Center."""

from adapters.jira.simulator import JiraSimulator
from sync.core.ids import NativeRef
from tests.conformance.simulated import SimulatedDriver, opened


class Driver(SimulatedDriver):
    """People in Jira; they write wiki markup, which plain words are too."""

    LISTS = ("GET", r"/search(/jql)?$")
    CREATES = ("POST", r"/issue$")
    nowhere = "NOPE"

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
