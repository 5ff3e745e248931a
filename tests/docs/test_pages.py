"""What the pages show is true: links lead somewhere, configs load, commands exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from sync.shell import configfile, mappingfile
from sync.shell.cli.main import app
from tests.docs.pages import PAGES, ROOT, blocks, name_of, prose

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
TOML = [pytest.param(text, id=f"{name_of(page)}-{n}") for page in PAGES for n, text in enumerate(blocks(page, "toml"))]
SHELL = [pytest.param(page, id=name_of(page)) for page in PAGES if blocks(page, "sh")]
TOKENS = {"JIRA_TOKEN": "a-token", "GITHUB_TOKEN": "a-token", "AZURE_DEVOPS_TOKEN": "a-token"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_project_resolve(page):
    """Every relative link leads to a file, and every anchor to a heading."""
    for match in _LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in _anchors(there), f"{name_of(page)} links to {match['target']}"


@pytest.mark.parametrize("text", TOML)
def test_toml_is_toml(text):
    """What a page shows as TOML can be read as TOML."""
    assert tomllib.loads(text)


@pytest.mark.parametrize(
    "text", [one for one in TOML if "[trackers." in one.values[0] and "[bridges." in one.values[0]]
)
def test_whole_configs_load(text, tmp_path):
    """A config that a page shows as a whole has no problem."""
    path = tmp_path / "trackdown.toml"
    path.write_text(text, "utf-8")
    assert configfile.load(path, environ=TOKENS).bridges


@pytest.mark.parametrize("text", [one for one in TOML if "extends =" in one.values[0]])
def test_mappings_load(text, tmp_path):
    """A mapping that a page shows is taken as it stands."""
    (tmp_path / "ours.toml").write_text(text, "utf-8")
    assert mappingfile.load("ours.toml", folder=tmp_path).tracker in mappingfile.shipped()


def test_the_pages_show_configs_and_mappings():
    """The three tests above have something to look at."""
    assert sum("[bridges." in one.values[0] for one in TOML) >= 2
    assert any("extends =" in one.values[0] for one in TOML)


@pytest.mark.parametrize("page", SHELL)
def test_commands_exist(page):
    """Every `trackdown` command and option, and every make target, that a page shows is there."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for line in "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert words[1] in targets
        elif words[:1] == ["trackdown"]:
            _check(words[1:])


def test_no_page_is_an_orphan():
    """Every page under docs is linked from another page."""
    linked = {
        (page.parent / match["target"].partition("#")[0]).resolve()
        for page in PAGES
        for match in _LINK.finditer(prose(page))
    }
    orphans = [name_of(page) for page in PAGES if page.is_relative_to(ROOT / "docs") and page.resolve() not in linked]
    assert orphans == []


def _check(words):
    command = typer.main.get_command(app)
    known = _options(command)
    for word in words:
        if word in {"&", "&&", "|", ">"}:
            return
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{word} in {words}"
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
            known |= _options(command)
    assert not getattr(command, "commands", {}) or command.invoke_without_command, words


def _options(command):
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}


def _anchors(path: Path):
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
