"""The same store on PostgreSQL: a private server for as long as the tests run."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sync.core.errors import BridgeBusy, InvariantBroken, LeaseLost, StoreError
from sync.core.ids import BridgeName, NativeRef, ReplicaName, RunId
from sync.core.models import UNKNOWN, Canonical, Field, Gone, NativeComment, NativeTicket, Provenance
from sync.core.ports import NativeOp, OpKind
from sync.store import Store
from sync.store.engines import make_engine, parse_url
from sync.store.migrate import HEAD, alembic_config
from sync.store.records import ClaimRecord, ReplicaRecord
from sync.store.tables import Table
from tests.system.private_postgresql import new_database, private_server

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

B, JIRA, GITHUB = BridgeName("payments"), ReplicaName("jira"), ReplicaName("github")
START = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def server():
    """`host:port` of an empty server."""
    with private_server() as address:
        yield address


@pytest.fixture
def url(server):
    """A database of its own for each test."""
    return new_database(server)


@pytest.fixture
def make():
    """Stores with a clock that ticks and ids that count."""
    opened = []

    def make(url, patience=10.0):
        ticks, ids = itertools.count(), itertools.count(1)
        opened.append(
            Store(
                url,
                now=lambda: START + timedelta(seconds=next(ticks)),
                new_id=lambda: f"id-{next(ids)}",
                patience=timedelta(seconds=patience),
            )
        )
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make, url):
    store = make(url)
    store.migrate()
    return store


@pytest.fixture
def connection(url, store):
    engine = make_engine(parse_url(url), "migrate", patience=timedelta(seconds=5))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def native(number, version="1", **payload):
    comment = NativeComment(ref=NativeRef("c9"), ticket=NativeRef(f"r{number}"), version="1", payload={})
    return NativeTicket(
        ref=NativeRef(f"r{number}"),
        key=f"PAY-{number}",
        url="https://jira.example",
        number=number + 2**40,
        version=version,
        payload={"odd": "a\0b \ud83d Größe 🙂", "points": 0.1, **payload},
        fetched_at=START,
        updated_at=START,
        comments=(comment,),
    )


def story(store):
    """Something of every noun; what it returns must be equal on every database."""
    fields = {Field.TITLE: "a\0b", Field.STATUS: UNKNOWN, Field.BODY: None, Field.LABELS: frozenset({"b", "a"})}
    state = Canonical(fields=fields, provenance={Field.TITLE: Provenance(replica=JIRA, at=START)})
    heard = []
    with store.begin() as tx:
        tx.cursors.put(B, JIRA, "one")
        tx.cursors.put(B, JIRA, "two\0")
        tx.inbox.put(B, JIRA, [native(1), native(2), native(1, "2")], [], [Gone(ref=NativeRef("r3"), reason="404")])
        tickets = [tx.tickets.create(B, state, dirty="new") for _ in range(3)]
        comment = tx.comments.create(tickets[0].id, state, JIRA, None, "ada\0", START)
        tx.comments.delete(comment.id)
        link = tx.links.add(
            bridge=B, replica=JIRA, ref=NativeRef("r1"), ticket=tickets[0].id, native=native(1), base=fields, number=1
        )
        op = NativeOp(kind=OpKind.CREATE, action="a", summary="s", payload={"x": "\0"}, fields=frozenset({Field.BODY}))
        tx.outbox.add(run=RunId("R-1"), bridge=B, replica=JIRA, ticket=tickets[1].id, op=op, state="sent")
        claims = [ClaimRecord(replica=None, value=UNKNOWN, at=START)]
        where = {"bridge": B, "ticket": tickets[0].id, "base": None, "claims": claims, "proposed": frozenset()}
        tx.conflicts.add(**where, field=Field.LABELS, reason="r\0")
        for _ in range(2):
            tx.problems.report(bridge=B, kind="pull", message="m\0", mend="n")
        tx.problems.report(bridge=B, kind="pull", message="cleared")
        tx.problems.clear(B, kind="never")
        tx.replicas.save(ReplicaRecord(bridge=B, replica=JIRA, kind="jira"))
        tx.replicas.save(ReplicaRecord(bridge=B, replica=JIRA, kind="jira", details={"a": float("nan")}))
        tx.runs.finish(tx.runs.start(B), {"pulled": 3})
        for number in range(3):
            tx.audit.append(
                phase="intent", action="\0", ticket=tickets[0].id, before=None, after={"n": number, "f": 0.1}
            )
        tx.meta.put("name", "value")
    with store.read() as tx:
        heard += [tx.cursors.get(B, JIRA), tx.inbox.pending(B), tx.inbox.ticket_refs(B, JIRA)]
        heard += [tx.inbox.take(B, JIRA, ref) for ref in tx.inbox.ticket_refs(B, JIRA)]
        heard += [*tx.tickets.list(B), tx.tickets.by_key(B, "ISSUE-2"), tx.tickets.dirty(B), tx.tickets.count(B)]
        heard += tx.comments.of(tickets[0].id, deleted=True)
        heard += [*tx.links.list(B), tx.links.numbers(B, JIRA), tx.links.get(link.id)]
        heard += [*tx.outbox.unfinished(B), tx.outbox.counts(B), tx.outbox.has_unknown_create(tickets[1].id, JIRA)]
        heard += [*tx.conflicts.list(B), tx.conflicts.open_for(tickets[0].id), *tx.problems.open(), *tx.replicas.list()]
        heard += [*tx.runs.list(B), *tx.audit.entries(), tx.audit.verify(), tx.meta.get("name")]
    return heard


def test_both_databases_answer_the_same(store, make, tmp_path):
    """One story told to SQLite and to PostgreSQL: the same tickets, conflicts, audit hashes and all."""
    other = make(f"sqlite:///{tmp_path}/same.db")
    other.migrate()
    told, retold = story(store), story(other)
    assert len(told) >= 30
    assert told == retold


def test_the_models_are_what_the_migrations_make(connection):
    """Nothing is left for a new migration to do."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, Table.metadata) == []


def test_the_schema_can_be_taken_back(connection):
    """Down to nothing and up again."""
    command.downgrade(alembic_config(connection), "base")
    command.upgrade(alembic_config(connection), "head")
    assert MigrationContext.configure(connection).get_current_revision() == HEAD


def test_several_set_up_one_store(make, url):
    """Whoever comes second finds it done."""
    failed = at_once(3, lambda: make(url).migrate())
    assert failed == []


def at_once(count, action):
    """What went wrong while `action` ran in so many threads."""
    failed = []

    def act():
        try:
            action()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=act) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_no_update_is_lost(store, make, url):
    """Reading, counting up and writing in four connections gives the sum; numbers are given once."""
    with store.begin() as tx:
        ticket = tx.tickets.create(B, Canonical(fields={Field.TITLE: "0"})).id

    def count_up():
        own = Store(url)
        for _ in range(20):
            with own.begin() as tx:
                now = int(tx.tickets.get(ticket).canonical.fields[Field.TITLE])
                tx.tickets.save(ticket, Canonical(fields={Field.TITLE: str(now + 1)}))
                tx.tickets.create(B, Canonical(fields={}))
                tx.audit.append(phase="decision", action="x")
        own.close()

    assert at_once(4, count_up) == []
    with store.read() as tx:
        assert tx.tickets.get(ticket).canonical.fields[Field.TITLE] == "80"
        assert [record.number for record in tx.tickets.list(B)] == list(range(1, 82))
        assert tx.audit.verify() is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET note = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_audit_log_is_append_only(store, url, statement):
    """The server refuses to change or delete entries."""
    story(store)
    with closing(psycopg.connect(url)) as plain, pytest.raises(psycopg.Error, match="append-only"):
        plain.execute(statement)
    with store.read() as tx:
        assert tx.audit.verify() is None


def test_a_role_that_may_only_add_to_the_log(store, make, url):
    """trackdown's own role needs no right to change the log, nor to own it: with less it works all the same."""
    worker = f"worker_{time.monotonic_ns()}"
    with closing(psycopg.connect(url, autocommit=True)) as owner:
        owner.execute(f"CREATE ROLE {worker} LOGIN")
        owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {worker}")
        owner.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {worker}")
        owner.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM {worker}")
    theirs = url.replace("//ada@", f"//{worker}@")
    poor = make(theirs)
    poor.migrate()
    story(poor)
    with closing(psycopg.connect(theirs, autocommit=True)) as plain:
        for statement in (
            "UPDATE audit SET note = 'x'",
            "DELETE FROM audit",
            "DROP TRIGGER audit_append_only ON audit",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                plain.execute(statement)


def test_a_reader_sees_one_moment_and_writes_nothing(store, make, url):
    """Snapshots are read-only and do not move."""
    with store.read() as before:
        assert before.tickets.count(B) == 0
        with make(url).begin() as tx:
            tx.tickets.create(B, Canonical(fields={}))
        assert before.tickets.count(B) == 0
    with pytest.raises(StoreError, match="only be read"), store.read() as tx:
        tx.tickets.create(B, Canonical(fields={}))


def test_leases_fence(store, make, url):
    """A second worker waits its turn, and one that was overtaken commits nothing."""
    lease = store.acquire(B, ttl=timedelta(hours=1))
    with pytest.raises(BridgeBusy):
        make(url).acquire(B, ttl=timedelta(hours=1))
    store.release(lease)
    make(url).acquire(B, ttl=timedelta(hours=1))
    with pytest.raises(LeaseLost), store.begin(lease):
        pass


def test_constraints_hold(store):
    """A second active link of one ref is refused."""
    with store.begin() as tx:
        one, two = (tx.tickets.create(B, Canonical(fields={})).id for _ in range(2))
        tx.links.add(bridge=B, replica=JIRA, ref=NativeRef("r"), ticket=one)
    with pytest.raises(InvariantBroken), store.begin() as tx:
        tx.links.add(bridge=B, replica=JIRA, ref=NativeRef("r"), ticket=two)


def test_what_is_wrong_is_said_plainly(store, make, url, server):
    """Locked, missing, never set up, not ours: each is named with its mend, and no password."""
    impatient = make(url, patience=0.2)
    with store.begin(), pytest.raises(StoreError, match="locked for too long"), impatient.begin():
        pass
    with pytest.raises(StoreError, match="no such database"):
        make(f"postgresql://ada:hunter2@{server}/nowhere").migrate()
    with pytest.raises(StoreError, match="never set up"), make(url.rsplit("/", 1)[0] + "/postgres").read() as tx:
        tx.tickets.count(B)
    with closing(psycopg.connect(url, autocommit=True)) as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer trackdown"):
        store.migrate()
