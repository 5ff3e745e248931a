"""`plan --out`, `apply` and `undo` at the command line, against the simulated trackers over HTTP."""

from __future__ import annotations

import io
import json
import stat

import pytest

from sync.core.models import Field
from sync.shell.cli.main import run
from tests.scenarios.foretold import check_foretold
from tests.system.bridged import bridged


@pytest.fixture
def there(tmp_path):
    """A ticket that stands everywhere."""
    with bridged(tmp_path) as found:
        found.jira.add_issue("Refunds", type="Bug")
        found.until_quiet()
        yield found


def told(capsys, config, *arguments):
    """Exit code and JSON document of a command."""
    code = run(["--config", str(config), *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def retitle(there, title):
    """A person gives Jira's first ticket another title."""
    there.jira.edit("PAY-1", summary=title)


def test_a_cycle_through_the_real_clients_is_foretold(tmp_path):
    """The first sync of three real APIs, field by field, and an edit after it."""
    with bridged(tmp_path) as found:
        key = found.jira.add_issue("Child", type="Bug", description="h1. Head\n\n* one\n* two", labels=["money"])
        found.jira.comment(key, "as agreed")
        done = found.jira.add_issue("Done before")
        found.jira.transition(done, "Done")
        found.github.add_issue(title="From GitHub", body="## Steps\n\n1. `one`\n2. **two**")
        found.azure.add_issue(title="From Azure", body="<div>Some <b>bold</b> words</div>")
        found.while_passes()
        with found.opened() as bridge:
            check_foretold(bridge)
        found.until_quiet()
        found.jira.edit(key, summary="Child again", labels=["money", "bank"])
        found.jira.transition(key, "In Progress")
        found.while_passes()
        with found.opened() as bridge:
            plan, _ = check_foretold(bridge)
        assert {one.replica for one in plan.writes} == {"github", "azure"}


def test_a_plan_is_written_reviewed_and_applied(there, tmp_path, capsys):
    """The file is its owner's, holds no token, and is done as it was shown."""
    retitle(there, "Returns")
    there.while_passes()
    file = tmp_path / "friday.plan"
    code, document = told(capsys, there.config, "plan", "--out", str(file))
    assert (code, document["file"]) == (0, str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text("utf-8")
    assert "Returns" in text
    assert there.github_token not in text
    code, document = told(capsys, there.config, "apply", str(file))
    assert code == 0
    assert document["bridges"][0]["differences"] == []
    assert document["bridges"][0]["writes"]["github"] == 1
    assert set(there.shown("Returns", Field.TITLE).values()) == {"Returns"}
    code, document = told(capsys, there.config, "apply", str(file))
    assert code == 3
    assert document["bridges"][0]["differences"]


def test_a_stale_plan_says_what_changed(there, tmp_path, capsys):
    """In words, and nothing is written."""
    retitle(there, "Returns")
    there.while_passes()
    file = tmp_path / "friday.plan"
    assert run(["--config", str(there.config), "plan", "--out", str(file)]) == 0
    retitle(there, "Credits")
    there.while_passes()
    capsys.readouterr()
    assert run(["--config", str(there.config), "apply", str(file)]) == 3
    said = capsys.readouterr().out
    assert "the plan is stale" in said
    assert "it would become 'Credits' now, and not 'Returns'" in " ".join(said.split())


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (lambda plan: "{", "is no plan, or is damaged"),
        (lambda plan: json.dumps({**plan, "format": "terraform"}), "is no plan"),
        (lambda plan: json.dumps({**plan, "version": 99}), "is a plan of version 99"),
        (lambda plan: json.dumps({**plan, "bridges": [{}]}), "is damaged"),
        (lambda plan: json.dumps({**plan, "store": "another"}), "for another store"),
        (lambda plan: json.dumps({**plan, "config": {"payments": "another"}}), "are not those that it was made with"),
    ],
)
def test_a_plan_that_can_not_be_used_is_refused(there, tmp_path, capsys, spoil, mend):
    """With what is wrong and how to mend it, and exit code 2."""
    file = tmp_path / "friday.plan"
    assert run(["--config", str(there.config), "plan", "--out", str(file)]) == 0
    file.write_text(spoil(json.loads(file.read_text("utf-8"))), encoding="utf-8")
    capsys.readouterr()
    assert run(["--config", str(there.config), "apply", str(file)]) == 2
    said = capsys.readouterr().err
    assert mend in said
    assert "plan --out" in said or "--config" in said


def test_another_policy_is_another_config(there, tmp_path, capsys):
    """A plan is only good for the settings that it was made with."""
    file = tmp_path / "friday.plan"
    assert run(["--config", str(there.config), "plan", "--out", str(file)]) == 0
    there.bridge_config = '[bridges.payments.fields]\ntitle = "manual"'
    assert run(["--config", str(there.config), "apply", str(file)]) == 2
    assert "bridge 'payments'" in capsys.readouterr().err


def test_the_last_run_is_undone_at_the_command_line(there, capsys):
    """By its number, by `last`; without a terminal only with --yes."""
    before = "Refunds"
    retitle(there, "Broken")
    there.sync()
    assert run(["--config", str(there.config), "undo", "last"]) == 2
    assert "--yes" in capsys.readouterr().err
    code, document = told(capsys, there.config, "undo", "last", "--yes")
    assert code == 0
    assert [(one["old"], one["new"]) for one in document["undone"]] == [("Broken", before)]
    assert document["run"] == there.reports[-1].run
    assert set(there.shown(before, Field.TITLE).values()) == {before}
    assert run(["--config", str(there.config), "undo", "R-999", "--yes"]) == 2
    assert "there is no run 'R-999'" in capsys.readouterr().err
    code, document = told(capsys, there.config, "undo", document["undo"].removeprefix("R-"), "--yes")
    assert [(one["old"], one["new"]) for one in document["undone"]] == [(before, "Broken")]


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


def test_an_undo_shows_what_it_would_do_and_asks(there, capsys, monkeypatch):
    """A no leaves everything as it is, a yes does what was shown."""
    retitle(there, "Broken")
    there.sync()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert run(["--config", str(there.config), "undo", "last"]) == 130
    shown = capsys.readouterr()
    assert "Title: Broken → Refunds" in shown.out
    assert "~ update in jira PAY-1" in shown.out
    assert "Do this?" in shown.err
    assert set(there.shown("Broken", Field.TITLE).values()) == {"Broken"}
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run(["--config", str(there.config), "undo", "last"]) == 0
    assert "takes this back" in capsys.readouterr().out
    assert set(there.shown("Refunds", Field.TITLE).values()) == {"Refunds"}


def test_an_undo_with_a_silent_tracker_does_nothing(there, capsys):
    """Whether somebody edited there since can't be known: exit code 4, and nothing is written."""
    retitle(there, "Broken")
    there.sync()
    there.fail(there.github, fault="status", status=503, times=100)
    code, document = told(capsys, there.config, "undo", "last", "--yes")
    assert code == 4
    assert document["undone"] == []
    assert not any(document["cycle"]["writes"].values())
