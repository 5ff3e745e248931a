"""Links and parents: GitHub's own dependencies and sub-issues where the server has them, rows of the block elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from adapters.github import wire
from adapters.github.block import Block, escaped, parted, plain
from adapters.github.places import LINK_ROWS, ROWS
from sync.core.ids import NativeRef
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, JsonObject, Value, link_parts

#: The kinds of links that are dependencies, with the side of them that an issue shows.
NATIVE: Mapping[str, str] = {"blocked_by": "blocked_by", "blocks": "blocking"}
_REFERENCE = re.compile(
    r"(?:\[[^\]]*\]\()?(?:https?://[^/\s]+/(?:repos/)?(?P<place>[\w.-]+/[\w.-]+)/issues/|(?P<repository>[\w.-]+/[\w.-]+)?#)"
    r"(?P<number>\d+)\)?"
)
_FILE = re.compile(r"\[(?P<name>(?:\\.|[^\[\]\\])*)\]\((?P<url>[^()\s]+)\)")


def depends(mapping: ProjectMapping) -> bool:
    """Whether the server has dependencies."""
    return mapping.facts.extra.get("dependencies") is True


def has_parents(mapping: ProjectMapping) -> bool:
    """Whether the server has sub-issues."""
    return mapping.facts.extra.get("sub_issues", True) is True


def native_kinds(mapping: ProjectMapping) -> Mapping[str, str]:
    """The kinds that are dependencies here."""
    return NATIVE if depends(mapping) else {}


def read_links(payload: JsonObject, block: Block, mapping: ProjectMapping) -> Value:
    """The set of links; UNKNOWN where a row can't be understood. Those to other repositories are nobody's here."""
    found: set[str] = set()
    for kind, side in native_kinds(mapping).items():
        found |= {f"{kind}:{ref}" for ref in wire.blockers(payload, side) if "#" not in ref}
    for kind, label in LINK_ROWS.items():
        refs = row_refs(block, label, payload)
        if refs is None:
            return UNKNOWN
        found |= {f"{kind}:{ref}" for ref in refs if "#" not in ref}
    return frozenset(found)


def are_told(payload: JsonObject, mapping: ProjectMapping) -> bool:
    """Whether a payload tells of all links: an answer that lists no dependencies does not."""
    return not depends(mapping) or isinstance(payload.get(wire.DEPENDENCIES), dict)


def row_refs(block: Block, label: str, payload: JsonObject) -> list[str] | None:
    """The issues that a row names, `owner/name#12` those of other repositories; None for a row that names something else."""
    found: dict[str, None] = {}
    rows = block.rows(label)
    own = wire.repository_of(payload) if rows else None
    for value in rows:
        for word in parted(value):
            reference = _REFERENCE.fullmatch(word)
            if reference is None:
                return None
            place = reference["place"] or reference["repository"]
            ours = place is None or own is None or place.casefold() == own
            found[reference["number"] if ours else f"{place}#{reference['number']}"] = None
    return list(found)


def put_refs(block: Block, label: str, refs: Sequence[str]) -> None:
    """Name these issues in a row; without any there is no row."""
    block.put(label, ", ".join(ref if "#" in ref else f"#{ref}" for ref in refs) or None)


def write_links(wanted: Iterable[str], payload: JsonObject, block: Block, mapping: ProjectMapping) -> JsonObject | None:
    """Bring the block's rows to the wanted links; gives the dependencies as they should be, None where there are none.

    A link that stands in a row though it could be a dependency stays there; references to other repositories stay everywhere.
    """
    by_kind: dict[str, set[str]] = {}
    for member in wanted:
        kind, ref = link_parts(member)
        if kind in LINK_ROWS and ref.isdecimal() and ref != str(payload.get("number")):
            by_kind.setdefault(kind, set()).add(ref)
    native = native_kinds(mapping)
    dependencies: JsonObject = {}
    for kind, label in LINK_ROWS.items():
        mine, listed = by_kind.get(kind, set()), row_refs(block, label, payload) or []
        kept = [ref for ref in listed if ref in mine or "#" in ref]
        if kind in native:
            there = wire.blockers(payload, native[kind])
            rows = {ref: number for ref, number in there.items() if ref in mine or "#" in ref}
            rows |= {NativeRef(ref): 0 for ref in sorted(mine - {*there, *kept}, key=int)}
            dependencies[native[kind]] = [{"ref": ref, "id": number} for ref, number in rows.items()]
        else:
            kept += sorted(mine - set(kept), key=int)
        if kept != listed:
            put_refs(block, label, kept)
    return dependencies or None


def read_parent(payload: JsonObject, block: Block, mapping: ProjectMapping) -> Value:
    """The parent's ref, from the block where the server shows none; UNKNOWN for one in another repository."""
    if has_parents(mapping) and (parent := wire.parent_ref(payload)) is not None:
        return UNKNOWN if "#" in parent else parent
    refs = row_refs(block, ROWS[Field.PARENT], payload)
    if not refs:
        return None if refs is not None else UNKNOWN
    return UNKNOWN if len(refs) > 1 or "#" in refs[0] else refs[0]


def read_files(block: Block) -> Value:
    """The files that the block links to; UNKNOWN where something else stands between them."""
    found: set[str] = set()
    for value in block.rows(ROWS[Field.ATTACHMENTS]):
        if _FILE.sub("", value).strip(" ,"):
            return UNKNOWN
        found |= {f"[{plain(file['name'])}]({file['url']})" for file in _FILE.finditer(value)}
    return frozenset(found)


def write_files(block: Block, members: Iterable[str]) -> None:
    """Link to these files."""
    links = (re.fullmatch(r"\[(?P<name>.*)\]\((?P<url>[^()\s]+)\)", member, re.DOTALL) for member in sorted(members))
    shown = [f"[{escaped(' '.join(link['name'].split()))}]({link['url']})" for link in links if link is not None]
    block.put(ROWS[Field.ATTACHMENTS], ", ".join(shown) or None)
