"""The definition of an adapter: everything here holds for every tracker, or is skipped by a declared capability.

A tracker's test module is this, with the driver that its simulator wants:

    from sync.testing.conformance import AdapterConformance, Subject

    class TestAcme(AdapterConformance):
        @pytest.fixture
        def subject(self) -> Iterator[Subject]:
            with served(AcmeSimulator()) as server:
                adapter = open_adapter(...)
                capabilities = adapter.probe()
                yield Subject(
                    adapter=adapter,
                    codec=CODEC,
                    capabilities=capabilities,
                    mapping=mapping.bind(capabilities.facts, people),
                    server=AcmeDriver(server),
                )
                adapter.close()

Call `pytest.register_assert_rewrite("sync.testing")` in a conftest to see the values in failed assertions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sync.core.ids import Marker
from sync.core.models import Field, NativeComment, NativeEvent, NativeTicket
from sync.testing.conformance_codec import PureCodec
from sync.testing.conformance_deletes import Deletes
from sync.testing.conformance_details import Details, Told, first_values
from sync.testing.conformance_failing import Failing
from sync.testing.conformance_files import Files
from sync.testing.conformance_links import Links
from sync.testing.conformance_reading import Reading
from sync.testing.conformance_texts import Texts
from sync.testing.conformance_writing import Writing
from sync.testing.subject import Asked, Failure, ServerDriver, Shortfalls, Subject

__all__ = ["AdapterConformance", "Asked", "Failure", "FlavourConformance", "ServerDriver", "Shortfalls", "Subject"]


class Samples:
    """The fixtures of the suite; a subclass gives the `subject`."""

    @pytest.fixture
    def subject(self) -> Subject:
        """The adapter under test; to be given by the subclass."""
        raise NotImplementedError("give the suite a `subject`")

    @pytest.fixture
    def samples(self, subject: Subject) -> Sequence[NativeTicket]:
        """Tickets as the tracker really answers them: a person's, an empty one, and ours with everything in it."""
        theirs = subject.server.create(title="Theirs", body="Words", labels=("one", "two"))
        empty = subject.server.create(title="Empty")
        if subject.capabilities.comments:
            subject.server.comment(theirs, "A comment")
        ours = subject.make(
            Marker("trackdown:v1:cc112233445566dd:dd665544332211cc"),
            title="Ours",
            body="# Heading\n\n- one\n- two",
            type="bug",
            status="done",
            priority="P1",
            labels=frozenset({"one"}),
            assignees=frozenset({subject.server.people[0]}),
        )
        if Field.PARENT in subject.settable:
            subject.apply(ours, {Field.PARENT: subject.make(title="Parent", kind="epic")})
        subject.apply(ours, first_values(subject))
        if Field.LINKS in subject.settable:
            subject.apply(ours, {Field.LINKS: frozenset(f"{kind}:{theirs}" for kind in ("blocks", "relates"))})
        return [subject.read(ref) for ref in (theirs, empty, ours)]

    @pytest.fixture
    def comments(self, samples: Sequence[NativeTicket]) -> Sequence[NativeComment]:
        """Comments as the tracker really answers them."""
        return [comment for ticket in samples for comment in ticket.comments or ()]

    @pytest.fixture
    def events(self, subject: Subject, samples: Sequence[NativeTicket]) -> Sequence[NativeEvent]:
        """Events as the tracker really answers them."""
        if not subject.capabilities.history:
            return []
        since = samples[0].updated_at - timedelta(days=1)
        return list(subject.adapter.history([ticket.ref for ticket in samples], since))


class AdapterConformance(Samples, Reading, Writing, Details, Told, Links, Files, Deletes, Texts, Failing, PureCodec):
    """The whole suite."""


class FlavourConformance(Samples, Writing, Details, Links, PureCodec):
    """The part about words, for another flavour of a tracker (a process, a plan) that has passed the whole with one."""
