"""The tracker in memory is a tracker."""

import pytest

from sync.testing.conformance import AdapterConformance
from tests.conformance.drivers_memory import SUBJECTS


class TestMemory(AdapterConformance):
    @pytest.fixture(params=sorted(SUBJECTS))
    def subject(self, request):
        with SUBJECTS[request.param]() as subject:
            yield subject
