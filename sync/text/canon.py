"""The form in which text is stored and compared."""

import re

from .nodes import clean

#: Each begins at the first of a run only: from every one of them the rest would be read again.
_TRAILING = re.compile(r"(?<![ \t])[ \t]+$", re.MULTILINE)
_OUTER = re.compile(r"\A(?:[ \t]*\n)+|(?<!\n)\n+\Z")


def canonical(text: str) -> str:
    """The text with line feeds only, no NUL, and no blanks at line ends or blank lines around it.

    A newline is a break in canonical text, as on GitHub, so two blanks before it say nothing more.
    """
    return _OUTER.sub("", _TRAILING.sub("", clean(text)))


def same_text(a: str, b: str) -> bool:
    """Whether two texts differ in nothing but line ends and blanks that no reader sees."""
    return canonical(a) == canonical(b)
