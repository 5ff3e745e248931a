"""One native request: committed as sent before it goes out, and with its outcome after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sync.core.errors import (
    AuthFailed,
    Limited,
    Malformed,
    PreconditionFailed,
    Retryable,
    TrackerError,
    Uncertain,
    Unreachable,
)
from sync.core.ids import RunId
from sync.core.models import Fields, JsonObject
from sync.core.plan import Intent
from sync.core.ports import NativeOp, OpKind, Receipt
from sync.core.vouching import vouched
from sync.engine.echoes import DOUBTFUL
from sync.engine.runtime import Bridge, Replica
from sync.store import Lease, Tx
from sync.store.convert import fields_to_json
from sync.store.records import OutboxRecord

Landed = Callable[[Tx, Receipt], None]


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends requests to one replica in one run; `sent` counts those that went out."""

    bridge: Bridge
    lease: Lease
    run: RunId
    replica: Replica
    sent: int = 0
    unknown: int = 0

    def send(
        self,
        intent: Intent,
        op: NativeOp,
        landed: Landed,
        context: Mapping[str, str] | None = None,
        content: Path | None = None,
    ) -> Receipt:
        """Send `op` once; `landed` stores what came of it in the transaction that records the outcome.

        Raises what the adapter raised; an answer that was lost or can't be read leaves the request `unknown`, to be found out
        by reading. A request that had to wait leaves only while the bridge is still ours.
        """
        row = self._commit(intent, op, dict(context or {}))
        self.sent += 1

        def vouch() -> None:
            nonlocal row
            row = self._still_ours(row)

        try:
            with vouched(vouch):
                receipt = self.replica.adapter.write(op, content)
        except (Uncertain, Malformed) as error:
            self.unknown += 1
            self._ended(row, "unknown", str(error), {})
            raise Uncertain(str(error)) from error
        except TrackerError as error:
            # What another version stood in the way of is no refusal of the values: it is tried again.
            again = is_for_the_tracker(error) or isinstance(error, PreconditionFailed)
            refused = {} if again else {"refused": type(error).__name__}
            self._ended(row, "failed", str(error), refused)
            raise
        with self.bridge.store.begin(self.lease) as tx:
            # What it made of the request is looked at later, when somebody may have written since.
            blind = op.kind is OpKind.UPDATE and receipt.ticket is None
            context = {**row.context, "ref": receipt.ref} | ({DOUBTFUL: sorted(op.fields)} if blind else {})
            tx.outbox.save(replace(row, state="done", finished_at=self.bridge.now(), context=context))
            self._audit(tx, row, "done", {"ref": receipt.ref})
            landed(tx, receipt)
        return receipt

    def _commit(self, intent: Intent, op: NativeOp, context: JsonObject) -> OutboxRecord:
        """The intent, on disk before anything leaves."""
        changes = intent.changes.only(op.fields) if op.kind in (OpKind.CREATE, OpKind.UPDATE) else intent.changes
        before: Fields = {name: change.old for name, change in changes.fields.items()}
        with self.bridge.store.begin(self.lease) as tx:
            row = tx.outbox.add(
                run=self.run,
                bridge=self.bridge.name,
                replica=self.replica.name,
                ticket=intent.ticket,
                comment=intent.comment,
                link=intent.link,
                op=op,
                state="sent",
                sent_at=self.bridge.now(),
                fence=tx.links.numbers(self.bridge.name, self.replica.name),
                before=fields_to_json(before),
                after=fields_to_json(changes.news),
                context=context,
            )
            tx.audit.append(
                phase="intent",
                action=op.kind.value,
                run=self.run,
                bridge=self.bridge.name,
                ticket=intent.ticket,
                replica=self.replica.name,
                op_id=row.id,
                before=row.before,
                after=row.after,
                note=op.summary,
            )
        return row

    def _still_ours(self, row: OutboxRecord) -> OutboxRecord:
        """The intent, renewed where time has passed since: whoever took over meanwhile may have sent it by now.

        A create is looked for from the moment at which it leaves, so that is what `sent_at` says.
        """
        now = self.bridge.now()
        assert row.sent_at is not None
        if now - row.sent_at < min(self.lease.ttl, self.bridge.settle) / 4:
            return row
        renewed = replace(row, sent_at=now)
        with self.bridge.store.begin(self.lease) as tx:
            tx.outbox.save(renewed)
        return renewed

    def _ended(self, row: OutboxRecord, state: str, error: str, context: JsonObject) -> None:
        with self.bridge.store.begin(self.lease) as tx:
            tx.outbox.save(
                replace(
                    row,
                    state="unknown" if state == "unknown" else "failed",
                    finished_at=None if state == "unknown" else self.bridge.now(),
                    error=error,
                    context={**row.context, **context},
                )
            )
            self._audit(tx, row, state, {"error": error})

    def _audit(self, tx: Tx, row: OutboxRecord, state: str, after: JsonObject) -> None:
        tx.audit.append(
            phase="outcome",
            action=row.op.kind.value,
            run=self.run,
            bridge=self.bridge.name,
            ticket=row.ticket,
            replica=self.replica.name,
            op_id=row.id,
            after=after,
            note=state,
        )


def is_for_the_tracker(error: TrackerError) -> bool:
    """Whether the error is about the tracker as a whole, so that trying the next ticket is no use now."""
    return isinstance(error, AuthFailed | Retryable)


def may_be_the_ticket(error: TrackerError) -> bool:
    """Whether the tracker may only have stumbled over this one ticket: another one will tell."""
    return isinstance(error, Retryable) and not isinstance(error, Unreachable | Limited)
