"""The figures are counted, not assumed: a small project through the same code as `make bench`."""

import pytest

from bench.figures import Bench
from bench.runs import Failed, idle_cpu, run
from bench.world import a_world


def test_the_first_pull_is_counted():
    """Every figure with a target says whether it was reached, from the tracker's own log."""
    found = list(Bench(small=12, large=12, edited=2, tell=str).pull())
    assert [(figure.measured, figure.reached) for figure in found[:3]] == [("1", True), ("1", True), ("0", True)]
    assert [figure.reached for figure in found[3:]] == [None]


def test_an_empty_project_has_idle_cycles():
    """The measured process opens the config and runs cycles; starting Python is not in their cost."""
    with a_world(("github", "azure")) as world:
        assert 0 < idle_cpu(world, cycles=3) < 5
        assert {name for name, log in world.requests().items() if log} == {"github", "azure"}


def test_a_run_that_fails_gives_no_figures(tmp_path):
    """An exit code other than 0 is an error, told with what the process said."""
    with pytest.raises(Failed, match="ended with 2"):
        run("sync.shell.cli.main", "--config", str(tmp_path / "missing.toml"), "sync", "--json")
