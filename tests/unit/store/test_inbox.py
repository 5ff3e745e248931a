"""What was pulled waits until it was decided on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sync.core.ids import BridgeName, NativeRef, ReplicaName
from sync.core.models import Gone

B, JIRA, GITHUB = BridgeName("payments"), ReplicaName("jira"), ReplicaName("github")


def test_what_was_put_can_be_taken(store, native, remark):
    """One ticket's own row and its comments are taken together."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1)], [remark("c1", 1), remark("c2", 1), remark("c3", 2)], [])
    with store.read() as tx:
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
        assert item.ticket == native(1)
        assert item.comments == (remark("c1", 1), remark("c2", 1))
        assert item.gone is None
        assert not tx.inbox.take(B, GITHUB, NativeRef("ref-1"))


def test_the_newest_wins(store, native, remark):
    """A later put replaces an earlier one, within one page too."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1, "1"), native(1, "2")], [remark("c1", 1)], [])
        tx.inbox.put(B, JIRA, [native(1, "3")], [remark("c1", 1, "2")], [])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
    assert item.ticket == native(1, "3")
    assert [comment.version for comment in item.comments] == ["2"]


def test_comments_wait_though_the_ticket_is_read_again_without_them(store, native, remark, clock):
    """The ticket is the newer one, the list of its comments is the one that was received, and as old as that."""
    whole = replace(native(1), comments=(remark("c1", 1),))
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [whole])
        then = clock()
        clock.turn(timedelta(minutes=1))
        tx.inbox.put(B, JIRA, [replace(native(1, "2"), comments=None)])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
    assert item.ticket == replace(native(1, "2"), comments=(remark("c1", 1),))
    assert item.received_at == then


def test_a_complete_list_outlives_single_comments(store, native, remark, clock):
    """What was read of a comment before the whole list came is over where the list does not hold it; a later one is not."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, comments=[remark("c1", 1), remark("c2", 1)])
        clock.turn(timedelta(minutes=1))
        tx.inbox.put(B, JIRA, [replace(native(1), comments=(remark("c2", 1),))], [remark("c4", 1)])
        clock.turn(timedelta(minutes=1))
        tx.inbox.put(B, JIRA, comments=[remark("c3", 1)])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
    assert [one.ref for one in item.comments if item.outlived(one.ref)] == ["c1"]


def test_gone_and_there_replace_each_other(store, native):
    """A ticket is either there or gone, whichever was heard last."""
    gone = Gone(ref=NativeRef("ref-1"), reason="deleted")
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1)], [], [])
        tx.inbox.put(B, JIRA, [], [], [gone])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
        assert (item.ticket, item.gone) == (None, gone)
        tx.inbox.put(B, JIRA, [native(1)], [], [])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
        assert (item.ticket, item.gone) == (native(1), None)


def test_done_forgets_one_ticket_only(store, native, remark):
    """The rows of the ticket go, the others stay."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1), native(2)], [remark("c1", 1)], [])
        tx.inbox.done(B, JIRA, NativeRef("ref-1"))
        assert tx.inbox.ticket_refs(B, JIRA) == ["ref-2"]
        assert tx.inbox.commented(B, JIRA) == set()


def test_what_came_after_take_is_not_forgotten(store, native, remark):
    """A page that another thread stored between `take` and `done` stays."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1)], [remark("c1", 1)], [])
    with store.read() as tx:
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1, "2")], [remark("c1", 1)], [])
    with store.begin() as tx:
        tx.inbox.done(B, JIRA, NativeRef("ref-1"), item)
        left = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
    assert left.ticket == native(1, "2")
    assert left.comments == ()


def test_the_same_content_is_the_same_row(store, native, clock):
    """A ticket that was pulled again unchanged is done with what was taken before, whenever it was fetched."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1)], [], [])
        item = tx.inbox.take(B, JIRA, NativeRef("ref-1"))
        tx.inbox.put(B, JIRA, [replace(native(1), fetched_at=clock() + timedelta(hours=1))], [], [])
        tx.inbox.done(B, JIRA, NativeRef("ref-1"), item)
        assert not tx.inbox.take(B, JIRA, NativeRef("ref-1"))


def test_tickets_come_in_the_order_of_their_numbers(store, native, remark, canonical):
    """A ticket of which only a comment was pulled takes its number from its link."""
    with store.begin() as tx:
        ticket = tx.tickets.create(B, canonical())
        tx.links.add(bridge=B, replica=JIRA, ref=NativeRef("ref-5"), ticket=ticket.id, number=5)
        tx.inbox.put(B, JIRA, [native(10), native(9), native(2)], [remark("c1", 5)], [])
        assert tx.inbox.ticket_refs(B, JIRA) == ["ref-2", "ref-5", "ref-9", "ref-10"]


def test_pending_counts_tickets(store, native, remark):
    """Several comments on one ticket are one thing to decide."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [native(1)], [remark("c1", 1), remark("c2", 7)], [])
        assert tx.inbox.commented(B, JIRA) == {"ref-1", "ref-7"}
        tx.inbox.put(B, GITHUB, [native(1)], [], [])
        tx.inbox.put(BridgeName("other"), GITHUB, [native(1)], [], [])
        assert tx.inbox.pending(B) == {"jira": 2, "github": 1}


def test_a_page_of_any_length_is_stored(store, native):
    """Thousands of tickets go in as they come, from an iterator."""
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, (native(number) for number in range(1, 2001)))
    with store.read() as tx:
        assert tx.inbox.pending(B) == {"jira": 2000}
        assert tx.links.numbers(B, JIRA) == 2000


def test_the_cursor_goes_with_its_page(store, native):
    """A page that is not committed leaves the cursor where it was."""
    with store.begin() as tx:
        tx.cursors.put(B, JIRA, "after page 1")
    try:
        with store.begin() as tx:
            tx.inbox.put(B, JIRA, [native(1)])
            tx.cursors.put(B, JIRA, "after page 2")
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    with store.read() as tx:
        assert tx.cursors.get(B, JIRA) == "after page 1"
        assert tx.cursors.get(B, GITHUB) is None
        assert tx.inbox.pending(B) == {}


def test_odd_characters_are_stored(store, native):
    """NULs and half surrogate pairs in a payload come back as they were."""
    odd = replace(native(1), payload={"body": "a\0b \ud83d c"})
    with store.begin() as tx:
        tx.inbox.put(B, JIRA, [odd])
        assert tx.inbox.take(B, JIRA, odd.ref).ticket == odd
