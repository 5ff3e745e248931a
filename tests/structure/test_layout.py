"""The parts stand where they belong: layers, adapters, mappings, dependencies."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sync.shell import mappingfile
from sync.shell.registry import kinds

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
ADAPTERS = sorted(path for path in (ROOT / "adapters").iterdir() if path.is_dir() and not path.name.startswith("_"))
FILES = {
    *("__init__.py", "settings.py", "adapter.py", "client.py", "wire.py", "codec.py", "errors.py"),
    *("README.md", "quality.toml", "simulator"),
}


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_layers_hold():
    """Who imports whom is as pyproject.toml says."""
    command = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_adapters_have_the_same_files(folder):
    """Who knows one adapter finds their way in the others."""
    assert FILES - {path.name for path in folder.iterdir()} == set()


@pytest.mark.parametrize("folder", ADAPTERS, ids=lambda folder: folder.name)
def test_quality_is_told_for_the_same_rules(folder):
    """Every adapter says how it stands to every rule, with a reason."""
    rules = {path.name: tomllib.loads((path / "quality.toml").read_text("utf-8"))["rules"] for path in ADAPTERS}
    every = set().union(*rules.values())
    mine = rules[folder.name]
    assert set(mine) == every
    assert {told["status"] for told in mine.values()} <= {"done", "todo", "exempt"}
    assert all(told["reason"].strip() for told in mine.values())


def test_every_shipped_kind_has_a_mapping_that_loads():
    """Each folder of `adapters/` has a mapping of its name, without a problem."""
    assert {folder.name for folder in ADAPTERS} <= set(kinds()) & set(mappingfile.shipped())
    for name in mappingfile.shipped():
        assert mappingfile.load(name, folder=ROOT).tracker == name


def test_the_lock_pins_with_hashes_and_no_addresses():
    """Every requirement has an exact version and hashes; where it comes from is the installer's matter."""
    requirements = re.findall(r"^([A-Za-z0-9][^\s\\]*)((?:.|\n)*?)(?=^[A-Za-z0-9]|\Z)", LOCK, re.MULTILINE)
    assert len(requirements) > len(PYPROJECT["project"]["dependencies"])
    for requirement, rest in requirements:
        assert re.search(r"==[\w.!+]+$", requirement), requirement
        assert "--hash=sha256:" in rest, requirement
    assert "://" not in LOCK
    assert [line for line in LOCK.splitlines() if line.startswith("-")] == []


def test_the_lock_holds_every_dependency():
    """What pyproject.toml asks for, as it runs and for the tests, is in the lock."""
    locked = {_normal(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)", LOCK, re.MULTILINE)}
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = [
        *PYPROJECT["project"]["dependencies"],
        *extras["keyring"],
        *extras["postgresql"],
        *extras["testing"],
        *PYPROJECT["dependency-groups"]["dev"],
    ]
    names = {_normal(re.match(r"[\w.-]+", one)[0]) for one in wanted}
    assert names - locked == set()
