"""Azure DevOps is a tracker."""

import pytest

from sync.testing.conformance import AdapterConformance
from tests.conformance.drivers_azure_devops import SUBJECTS


class TestAzureDevOps(AdapterConformance):
    @pytest.fixture(params=sorted(SUBJECTS))
    def subject(self, request):
        with SUBJECTS[request.param]() as subject:
            yield subject
