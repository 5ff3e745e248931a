"""`trackdown demo`: a story that is really played, with the real client libraries against simulated trackers."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync.core.ids import ReplicaName, TicketId
from sync.core.models import Field, NativeTicket
from sync.engine.cycle import run_cycle
from sync.engine.report import CycleReport
from sync.engine.runtime import Bridge, utc_now
from sync.shell.app import Effects, open_bridges, open_store, titles
from sync.shell.cli.common import console
from sync.shell.cli.progress import TerminalProgress
from sync.shell.configfile import Config, load
from sync.shell.demo_world import EXPORT_TITLE, PAIRED_TITLE, World, the_world
from sync.shell.page import render_page
from sync.shell.review import Directory, conflict_views
from sync.shell.signals import signals
from sync.shell.words import count, excerpt
from sync.store.records import LinkRecord

if TYPE_CHECKING:
    from rich.console import Console

JIRA, GITHUB, AZURE = ReplicaName("jira"), ReplicaName("github"), ReplicaName("azure")


def run(*, keep: bool) -> int:
    """Play the story and say where to look; with `keep`, leave the trackers up until Ctrl-C. The exit code."""
    out = console()
    folder = Path(tempfile.mkdtemp(prefix="trackdown-demo-"))
    stop = threading.Event()
    with signals(stop), the_world(folder) as world:
        config = load(world.config)
        with (
            open_store(config) as store,
            TerminalProgress() as progress,
            open_bridges(config, store, effects=Effects(progress=progress, stop=stop)) as bridges,
        ):
            story = Story(world=world, bridge=bridges[0], out=out, config=config)
            for chapter in CHAPTERS:
                if stop.is_set():
                    return 130
                chapter(story)
            story.end(keep=keep)
        if keep:
            stop.wait()
    return 0 if story.told_true else 1


@dataclass(slots=True, kw_only=True)
class Story:
    """The teller: acts as people in the trackers, runs cycles, and shows what is in the trackers afterwards."""

    world: World
    bridge: Bridge
    out: Console
    config: Config
    told_true: bool = True

    def chapter(self, title: str) -> None:
        """A heading."""
        self.out.print(f"\n── {title} ".ljust(78, "─"), style="bold")

    def say(self, text: str) -> None:
        """One line."""
        self.out.print(text)

    def sync(self) -> CycleReport:
        """Let a while pass, run a cycle, and tell its figures."""
        self.world.while_passes()
        report = run_cycle(self.bridge)
        requests = ", ".join(f"{name} {number}" for name, number in report.requests.items())
        done = f"{count(report.created, 'ticket')} copied, {report.updated} updated, {report.unchanged} unchanged"
        self.out.print(f"   sync: {done}; {sum(report.writes.values())} writes; requests: {requests}", style="dim")
        for problem in report.problems:
            self.out.print(f"   problem: {problem.place}: {problem.message} {problem.mend}", style="yellow")
        for trouble in [*(one.message for one in report.failures), *(one.message for one in report.halts)]:
            self.out.print(f"   {trouble}", style="red")
            self.told_true = False
        return report

    def check(self, claim: str, true: bool) -> None:
        """Say what should be true, and whether it is."""
        self.out.print(f"   {'✓' if true else '✗'} {claim}", style="green" if true else "bold red")
        self.told_true &= true

    def links(self, title: str) -> Mapping[ReplicaName, LinkRecord]:
        """The links of the ticket with this title."""
        with self.bridge.store.read() as tx:
            ticket = next(
                one.id for one in tx.tickets.list(self.bridge.name) if one.canonical.fields.get(Field.TITLE) == title
            )
            return {link.replica: link for link in tx.links.of_ticket(ticket)}

    def there(self, ticket: TicketId, field: Field) -> dict[ReplicaName, str]:
        """What each tracker shows for a field of the ticket, read from the tracker itself."""
        shown: dict[ReplicaName, str] = {}
        with self.bridge.store.read() as tx:
            links = tx.links.of_ticket(ticket)
        for link in links:
            replica = self.bridge.replicas[link.replica]
            native = next(iter(replica.adapter.fetch([link.ref])))
            assert replica.mapping is not None
            assert isinstance(native, NativeTicket)
            decoded = replica.codec.decode(native, replica.mapping)
            shown[link.replica] = excerpt(decoded.snapshot.fields.get(field), 70)
        return shown

    def show(self, ticket: TicketId, *fields: Field) -> dict[Field, dict[ReplicaName, str]]:
        """Print what the trackers show, side by side."""
        from rich.table import Table

        table = Table(
            "", *(self.bridge.replicas[name].title for name in self.bridge.replicas), box=None, padding=(0, 2)
        )
        found = {field: self.there(ticket, field) for field in fields}
        for field, shown in found.items():
            table.add_row(field.value, *(shown.get(name, "—") for name in self.bridge.replicas))
        self.out.print(table)
        return found

    def end(self, *, keep: bool) -> None:
        """Write the report, and say what to look at next."""
        page = self.world.folder / "conflicts.html"
        directory = Directory(
            people=self.config.names, titles={name: titles(self.config, name) for name in self.config.bridges}
        )
        with self.bridge.store.read() as tx:
            views = list(conflict_views(tx, directory, bridge=self.bridge.name))
            page.write_text(
                render_page(views, {self.bridge.name: tx.tickets.count(self.bridge.name)}, utc_now()), encoding="utf-8"
            )
        config = self.world.config
        self.chapter("Where to look next")
        self.say(f"   trackdown --config {config} conflicts list")
        self.say(f"   trackdown --config {config} conflicts show {views[-1].id if views else 'C-1'}")
        self.say(f"   trackdown --config {config} audit")
        self.say(f"   trackdown --config {config} audit verify")
        self.say(f"   the report of all conflicts, for a browser: {page}")
        if keep:
            self.say(f"\nThe trackers stay up until Ctrl-C. Config: {config}")
            for simulator in (self.world.jira, self.world.github, self.world.azure):
                self.say(f"   {simulator.kind}: {simulator.description()['url']}")


def first_sync(story: Story) -> None:
    """Tickets that exist on one side appear on the others; pairs that name each other are adopted."""
    story.chapter("1  First sync")
    story.say("Jira, GitHub and Azure DevOps each have tickets of their own. Two pairs were copied by hand and say so:")
    story.say(f"   “{PAIRED_TITLE}” on GitHub has the line “Mirrors: PAY-…”,")
    story.say(f"   “{EXPORT_TITLE}” in Azure DevOps has a hyperlink to Jira.")
    report = story.sync()
    story.check(f"{report.adopted} pairs were adopted, not copied a second time", report.adopted == 2)
    with story.bridge.store.read() as tx:
        complete = all(len(tx.links.of_ticket(one.id)) == 3 for one in tx.tickets.list(story.bridge.name))
        tickets = tx.tickets.count(story.bridge.name)
    story.check(f"all {tickets} tickets are now in all three trackers", complete)
    story.sync()


def merge_fields(story: Story) -> None:
    """Edits of different fields, and of different lines of one text, come together."""
    story.chapter("2  Edits on all sides at once")
    links = story.links(PAIRED_TITLE)
    story.say("Ada raises the priority in Jira, Grace labels it on GitHub and adds a line there,")
    story.say("Alan corrects the first line in Azure DevOps; all before the next sync.")
    world = story.world
    world.jira.edit(links[JIRA].key, user="ada", priority={"name": "Highest"})
    number = int(links[GITHUB].ref)
    issue = world.github.issue(number)
    body, labels = issue.body or "", [label.name for label in issue.labels]
    marker = body.find("\n<!--")
    text, rest = (body, "") if marker < 0 else (body[:marker], body[marker:])
    world.github.edit(
        number,
        as_user="grace",
        labels=[*labels, "invoices"],
        body=f"{text.rstrip()}\n\nSeen by three merchants.\n{rest}",
    )
    item = int(links[AZURE].ref)
    html = world.azure.issue(item)["fields"]["System.Description"]
    world.azure.edit(item, by="alan", body=html.replace("Receipts of refunds", "Receipts of partial refunds"))
    story.sync()
    found = story.show(links[JIRA].ticket, Field.PRIORITY, Field.LABELS)
    story.check("every tracker has the new priority", set(found[Field.PRIORITY].values()) == {"P0"})
    story.check("every tracker has the new label", all("invoices" in shown for shown in found[Field.LABELS].values()))
    with story.bridge.store.read() as tx:
        ticket = tx.tickets.get(links[JIRA].ticket)
    merged = str(ticket.canonical.fields[Field.BODY]) if ticket else ""
    both = "partial refunds" in merged and "Seen by three merchants." in merged
    story.check("the body holds Alan's word and Grace's line", both)


def true_conflict(story: Story) -> None:
    """Two people write the same field: the later one is taken, the other one kept."""
    story.chapter("3  A true conflict")
    links = story.links(EXPORT_TITLE)
    story.say("Linus renames a ticket on GitHub; half a minute later Ada renames it in Jira.")
    story.world.github.edit(int(links[GITHUB].ref), as_user="linus", title="Payout export drops the last row")
    story.world.while_passes()
    story.world.jira.edit(links[JIRA].key, user="ada", summary="Export of payouts loses the last row (CSV only)")
    report = story.sync()
    found = story.show(links[JIRA].ticket, Field.TITLE)
    story.check(
        "the later one, Ada's, stands everywhere", all("CSV only" in title for title in found[Field.TITLE].values())
    )
    story.check("the conflict is kept with both titles, authors and times", report.conflicts == 1)


def lossy_status(story: Story) -> None:
    """A status that one tracker can't tell from another is not read back as an edit."""
    story.chapter("4  A status that does not bounce")
    links = story.links(PAIRED_TITLE)
    story.say("Grace moves a ticket to In Review in Jira. The Azure DevOps project knows only To Do, Doing and Done.")
    world = story.world
    for status in ("In Progress", "In Review"):
        world.jira.transition(links[JIRA].key, status, user="grace")
    story.sync()
    story.sync()
    report = story.sync()
    found = story.show(links[JIRA].ticket, Field.STATUS)
    story.check(
        "Jira still says review, though Azure DevOps can only say that it is being done",
        found[Field.STATUS][JIRA] == "review",
    )
    story.check("the cycles after it wrote nothing", sum(report.writes.values()) == 0)


def comment(story: Story) -> None:
    """A comment appears on the other sides with its author's name."""
    story.chapter("5  A comment")
    links = story.links(PAIRED_TITLE)
    story.say("Grace comments on GitHub.")
    story.world.github.comment(int(links[GITHUB].ref), "Fixed in **2.4.1**, please try.", as_user="grace")
    report = story.sync()
    native = story.world.azure.comments_of(int(links[AZURE].ref))
    copied = [one["text"] for one in native if "2.4.1" in one["text"]]
    story.say(f"   Azure DevOps: {excerpt(copied[-1], 90)}" if copied else "   Azure DevOps: nothing")
    story.check(
        "it is in the other trackers, with her name", sum(report.writes.values()) == 2 and "Grace" in "".join(copied)
    )


def idle(story: Story) -> None:
    """When nothing changed, nothing is written and next to nothing asked."""
    story.chapter("6  Nothing to do")
    story.sync()
    report = story.sync()
    story.check("an idle cycle writes nothing", sum(report.writes.values()) == 0)
    story.check("and asks each tracker at most twice", max(report.requests.values()) <= 2)


CHAPTERS: tuple[Callable[[Story], None], ...] = (first_sync, merge_fields, true_conflict, lossy_status, comment, idle)
