"""Apply: the intents of a batch of tickets, one worker thread a replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from sync.core.errors import Forbidden, Limited, PreconditionFailed, Rejected, TrackerError, Uncertain, Unsupported
from sync.core.ids import ReplicaName
from sync.core.models import FieldProblem
from sync.core.plan import Intent
from sync.core.ports import OpKind
from sync.engine.probe import failure_of
from sync.engine.runtime import Bridge
from sync.engine.sending import is_for_the_tracker, may_be_the_ticket
from sync.engine.write_attachments import write_attachment
from sync.engine.write_comments import write_comment
from sync.engine.write_deletes import delete
from sync.engine.write_tickets import create, update
from sync.engine.writer import ChangedMeanwhile, Outcome, Writer


def apply(
    bridge: Bridge, writers: Mapping[ReplicaName, Writer], intents: Sequence[Intent]
) -> dict[ReplicaName, Outcome]:
    """Carry out the intents, in their order within each replica, and wait for all of them.

    A ticket that fails is told and left open for the next cycle; a tracker that fails ends its own part only.
    """
    parts = {name: [one for one in intents if one.replica == name] for name in writers}
    busy = {name: part for name, part in parts.items() if part}
    for name in busy:
        writers[name].outcome = Outcome()
    bridge.workers.together([partial(_work_off, bridge, writers[name], part) for name, part in busy.items()])
    return {name: writers[name].outcome for name in busy}


def _work_off(bridge: Bridge, writer: Writer, part: Sequence[Intent]) -> None:
    outcome = writer.outcome
    suspect: tuple[Intent, TrackerError] | None = None
    for number, intent in enumerate(part):
        bridge.progress.step("write", writer.replica.name, number, len(part))
        if bridge.stop.is_set() or outcome.failure is not None:
            outcome.open.add(intent.ticket)
            continue
        if writer.held.holds(intent):
            continue
        try:
            _carry_out(writer, intent)
            writer.held.done += 1
            _clear(writer, suspect)
            suspect = None
        except PreconditionFailed:
            _read_again(writer, intent)
            outcome.open.add(intent.ticket)
        except (ChangedMeanwhile, Uncertain):
            outcome.open.add(intent.ticket)
        except (Rejected, Forbidden, Unsupported) as error:
            _tell(writer, intent, error)
            if intent.kind is OpKind.UPDATE:
                outcome.open.add(
                    intent.ticket
                )  # a refused request is dealt with where it is sent: it was a look that was refused
        except Limited as error:
            if bridge.stop.is_set():
                outcome.open.add(intent.ticket)  # it was the wait that was broken off
            else:
                writer.held.refused(intent, error)
        except TrackerError as error:
            outcome.open.add(intent.ticket)
            if not is_for_the_tracker(error):
                _tell(writer, intent, error)
            elif may_be_the_ticket(error) and (suspect is None or suspect[0].ticket == intent.ticket):
                suspect = intent, error
            else:
                outcome.failure = failure_of(writer.replica.name, error)
    if outcome.failure is None:
        _clear(writer, suspect)


def _clear(writer: Writer, suspect: tuple[Intent, TrackerError] | None) -> None:
    """The tracker is well, or nothing says otherwise: what failed before is told of the ticket."""
    if suspect is not None:
        _tell(writer, *suspect)


def _carry_out(writer: Writer, intent: Intent) -> None:
    writer.forget_problems(intent)
    match intent.kind:
        case OpKind.CREATE:
            create(writer, intent)
        case OpKind.UPDATE:
            update(writer, intent)
        case OpKind.DELETE:
            delete(writer, intent)
        case OpKind.COMMENT_CREATE | OpKind.COMMENT_UPDATE | OpKind.COMMENT_DELETE:
            write_comment(writer, intent)
        case OpKind.ATTACHMENT_CREATE | OpKind.ATTACHMENT_DELETE:
            write_attachment(writer, intent)


def _read_again(writer: Writer, intent: Intent) -> None:
    """Put the ticket as it is now into the inbox, so that the next decision rests on it."""
    try:
        with writer.bridge.store.read() as tx:
            link = next((one for one in tx.links.of_ticket(intent.ticket) if one.replica == writer.replica.name), None)
        if link is not None and link.state == "active":
            found = writer.fetched(link.ref)
            with writer.bridge.store.begin(writer.lease) as tx:
                tx.inbox.put(writer.bridge.name, writer.replica.name, [replace(found, comments=None)])
    except (ChangedMeanwhile, TrackerError):
        return  # it is pulled in its turn


def _tell(writer: Writer, intent: Intent, error: TrackerError) -> None:
    named = error.problems if isinstance(error, Rejected) else ()
    mend = "mend it in the tracker, or change the value"
    writer.report(intent, None, named or [FieldProblem(field=None, message=str(error), mend=mend)])
