"""What a transaction promises."""

from __future__ import annotations

import threading

import pytest

from sync.core.errors import InvariantBroken, StoreError
from sync.core.ids import BridgeName
from sync.core.models import Canonical, Field
from sync.store import Store

B = BridgeName("payments")


def test_an_error_takes_everything_back(store, canonical):
    """Half a transaction is none."""
    with pytest.raises(ZeroDivisionError), store.begin() as tx:
        assert 1 / (tx.tickets.create(B, canonical()).number - 1)
    with store.read() as tx:
        assert tx.tickets.count(B) == 0


def test_a_reader_sees_one_moment(make_store, canonical):
    """What others commit while a snapshot is read does not show in it."""
    one, two = make_store(), make_store()
    with one.read() as before:
        assert before.tickets.count(B) == 0
        with two.begin() as tx:
            tx.tickets.create(B, canonical())
        with one.read() as after:
            assert after.tickets.count(B) == 1
        assert before.tickets.count(B) == 0


def test_a_reader_can_not_write(store, canonical):
    """A snapshot is for reading."""
    with pytest.raises(StoreError), store.read() as tx:
        tx.tickets.create(B, canonical())


def test_a_transaction_inside_another_is_a_bug(store):
    """It would wait for itself."""
    with store.begin(), pytest.raises(InvariantBroken, match="inside"), store.begin():
        pass


@pytest.mark.parametrize("shared", [True, False])
def test_no_update_is_lost_between_threads(make_store, canonical, shared):
    """Reading, counting up and writing in many threads gives the sum, with one store or with one each."""
    store = make_store()
    with store.begin() as tx:
        ticket = tx.tickets.create(B, canonical("0")).id
    errors = []

    def count_up(own: Store) -> None:
        try:
            for _ in range(25):
                with own.begin() as tx:
                    now = int(tx.tickets.get(ticket).canonical.fields[Field.TITLE])
                    tx.tickets.save(ticket, Canonical(fields={Field.TITLE: str(now + 1)}))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=count_up, args=(store if shared else make_store(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with store.read() as tx:
        assert tx.tickets.get(ticket).canonical.fields[Field.TITLE] == "100"


def test_a_whole_store_has_nothing_to_say(store, canonical):
    """The integrity check of a sound store is empty."""
    with store.begin() as tx:
        tx.tickets.create(B, canonical())
    assert store.integrity() == []


def test_a_store_can_be_closed_twice_and_used_again(store):
    """Closing gives back connections; the next use opens new ones."""
    store.close()
    store.close()
    with store.read() as tx:
        assert tx.tickets.count(B) == 0
