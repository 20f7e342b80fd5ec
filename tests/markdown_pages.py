"""The documentation as tests read it: pages, their links and anchors, and their blocks of code."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README, EXPERIMENTS = ROOT / "README.md", ROOT / "EXPERIMENTS.md"
DOCS = ROOT / "docs"
PAGES = [README, EXPERIMENTS, *sorted(DOCS.rglob("*.md"))]

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
UNRUN = re.compile(r"<!-- not run:(.*?)-->\s*$", re.DOTALL)
INCLUDED = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)|<(?:a|img)[^>]+(?:href|src)=\"([^\"]+)\"")
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and why it is not run ("" = it is)."""

    language: str
    text: str
    unrun: str
    marked: bool


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    """A page with what it includes."""
    text = page.read_text("utf-8")
    return INCLUDED.sub(lambda found: (ROOT / found[1]).read_text("utf-8"), text)


def prose_of(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", text_of(page))


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        unrun = UNRUN.search(text[: found.start()])
        indent, language, body = found.groups()
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        reason = unrun[1].strip() if unrun else ""
        yield Block(language, "\n".join(lines) + "\n", reason, unrun is not None)


def links_of(page: Path) -> list[str]:
    prose = CODE.sub("", prose_of(page))
    return [plain or tag for plain, tag in LINK.findall(prose)]


def anchors_of(page: Path) -> set[str]:
    """Anchors of the headings that are the same on the site and where Markdown is shown as such."""
    headings = re.findall(r"^#+ +(.+?) *$", prose_of(page), re.MULTILINE)
    plain = [re.sub(r"[`*~]|\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {_site(heading) for heading in plain} & {_repository(heading) for heading in plain}


def _site(heading: str) -> str:
    """As Python-Markdown makes it."""
    ascii_only = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^\w\s-]", "", ascii_only).strip().lower()
    return re.sub(r"[-\s]+", "-", kept)


def _repository(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
