"""Tokens travel to the configured server only, and only where nobody reads along."""

from __future__ import annotations

import http.server
import importlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sync.core.errors import ConfigError, TrackerError, Unreachable
from sync.core.ids import ReplicaName
from sync.shell.configfile import load
from tests.system.bridged import Bridged, bridged

KINDS = ("jira", "github", "azure_devops")
PROJECTS = {"jira": "PAY", "github": "acme/payments", "azure_devops": "Payments"}


def opened(kind: str, url: str) -> Any:
    auth = {"token": "canary-token-1"} | ({"user": "bot@acme.example"} if kind == "jira" else {})
    settings = importlib.import_module(f"adapters.{kind}.settings").Settings
    checked: BaseModel = settings.model_validate({"url": url, "project": PROJECTS[kind], "auth": auth})
    return importlib.import_module(f"adapters.{kind}.adapter").open_adapter(
        checked, replica=ReplicaName("r"), sleep=lambda _: None
    )


class Witness(http.server.BaseHTTPRequestHandler):
    """Notes what it is asked, and knows nothing."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        type(self).seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        body = b"{}"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def witness(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Witness,), {"seen": seen}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is what is wanted
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://localhost:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody has signed, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not there")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    key = file.with_name("key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", file],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_text(file.read_text() + key.read_text())
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nobody_vouches_for_gets_no_token(
    kind: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a byte of HTTP is sent; with the authority's file in the environment the same server is spoken to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with witness(context) as (url, seen):
        adapter = opened(kind, url)
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            adapter.probe()
        adapter.close()
        assert seen == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        adapter = opened(kind, url)
        with pytest.raises(TrackerError) as caught:
            adapter.probe()
        adapter.close()
        assert not isinstance(caught.value, Unreachable)
        assert seen


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_turns_the_look_at_certificates_off(kind: str) -> None:
    """No key of the config does; `REQUESTS_CA_BUNDLE` names another authority, and no authority at all can't be named."""
    settings = importlib.import_module(f"adapters.{kind}.settings").Settings
    assert not {"verify", "insecure", "ssl", "tls", "verify_ssl", "cert"} & set(settings.model_fields)


CONFIG = """
[trackers.a]
kind = "{kind}"
url = "{url}"
project = "{project}"
auth = {{ token = "env:T" }}

[trackers.b]
kind = "github"
project = "acme/other"
auth = {{ token = "env:T" }}

[bridges.both]
trackers = ["a", "b"]
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://tracker.example", "write https://"),
        ("http://10.0.0.1:8080", "write https://"),
        ("http://localhost.evil.example", "write https://"),
        ("https://bot:hunter2hunter2@tracker.example", "`auth` is their place"),
        ("https://tracker.example", ""),
        ("http://127.0.0.1:8080", ""),
        ("http://[::1]:8080", ""),
    ],
)
def test_an_address_that_gives_the_token_away_is_refused(tmp_path: Path, kind: str, url: str, told: str) -> None:
    """Without TLS only this very machine is spoken to, and no address holds credentials; no message repeats them."""
    path = tmp_path / "trackdown.toml"
    path.write_text(CONFIG.format(kind=kind, url=url, project=PROJECTS[kind]), encoding="utf-8")
    if not told:
        assert load(path, environ={"T": "canary-token-1"})
        return
    with pytest.raises(ConfigError) as caught:
        load(path, environ={"T": "canary-token-1"})
    (problem,) = caught.value.problems
    assert told in problem
    assert "trackers.a" in problem
    assert "hunter2" not in problem


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Bridged]:
    with bridged(tmp_path) as found:
        yield found


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["jira", "github", "azure"])
def test_a_redirect_to_another_server_takes_no_token_along(world: Bridged, name: str, status: int) -> None:
    """Reads and writes alike: the other server is not even asked."""
    simulator = {"jira": world.jira, "github": world.github, "azure": world.azure}[name]
    with witness() as (url, seen):
        world.fail(simulator, fault="status", status=status, headers={"Location": f"{url}/elsewhere"}, times=99)
        with world.opened() as bridge:
            adapter = bridge.replicas[ReplicaName(name)].adapter
            with pytest.raises(TrackerError):
                adapter.probe()
            assert adapter.traffic.requests >= 1
        assert seen == []
