"""GitHub under test: github.com with an organization, and an old Enterprise Server."""

from types import MappingProxyType

from adapters.github.simulator import GitHubSimulator
from sync.core.ids import NativeRef
from sync.core.models import Field
from sync.testing.conformance import Shortfalls
from sync.testing.conformance_details import DETAILS
from tests.conformance.simulated import SimulatedDriver, opened


class Driver(SimulatedDriver):
    """People on GitHub."""

    LISTS = ("GET", r"/issues$")
    CREATES = ("POST", r"/issues$")
    NAMES = MappingProxyType({"ada": "ada", "grace": "grace"})
    CUSTOM = MappingProxyType(
        {
            "customer": ("text", "Customer", {}),
            "seats": ("number", "block", {}),
            "region": ("choice", "block", {"eu": ("Europe",), "us": ("America",)}),
            "renewal": ("date", "block", {}),
            "called": ("datetime", "block", {}),
            "billable": ("boolean", "block", {}),
            "reviewer": ("person", "block", {}),
            "platforms[]": ("choices", "block", {"web": ("Web",), "ios": ("iOS",)}),
            "team[]": ("people", "block", {}),
            "link": ("url", "block", {}),
        }
    )
    nowhere = "acme/nowhere"

    def __init__(self, simulator):
        super().__init__(simulator)
        for name in self.names[Field.MILESTONE]:
            simulator.add_milestone(name)
        told = {Field.MILESTONE, Field.COMPONENTS}
        # The text of an issue, and what the bridge keeps in it, has no history here and is written as a whole.
        self.shortfalls = Shortfalls(
            untold=frozenset({*DETAILS, Field.LINKS, *(Field(f"custom.{name}") for name in self.CUSTOM)}) - told,
            unlisted=frozenset({Field.LINKS}),
        )

    def create(self, *, title, body="", labels=()):
        return NativeRef(str(self.simulator.add_issue(title=title, body=body, labels=list(labels)).number))

    def edit(self, ref, *, title=None, body=None, labels=None):
        given = {"title": title, "body": body, "labels": None if labels is None else list(labels)}
        self.simulator.edit(int(ref), **{key: value for key, value in given.items() if value is not None})

    def copy(self, ref):
        found = self.simulator.issue(int(ref))
        return self.create(title=found.title, body=found.body)

    def delete(self, ref):
        self.simulator.delete(int(ref))

    def comment(self, ref, text):
        return NativeRef(str(self.simulator.comment(int(ref), text).id))

    def edit_comment(self, ref, comment, text):
        self._of_comment("edit_comment", comment, text)

    def delete_comment(self, ref, comment):
        self._of_comment("delete_comment", comment)

    def _of_comment(self, verb, comment, *rest):
        repository = self.simulator.repository
        with self.simulator.lock:
            found = repository.comments[int(comment)]
            getattr(self.simulator.world, verb)(repository, found, self.simulator.by(), *rest)


SUBJECTS = {"github.com": lambda: opened(Driver, GitHubSimulator())}
FLAVOURS = {
    "enterprise": lambda: opened(Driver, GitHubSimulator(product="ghes-3.17", owner_type="User")),
    "enterprise-3.19": lambda: opened(Driver, GitHubSimulator(product="ghes-3.19")),
}
