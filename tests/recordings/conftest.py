"""Failed assertions of the judges show their values."""

import pytest

pytest.register_assert_rewrite(*(f"tests.recordings.in_{tracker}" for tracker in ("azure_devops", "github", "jira")))
