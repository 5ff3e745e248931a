"""Who works on a bridge: one holder at a time, told apart by an epoch that only grows."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

from sync.core.errors import BridgeBusy, LeaseLost
from sync.core.ids import BridgeName
from sync.store.records import Lease
from sync.store.repository import Repository
from sync.store.tables import LeaseRow


class Leases(Repository):
    """Leases, inside a writing transaction."""

    def acquire(self, bridge: BridgeName, ttl: timedelta, holder: str | None) -> Lease:
        """Take the bridge, or raise `BridgeBusy` while a living holder has it."""
        now = self._now()
        row = self._get(LeaseRow, bridge)
        if row is not None and row.expires_at is not None and row.expires_at > now and not _is_dead(row):
            since = row.acquired_at.strftime("%Y-%m-%d %H:%M:%S UTC")
            raise BridgeBusy(f"bridge '{bridge}' is being synced by {row.holder} since {since}")
        lease = Lease(
            bridge=bridge,
            epoch=1 if row is None else row.epoch + 1,
            holder=holder or f"{socket.gethostname()} pid {os.getpid()}",
            acquired_at=now,
            ttl=ttl,
        )
        self._upsert(
            LeaseRow,
            [
                {
                    "bridge": bridge,
                    "epoch": lease.epoch,
                    "holder": lease.holder,
                    "machine": _machine(),
                    "pid": os.getpid(),
                    "acquired_at": now,
                    "expires_at": now + ttl,
                }
            ],
        )
        return lease

    def check(self, lease: Lease) -> None:
        """Raise `LeaseLost` unless nobody took the bridge since."""
        row = self._get(LeaseRow, lease.bridge)
        if row is None or row.epoch != lease.epoch or row.expires_at is None:
            holder = "nobody" if row is None or row.expires_at is None else row.holder
            raise LeaseLost(f"bridge '{lease.bridge}' is not ours any more: {holder} has it")

    def renew(self, lease: Lease) -> None:
        """Hold on for another `ttl`."""
        self.check(lease)
        self._change(LeaseRow, lease.bridge, expires_at=self._now() + lease.ttl)

    def release(self, lease: Lease) -> None:
        """Let go; nothing to do when somebody else took over."""
        row = self._get(LeaseRow, lease.bridge)
        if row is not None and row.epoch == lease.epoch:
            self._change(LeaseRow, lease.bridge, expires_at=None)


def _machine() -> str:
    """Where a process id means something: this host, and on Linux this container."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}"


def _is_dead(row: LeaseRow) -> bool:
    """Whether the holder is a process of this machine that is not there any more."""
    if os.name != "posix" or row.machine != _machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
