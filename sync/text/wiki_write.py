"""Nodes to Jira's wiki markup."""

from collections.abc import Sequence

from .carry import FENCE, IMAGE, fenced
from .fallback import carried, unboxed
from .nodes import Node, attr, children
from .wiki_inline_write import write_line, write_lines

PANEL_COLOURS = {
    "info": "#deebff",
    "note": "#eae6ff",
    "success": "#e3fcef",
    "tip": "#e3fcef",
    "warning": "#fffae6",
    "error": "#ffebe6",
}
# What Jira Server's {code} macro knows; it shows an error for any other language.
LANGUAGES = frozenset(
    [
        "actionscript",
        "ada",
        "applescript",
        "bash",
        "c",
        "c#",
        "c++",
        "css",
        "erlang",
        "go",
        "groovy",
        "haskell",
        "html",
        "java",
        "javascript",
        "js",
        "json",
        "lua",
        "nyan",
        "objc",
        "perl",
        "php",
        "python",
        "r",
        "rainbow",
        "ruby",
        "scala",
        "sh",
        "sql",
        "swift",
        "visualbasic",
        "xml",
        "yaml",
    ]
)
PLAIN = "text"  # the language of what stands in {noformat}
_LISTS = ("bulletList", "orderedList")


def write_wiki(blocks: Sequence[Node]) -> str:
    """The wiki markup of the blocks."""
    return "\n\n".join(part for part in (_block(block, ()) for block in blocks) if part)


def _block(block: Node, inside: tuple[str, ...]) -> str:
    """One block; `inside` names the macros around it, for a macro can't stand in itself."""
    kind = block["type"]
    if kind == "paragraph":
        return write_lines(children(block))
    if kind == "heading":
        return f"h{attr(block, 'level', 1)}. {write_line(children(block))}"
    if kind in _LISTS:
        return "\n".join(_list(block, ""))
    if kind == "codeBlock":
        return _code(block)
    if kind == "rule":
        return "----"
    if kind == "table":
        return _table(block)
    if kind in ("blockquote", "panel") and kind not in inside:
        return _macro(block, (*inside, kind))
    if kind == "expand":
        return _folded(block, inside)
    return write_lines(children(carried(block)))


def _macro(block: Node, inside: tuple[str, ...]) -> str:
    body = "\n\n".join(part for part in (_block(child, inside) for child in children(block)) if part)
    if block["type"] == "blockquote":
        return f"{{quote}}\n{body}\n{{quote}}"
    colour = PANEL_COLOURS.get(attr(block, "panelType"), PANEL_COLOURS["info"])
    return f"{{panel:bgColor={colour}}}\n{body}\n{{panel}}"


def _folded(block: Node, inside: tuple[str, ...]) -> str:
    """Jira's wiki has no folding: the tags stand as source around blocks that are themselves."""
    shell = carried({**block, "content": []})
    *head, tail = write_lines(children(shell)).rstrip().split("\n")
    body = [part for part in (_block(child, inside) for child in children(block)) if part]
    return "\n\n".join(["\n".join(head).rstrip(), *body, tail])


def _code(block: Node) -> str:
    """Code in the macro that knows its language, or in the one that colours nothing."""
    code = "".join(str(n.get("text", "")) for n in children(block))
    language = str(attr(block, "language") or "")
    name = "code" if not language or language.lower() in LANGUAGES else "noformat"
    if "{" + name in code:
        name = "noformat" if name == "code" else "code"
    code = code.replace("{" + name, "{" + FENCE + name)
    if name == "code" and (not language or language.lower() in LANGUAGES):
        said = f":{language}" if language else ""
    elif (name, language) == ("noformat", PLAIN):
        said = ""
    else:
        said = "" if set(language) & set("{}|=:\n") else f":title={fenced(language)}"
    return f"{{{name}{said}}}\n{code}\n{{{name}}}"


def _list(block: Node, around: str) -> list[str]:
    """The lines of a list; each level adds its sign to the marker."""
    marker = around + ("#" if block["type"] == "orderedList" else "*")
    out: list[str] = []
    for number, item in enumerate(children(block)):
        content = unboxed(item)
        line = f"{marker} "
        started = not number and bool(content) and content[0]["type"] in _LISTS
        for place, child in enumerate(content):
            if child["type"] in _LISTS:
                out.extend([line.rstrip() + " "] if not started else [])
                out.extend(_list(child, marker))
            elif child["type"] == "codeBlock":
                out.extend([line, _code(child)] if not started else [_code(child)])
            else:
                body = write_lines(children(child if child["type"] == "paragraph" else carried(child)))
                split = place and content[place - 1]["type"] not in (*_LISTS, "codeBlock")
                out.extend([IMAGE] if split else [])
                out.append((line + body) if not started else body)
            started = True
        if not started:
            out.append(line)
    return out


def _table(block: Node) -> str:
    rows: list[str] = []
    for row in children(block):
        cells = ""
        sign = "|"
        for cell in children(row):
            sign = "||" if cell["type"] == "tableHeader" else "|"
            cells += sign + (_cell(cell) or " ")
        if cells:
            rows.append(cells + sign)
    return "\n".join(rows)


def _cell(cell: Node) -> str:
    """The blocks of a cell on one line."""
    parts = [
        write_line(children(child if child["type"] == "paragraph" else carried(child)), cell=True)
        for child in children(cell)
    ]
    return "\\\\ ".join(part for part in parts if part)
