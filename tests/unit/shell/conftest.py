"""Configs written to a folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """
[trackers.a]
kind = "github"
project = "acme/payments"
auth = { token = "env:A_TOKEN" }

[trackers.b]
kind = "github"
project = "acme/mirror"
auth = { token = "env:B_TOKEN" }

[bridges.both]
trackers = ["a", "b"]
"""
ENVIRONMENT = {"A_TOKEN": "secret-of-a", "B_TOKEN": "secret-of-b"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write a config and give its path."""

    def _write(text: str) -> Path:
        path = tmp_path / "trackdown.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write
