"""Where the texts come from that conversions are measured on; what is not there is named, and nothing is made up."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_API = Path(__file__).resolve().parents[2] / "shared" / "api"
_EXAMPLE = re.compile(r"^`{32} example(?P<kind>[^\n]*)\n(?P<markdown>.*?)^\.\n.*?^`{32}$", re.MULTILINE | re.DOTALL)

Bodies = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Folders: the bodies by tracker, Atlassian's schema, the specifications' examples, the oracle for wiki markup."""

    corpus: Path = _API / "corpus"
    schema: Path = _API / "specs" / "jira" / "adf" / "adf-full.schema.json"
    examples: Path | None = None
    oracle: Path | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Places:
        """As `MARKDOWN_EXAMPLES` (a folder of spec.txt files) and `WIKI_ORACLE` (a folder with node_modules) say."""
        examples, oracle = environment.get("MARKDOWN_EXAMPLES"), environment.get("WIKI_ORACLE")
        return cls(examples=Path(examples) if examples else None, oracle=Path(oracle) if oracle else None)

    def bodies(self, folder: str) -> Bodies:
        """The bodies of a folder of the corpus, each with a name; none where it is not there."""
        found: Bodies = []
        for path in sorted((self.corpus / folder).glob("*.json")):
            items = json.loads(path.read_text())["items"]
            found += [(f"{path.stem} {number}", item["body"]) for number, item in enumerate(items) if item["body"]]
        return found

    def specification(self) -> Bodies:
        """The examples of CommonMark, and of GitHub's specification those that are not CommonMark's."""
        found: Bodies = []
        for path in sorted(self.examples.glob("*.txt")) if self.examples else ():
            examples = list(_EXAMPLE.finditer(path.read_text()))
            extended = any(example["kind"].strip() for example in examples)
            for number, example in enumerate(examples, 1):
                if example["kind"].strip() or not extended:
                    found.append((f"{path.stem} {number}", example["markdown"].replace("\u2192", "\t").rstrip("\n")))
        return found
