"""Every folder of `adapters/` is an adapter as the suite defines it."""

import importlib
import importlib.util
import pkgutil

import pytest

import adapters
from sync.testing.conformance import AdapterConformance, FlavourConformance

KINDS = sorted(module.name for module in pkgutil.iter_modules(adapters.__path__) if module.ispkg)


def _opened(which):
    for kind in KINDS:
        module = f"tests.conformance.drivers_{kind}"
        if importlib.util.find_spec(module) is None:
            yield pytest.param(None, id=kind)
            continue
        for name, opened in getattr(importlib.import_module(module), which).items():
            yield pytest.param(opened, id=f"{kind}-{name}")


class TestAdapters(AdapterConformance):
    @pytest.fixture(params=_opened("SUBJECTS"))
    def subject(self, request):
        if request.param is None:
            pytest.fail(f"no tests/conformance/drivers_{request.node.callspec.id}.py: every adapter has a driver")
        with request.param() as subject:
            yield subject


class TestFlavours(FlavourConformance):
    @pytest.fixture(params=[param for param in _opened("FLAVOURS") if param.values != (None,)])
    def subject(self, request):
        with request.param() as subject:
            yield subject


def test_every_tracker_is_found():
    """The folders that the suite runs over are the trackers that we ship."""
    assert {"azure_devops", "github", "jira"} <= set(KINDS)
