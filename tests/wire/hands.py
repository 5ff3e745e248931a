"""What people do at the three simulators, in the trackers' own words: a hand for each, with the same verbs.

A deed that the tracker refuses, or for which there is nothing at hand, raises `NothingDone`. Texts hold words (`b12z`) that nobody
wrote before, by which a lost one is found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from adapters._simulator import Simulator
from adapters.azure_devops.simulator import AzureDevOpsSimulator
from adapters.azure_devops.simulator.errors import ApiError as AzureRefused
from adapters.azure_devops.simulator.fields import DESCRIPTION, REPRO_STEPS
from adapters.github.simulator import GitHubSimulator
from adapters.github.simulator.state import ApiError as GitHubRefused
from adapters.jira.simulator import JiraSimulator
from adapters.jira.simulator.errors import ApiError as JiraRefused

#: A word of a person's.
WORD = re.compile(r"\b[a-z]\d+z\b")
REFUSED = (AzureRefused, GitHubRefused, JiraRefused, KeyError, ValueError, IndexError, StopIteration)


class NothingDone(Exception):
    """The tracker would not have it, or there is nothing that it could be done to."""


class Hand:
    """One tracker in people's hands; tickets are told by the native ref that the bridge uses."""

    #: Statuses by the tracker's own words.
    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    #: Whether files can be attached.
    files = True

    def refs(self) -> list[str]:
        """Every ticket that is there, oldest first."""
        raise NotImplementedError

    def create(self, title: str, body: Sequence[str], labels: Sequence[str], kind: str) -> str:
        """A new ticket."""
        raise NotImplementedError

    def edit(self, ref: str, what: str, value: Any) -> None:
        """Write one field: title, status, kind, priority, assignee (None for nobody), parent, component, milestone."""
        raise NotImplementedError

    def labels(self, ref: str) -> list[str]:
        """The labels of people's own words."""
        raise NotImplementedError

    def relabel(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
        """Put labels on, and take some off."""
        raise NotImplementedError

    def body(self, ref: str) -> str:
        """The long text, in the tracker's own format."""
        raise NotImplementedError

    def rewrite(self, ref: str, text: str) -> None:
        """Another long text, in that format."""
        raise NotImplementedError

    def comments(self, ref: str) -> list[tuple[str, str, bool]]:
        """The comments: id, text, whether the bridge wrote it."""
        raise NotImplementedError

    def comment(self, ref: str, text: str) -> str:
        """Say something."""
        raise NotImplementedError

    def recomment(self, ref: str, comment: str, text: str | None) -> None:
        """Say something else there, or take it back (None)."""
        raise NotImplementedError

    def title(self, ref: str) -> str:
        """The title."""
        raise NotImplementedError

    def link(self, ref: str, other: str, *, on: bool) -> None:
        """Say that one ticket blocks the other, or that it does not any more."""
        raise NotImplementedError

    def attach(self, ref: str, name: str, content: bytes) -> None:
        """Hang a file on a ticket."""
        raise NothingDone

    def file_names(self, ref: str) -> list[str]:
        """The names of the files that hang there."""
        return []

    def delete(self, ref: str) -> None:
        """Delete a ticket."""
        raise NotImplementedError

    def paragraphs(self, words: Sequence[str]) -> str:
        """A text of one paragraph a word, in the tracker's own format."""
        return "\n\n".join(words)

    def inserted(self, text: str, after: str, word: str) -> str:
        """The text with one more paragraph."""
        return text.replace(after, f"{after}\n\n{word}", 1)


class JiraHand(Hand):
    """People in Jira."""

    def __init__(self, simulator: JiraSimulator) -> None:
        self.simulator = simulator
        self.statuses = tuple(one.untranslated for one in simulator.catalogue.statuses.values())
        self.kinds = tuple(one.name for one in simulator.catalogue.types.values() if one.level >= 0)

    def _key(self, ref: str) -> str:
        return str(self.simulator.world.find(ref).key)

    def _fields(self, ref: str) -> dict[str, Any]:
        return dict(self.simulator.request("GET", f"/issue/{ref}")["fields"])

    def refs(self) -> list[str]:
        project = self.simulator.project
        return [
            str(number) for number, issue in sorted(self.simulator.world.issues.items())
            if issue.key.startswith(f"{project}-")
        ]  # fmt: skip

    def create(self, title: str, body: Sequence[str], labels: Sequence[str], kind: str) -> str:
        extra = {"description": self.paragraphs(body)} if body else {}
        if kind == "Epic" and not self.simulator.catalogue.cloud:
            extra["customfield_10011"] = title
        key = self.simulator.add_issue(title, type=kind, labels=list(labels), **extra)
        return str(self.simulator.issue(key).id)

    def edit(self, ref: str, what: str, value: Any) -> None:
        key, catalogue = self._key(ref), self.simulator.catalogue
        match what:
            case "title":
                self.simulator.edit(key, summary=value)
            case "status":
                self.simulator.transition(key, value)
            case "kind":
                self.simulator.edit(key, issuetype={"name": value})
            case "priority":
                names = [one.name for one in catalogue.priorities.values()]
                self.simulator.edit(key, priority={"name": names[value % len(names)]})
            case "assignee":
                self.simulator.assign(key, value)
            case "parent":
                self.simulator.edit(key, parent=None if value is None else {"key": self._key(value)})
            case "component":
                self.simulator.edit(key, components=[{"name": value}] if value else [])
            case "milestone":
                self.simulator.edit(key, fixVersions=[{"name": value}] if value else [])
            case "due":
                self.simulator.edit(key, duedate=value)
            case _:
                raise NothingDone

    def labels(self, ref: str) -> list[str]:
        return [one for one in self.simulator.world.find(ref).labels if WORD.fullmatch(one)]

    def relabel(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
        verbs = [{"add": one} for one in add] + [{"remove": one} for one in remove]
        self.simulator.request("PUT", f"/issue/{ref}", {"update": {"labels": verbs}})

    def body(self, ref: str) -> str:
        return self._fields(ref).get("description") or ""

    def rewrite(self, ref: str, text: str) -> None:
        self.simulator.edit(self._key(ref), description=text)

    def comments(self, ref: str) -> list[tuple[str, str, bool]]:
        listed = self.simulator.request("GET", f"/issue/{ref}/comment")["comments"]
        bot = self.simulator.catalogue.people["bot"].display_name
        return [(one["id"], one["body"], one["author"]["displayName"] == bot) for one in listed]

    def comment(self, ref: str, text: str) -> str:
        return self.simulator.comment(self._key(ref), text, user="grace")

    def recomment(self, ref: str, comment: str, text: str | None) -> None:
        if text is None:
            self.simulator.delete_comment(self._key(ref), comment)
        else:
            self.simulator.edit_comment(self._key(ref), comment, text)

    def title(self, ref: str) -> str:
        return str(self.simulator.world.find(ref).summary)

    def link(self, ref: str, other: str, *, on: bool) -> None:
        (self.simulator.link if on else self.simulator.unlink)(self._key(ref), self._key(other))

    def attach(self, ref: str, name: str, content: bytes) -> None:
        self.simulator.attach(self._key(ref), name, content)

    def file_names(self, ref: str) -> list[str]:
        return [one["filename"] for one in self._fields(ref).get("attachment", [])]

    def delete(self, ref: str) -> None:
        self.simulator.delete(self._key(ref))


class GitHubHand(Hand):
    """People on GitHub."""

    statuses = ("open", "closed", "label:status: review", "label:status: blocked", "label:status: in progress")
    files = False

    def __init__(self, simulator: GitHubSimulator) -> None:
        self.simulator = simulator
        types = [one.name for one in simulator.repository.types.values()]
        self.kinds = tuple(types) or ("label:kind: epic", "label:type: bug", "label:kind: task")

    def refs(self) -> list[str]:
        return [str(number) for number, one in sorted(self.simulator.repository.issues.items()) if not one.is_pull]

    def create(self, title: str, body: Sequence[str], labels: Sequence[str], kind: str) -> str:
        words = [kind.removeprefix("label:")] if kind.startswith("label:") else []
        typed = {} if words or not kind else {"type": kind}
        made = self.simulator.add_issue(title=title, body=self.paragraphs(body), labels=[*labels, *words], **typed)
        return str(made.number)

    def edit(self, ref: str, what: str, value: Any) -> None:
        number = int(ref)
        match what:
            case "title":
                self.simulator.edit(number, title=value)
            case "status" if value.startswith("label:"):
                self._swap(number, "status: ", value.removeprefix("label:"))
            case "status":
                reason = {"state_reason": "completed"} if value == "closed" else {}
                self.simulator.edit(number, state=value, **reason)
            case "kind" if value.startswith("label:"):
                word = value.removeprefix("label:")
                self._swap(number, word.split(" ")[0] + " ", word)
            case "kind":
                self.simulator.edit(number, type=value)
            case "priority":
                self._swap(number, "priority: ", f"priority: P{value % 4}")
            case "assignee":
                self.simulator.edit(number, assignees=[value] if value else [])
            case "parent":
                self.simulator.set_parent(number, None if value is None else int(value))
            case "component":
                self._swap(number, "component: ", f"component: {value}" if value else "")
            case "milestone":
                self.simulator.set_milestone(number, value)
            case _:
                raise NothingDone

    def _swap(self, number: int, prefix: str, word: str) -> None:
        """One label for all that begin so, in two clicks."""
        names = [label.name for label in self.simulator.issue(number).labels if not label.name.startswith(prefix)]
        self.simulator.edit(number, labels=[*names, *([word] if word else [])])

    def labels(self, ref: str) -> list[str]:
        return [one.name for one in self.simulator.issue(int(ref)).labels if WORD.fullmatch(one.name)]

    def relabel(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
        names = [one.name for one in self.simulator.issue(int(ref)).labels]
        self.simulator.edit(int(ref), labels=[*(one for one in names if one not in remove), *add])

    def body(self, ref: str) -> str:
        return self.simulator.issue(int(ref)).body or ""

    def rewrite(self, ref: str, text: str) -> None:
        self.simulator.edit(int(ref), body=text)

    def comments(self, ref: str) -> list[tuple[str, str, bool]]:
        found = self.simulator.repository.comments.values()
        bot = self.simulator.bridge
        return [(str(one.id), one.body, one.user is bot) for one in found if one.number == int(ref)]

    def comment(self, ref: str, text: str) -> str:
        return str(self.simulator.comment(int(ref), text, as_user="grace").id)

    def recomment(self, ref: str, comment: str, text: str | None) -> None:
        if text is None:
            self.simulator.delete_comment(int(comment))
        else:
            self.simulator.edit_comment(int(comment), text)

    def title(self, ref: str) -> str:
        return self.simulator.issue(int(ref)).title

    def link(self, ref: str, other: str, *, on: bool) -> None:
        if not self.simulator.world.has("dependencies"):
            raise NothingDone
        (self.simulator.block if on else self.simulator.unblock)(int(other), int(ref))

    def delete(self, ref: str) -> None:
        self.simulator.delete(int(ref))


class AzureHand(Hand):
    """People in Azure DevOps."""

    def __init__(self, simulator: AzureDevOpsSimulator) -> None:
        self.simulator, names = simulator, [one.name for one in simulator.organisation.types.values()]
        known = ("User Story", "Product Backlog Item", "Requirement", "Bug", "Task", "Epic", "Feature")
        self.kinds = tuple(one for one in names if one in known)
        self.statuses = tuple({state.name: 0 for one in simulator.organisation.types.values() for state in one.states})

    def refs(self) -> list[str]:
        return list(map(str, self.simulator.keys()))

    def create(self, title: str, body: Sequence[str], labels: Sequence[str], kind: str) -> str:
        return str(self.simulator.add_issue(title=title, body=self.paragraphs(body), labels=list(labels), type=kind))

    def edit(self, ref: str, what: str, value: Any) -> None:
        key, project = int(ref), self.simulator.project
        match what:
            case "title":
                self.simulator.edit(key, title=value)
            case "status":
                self.simulator.edit(key, state=value)
            case "kind":
                self.simulator.edit(key, type=value)
            case "priority":
                self.simulator.edit(key, priority=value % 4 + 1)
            case "assignee":
                self.simulator.edit(key, assignee=value or "")
            case "parent" if value is None:
                parent = next(other for word, other in self.simulator.links_of(key) if word == "parent")
                self.simulator.unlink(key, parent, "parent")
            case "parent":
                self.simulator.edit(key, parent=int(value))
            case "component":
                self.simulator.edit(key, area=f"{project}\\{value}" if value else project)
            case "milestone":
                raise NothingDone
            case _:
                raise NothingDone

    def _tags(self, ref: str) -> list[str]:
        tags = self.simulator.issue(int(ref))["fields"].get("System.Tags", "")
        return [one.strip() for one in tags.split(";") if one.strip()]

    def labels(self, ref: str) -> list[str]:
        return [one for one in self._tags(ref) if WORD.fullmatch(one)]

    def relabel(self, ref: str, add: Sequence[str], remove: Sequence[str]) -> None:
        kept = [one for one in self._tags(ref) if one not in remove]
        self.simulator.edit(int(ref), labels=[*kept, *add])

    def body(self, ref: str) -> str:
        item = self.simulator.organisation.item(int(ref))
        # A change of type leaves the text where the old type showed it.
        held = [item.fields.get(name, "") for name in (item.type.body_field, DESCRIPTION, REPRO_STEPS)]
        return str(next((text for text in held if text), ""))

    def rewrite(self, ref: str, text: str) -> None:
        self.simulator.edit(int(ref), body=text)

    def comments(self, ref: str) -> list[tuple[str, str, bool]]:
        item = self.simulator.organisation.item(int(ref))
        living = [one for one in item.comments.values() if not one.deleted]
        return [(str(one.id), one.versions[-1], one.by.mail == "bot@acme.example") for one in living]

    def comment(self, ref: str, text: str) -> str:
        return str(self.simulator.comment(int(ref), f"<p>{text}</p>", by="grace"))

    def recomment(self, ref: str, comment: str, text: str | None) -> None:
        if text is None:
            self.simulator.delete_comment(int(ref), int(comment))
        else:
            self.simulator.edit_comment(int(ref), int(comment), text)

    def title(self, ref: str) -> str:
        return str(self.simulator.organisation.item(int(ref)).fields["System.Title"])

    def link(self, ref: str, other: str, *, on: bool) -> None:
        (self.simulator.link if on else self.simulator.unlink)(int(ref), int(other), "blocks")

    def attach(self, ref: str, name: str, content: bytes) -> None:
        self.simulator.attach(int(ref), name, content)

    def file_names(self, ref: str) -> list[str]:
        return list(self.simulator.files_of(int(ref)))

    def delete(self, ref: str) -> None:
        self.simulator.delete(int(ref))

    def paragraphs(self, words: Sequence[str]) -> str:
        return "".join(f"<p>{word}</p>" for word in words)

    def inserted(self, text: str, after: str, word: str) -> str:
        changed = re.sub(rf"<(p|div)>{after}</\1>", rf"<\1>{after}</\1><\1>{word}</\1>", text, count=1)
        if changed == text:
            raise NothingDone
        return changed


def hand_of(simulator: Simulator) -> Hand:
    """The hand for a simulator."""
    hands: dict[str, Any] = {"jira": JiraHand, "github": GitHubHand, "azure_devops": AzureHand}
    hand: Hand = hands[simulator.kind](simulator)
    return hand
