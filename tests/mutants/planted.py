"""The faults that the laws must catch: each was made by somebody's engine, or would be by ours if a line went missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sync.core.claims import Verdict, claims_of
from sync.core.ports import Receipt
from sync.engine.sending import Sender
from tests.mutants.planting import Mutant, around, instead


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    return None


def _false(*_args: Any, **_kwargs: Any) -> bool:
    return False


def _last_claim(name: Any, _value: Any, *rest: Any) -> Verdict:
    claimants = next(one for one in rest if isinstance(one, list))
    claim = claims_of(claimants[-1], name)[-1]
    return Verdict(value=claim.value, source=claim.source)


def _cursor_first(original: Any, bridge: Any, lease: Any, replica: Any, page: Any, *rest: Any) -> Any:
    with bridge.store.begin(lease) as tx:
        tx.cursors.put(bridge.name, replica.name, page.cursor)
    return original(bridge, lease, replica, page, *rest)


def _send_first(original: Any, sender: Sender, intent: Any, op: Any, *rest: Any) -> Receipt:
    content = rest[2] if len(rest) > 2 else None
    receipt = sender.replica.adapter.write(op, content)

    class Done:
        def write(self, _op: Any, _content: Any) -> Receipt:
            return receipt

    told = replace(sender, replica=replace(sender.replica, adapter=Done()))  # type: ignore[arg-type]
    sender.sent += 1
    result: Receipt = original(told, intent, op, *rest)
    return result


def _at_once(original: Any, bridge: Any, *rest: Any) -> Any:
    return original(replace(bridge, settle=timedelta()), *rest)


def _ended_as(state: str) -> Any:
    def ended(original: Any, sender: Any, row: Any, said: str, *rest: Any) -> Any:
        return original(sender, row, state if said == "unknown" else said, *rest)

    return ended


def _base_is_sent(original: Any, writer: Any, intent: Any, current: Any, sent: Any, *rest: Any) -> None:
    original(writer, intent, current, sent, *rest)
    with writer.bridge.store.begin(writer.lease) as tx:
        link = next(one for one in tx.links.of_ticket(intent.ticket) if one.replica == writer.replica.name)
        tx.links.save(replace(link, base={**(link.base or {}), **intent.changes.only(sent).news}))


def _only_the_winner(
    original: Any, bridge: Any, tx: Any, run: Any, ticket: Any, comment: Any, decision: Any, held: Any
) -> None:
    winners = tuple(replace(one, claims=one.claims[:0]) for one in decision.conflicts)
    original(bridge, tx, run, ticket, comment, replace(decision, conflicts=winners), held)


def _one_bad_stops_all(_original: Any, writer: Any, intent: Any, error: Any) -> None:
    from sync.engine.probe import failure_of

    writer.outcome.open.add(intent.ticket)
    writer.outcome.failure = failure_of(writer.replica.name, error)


def _upload_again(bridge: Any, lease: Any, run: Any, replica: Any, row: Any) -> None:
    from sync.engine.recover import _close

    _close(bridge, lease, run, row, "failed", "not looked for")


def _without_projection(_reader: Any, _current: Any = None) -> Any:
    return lambda fields: fields


def _no_open_conflicts(*_args: Any) -> Mapping[Any, Any]:
    return {}


MUTANTS = (
    Mutant(
        name="no marker",
        fault="a create carries nothing that it could be known by",
        plant=instead("sync.engine.write_tickets:make_marker", value=_nothing),
    ),
    Mutant(
        name="no look-up",
        fault="a create whose answer was lost is not looked for before it is sent again",
        plant=instead("sync.testing.memory_adapter:MemoryAdapter.find", value=_nothing),
    ),
    Mutant(
        name="no horizon",
        fault="a create that was not found at once is sent again at once",
        plant=around("sync.engine.recover:_settle_create", _at_once),
    ),
    Mutant(
        name="unread marker",
        fault="a pulled ticket that carries our marker is taken for a new one",
        plant=instead("sync.engine.joining:_joined_by_marker", value=_false),
        caught_by="tests/scenarios/test_first_meeting.py",
    ),
    Mutant(
        name="unread comment marker",
        fault="a pulled comment that carries our marker is taken for a new one",
        plant=instead("sync.engine.joining:_has_comment_link", value=lambda *_: True),
        caught_by="tests/scenarios/test_comments.py",
    ),
    Mutant(
        name="copies are twins",
        fault="a ticket into which a person pasted a mirrored body is taken for our own second copy",
        plant=instead("sync.engine.joining:note_twin", value=lambda *_: True),
    ),
    Mutant(
        name="snapshot diff only",
        fault="what people wrote is told from two snapshots alone, never from the tracker's history",
        plant=instead("sync.engine.cycle:find_overruns", value=lambda *_: {}),
    ),
    Mutant(
        name="own writes are people's",
        fault="our own writes in a tracker's history are claimed as somebody's edits",
        plant=instead("sync.engine.history:is_own", "sync.engine.overrun:is_own", value=_false),
    ),
    Mutant(
        name="own echoes are edits",
        fault="a lost request of ours that lands late is taken for somebody's edit",
        plant=instead("sync.engine.deciding:without_echoes", value=lambda side, *_: side),
        caught_by="tests/scenarios/test_late.py",
    ),
    Mutant(
        name="clocks before causes",
        fault="who wrote over a value that he saw has to be later than it by the clocks, too",
        plant=instead("sync.core.claims:_canonical_is_rival", value=lambda *_: True),
    ),
    Mutant(
        name="ends apart",
        fault="each end of a link is decided by itself",
        plant=instead("sync.engine.recording:mirror", value=_nothing),
        caught_by="tests/simulation/test_once_broken.py",
    ),
    Mutant(
        name="our links are edits",
        fault="what a tracker shows of a link that we wrote at its other end is taken for somebody's edit",
        plant=instead("sync.engine.echoes:_without_other_ends", value=lambda side, *_: side),
    ),
    Mutant(
        name="cursor before page",
        fault="the cursor is committed before the page that it follows",
        plant=around("sync.engine.pull:_store", _cursor_first),
    ),
    Mutant(
        name="trusts every list",
        fault="a listed ticket is believed although it is older than our last look at it",
        plant=instead("sync.engine.pull:_doubtful", value=lambda *_: []),
        caught_by="tests/scenarios/test_lag.py",
    ),
    Mutant(
        name="no conflict row",
        fault="what lost a conflict is kept nowhere",
        plant=instead("sync.engine.recording:_conflicts", value=_nothing),
    ),
    Mutant(
        name="losers are dropped",
        fault="a conflict is kept without its claims",
        plant=around("sync.engine.recording:_conflicts", _only_the_winner),
    ),
    Mutant(
        name="no audit",
        fault="the outcome of a request is not logged",
        plant=instead("sync.engine.sending:Sender._audit", value=_nothing),
    ),
    Mutant(
        name="no intent",
        fault="a request is sent before anything is committed about it",
        plant=around("sync.engine.sending:Sender.send", _send_first),
    ),
    Mutant(
        name="unknown is failure",
        fault="a request without an answer counts as not done",
        plant=around("sync.engine.sending:Sender._ended", _ended_as("failed")),
    ),
    Mutant(
        name="base is what we sent",
        fault="the base of a link is what was sent, not what the tracker shows",
        plant=around("sync.engine.write_tickets:observe", _base_is_sent),
        caught_by="tests/scenarios/test_texts.py",
    ),
    Mutant(
        name="no projection",
        fault="sides are compared without regard to what a tracker can hold",
        plant=instead("sync.engine.reading:Reader.projection", value=_without_projection),
    ),
    Mutant(
        name="nothing is ever settled",
        fault="a value that a tracker could not hold is offered to it again and again",
        plant=instead("sync.core.decision:Side.delivered", value=_false),
        caught_by="tests/scenarios/test_refusals.py",
    ),
    Mutant(
        name="no look before a write",
        fault="a ticket is written without reading it again, whoever wrote there since",
        plant=instead("sync.engine.write_tickets:_refuse_if_changed", value=_nothing),
        caught_by="tests/scenarios/test_meddling.py",
    ),
    Mutant(
        name="sets as one value",
        fault="of two additions to a set only one survives",
        plant=instead("sync.core.merge:merge_sets", value=_last_claim),
    ),
    Mutant(
        name="texts as one value",
        fault="of two edits of a text only one survives",
        plant=instead("sync.core.merge:merge_text", value=_last_claim),
    ),
    Mutant(
        name="clean too soon",
        fault="a ticket is no longer marked as to be written once its decision is stored",
        plant=instead("sync.engine.recording:TO_BE_WRITTEN", value=None),
    ),
    Mutant(
        name="held fields flow",
        fault="a field that waits for a person is decided again all the same",
        plant=instead("sync.store.conflicts:Conflicts.open_for", value=_no_open_conflicts),
        caught_by="tests/scenarios/test_edits.py",
    ),
    Mutant(
        name="no brake",
        fault="no guard ever trips",
        plant=instead("sync.engine.survey:check", value=lambda *_: ()),
        caught_by="tests/scenarios/test_brakes.py",
    ),
    Mutant(
        name="one bad ticket stops all",
        fault="a ticket that is refused ends the work on its tracker",
        plant=around("sync.engine.apply:_tell", _one_bad_stops_all),
        caught_by="tests/scenarios/test_breaker.py",
    ),
    Mutant(
        name="files are sent again",
        fault="a file whose upload was not answered is not looked for",
        plant=instead("sync.engine.recover:_settle_upload", value=_upload_again),
        caught_by="tests/scenarios/test_files.py",
    ),
    Mutant(
        name="what comes back stays away",
        fault="a ticket that was gone and is there again is not taken back",
        plant=instead("sync.engine.joining:come_back", "sync.engine.missing:come_back", value=_nothing),
        caught_by="tests/scenarios/test_trouble.py",
    ),
    Mutant(
        name="what follows a write is its effect",
        fault="what somebody writes between our write and our look after it is taken for what the tracker made of it",
        plant=instead("sync.engine.overrun:_taken_for_ours", value=lambda *_: []),
    ),
    Mutant(
        name="no epoch check",
        fault="a worker whose lease was taken over still commits",
        plant=instead("sync.store.leases:Leases.check", value=_nothing),
        caught_by="tests/unit/store/test_leases.py",
    ),
)
