"""Secrets are found where a reference says, and get out nowhere."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from sync.shell import logs, secrets
from sync.shell.cli.common import Invocation
from sync.shell.secrets import SecretUnavailableError, is_loopback, resolve


@pytest.fixture
def restored_logging():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("apscheduler").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def test_a_secret_is_read_without_its_line_end(tmp_path):
    """Editors and `echo` add one."""
    (tmp_path / "token").write_text("abc\n")
    assert resolve("file:token", folder=tmp_path) == "abc"
    assert resolve("env:X", folder=tmp_path, environ={"X": "abc\n"}) == "abc"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("env:NOPE", "environment variable NOPE is not set"),
        ("env:EMPTY", "environment variable EMPTY is not set"),
        ("file:nope", "nope can't be read"),
        ("file:empty", "is empty"),
        ("keyring:x", "keyring:service/name"),
        ("hunter2", "a literal secret is refused"),
    ],
)
def test_what_is_missing_is_said_with_the_mend(tmp_path, reference, message):
    """Each way of holding a secret fails in its own words."""
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SecretUnavailableError, match=message):
        resolve(reference, folder=tmp_path, environ={"EMPTY": ""})


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:1/x", True),
        ("http://[::1]:1", True),
        ("https://api.github.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_is_loopback(url, loopback):
    """A literal token is accepted for nothing else."""
    assert is_loopback(url) is loopback


def test_only_files_that_others_may_read_are_warned_of(tmp_path):
    """A secret in the environment has no mode."""
    (tmp_path / "t").write_text("x")
    (tmp_path / "t").chmod(0o640)
    assert "mode 640" in (secrets.warning_of("file:t", tmp_path) or "")
    assert secrets.warning_of("env:t", tmp_path) is None


@pytest.mark.parametrize("as_json", [True, False])
def test_logs_hide_secrets_by_key_and_by_value(as_json, restored_logging):
    """Whatever stands around it: nested, in a message, in an exception."""
    stream = io.StringIO()
    logs.configure(["super-secret-token"], stream=stream, as_json=as_json)
    log = structlog.get_logger("trackdown")
    log.warning("with super-secret-token inside", auth={"token": "other-secret"}, items=["super-secret-token"])
    log.info("keys", api_key="third-secret", Authorization="Basic Zm9v")
    try:
        raise ValueError("super-secret-token")
    except ValueError:
        log.exception("failed")
    logging.getLogger("urllib3").warning("library says super-secret-token")
    told = stream.getvalue()
    for secret in ("super-secret-token", "other-secret", "third-secret", "Zm9v"):
        assert secret not in told
    assert told.count("***") >= 6
    assert "library says" in told


def test_json_logs_are_one_object_a_line(restored_logging):
    """With the time, the level and what happened."""
    stream = io.StringIO()
    logs.configure([], stream=stream)
    structlog.get_logger("trackdown").info("state changed", bridge="payments", now="ok")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"], line["bridge"]) == ("state changed", "info", "payments")
    assert line["timestamp"].endswith("Z")


def test_messages_of_the_command_line_are_redacted_too():
    """What an error quotes of a secret is covered."""
    called = Invocation(secrets={"tok-123456", "short"})
    assert called.redact("url?token=tok-123456 short") == "url?token=*** short"
