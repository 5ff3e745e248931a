"""Every folder of `adapters/` is an adapter as the suite defines it."""

import importlib
import importlib.util
import pkgutil

import pytest

import adapters
from sync.testing.conformance import AdapterConformance

KINDS = sorted(module.name for module in pkgutil.iter_modules(adapters.__path__) if module.ispkg)


def _subjects():
    for kind in KINDS:
        module = f"tests.conformance.drivers_{kind}"
        if importlib.util.find_spec(module) is None:
            yield pytest.param(None, id=kind)
            continue
        for name, opened in importlib.import_module(module).SUBJECTS.items():
            yield pytest.param(opened, id=f"{kind}-{name}")


class TestAdapters(AdapterConformance):
    @pytest.fixture(params=_subjects())
    def subject(self, request):
        if request.param is None:
            pytest.fail(f"no tests/conformance/drivers_{request.node.callspec.id}.py: every adapter has a driver")
        with request.param() as subject:
            yield subject


def test_every_tracker_is_found():
    """The folders that the suite runs over are the trackers that we ship."""
    assert {"azure_devops", "github", "jira"} <= set(KINDS)
