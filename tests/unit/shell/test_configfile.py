"""The config: what it means, and every problem at once with its place."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sync.core.errors import ConfigError
from sync.core.models import Field
from sync.core.policy import FieldPolicy, PolicyName
from sync.shell import configfile
from sync.shell.configfile import load
from sync.shell.registry import kinds
from sync.shell.settings import (
    AttachmentsSettings,
    BridgeSettings,
    ConfigSettings,
    LimitsSettings,
    StoreSettings,
    parse_duration,
)

from .conftest import ENVIRONMENT, GOOD

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def problems_of(path: Path, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ=ENVIRONMENT if environ is None else environ)
    return caught.value.problems


def test_a_good_config_resolves_secrets_and_paths(write):
    """Secrets come from the environment, the store lies beside the config, and a mapping goes by the kind."""
    path = write(GOOD)
    config = load(path, environ=ENVIRONMENT)
    assert config.trackers["a"].settings.auth.token.get_secret_value() == "secret-of-a"
    assert config.secrets >= {"secret-of-a", "secret-of-b"}
    assert config.store_url == f"sqlite:///{path.parent.resolve()}/trackdown.db"
    assert config.trackers["a"].mapping.tracker == "github"
    assert config.bridges["both"].every == timedelta(seconds=60)


def test_no_secret_shows_in_a_repr(write):
    """A config can be printed without giving anything away."""
    config = load(write(GOOD), environ=ENVIRONMENT)
    assert "secret-of-a" not in repr(config) + str(config.trackers["a"].settings)


def test_all_problems_are_told_at_once_each_with_its_line(write):
    """Unknown keys, bad values, missing secrets and strangers stand in one error, in the order of the file."""
    path = write(
        """[stroe]
url = "x"
[trackers.jira]
kind = "gitub"
[trackers.hub]
kind = "github"
projct = "acme/payments"
auth = { tokn = "env:HUB" }
[trackers.ok]
kind = "github"
project = "acme/other"
auth = { token = "env:MISSING" }
[bridges.payments]
trackers = ["hub", "okk"]
every = "60"
[bridges.payments.fields]
titel = "manual"
status = "merge"
priority = { prefer = "hbu" }
[people.ada]
hubb = "ada"
"""
    )
    told = problems_of(path, {})
    assert told == (
        "trackdown.toml:1: [stroe] unknown key: did you mean 'store'?",
        "trackdown.toml:4: [trackers.jira] kind: no such kind of tracker: did you mean 'github'?",
        "trackdown.toml:5: [trackers.hub] project: is missing (the repository, owner/name)",
        "trackdown.toml:7: [trackers.hub] projct: unknown key: did you mean 'project'?",
        (
            "trackdown.toml:8: [trackers.hub] auth.token: is missing (a personal access token, or an App's installation token; "
            "issues: read and write)"
        ),
        "trackdown.toml:8: [trackers.hub] auth.tokn: unknown key: did you mean 'token'?",
        "trackdown.toml:12: [trackers.ok] auth.token: the environment variable MISSING is not set: export MISSING=…",
        "trackdown.toml:14: [bridges.payments] trackers: no tracker 'okk': did you mean 'ok'?",
        'trackdown.toml:15: [bridges.payments] every: write a duration such as "60s", "5m" or "1h"',
        "trackdown.toml:17: [bridges.payments.fields] titel: unknown key: did you mean 'title'?",
        (
            "trackdown.toml:18: [bridges.payments.fields] status: one value can't be merged: "
            'write "last_writer", "manual" or { prefer = "a tracker" }'
        ),
        (
            "trackdown.toml:19: [bridges.payments.fields] priority.prefer: 'hbu' is not one of this bridge's trackers: "
            "did you mean 'hub'?"
        ),
        "trackdown.toml:21: [people.ada] hubb: no such tracker: did you mean 'hub'?",
    )


def test_a_literal_secret_is_refused_and_not_repeated(write):
    """The message says how to write it, and does not spread what was written."""
    (told,) = problems_of(write(GOOD.replace("env:A_TOKEN", "ghp_literal")))
    assert told.startswith("trackdown.toml:5: [trackers.a] auth.token: a literal secret is refused")
    assert "ghp_literal" not in told


def test_a_literal_token_is_fine_for_a_simulator_on_this_machine(write):
    """What leads nowhere but to loopback is no secret."""
    text = GOOD.replace('kind = "github"', 'kind = "github"\nurl = "http://127.0.0.1:8080"').replace(
        "env:A_TOKEN", "tok"
    )
    assert load(write(text), environ=ENVIRONMENT).trackers["a"].settings.auth.token.get_secret_value() == "tok"


def test_commands_that_talk_to_no_tracker_need_no_secret(write):
    """The inbox of conflicts can be read where no token is."""
    assert load(write(GOOD), need_secrets=False, environ={}).secrets == frozenset()


def test_a_secret_file_that_others_may_read_is_warned_of(write, tmp_path):
    """It works, and the warning names the file and the mend."""
    token = tmp_path / "token"
    token.write_text("from-a-file\n")
    token.chmod(0o644)
    config = load(write(GOOD.replace("env:A_TOKEN", "file:token")), environ=ENVIRONMENT)
    assert "from-a-file" in config.secrets
    assert len(config.warnings) == 1
    assert "chmod 600" in config.warnings[0]
    token.chmod(0o600)
    assert load(config.path, environ=ENVIRONMENT).warnings == ()


@pytest.mark.parametrize("missing", ["file:nowhere", "keyring:nothing"])
def test_a_reference_that_leads_nowhere_is_told_with_its_place(write, missing):
    """Each kind of reference has its own mend."""
    (told,) = problems_of(write(GOOD.replace("env:A_TOKEN", missing)))
    assert told.startswith("trackdown.toml:5: [trackers.a] auth.token: ")


def test_two_trackers_of_one_project_cannot_be_bridged(write):
    """A project must not be kept in step with itself."""
    (told,) = problems_of(write(GOOD.replace("acme/mirror", "ACME/payments")))
    assert told.endswith("a and b are the same project")


def test_one_account_cannot_be_two_people(write):
    """Otherwise who is meant would depend on the order of the file."""
    (told,) = problems_of(write(GOOD + '[people.ada]\na = "x"\n[people.grace]\na = "X"\n'))
    assert told == "trackdown.toml:17: [people.grace] a: this is also ada's account"


def test_names_of_people_are_for_reports(write):
    """`name` is no tracker; without one the table's own name will do."""
    config = load(
        write(GOOD + '[people.ada]\nname = "Ada Lovelace"\na = "al"\n[people.alan-t]\nb = "at"\n'), environ=ENVIRONMENT
    )
    assert config.names == {"ada": "Ada Lovelace", "alan-t": "Alan T"}
    assert config.people["ada"] == {"a": "al"}


def test_broken_toml_is_told_with_its_line(write):
    """The parser's own words, and where."""
    (told,) = problems_of(write("[store]\nurl = \n"))
    assert told.startswith("trackdown.toml:2: not TOML: ")


def test_toml_that_breaks_off_says_so(write):
    """There is no line to name: the end of the file is the place."""
    (told,) = problems_of(write("x = ["))
    assert told.startswith("trackdown.toml: not TOML: ")
    assert told.endswith("at end of document")


def test_a_missing_file_says_how_to_get_one(tmp_path):
    """The first thing that everybody meets."""
    (told,) = problems_of(tmp_path / "none.toml")
    assert "trackdown init" in told


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "sqlite:///:memory:", "postgresql://x/y"])
def test_a_store_that_cannot_work_is_refused(write, url):
    """An unknown database, and one that forgets."""
    (told,) = problems_of(write(f'[store]\nurl = "{url}"\n{GOOD}'))
    assert told.startswith("trackdown.toml:2: [store] url: ")


def test_the_store_s_address_may_come_from_the_environment(write):
    """An address with a password is a secret too."""
    environ = {**ENVIRONMENT, "STORE": "postgresql+psycopg://u:hunter22@db/x"}
    config = load(write(f'[store]\nurl = "env:STORE"\n{GOOD}'), environ=environ)
    assert config.store_url == environ["STORE"]
    assert "hunter22" in config.secrets
    assert "hunter22" not in repr(config)


@given(
    st.recursive(
        st.text(max_size=5) | st.integers() | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["trackers", "bridges", "people", "store", "a", "kind", "auth", "fields", "select", "mapping"]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_stands_there_it_is_read_or_refused(value):
    """No shape of a config makes the reader itself fail."""
    raw = {"trackers": value, "bridges": {"x": value}, "people": value, "store": value}
    reader = configfile._Reader(Path("x.toml"), raw, configfile.scan("x.toml", ""), True, {})
    with pytest.raises(ConfigError):
        reader.read()


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("1.5h", 5400), ("2d", 172_800)])
def test_durations(text, seconds):
    """A number and a unit."""
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-1s", "0s", 60, "1 fortnight", None])
def test_bad_durations(text):
    """No unit, no number, nothing at all."""
    with pytest.raises(ValueError, match="write a duration"):
        parse_duration(text)


def test_the_example_is_a_good_config():
    """What the documentation shows can be used as it stands."""
    environ = dict.fromkeys(("JIRA_TOKEN", "GITHUB_TOKEN", "AZURE_DEVOPS_TOKEN"), "a-token")
    config = load(EXAMPLE, environ=environ)
    bridge = config.bridges["payments"]
    assert bridge.fields[Field.PRIORITY] == FieldPolicy(PolicyName.PREFER, "jira")
    assert config.names["ada"] == "Ada Lovelace"


def test_the_example_has_every_key_and_no_other():
    """A key that is added to the types is explained there, or this fails."""
    raw = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))

    def keys(model: type[BaseModel]) -> set[str]:
        return set(model.model_fields)

    assert set(raw) == keys(ConfigSettings)
    assert set(raw["store"]) == keys(StoreSettings)
    bridge = raw["bridges"]["payments"]
    assert set(bridge) == keys(BridgeSettings)
    assert set(bridge["limits"]) == keys(LimitsSettings)
    assert set(bridge["attachments"]) == keys(AttachmentsSettings)
    assert set(bridge["fields"]) == set(Field)
    assert {table["kind"] for table in raw["trackers"].values()} == set(kinds())


def test_the_example_shows_the_defaults():
    """Where it shows a value for a key that has a default and no alternative, it is that one."""
    raw = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert StoreSettings(**raw["store"]) == StoreSettings()
    assert LimitsSettings(**raw["bridges"]["payments"]["limits"]) == LimitsSettings()
    assert AttachmentsSettings(**raw["bridges"]["payments"]["attachments"]) == AttachmentsSettings()
    shown = BridgeSettings(**raw["bridges"]["payments"])
    plain = BridgeSettings(trackers=("a", "b"))
    assert (shown.every, shown.settle) == (plain.every, plain.settle)


@pytest.mark.parametrize("model", [ConfigSettings, StoreSettings, BridgeSettings, LimitsSettings, AttachmentsSettings])
def test_every_key_is_described(model):
    """The reference is made from these sentences."""
    assert all(info.description for info in model.model_fields.values())
