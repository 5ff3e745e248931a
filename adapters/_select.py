"""A condition of a person's own, which must not reach out of the brackets that it is put between."""

from __future__ import annotations


def is_closed(condition: str, *, escape: str = "") -> bool:
    """Whether every quote, bracket and `[name]` in the condition ends in it; `escape` takes the meaning of the next sign."""
    depth, quote = 0, ""
    signs = iter(condition)
    for sign in signs:
        if quote:
            if sign == escape:
                next(signs, "")
            elif sign == quote:
                quote = ""
        elif sign in "'\"[":
            quote = "]" if sign == "[" else sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0 and not quote
