"""Mapping files: the shipped ones, one's own, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.core.errors import ConfigError
from sync.core.mapping import TypeRow
from sync.core.models import Field
from sync.shell.mappingfile import MappingNotFoundError, _Reader, load, shipped
from sync.shell.places import scan


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path.name, folder=path.parent)
    return caught.value.problems


@pytest.fixture
def write(tmp_path):
    def _write(text: str) -> Path:
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_mappings_keep_to_the_vocabulary(name, tmp_path):
    """Each loads without a problem and is for the tracker it is named after."""
    assert load(name, folder=tmp_path).tracker == name


def test_a_mapping_of_ones_own(write):
    """Values, categories, fallbacks, types, screens and presets arrive as the core has them."""
    path = write(
        """
tracker = "jira"
preset = "small"
[fields.status.values]
open = ["To Do", "Open"]
[fields.status.categories]
done = "done"
[fields.status.fallback]
blocked = "open"
[fields.labels]
carry = false
[[types]]
native = "Bug"
kind = "issue"
type = "bug"
[screen.done]
resolution = "Done"
[presets.small]
when_types = ["Story"]
[presets.small.fields.status.values]
open = ["New"]
"""
    )
    mapping = load("own.toml", folder=path.parent)
    status = mapping.fields[Field.STATUS]
    assert status.values == {"open": ("To Do", "Open")}
    assert (status.categories, status.fallback) == ({"done": "done"}, {"blocked": "open"})
    assert mapping.types == (TypeRow(native="Bug", kind="issue", type="bug"),)
    assert mapping.off == {Field.LABELS}
    assert mapping.screen == {"done": {"resolution": "Done"}}
    assert mapping.presets[0].fields[Field.STATUS].values == {"open": ("New",)}


def test_extends_lays_ones_own_words_over_the_shipped_ones(write):
    """Only what is written is replaced."""
    shipped_mapping = load("github", folder=Path())
    path = write('extends = "github"\n[fields.priority.values]\nP0 = ["label:urgent"]\n')
    mapping = load("own.toml", folder=path.parent)
    priorities = mapping.fields[Field.PRIORITY].values
    assert priorities["P0"] == ("label:urgent",)
    assert priorities["P1"] == shipped_mapping.fields[Field.PRIORITY].values["P1"]
    assert mapping.types == shipped_mapping.types


def test_all_problems_at_once_with_places(write):
    """Words outside the vocabulary, wrong shapes and unknown keys, each with its line."""
    told = problems_of(
        write(
            """tracker = "jira"
colour = 1
[fields.statsu.values]
[fields.status]
valuse = {}
[fields.status.values]
doone = ["Done"]
open = "To Do"
[[types]]
native = "Bug"
kind = "isue"
[[types]]
kind = "epic"
[screen.finished]
resolution = "Done"
"""
        )
    )
    assert told == (
        "own.toml:2: colour: unknown key: known are custom, extends, fields, preset, presets, screen, tracker, types",
        "own.toml:3: [fields.statsu] unknown field: did you mean 'status'?",
        "own.toml:5: [fields.status] valuse: unknown key: did you mean 'values'?",
        "own.toml:7: [fields.status.values] doone: 'doone' is no canonical word: did you mean 'done'?",
        'own.toml:8: [fields.status.values] open: must be a list of native words, for example ["To Do", "Open"]',
        "own.toml:11: [types.0] kind: 'isue' is no canonical word: did you mean 'issue'?",
        "own.toml:12: [types.1] native: is missing: write the tracker's own name of the type",
        (
            "own.toml:14: [screen.finished] 'finished' is no canonical word: known are blocked, done, in_progress, open, "
            "reopened, review"
        ),
    )


def test_a_word_with_two_meanings_is_refused(write):
    """It would be read as one and written as the other."""
    (told,) = problems_of(write('tracker = "jira"\n[fields.status.values]\nopen = ["New"]\ndone = ["new"]\n'))
    assert told == "own.toml:4: [fields.status.values] done: 'new' already means 'open'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('extends = "jra"', "did you mean 'jira'?"),
        ('tracker = "jira"\npreset = "x"', "no preset 'x'"),
        ("[fields]\n", "tracker: is missing"),
    ],
)
def test_what_a_file_refers_to_must_be_there(write, text, message):
    """A shipped mapping, a preset, the kind."""
    assert message in "".join(problems_of(write(text)))


_WORDS = st.sampled_from(
    ["fields", "status", "values", "open", "types", "presets", "x", "screen", "done", "when_types", "native", "carry"]
)
_ANYTHING = st.recursive(
    st.text(max_size=3) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(_WORDS, _ANYTHING, max_size=4))
def test_whatever_a_file_holds_it_is_read_or_refused(table):
    """No shape of a mapping makes the reader itself fail."""
    reader = _Reader(scan("own.toml", ""))
    reader.check({"tracker": "jira", **table})
    mapping = reader.build({"tracker": "jira", **table})
    assert reader.problems or mapping.tracker == "jira"


def test_a_mapping_that_is_nowhere(tmp_path):
    """Neither shipped nor a file: the nearest name is offered."""
    with pytest.raises(MappingNotFoundError, match="did you mean 'github'"):
        load("githb", folder=tmp_path)
