"""The reference is written from the code, and says what the code does."""

import importlib.util

import pytest
import typer

from sync.shell.cli.main import app
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def generated():
    """What `make docs` would write now."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.pages())


def commands():
    """Every command with its subcommands, as a person types it."""
    for name, command in typer.main.get_command(app).commands.items():
        yield name
        yield from (f"{name} {below}" for below in getattr(command, "commands", {}))


def test_the_reference_is_up_to_date(generated):
    """Every page of the reference is what the generator writes now, and there is no other."""
    written = {path.name: path.read_text("utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert written.keys() == generated.keys()
    stale = [name for name, text in generated.items() if written[name] != text]
    assert stale == [], "run `make docs`"


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_has_a_section(command):
    """A person finds each command in the reference, with all of its options."""
    page = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    _, found, section = page.partition(f"## `trackdown {command}`\n")
    assert found, f"no section for {command}"
    section = section.split("\n## ", 1)[0]
    assert f"trackdown {command}" in section
    parts = command.split()
    parsed = typer.main.get_command(app).commands[parts[0]]
    parsed = parsed.commands[parts[1]] if parts[1:] else parsed
    for option in parsed.params:
        assert not option.opts[0].startswith("-") or option.opts[0] in section
