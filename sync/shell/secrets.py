"""Secrets by reference: `env:NAME`, `file:path` or `keyring:service/name`; never written into a config."""

from __future__ import annotations

import base64
import ipaddress
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

SCHEMES = ("env", "file", "keyring")
FORMS = "env:NAME, file:path or keyring:service/name"


class SecretUnavailableError(ValueError):
    """A reference that leads to no secret; the message holds the reference and the mend, never a secret."""


def resolve(reference: str, *, folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """The secret behind a reference; relative files are looked up from `folder`."""
    scheme, _, name = reference.partition(":")
    match scheme:
        case "env":
            return _from_environment(name, os.environ if environ is None else environ)
        case "file":
            return _from_file(folder / Path(name).expanduser())
        case "keyring":
            return _from_keyring(name)
    raise SecretUnavailableError(f"a literal secret is refused here: write a reference instead ({FORMS})")


def spellings(secret: str, user: str = "") -> set[str]:
    """The secret as it may turn up in a message: as it is, in Basic authentication, and each of them in an address."""
    basic = [base64.b64encode(f"{name}:{secret}".encode()).decode() for name in {user, ""}]
    return {form for spelt in (secret, *basic) for form in (spelt, quote(spelt, safe=""))}


def warning_of(reference: str, folder: Path) -> str | None:
    """What is unsafe about where the secret lies: a file that others may read."""
    scheme, _, name = reference.partition(":")
    path = folder / Path(name).expanduser()
    if scheme != "file" or not path.is_file():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"{path} may be read by others (mode {mode:03o}): run `chmod 600 {path}`"
    return None


def exposed_by(url: str) -> str | None:
    """What is wrong with an address that credentials are sent to: they would be read on the way, or stand in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None  # whose address it is says that it is none
    if "@" in parts.netloc:
        return "credentials in an address get into logs: take them out, `auth` is their place"
    if parts.scheme == "http" and not is_loopback(url):
        return "without TLS everybody on the way reads the token: write https://"
    return None


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this very machine, where a simulator's token is no secret."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise SecretUnavailableError(f"the environment variable {name} is not set: export {name}=…")
    return environ[name].strip()


def _from_file(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SecretUnavailableError(
            f"{path} can't be read ({reason}): put the secret there, alone on one line"
        ) from None
    if not secret:
        raise SecretUnavailableError(f"{path} is empty: put the secret there, alone on one line")
    return secret


def _from_keyring(name: str) -> str:
    service, _, user = name.rpartition("/")
    if not service or not user:
        raise SecretUnavailableError("a keyring reference reads keyring:service/name")
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise SecretUnavailableError("keyring is not installed: install trackdown[keyring]") from None
    try:
        secret = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise SecretUnavailableError(f"the keyring does not answer ({type(error).__name__})") from None
    if not secret:
        raise SecretUnavailableError(f"the keyring has no {user!r} of {service!r}: run `keyring set {service} {user}`")
    return str(secret)
