"""How many cases the properties try: few in `make test`, TRACKDOWN_EXAMPLES of them in `make fuzz`."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# The shipped kit asserts too; said before anything imports it.
pytest.register_assert_rewrite("sync.testing")

if examples := os.environ.get("TRACKDOWN_EXAMPLES"):
    settings.register_profile("fuzz", max_examples=int(examples), deadline=None)
    settings.load_profile("fuzz")
