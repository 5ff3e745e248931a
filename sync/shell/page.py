"""The conflicts as one self-contained HTML page: no script, no network, everything escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sync.core.fieldrules import rule_of
from sync.core.ids import BridgeName
from sync.shell.review import ConflictView
from sync.shell.words import count, moment, safe, say


def render_page(views: Sequence[ConflictView], tickets: Mapping[BridgeName, int], now: datetime) -> str:
    """The whole page as text."""
    environment = Environment(
        autoescape=True, finalize=_shown, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(moment=moment, say=say, label=lambda field: rule_of(field).label, web=_web_address)
    source = resources.files("sync.shell").joinpath("templates/conflicts.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        waiting=[view for view in views if view.waits],
        decided=[view for view in views if not view.waits],
        tickets=tickets,
        now=now,
        count=count,
    )


def _shown(value: Any) -> Any:
    """Every text that is put into the page, without what changes its direction; the page's own pieces are markup already."""
    return safe(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _web_address(url: str) -> str:
    """The address of a ticket, or nothing where it is not one of the web's (`javascript:` and the like)."""
    return url if urlsplit(url).scheme in ("http", "https") else ""
