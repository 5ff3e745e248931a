"""Azure DevOps under test: each of the four processes, and a service whose links raise revisions."""

from types import MappingProxyType

from adapters.azure_devops import wire
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from sync.core.ids import NativeRef
from sync.core.models import Field
from tests.conformance.simulated import SimulatedDriver, opened


class Driver(SimulatedDriver):
    """People in Azure DevOps."""

    LISTS = ("POST", r"/workItemsBatch$")
    CREATES = ("POST", r"/workItems/\$")
    NAMES = MappingProxyType({"ada": "ada@acme.example", "grace": "grace@acme.example"})
    CUSTOM = MappingProxyType(
        {
            "customer": ("text", "Custom.Customer", {}),
            "seats": ("number", "Seats", {}),
            "go_live": ("datetime", "Go Live", {}),
            "regulated": ("boolean", "Regulated", {}),
            "tier": ("choice", "Tier", {"gold": ("Gold",), "silver": ("Silver",)}),
            "approver": ("person", "Approver", {}),
        }
    )
    nowhere = "Nowhere"

    def __init__(self, simulator):
        super().__init__(simulator)
        for name in self.names[Field.COMPONENTS]:
            simulator.add_area(f"{simulator.project}\\{name}")
        for name in self.names[Field.SPRINT]:
            simulator.add_iteration(f"{simulator.project}\\{name}")

    def create(self, *, title, body="", labels=()):
        return NativeRef(str(self.simulator.add_issue(title=title, body=body, labels=list(labels))))

    def edit(self, ref, *, title=None, body=None, labels=None):
        self.simulator.edit(int(ref), title=title, body=body, labels=labels)

    def copy(self, ref):
        found = self.simulator.issue(int(ref))
        return NativeRef(
            str(
                self.simulator.add_issue(
                    title=found["fields"]["System.Title"],
                    type=found["fields"]["System.WorkItemType"],
                    links=wire.hyperlinks(found),
                )
            )
        )

    def delete(self, ref):
        self.simulator.delete(int(ref))

    def comment(self, ref, text):
        return wire.comment_ref(ref, self.simulator.comment(int(ref), text))

    def edit_comment(self, ref, comment, text):
        self.simulator.edit_comment(int(ref), wire.comment_number(comment), text)

    def delete_comment(self, ref, comment):
        self.simulator.delete_comment(int(ref), wire.comment_number(comment))


SUBJECTS = {"agile": lambda: opened(Driver, AzureDevOpsSimulator())}
FLAVOURS = {
    "scrum": lambda: opened(Driver, AzureDevOpsSimulator(process="Scrum", links_raise_rev=True)),
    "basic": lambda: opened(Driver, AzureDevOpsSimulator(process="Basic")),
    "cmmi": lambda: opened(Driver, AzureDevOpsSimulator(process="CMMI")),
}
