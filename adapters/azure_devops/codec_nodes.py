r"""Areas and iterations: `Project\Node\Leaf` is the name `Node/Leaf`, the project itself is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from adapters.azure_devops import wire
from adapters.azure_devops.places import NODES
from sync.core.mapping import ProjectMapping
from sync.core.models import UNKNOWN, Field, Value

_FORBIDDEN: Final = frozenset('\\?$*:"&<>#%|+')
_LONGEST: Final = 255


def read_path(name: Field, native: Any, mapping: ProjectMapping) -> Value:
    """The place as a name (a set of one for an area): as the mapping calls its path or its leaf, else the path."""
    if native is not None and not isinstance(native, str):
        return UNKNOWN
    path = wire.below(native)
    if not path:
        return frozenset() if name is Field.COMPONENTS else None
    words = mapping.values(name)
    found = next((said for one in (path, path.rpartition("/")[2]) if isinstance(said := words.read(one), str)), path)
    return frozenset({found}) if name is Field.COMPONENTS else found


def path_of(name: Field, wanted: Iterable[str], native: Any, mapping: ProjectMapping) -> tuple[str | None, list[str]]:
    """The path for one of the wanted names (none: the project, ""), the present one first, and the names that have none."""
    there = as_set(read_path(name, native, mapping))
    names = sorted(set(wanted), key=lambda one: (one not in there, one))
    found: str | None = None if names else ""
    missing: list[str] = []
    for one in names:
        path = wire.below(native) if one in there else _path(name, one, mapping)
        if path is None:
            missing.append(one)
        elif found is None:
            found = path
    return found, missing


def as_set(value: Value) -> frozenset[str]:
    """A name or a set of names as a set."""
    if isinstance(value, frozenset):
        return value
    return frozenset({value}) if isinstance(value, str) and value else frozenset()


def native_path(path: str, mapping: ProjectMapping) -> str:
    """The path as the field holds it."""
    project = wire.text(mapping.facts.extra.get("project"))
    return "\\".join([project, *path.split("/")] if path else [project])


def absent_nodes(name: Field, path: str, mapping: ProjectMapping) -> list[list[str]]:
    """What has to be made for the path, from the top: tree, path of the parent, name."""
    known = _known(name, mapping)
    if known is None:
        return []
    there = {one.casefold() for one in known}
    nodes = path.split("/")
    levels = ("/".join(nodes[: depth + 1]) for depth in range(len(nodes)))
    return [[NODES[name][0], *_split(level)] for level in levels if level.casefold() not in there]


def _split(path: str) -> tuple[str, str]:
    above, _, leaf = path.rpartition("/")
    return above, leaf


def _path(name: Field, wanted: str, mapping: ProjectMapping) -> str | None:
    mapped = mapping.values(name).values.get(wanted, ())
    known = _known(name, mapping)
    for candidate in mapped or (wanted,):
        if known is None:
            return candidate
        exact = next((path for path in known if path.casefold() == candidate.casefold()), None)
        leaves = [path for path in known if path.rpartition("/")[2].casefold() == candidate.casefold()]
        if exact is not None:
            return exact
        if mapped and len(leaves) == 1:
            return leaves[0]
    candidate = next(iter(mapped), wanted)
    return candidate if mapping.place(name).create and _is_possible(candidate) else None


def _is_possible(path: str) -> bool:
    return all(
        node and node == node.strip() and len(node) <= _LONGEST and not set(node) & _FORBIDDEN and node.isprintable()
        for node in path.split("/")
    )


def _known(name: Field, mapping: ProjectMapping) -> tuple[str, ...] | None:
    """The paths of the project's tree; None where it could not be read, and the service judges."""
    paths = mapping.facts.extra.get(NODES[name][0])
    return tuple(path for path in paths if isinstance(path, str)) if isinstance(paths, list | tuple) else None
