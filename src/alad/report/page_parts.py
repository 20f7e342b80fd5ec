"""Parts of a page: paragraphs, notes, facts, figures, each as HTML and as Markdown.

They hold plain text, which is escaped where it is written. Tables are in `report.tables`.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alad.report.charts.canvas import Chart
from alad.report.markup import Markup, joined, tag


class Block(ABC):
    """One part of a section."""

    @abstractmethod
    def html(self) -> Markup: ...

    @abstractmethod
    def markdown(self) -> str:
        """Write its lines, with links to drawings in `figures/`."""

    def charts(self) -> Sequence[Chart]:
        """List its drawings."""
        return ()


@dataclass(frozen=True)
class Text(Block):
    """A paragraph; `tone` "alarm" or "calm" frames it."""

    text: str
    tone: str = ""

    def html(self) -> Markup:
        return tag("p", self.text, class_=f"framed {self.tone}" if self.tone else None)

    def markdown(self) -> str:
        return f"> {plain(self.text)}" if self.tone else plain(self.text)


@dataclass(frozen=True)
class Notes(Block):
    """Numbered lines; nothing if there is none."""

    lines: Sequence[str]

    def html(self) -> Markup:
        lines = [tag("li", line) for line in self.lines]
        return tag("ol", *lines, class_="notes") if lines else Markup()

    def markdown(self) -> str:
        return "\n".join(f"{at}. {plain(line)}" for at, line in enumerate(self.lines, 1))


@dataclass(frozen=True)
class Facts(Block):
    """Names and values; `large`: shown as headline numbers."""

    facts: Mapping[str, str]
    large: bool = False

    def html(self) -> Markup:
        pairs = [tag("div", tag("dt", name), tag("dd", at)) for name, at in self.facts.items()]
        return tag("dl", *pairs, class_="headline" if self.large else "facts")

    def markdown(self) -> str:
        return markdown_table(("", ""), self.facts.items(), (0, 1))


@dataclass(frozen=True)
class Figures(Block):
    """Drawings side by side where there is room, each under its title; nothing without any."""

    drawn: Sequence[Chart]
    note: str = ""

    def html(self) -> Markup:
        drawn = [(tag("figcaption", chart.title), chart.svg()) for chart in self.drawn]
        figures = [tag("figure", *parts) for parts in drawn]
        note = tag("p", self.note, class_="note") if self.note else ""
        return joined([tag("div", *figures, class_="figures") if figures else "", note])

    def markdown(self) -> str:
        titles = [chart.title for chart in self.drawn]
        links = [f"![{plain(title)}](figures/{slug(title)}.svg)" for title in titles]
        return "\n\n".join([*links, *filter(None, [plain(self.note)])])

    def charts(self) -> Sequence[Chart]:
        return self.drawn


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]

    def html(self) -> Markup:
        key = slug(self.title)
        blocks = [block.html() for block in self.blocks]
        return tag("section", tag("h2", self.title, id=key), *blocks, aria_labelledby=key)

    def markdown(self) -> str:
        parts = [f"## {plain(self.title)}", *(block.markdown() for block in self.blocks)]
        return "\n\n".join(filter(None, parts))


def slug(text: str) -> str:
    """Turn a text into a name for links and files: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


def plain(text: str) -> str:
    """Escape a text so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(str(text).split()))


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], left: Collection[int] = (0,)
) -> str:
    """Write a table in Markdown. left: columns of words; all others hold numbers."""
    sides = ["---" if at in left else "---:" for at in range(len(columns))]
    lines = [list(map(plain, columns)), sides, *(list(map(plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
