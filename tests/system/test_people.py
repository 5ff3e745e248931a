"""`trackdown people` against simulated trackers."""

from __future__ import annotations

import json
import tomllib

from sync.shell.cli.main import run
from tests.system.bridged import bridged


def test_people_are_listed_matched_and_written_down(tmp_path, capsys):
    """Who has one mail address in two trackers is one person; a login that tells no address is left to a person."""
    with bridged(tmp_path, jira={"hide_emails": False}) as world:
        world.jira.assign(world.jira.add_issue("Refunds"), "grace")
        world.azure.add_issue(title="Chargebacks", by="grace")
        world.github.add_issue(title="Payouts", as_user="ada")
        world.sync()
        config = world.config
        text, mode = config.read_text(encoding="utf-8"), config.stat().st_mode
        assert run(["--config", str(config), "people", "list", "--json"]) == 0
        accounts = json.loads(capsys.readouterr().out)["accounts"]
        assert {(row["tracker"], row["person"]) for row in accounts} >= {
            ("jira", None),
            ("azure", None),
            ("github", None),
        }
        assert not [row for row in accounts if "bridge" in row["account"].casefold()]

        assert run(["--config", str(config), "people", "match", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert config.read_text(encoding="utf-8") == text
        (grace,) = [match for match in found["matches"] if match["person"] == "grace"]
        assert set(grace["accounts"]) == {"jira", "azure"}

        assert run(["--config", str(config), "people", "match", "--write"]) == 0
        written = config.read_text(encoding="utf-8")
        assert written.startswith(text.rstrip())
        assert tomllib.loads(written)["people"]["grace"]["azure"] == grace["accounts"]["azure"]
        assert config.stat().st_mode == mode
        capsys.readouterr()
        assert run(["--config", str(config), "people", "match", "--json"]) == 0
        assert not [one for one in json.loads(capsys.readouterr().out)["matches"] if one["person"] == "grace"]
