"""The suite notices what it is there for: each broken adapter or codec fails the test about it, and the sound one passes."""

from dataclasses import replace

import pytest

from sync.core.errors import Retryable, TrackerError, Uncertain
from sync.core.models import Field, Gone
from sync.core.ports import OpKind
from sync.testing.conformance import AdapterConformance
from sync.testing.memory import MemoryCodec
from tests.conformance.drivers_memory import opened

SUITE = AdapterConformance()


class Adapter:
    """Hands everything on to a sound adapter."""

    def __init__(self, sound):
        self.sound = sound

    def __getattr__(self, name):
        return getattr(self.sound, name)


class LosesTheNewest(Adapter):
    def pull(self, since):
        for page in self.sound.pull(since):
            yield replace(page, tickets=page.tickets[1:])


class NeverQuiet(Adapter):
    def pull(self, since):
        return self.sound.pull(None)


class AsksForEach(Adapter):
    def pull(self, since):
        for page in self.sound.pull(since):
            for _ in range(5):
                for ticket in page.tickets:
                    list(self.sound.fetch([ticket.ref]))
            yield page


class CursorOfTheEnd(Adapter):
    """Stamps its cursor when the run is over, so what changed meanwhile is never seen."""

    def pull(self, since):
        pages = list(self.sound.pull(since))
        for page in pages:
            yield replace(page, cursor=list(self.sound.pull(None))[-1].cursor)


class SeesNoEditOfComments(Adapter):
    def pull(self, since):
        for page in self.sound.pull(since):
            yield replace(page, comments=(), tickets=() if since else page.tickets)


class GoneTooSoon(Adapter):
    def fetch(self, refs):
        for found in self.sound.fetch(refs):
            yield Gone(ref=found.ref, reason="not in the list") if found.ref.endswith("1") else found


class NeverGone(Adapter):
    def fetch(self, refs):
        return (found for found in self.sound.fetch(refs) if not isinstance(found, Gone))


class TakesCopies(Adapter):
    def find(self, op, *, fence):
        for page in self.sound.pull(None):
            for ticket in page.tickets:
                if ticket.payload["marker"] == op.marker and ticket.number > fence:
                    return ticket.ref
        return None


class FindsNothing(Adapter):
    def find(self, op, *, fence):
        return None


class SendsAgain(Adapter):
    """As a library that retries a POST."""

    def write(self, op):
        try:
            return self.sound.write(op)
        except Uncertain:
            return self.sound.write(op)


class TakesDoubtForFailure(Adapter):
    def write(self, op):
        try:
            return self.sound.write(op)
        except Uncertain as error:
            raise Retryable(str(error)) from error


class DropsInSilence(Adapter):
    """As Jira does with a status in a PUT."""

    def write(self, op):
        if op.kind is OpKind.UPDATE and "state" in op.payload.get("set", {}):
            op = replace(op, payload={"set": {}})
        return self.sound.write(op)


class IgnoresVersions(Adapter):
    def write(self, op):
        return self.sound.write(replace(op, expects=None))


class Codec:
    """Hands everything on to a sound codec."""

    def __init__(self, sound):
        self.sound = sound

    def __getattr__(self, name):
        return getattr(self.sound, name)


class WritesEverything(Codec):
    def encode(self, changes, current, mapping, caps, marker=None):
        encoded = self.sound.encode(changes, current, mapping, caps, marker)
        ops = tuple(replace(op, fields=op.fields | {Field.BODY}) for op in encoded.ops)
        return replace(encoded, ops=ops)


class FlattensText(Codec):
    """Reads lists as lines, and so writes them back as lines."""

    def decode(self, native, mapping):
        decoded = self.sound.decode(native, mapping)
        fields = dict(decoded.snapshot.fields)
        if isinstance(fields.get(Field.BODY), str):
            fields[Field.BODY] = fields[Field.BODY].replace("- ", "")
        return replace(decoded, snapshot=replace(decoded.snapshot, fields=fields))


class BouncesStatus(Codec):
    """Does not know that its tracker can't hold a status."""

    def project(self, fields, current, mapping, caps):
        held = dict(self.sound.project(fields, current, mapping, caps))
        if Field.STATUS in held:
            held[Field.STATUS] = fields[Field.STATUS]
        return held


class GrowsText(Codec):
    def project(self, fields, current, mapping, caps):
        held = dict(self.sound.project(fields, current, mapping, caps))
        if Field.TITLE in held:
            held[Field.TITLE] += "!"
        return held


class KeepsAttribution(Codec):
    def decode_comment(self, native, mapping):
        return replace(self.sound.decode_comment(native, mapping), body=native.payload["text"])


class Trusting(Codec):
    def decode(self, native, mapping):
        native.payload["title"].strip()
        return self.sound.decode(native, mapping)


class Repeating(Codec):
    def encode(self, changes, current, mapping, caps, marker=None):
        encoded = self.sound.encode(changes, current, mapping, caps, marker)
        if current is not None and not encoded.ops:
            changed = self.sound.encode(changes, replace(current, payload={}), mapping, caps, marker)
            return replace(changed, ops=changed.ops[:1])
        return encoded


#: How a test says no.
FOUND_OUT = (AssertionError, KeyError, TrackerError, pytest.fail.Exception)

POOR = {"statuses": {"open": "Open", "in_progress": "Open", "done": "Closed"}}
CONDITIONAL = {"conditional_writes": True}

CASES = [
    (LosesTheNewest, "first_pull_sees_everything_once", {}),
    (NeverQuiet, "idle_pull_is_quiet", {}),
    (NeverQuiet, "pull_sees_edits_and_new_tickets", {}),
    (AsksForEach, "first_pull_sees_everything_once", {}),
    (CursorOfTheEnd, "edits_during_a_pull", {}),
    (CursorOfTheEnd, "restart_from_any_page", {}),
    (SeesNoEditOfComments, "pull_sees_comments", {"comment_feed": True}),
    (GoneTooSoon, "fetch_tells_gone_from_there", {}),
    (NeverGone, "fetch_tells_gone_from_there", {}),
    (TakesCopies, "find_passes_copies_over", {}),
    (FindsNothing, "find_by_marker", {}),
    (FindsNothing, "lost_answer_is_uncertain", {}),
    (SendsAgain, "lost_answer_is_uncertain", {}),
    (TakesDoubtForFailure, "lost_answer_is_uncertain", {}),
    (DropsInSilence, "reason_goes_with_done", {}),
    (IgnoresVersions, "stale_write_is_refused", CONDITIONAL),
    (WritesEverything, "smallest_request", {}),
    (FlattensText, "odd_bodies", {}),
    (FlattensText, "ordinary_markdown_survives", {}),
    (BouncesStatus, "field_step_by_step", POOR),
    (GrowsText, "create_carries_everything", {}),
    (KeepsAttribution, "comment_there_and_back", {}),
    (Repeating, "second_time_is_silent", {"max_assignees": 1}),
]


def _arguments(name):
    return (Field.STATUS,) if name == "field_step_by_step" else ()


def _broken(saboteur, subject):
    if issubclass(saboteur, Adapter):
        return replace(subject, adapter=saboteur(subject.adapter))
    return replace(subject, codec=saboteur(subject.codec))


@pytest.mark.parametrize(("saboteur", "name", "knobs"), CASES)
def test_the_suite_notices(saboteur, name, knobs):
    """The same test passes for the sound one and fails for the broken one."""
    test = getattr(SUITE, f"test_{name}")
    with opened(**knobs) as subject:
        test(subject, *_arguments(name))
    with opened(**knobs) as subject, pytest.raises(FOUND_OUT):
        test(_broken(saboteur, subject), *_arguments(name))


@pytest.mark.parametrize(
    ("saboteur", "name"),
    [(Trusting, "decode_never_raises"), (GrowsText, "what_is_there_can_be_held")],
)
def test_the_laws_notice(saboteur, name):
    """A codec that trusts its payloads, or whose `project` grows, is found out."""
    with opened() as subject:
        ref = subject.server.create(title="Sample", body="Words")
        samples = [subject.read(ref)]
        test = getattr(SUITE, f"test_{name}")
        test(subject, samples)
        with pytest.raises((AssertionError, AttributeError, KeyError, ExceptionGroup)):
            test(_broken(saboteur, subject), samples)


def test_a_surprising_server_is_noticed():
    """A server that rewrites texts as no codec foretells does not conform."""
    with opened(text_rewrite=str.upper, foresight=False) as subject, pytest.raises(AssertionError):
        SUITE.test_odd_bodies(subject)


def test_the_knobs_make_codecs_of_one_kind():
    """Two codecs with the same knobs are the same codec: it keeps nothing."""
    with opened() as subject:
        assert subject.codec == MemoryCodec(subject.codec.knobs)
