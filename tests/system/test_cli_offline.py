"""Commands that need no tracker: what they say of a store, as text and as one JSON document."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sync.core.ids import BridgeName, NativeRef, PersonId, ReplicaName
from sync.core.models import Canonical, Field
from sync.shell.cli.main import run
from sync.store import Store
from sync.store.records import ClaimRecord, ReplicaRecord

CONFIG = """
[trackers.hub]
kind = "github"
project = "acme/payments"
auth = { token = "env:NOWHERE_TOKEN" }
[trackers.mirror]
kind = "github"
project = "acme/mirror"
auth = { token = "env:NOWHERE_TOKEN" }
[bridges.payments]
trackers = ["hub", "mirror"]
[people.ada]
name = "Ada Lovelace"
hub = "ada"
"""
PAYMENTS, HUB, MIRROR = BridgeName("payments"), ReplicaName("hub"), ReplicaName("mirror")
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A config and a store with two tickets, a waiting and a settled conflict, a failing tracker and a problem."""
    monkeypatch.delenv("NOWHERE_TOKEN", raising=False)
    path = tmp_path / "trackdown.toml"
    path.write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("TRACKDOWN_CONFIG", str(path))
    store = Store(f"sqlite:///{tmp_path / 'trackdown.db'}")
    store.migrate()
    with store.begin() as tx:
        _fill(tx)
    store.close()
    return path


def _fill(tx) -> None:
    run_id = tx.runs.start(PAYMENTS)
    for number, title in enumerate(("Pay by card", "Refunds [red]late[/]"), start=1):
        ticket = tx.tickets.create(PAYMENTS, Canonical(fields={Field.TITLE: title, Field.KIND: "issue"}))
        for replica in (HUB, MIRROR):
            tx.links.add(
                bridge=PAYMENTS, replica=replica, ref=NativeRef(f"{replica}-{number}"), ticket=ticket.id,
                key=f"#{number}", url=f"https://{replica}.example/{number}", number=number,
            )  # fmt: skip
        claims = (
            ClaimRecord(replica=HUB, value="open", author=PersonId("ada"), at=AT),
            ClaimRecord(replica=MIRROR, value="done", author=None, at=AT),
        )
        tx.conflicts.add(
            bridge=PAYMENTS, ticket=ticket.id, field=Field.STATUS, reason="concurrent", base="review", claims=claims,
            proposed="done", chosen="done" if number == 1 else None, state="settled" if number == 1 else "open", run=run_id,
        )  # fmt: skip
    tx.replicas.save(
        ReplicaRecord(bridge=PAYMENTS, replica=HUB, kind="github", state="failing", last_error="no route", failures=3)
    )
    tx.problems.report(
        bridge=PAYMENTS, kind="decode", message="no meaning", mend="map it", replica=HUB, ticket=ticket.id
    )
    tx.audit.append(
        phase="intent", action="update title", run=run_id, bridge=PAYMENTS, ticket=ticket.id, replica=HUB,
        before={"title": "old"}, after={"title": "new"},
    )  # fmt: skip


def ask(capsys, *arguments: str, code: int = 0) -> str:
    assert run(arguments) == code
    return capsys.readouterr().out


def test_status_tells_of_bridges_and_replicas(config, capsys):
    """Counts, states and the last error, without any secret at hand."""
    document = json.loads(ask(capsys, "status", "--json"))
    (bridge,) = document["bridges"]
    assert (bridge["tickets"], bridge["conflicts"], bridge["waiting"], bridge["problems"]) == (2, 2, 1, 1)
    hub = next(replica for replica in bridge["replicas"] if replica["name"] == "hub")
    assert (hub["state"], hub["linked"], hub["failures"], hub["error"]) == ("failing", 2, 3, "no route")
    assert [problem["place"] for problem in document["problems"]] == ["hub #2"]
    text = ask(capsys, "status")
    assert "no route" in text
    assert "hub #2: no meaning" in text
    assert "map it" in text


def test_conflicts_list_exits_with_5_while_one_waits(config, capsys):
    """What waits stands first; after it is resolved the exit code is 0."""
    document = json.loads(ask(capsys, "conflicts", "list", "--json", code=5))
    assert document["waiting"] == 1
    assert [conflict["state"] for conflict in document["conflicts"]] == ["open", "settled"]
    assert "waits for you" in ask(capsys, "conflicts", "list", code=5)


def test_conflicts_show_is_the_same_as_text_and_json(config, capsys):
    """The claims with author, place and value."""
    document = json.loads(ask(capsys, "conflicts", "show", "C-2", "--json"))
    assert [(claim["take"], claim["value"]) for claim in document["claims"]] == [("hub", "open"), ("mirror", "done")]
    assert document["claims"][0]["who"] == "Ada Lovelace"
    text = ask(capsys, "conflicts", "show", "c-2")
    assert "trackdown conflicts resolve C-2 --take hub" in text
    assert "[red]late[/]" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "C-9"], "there is no conflict 'C-9'"),
        (["resolve", "C-2"], "say either --take TRACKER or --value TEXT"),
        (["resolve", "C-2", "--take", "hbu"], "did you mean 'hub'?"),
        (["resolve", "C-2", "--value", "dnoe"], "did you mean 'done'?"),
        (["list", "--bridge", "payment"], "did you mean 'payments'?"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest(config, capsys, arguments, message):
    """Exit code 2 and one line."""
    assert run(["conflicts", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_resolving_takes_a_claim_and_is_in_the_log(config, capsys):
    """The conflict is resolved by the person, and the audit log says so."""
    document = json.loads(ask(capsys, "conflicts", "resolve", "C-2", "--take", "hub", "--json"))
    assert (document["state"], document["chosen"]) == ("resolved", "open")
    assert json.loads(ask(capsys, "conflicts", "list", "--json"))["waiting"] == 0
    assert "person" in {entry["phase"] for entry in json.loads(ask(capsys, "audit", "--json"))["entries"]}
    ask(capsys, "audit", "verify")


def test_resolving_with_a_value_of_ones_own(config, capsys):
    """Neither claim, but a third word."""
    document = json.loads(ask(capsys, "conflicts", "resolve", "C-2", "--value", "blocked", "--json"))
    assert document["chosen"] == "blocked"


def test_the_report_is_one_file(config, capsys, tmp_path):
    """It says where it wrote and how much waits."""
    page = tmp_path / "out.html"
    document = json.loads(ask(capsys, "conflicts", "report", "--html", str(page), "--json"))
    assert document == {"file": str(page), "conflicts": 2, "waiting": 1}
    assert "Ada Lovelace" in page.read_text(encoding="utf-8")


def test_the_audit_log_by_ticket_and_run(config, capsys):
    """Found by canonical and by native key; a stranger's key is exit code 2."""
    for key in ("ISSUE-2", "#2", "https://hub.example/2"):
        entries = json.loads(ask(capsys, "audit", "--ticket", key, "--json"))["entries"]
        assert [(entry["key"], entry["action"]) for entry in entries] == [("ISSUE-2", "update title")]
    assert json.loads(ask(capsys, "audit", "--run", "R-99", "--json"))["entries"] == []
    assert "old → new" in ask(capsys, "audit")
    assert run(["audit", "--ticket", "PAY-77"]) == 2


def test_a_changed_log_is_exit_code_1(config, capsys):
    """`audit verify` names the first entry that is not as it was."""
    import sqlite3

    connection = sqlite3.connect(config.parent / "trackdown.db")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE audit SET action = 'nothing happened'")
    connection.commit()
    connection.close()
    assert run(["audit", "verify", "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["whole"] is False
    assert "entry 1" in told.err


def test_links_list(config, capsys):
    """Every ticket with what each tracker calls it."""
    document = json.loads(ask(capsys, "links", "list", "--json"))
    assert [row["key"] for row in document["tickets"]] == ["ISSUE-1", "ISSUE-2"]
    assert document["tickets"][0]["links"]["hub"]["key"] == "#1"
    assert "ISSUE-2" in ask(capsys, "links", "list")


def test_links_remove_leaves_the_ticket(config, capsys):
    """The one tracker stands alone; the other link stays."""
    document = json.loads(ask(capsys, "links", "remove", "ISSUE-1", "mirror", "--json"))
    assert document["removed"] == {"mirror": "#1"}
    (row, _) = json.loads(ask(capsys, "links", "list", "--json"))["tickets"]
    assert row["links"].get("mirror", {"state": "removed"})["state"] == "removed"
    assert row["links"]["hub"]["state"] == "active"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["links", "add", "hub=#1"], "two or more trackers"),
        (["links", "add", "hub=#1", "mirrr=#2"], "did you mean 'mirror'?"),
        (["links", "add", "#1", "#2"], "write TRACKER=TICKET"),
        (["links", "remove", "ISSUE-1", "hbu"], "did you mean 'hub'?"),
    ],
)
def test_links_refuse_what_makes_no_sense(config, capsys, monkeypatch, arguments, message):
    """Exit code 2, with the mend."""
    monkeypatch.setenv("NOWHERE_TOKEN", "a-token")
    assert run(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "--json", "--config"], "--config needs a FILE after it"),
        (["audit", "--json", "--last", "-5"], "greater than or equal to 0"),
        (["conflicts", "list", "--json", "--state", "lost"], "'--state': 'lost' is not one of 'open'"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_one_document(config, capsys, arguments, message):
    """Said of what is wrong, not of what it made the next word mean."""
    assert run(arguments) == 2
    told = capsys.readouterr()
    (problem,) = json.loads(told.out)["error"]["problems"]
    assert message in problem
    assert told.err.strip() == problem


def test_a_command_alone_is_answered_with_its_help_only(capsys):
    """Help on stdout, nothing that looks like an error; still exit code 2, since nothing was done."""
    assert run(["conflicts"]) == 2
    told = capsys.readouterr()
    assert "resolve" in told.out
    assert told.err == ""


def test_help_shows_words_in_brackets(capsys):
    """They are not markup."""
    assert run(["simulate", "--help"]) == 0
    assert "[trackers.x]" in capsys.readouterr().out


def test_a_store_that_is_none_is_said_plainly(config, capsys):
    """No traceback, and the file by name."""
    (config.parent / "trackdown.db").write_text("this is not a database, whatever its name says" * 100)
    for extra in ("-wal", "-shm"):
        (config.parent / f"trackdown.db{extra}").unlink(missing_ok=True)
    assert run(["status"]) == 2
    told = capsys.readouterr().err
    assert "trackdown.db" in told
    assert "Traceback" not in told
