"""What must hold when an adapter reads: probe, pull, fetch, history, clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from sync.core.errors import AuthFailed, TrackerError
from sync.core.ids import Cursor, NativeRef
from sync.core.models import Field, Gone, Value
from sync.core.ports import OpKind, Page
from sync.testing.subject import WRONG_TOKEN, Subject


class Reading:
    """A pull misses nothing, costs lists and batches only, and is quiet when nothing changed."""

    def test_probe_reads_only(self, subject: Subject) -> None:
        """Probing says who we are and what the project has, and writes nothing."""
        adapter = subject.server.open()
        try:
            found = adapter.probe()
            assert found.account
            assert {Field.TITLE, Field.BODY, Field.STATUS} <= found.fields
            assert adapter.traffic.writes == 0
            assert adapter.traffic.requests > 0
        finally:
            adapter.close()

    def test_the_pace_is_asked_for_nothing(self, subject: Subject) -> None:
        """What requests would have to wait for, and what was sent before, costs no request; a wait ends, the last one last."""
        arrived = subject.server.arrived()
        subject.adapter.recall([(OpKind.CREATE, timedelta(minutes=1))] * 3)
        for kind in OpKind:
            pause = subject.adapter.pause(kind, 100)
            assert pause is None or (pause.why and timedelta() < pause.after <= pause.over)
        assert subject.server.arrived() == arrived

    def test_resume_costs_nothing(self, subject: Subject) -> None:
        """What an earlier probe found is taken over without a request, and pulling works and sees the same."""
        ref = subject.server.create(title="There")
        subject.server.settle()
        adapter = subject.server.open()
        try:
            adapter.resume(subject.capabilities)
            assert adapter.traffic.requests == 0
            tickets = [ticket for page in adapter.pull(None) for ticket in page.tickets]
            assert [ticket.ref for ticket in tickets] == [ref]
            read = next(iter(adapter.fetch([ref])))
            assert not isinstance(read, Gone)
            assert subject.codec.decode(read, subject.mapping) == subject.decoded(ref)
        finally:
            adapter.close()

    def test_wrong_token(self, subject: Subject) -> None:
        """Credentials that the tracker does not know are AuthFailed at once, with a message."""
        adapter = subject.server.open(wrong_token=True)
        try:
            with pytest.raises(AuthFailed) as caught:
                adapter.probe()
            assert len(str(caught.value)) > 10
            for said in (str(caught.value), repr(caught.value), repr(adapter), repr(vars(caught.value))):
                assert WRONG_TOKEN not in said
        finally:
            adapter.close()

    def test_wrong_project(self, subject: Subject) -> None:
        """A project that is not there is an error of the tracker that names it, not an empty project."""
        adapter = subject.server.open(wrong_project=True)
        try:
            with pytest.raises(TrackerError) as caught:
                adapter.probe()
            assert len(str(caught.value)) > 10
        finally:
            adapter.close()

    def test_first_pull_sees_everything_once(self, subject: Subject) -> None:
        """A pull from nothing brings every ticket exactly once while nobody writes, in lists and batches."""
        refs = {subject.server.create(title=f"Ticket {n}") for n in range(subject.server.many)}
        subject.server.settle()
        before = subject.adapter.traffic.requests
        pages = list(subject.adapter.pull(None))
        seen = [ticket.ref for page in pages for ticket in page.tickets]
        assert len(seen) == len(set(seen)) == len(refs)
        assert set(seen) == refs
        assert not any(page.malformed for page in pages)
        assert subject.adapter.traffic.requests - before <= 8 + subject.server.many / 10

    def test_pull_of_an_empty_project(self, subject: Subject) -> None:
        """A project without tickets gives pages without tickets, and a cursor to go on from."""
        pages = subject.pulled()
        assert pages
        assert not any(page.tickets or page.gone for page in pages)
        ref = subject.server.create(title="The first")
        assert ref in _refs(subject, pages[-1].cursor)

    def test_idle_pull_is_quiet(self, subject: Subject) -> None:
        """A pull after which nothing changed brings nothing and costs one request a feed, time after time."""
        first = subject.server.create(title="First")
        subject.server.create(title="Second")
        if subject.capabilities.comments:
            subject.server.comment(first, "A comment")
        cursor = subject.caught_up()
        for _ in range(3):
            before = subject.adapter.traffic.requests
            pages = subject.pulled(cursor)
            assert not any(page.tickets or page.comments or page.gone or page.malformed for page in pages)
            assert subject.adapter.traffic.requests - before <= subject.capabilities.feeds
            cursor = pages[-1].cursor

    def test_pull_sees_edits_and_new_tickets(self, subject: Subject) -> None:
        """A pull brings the ticket that was edited and the one that was made, and not the one that was left alone."""
        edited, left = subject.server.create(title="Edited"), subject.server.create(title="Left alone")
        cursor = subject.caught_up()
        subject.server.edit(edited, title="Edited again")
        made = subject.server.create(title="Made")
        seen = {ticket.ref: ticket for page in subject.pulled(cursor) for ticket in page.tickets}
        assert {edited, made} <= set(seen)
        assert left not in seen
        decoded = subject.codec.decode(seen[edited], subject.mapping)
        assert decoded.snapshot.fields[Field.TITLE] == "Edited again"
        assert not [problem for problem in decoded.problems if problem.field is Field.TITLE]

    def test_edit_between_a_pull_and_the_next(self, subject: Subject) -> None:
        """An edit in the same instant as the last one that was seen is not missed."""
        ref = subject.server.create(title="One")
        subject.server.settle()
        cursor = list(subject.adapter.pull(None))[-1].cursor
        subject.server.edit(ref, title="Two")
        pages = subject.pulled(cursor)
        assert _titles(subject, pages) == {ref: "Two"}

    def test_restart_from_any_page(self, subject: Subject) -> None:
        """Going on from any page's cursor, by another adapter, brings everything that was not on the pages before."""
        refs = {subject.server.create(title=f"Ticket {n}") for n in range(subject.server.many)}
        pages = subject.pulled()
        for index in {0, len(pages) // 2, len(pages) - 1}:
            assert isinstance(pages[index].cursor, str)
            before = {ticket.ref for page in pages[: index + 1] for ticket in page.tickets}
            adapter = subject.server.open()
            try:
                adapter.probe()
                after = {ticket.ref for page in adapter.pull(pages[index].cursor) for ticket in page.tickets}
            finally:
                adapter.close()
            assert before | after >= refs, f"lost after page {index}: {sorted(refs - before - after)}"

    def test_edits_during_a_pull(self, subject: Subject) -> None:
        """Tickets that change while the pages of a pull are read are brought by it or by the next one."""
        refs = [subject.server.create(title=f"Ticket {n}") for n in range(subject.server.many)]
        subject.server.settle()
        titles: dict[NativeRef, Value] = {}
        cursor = None
        for number, page in enumerate(subject.adapter.pull(None)):
            titles |= _titles(subject, [page])
            cursor = page.cursor
            if number == 0:
                subject.server.edit(refs[0], title="Changed early")
                subject.server.edit(refs[-1], title="Changed late")
                subject.server.settle()
        titles |= _titles(subject, subject.pulled(cursor))
        assert set(titles) == set(refs)
        assert (titles[refs[0]], titles[refs[-1]]) == ("Changed early", "Changed late")

    def test_pull_sees_comments(self, subject: Subject) -> None:
        """A pull leads to a new comment and to an edited one."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        cursor = subject.caught_up()
        comment = subject.server.comment(ref, "First words")
        pages = subject.pulled(cursor)
        assert subject.comments_in(pages)[comment] == "First words"
        cursor = subject.pulled(pages[-1].cursor)[-1].cursor
        subject.server.edit_comment(ref, comment, "Second thoughts")
        assert subject.comments_in(subject.pulled(cursor))[comment] == "Second thoughts"

    def test_comments_have_authors(self, subject: Subject) -> None:
        """A comment tells who wrote it and when, and carries no marker of ours."""
        _needs_comments(subject)
        ref = subject.server.create(title="Talked about")
        subject.server.comment(ref, "Words")
        decoded = subject.codec.decode_comment(subject.comments(ref)[0], subject.mapping)
        assert decoded.author == subject.server.people[0]
        assert decoded.author_name
        assert decoded.created_at.tzinfo is not None
        assert decoded.marker is None

    def test_fetch_brings_complete_comments(self, subject: Subject) -> None:
        """Fetch brings all comments of a ticket with many of them, and none that was deleted."""
        _needs_comments(subject)
        ref = subject.server.create(title="Much talked about")
        written = [subject.server.comment(ref, f"Comment {n}") for n in range(35)]
        subject.server.delete_comment(ref, written.pop(3))
        assert [comment.ref for comment in subject.comments(ref)] == written
        assert subject.read(ref).comment_count in (None, len(written))
        pages = subject.pulled()
        assert set(subject.comments_in(pages)) == set(written)

    def test_fetch_tells_gone_from_there(self, subject: Subject) -> None:
        """Fetch says Gone for a deleted ticket and for no other."""
        kept, deleted = subject.server.create(title="Kept"), subject.server.create(title="Deleted")
        subject.server.delete(deleted)
        found = {one.ref: one for one in subject.adapter.fetch([kept, deleted])}
        assert not isinstance(found[kept], Gone)
        gone = found[deleted]
        assert isinstance(gone, Gone)
        assert gone.reason
        assert list(subject.adapter.fetch([])) == []

    def test_fetch_sees_the_present(self, subject: Subject) -> None:
        """Fetch shows an edit before any list does, with another version."""
        ref = subject.server.create(title="Before")
        version = subject.read(ref).version
        subject.server.edit(ref, title="After")
        assert subject.fields(ref)[Field.TITLE] == "After"
        assert subject.read(ref).version != version

    def test_names_and_numbers(self, subject: Subject) -> None:
        """A ticket has a key and an address for people, and a number that grows."""
        first, second = (subject.read(subject.server.create(title=title)) for title in ("First", "Second"))
        assert first.key != second.key
        assert first.url.startswith(("http://", "https://"))
        assert first.number < second.number
        assert first.updated_at.tzinfo is not None
        assert subject.codec.decode(first, subject.mapping).author == subject.server.people[0]

    def test_history_tells_who_and_what(self, subject: Subject) -> None:
        """The history tells of a person's edit: the field, the value, who and when."""
        if not subject.capabilities.history:
            pytest.skip("this tracker has no history")
        ref = subject.server.create(title="Before")
        before = subject.read(ref).updated_at - timedelta(minutes=5)
        subject.server.edit(ref, title="After")
        events = list(subject.adapter.history([ref], before))
        assert len({event.id for event in events}) == len(events)
        decoded = [one for event in events for one in subject.codec.decode_event(event, subject.mapping)]
        edit = [one for one in decoded if one.field is Field.TITLE][-1]
        assert edit.new == "After"
        assert edit.author == subject.server.people[0]
        assert edit.at.tzinfo is not None
        assert list(subject.adapter.history([], before)) == []

    def test_clock_is_read(self, subject: Subject) -> None:
        """After a few answers the tracker's clock is known to within a day."""
        subject.pulled()
        assert subject.adapter.clock().uncertainty < timedelta(days=1)

    def test_traffic_is_true(self, subject: Subject) -> None:
        """Every request that arrives at the tracker is counted, those of a log-in and of discovery too."""
        ref = subject.server.create(title="There")
        subject.server.settle()
        adapter = subject.server.open()
        try:
            before = subject.server.arrived()
            adapter.probe()
            for _page in adapter.pull(None):
                pass
            list(adapter.fetch([ref]))
            assert adapter.traffic.requests == subject.server.arrived() - before
            assert adapter.traffic.requests == sum(adapter.traffic.by_route.values())
            assert adapter.traffic.writes == 0
        finally:
            adapter.close()

    def test_close_twice(self, subject: Subject) -> None:
        """Closing twice does no harm."""
        adapter = subject.server.open()
        adapter.probe()
        adapter.close()
        adapter.close()


def _needs_comments(subject: Subject) -> None:
    if not subject.capabilities.comments:
        pytest.skip("this tracker has no comments")


def _refs(subject: Subject, cursor: Cursor) -> set[NativeRef]:
    return {ticket.ref for page in subject.pulled(cursor) for ticket in page.tickets}


def _titles(subject: Subject, pages: Sequence[Page]) -> dict[NativeRef, Value]:
    return {
        ticket.ref: subject.codec.decode(ticket, subject.mapping).snapshot.fields[Field.TITLE]
        for page in pages
        for ticket in page.tickets
    }
