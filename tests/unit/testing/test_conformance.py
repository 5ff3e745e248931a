"""The suite notices what it is there for: each broken adapter or codec fails the test about it, and the sound one passes."""

from dataclasses import replace
from datetime import UTC, datetime
from inspect import signature

import pytest

from sync.core.errors import Rejected, Retryable, TrackerError, Uncertain
from sync.core.models import Field, Gone
from sync.core.ports import OpKind, Receipt
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

    def write(self, op, content=None):
        try:
            return self.sound.write(op, content)
        except Uncertain:
            return self.sound.write(op, content)


class TakesDoubtForFailure(Adapter):
    def write(self, op, content=None):
        try:
            return self.sound.write(op, content)
        except Uncertain as error:
            raise Retryable(str(error)) from error


class DropsInSilence(Adapter):
    """As Jira does with a status in a PUT."""

    def write(self, op, content=None):
        if op.kind is OpKind.UPDATE and "state" in op.payload.get("set", {}):
            op = replace(op, payload={"set": {}})
        return self.sound.write(op, content)


class IgnoresVersions(Adapter):
    def write(self, op, content=None):
        return self.sound.write(replace(op, expects=None), content)


class LinksOneEnd(Adapter):
    """Shows what was asked for and not what the other end made of it."""

    def fetch(self, refs):
        for found in self.sound.fetch(refs):
            links = found.payload["links"] if found.payload["title"] == "One" else []
            yield replace(found, payload={**found.payload, "links": links})


class MindsBeingAskedTwice(Adapter):
    def write(self, op, content=None):
        for link in op.payload.get("add", {}).get("links", ()):
            if link in next(iter(self.sound.fetch([op.ref]))).payload["links"]:
                raise Rejected(f"{link} is there already")
        return self.sound.write(op, content)


class CutsFiles(Adapter):
    def download(self, attachment, take, *, limit):
        self.sound.download(attachment, lambda part: take(part[:1000]), limit=limit)


class KnowsNoLimit(Adapter):
    def download(self, attachment, take, *, limit):
        self.sound.download(attachment, take, limit=10**9)


class UploadsTwice(Adapter):
    def write(self, op, content=None):
        if op.kind is OpKind.ATTACHMENT_CREATE:
            self.sound.write(op, content)
        return self.sound.write(op, content)


class ShowsNoPlansInLists(Adapter):
    def pull(self, since):
        for page in self.sound.pull(since):
            tickets = [replace(one, payload={**one.payload, "estimate": None}) for one in page.tickets]
            yield replace(page, tickets=tuple(tickets))


class DeletesChildrenToo(Adapter):
    def write(self, op, content=None):
        if op.kind is OpKind.DELETE:
            tickets = [ticket for page in self.sound.pull(None) for ticket in page.tickets]
            for child in (one for one in tickets if one.payload["parent"] == op.ref):
                self.sound.write(replace(op, ref=child.ref))
        return self.sound.write(op, content)


class DeletesNothing(Adapter):
    def write(self, op, content=None):
        return Receipt(ref=op.ref, at=datetime.now(UTC)) if op.kind is OpKind.DELETE else self.sound.write(op, content)


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


class TakesLinksAlong(Codec):
    """Puts links into the same request as everything else."""

    def encode(self, changes, current, mapping, caps, marker=None):
        encoded = self.sound.encode(changes, current, mapping, caps, marker)
        if len(encoded.ops) < 2:
            return encoded
        first, second = encoded.ops
        both = replace(first, fields=first.fields | second.fields, payload={**second.payload, **first.payload})
        return replace(encoded, ops=(both,))


class ReplacesSets(Codec):
    def encode(self, changes, current, mapping, caps, marker=None):
        encoded = self.sound.encode(changes, current, mapping, caps, marker)
        news = {name: value for name, value in changes.news.items() if name in (Field.COMPONENTS, Field.LINKS)}
        keys = {Field.COMPONENTS: "components", Field.LINKS: "links"}
        payload = {"set": {keys[name]: sorted(value) for name, value in news.items()}}
        return replace(encoded, ops=tuple(replace(op, payload=payload) for op in encoded.ops) if news else encoded.ops)


class CutsAmounts(Codec):
    """Reads hours as whole ones."""

    def decode(self, native, mapping):
        decoded = self.sound.decode(native, mapping)
        fields = dict(decoded.snapshot.fields)
        if isinstance(fields.get(Field.ESTIMATE), str):
            fields[Field.ESTIMATE] = fields[Field.ESTIMATE].partition(".")[0]
        return replace(decoded, snapshot=replace(decoded.snapshot, fields=fields))


class SaysNothing(Codec):
    """Leaves out in silence what the project has no name for."""

    def encode(self, changes, current, mapping, caps, marker=None):
        return replace(self.sound.encode(changes, current, mapping, caps, marker), problems=())


class TellsOfTitlesOnly(Codec):
    def decode_event(self, event, mapping):
        return tuple(one for one in self.sound.decode_event(event, mapping) if one.field is Field.TITLE)


class SeesNoFiles(Codec):
    def attachments(self, native):
        return ()


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
    (LinksOneEnd, "link_at_both_ends", {}),
    (MindsBeingAskedTwice, "link_asked_for_by_both", {}),
    (TakesLinksAlong, "link_is_alone_in_its_request", {}),
    (ReplacesSets, "links_of_others_stay", {}),
    (ReplacesSets, "names_of_others_stay", {}),
    (TellsOfTitlesOnly, "links_in_history", {}),
    (TellsOfTitlesOnly, "detail_in_history", {}),
    (CutsAmounts, "detail_step_by_step", {}),
    (ShowsNoPlansInLists, "details_together", {}),
    (SaysNothing, "missing_name", {"names": {Field.SPRINT: ("Sprint 1", "Sprint 2")}}),
    (CutsFiles, "file_there_and_back", {}),
    (UploadsTwice, "file_there_and_back", {}),
    (SeesNoFiles, "file_there_and_back", {}),
    (KnowsNoLimit, "too_large_a_file", {}),
    (DeletesNothing, "delete", {}),
    (DeletesChildrenToo, "delete_takes_no_children_along", {}),
]
ARGUMENTS = {
    "field_step_by_step": (Field.STATUS,),
    "detail_step_by_step": (Field.ESTIMATE,),
    "detail_in_history": (Field.DUE,),
    "missing_name": (Field.SPRINT,),
    "names_of_others_stay": (Field.COMPONENTS,),
    "link_at_both_ends": ("blocks",),
}


def _arguments(test, name, tmp_path):
    wants_a_place = "tmp_path" in signature(test).parameters
    return (*ARGUMENTS.get(name, ()), *((tmp_path,) if wants_a_place else ()))


def _broken(saboteur, subject):
    if issubclass(saboteur, Adapter):
        return replace(subject, adapter=saboteur(subject.adapter))
    return replace(subject, codec=saboteur(subject.codec))


@pytest.mark.parametrize(("saboteur", "name", "knobs"), CASES)
def test_the_suite_notices(saboteur, name, knobs, tmp_path):
    """The same test passes for the sound one and fails for the broken one."""
    test = getattr(SUITE, f"test_{name}")
    arguments = _arguments(test, name, tmp_path)
    with opened(**knobs) as subject:
        test(subject, *arguments)
    with opened(**knobs) as subject, pytest.raises(FOUND_OUT):
        test(_broken(saboteur, subject), *arguments)


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
