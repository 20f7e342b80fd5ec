"""What pages are made of: paragraphs, facts, tables, figures, each as HTML and as Markdown.

Blocks hold plain text; it is escaped where it is written.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alad.report.canvas import Chart
from alad.report.markup import Markup, joined, tag


class Block(ABC):
    """One part of a section."""

    @abstractmethod
    def html(self) -> Markup: ...

    @abstractmethod
    def markdown(self) -> str:
        """Its lines, drawings as links to `figures/`."""

    def charts(self) -> Sequence[Chart]:
        """Its drawings, which a Markdown page needs as files."""
        return ()


@dataclass(frozen=True)
class Text(Block):
    """A paragraph; `tone` "alarm" or "calm" frames it, "small" makes it a note."""

    text: str
    tone: str = ""

    def html(self) -> Markup:
        if self.tone == "small":
            return tag("p", self.text, class_="note")
        return tag("p", self.text, class_=f"framed {self.tone}" if self.tone else None)

    def markdown(self) -> str:
        framed = self.tone not in ("", "small")
        return f"> {plain(self.text)}" if framed else plain(self.text)


@dataclass(frozen=True)
class Notes(Block):
    """Numbered lines."""

    lines: Sequence[str]

    def html(self) -> Markup:
        return tag("ol", *(tag("li", line) for line in self.lines), class_="notes")

    def markdown(self) -> str:
        return "\n".join(f"{at}. {plain(line)}" for at, line in enumerate(self.lines, 1))


@dataclass(frozen=True)
class Facts(Block):
    """Names and values; `large` shows few of them as headline numbers."""

    facts: Mapping[str, str]
    large: bool = False

    def html(self) -> Markup:
        pairs = [tag("div", tag("dt", name), tag("dd", at)) for name, at in self.facts.items()]
        return tag("dl", *pairs, class_="headline" if self.large else "facts")

    def markdown(self) -> str:
        return _markdown_table(("", ""), [(name, at) for name, at in self.facts.items()])


@dataclass(frozen=True)
class Cell:
    """What a table shows, and by which number it is sorted there (None: by its text)."""

    content: str | Markup
    order: float | None = None


@dataclass(frozen=True)
class Rows(Block):
    """A table. The first column names the row; those in `numeric` are set to the right.

    `live` gives it sorting and a search field, lays it out as cards on a phone, and lets it scroll
    by itself if it is long. `unit` is what its rows are, in the plural.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str
    numeric: frozenset[int] = field(default_factory=frozenset)
    live: bool = False
    unit: str = "rows"

    def html(self) -> Markup:
        heads = tag("tr", *(self._head(at, name) for at, name in enumerate(self.heads)), role="row")
        body = [tag("tr", *map(self._cell, range(len(row)), row), role="row") for row in self.rows]
        table = tag(
            "table",
            tag("caption", self.caption),
            tag("thead", heads, role="rowgroup"),
            tag("tbody", *body, role="rowgroup"),
            role="table",
            class_="live" if self.live else None,
        )
        around: dict[str, Any] = {"tabindex": 0, "role": "region", "aria_label": self.caption}
        return joined(
            [self._search() if self.live else "", tag("div", table, class_="wide", **around)]
        )

    def _search(self) -> Markup:
        """Hidden until the script that makes it work is there."""
        field_ = tag("input", type="search", placeholder="any word or number")
        told = f"{len(self.rows)} {self.unit}"
        count = tag("output", told, aria_live="polite", data_unit=self.unit)
        return tag("div", tag("label", "Search ", field_), count, class_="search", hidden=True)

    def _head(self, at: int, name: str) -> Markup:
        content = tag("button", name, type="button") if self.live else name
        return tag("th", content, scope="col", role="columnheader", class_=self._side(at))

    def _cell(self, at: int, cell: str | Cell) -> Markup:
        cell = cell if isinstance(cell, Cell) else Cell(cell)
        order = None if cell.order is None else f"{cell.order:.10g}"
        how = {"class_": self._side(at), "data_order": order, "data_head": self.heads[at]}
        if at == 0:
            return tag("th", cell.content, scope="row", role="rowheader", **how)
        return tag("td", cell.content, role="cell", **how)

    def _side(self, at: int) -> str | None:
        return "number" if at in self.numeric else None

    def markdown(self) -> str:
        texts = [[_text_of(cell) for cell in row] for row in self.rows]
        return f"*{plain(self.caption)}*\n\n{_markdown_table(self.heads, texts, self.numeric)}"


@dataclass(frozen=True)
class Figures(Block):
    """Drawings side by side where there is room, each under its title."""

    drawn: Sequence[Chart]
    note: str = ""

    def html(self) -> Markup:
        figures = [
            tag("figure", tag("figcaption", chart.title), chart.svg()) for chart in self.drawn
        ]
        note = tag("p", self.note, class_="note") if self.note else ""
        return joined([tag("div", *figures, class_="figures"), note])

    def markdown(self) -> str:
        lines = [
            f"![{plain(chart.title)}](figures/{slug(chart.title)}.svg)" for chart in self.drawn
        ]
        return "\n\n".join([*lines, *([plain(self.note)] if self.note else [])])

    def charts(self) -> Sequence[Chart]:
        return self.drawn


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]

    def html(self) -> Markup:
        key = slug(self.title)
        heading = tag("h2", self.title, id=key)
        return tag(
            "section", heading, *(block.html() for block in self.blocks), aria_labelledby=key
        )

    def markdown(self) -> str:
        return "\n\n".join([f"## {plain(self.title)}", *(one.markdown() for one in self.blocks)])


def slug(text: str) -> str:
    """A name for links and files: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


# --- Markdown -------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(str(text).split()))


def _text_of(cell: str | Cell) -> str:
    content = cell.content if isinstance(cell, Cell) else cell
    return re.sub(r"<[^>]*>", "", content) if isinstance(content, Markup) else content


def _markdown_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: frozenset[int] = frozenset()
) -> str:
    sides = ["---:" if at in numeric else "---" for at in range(len(heads))]
    lines = [list(map(plain, heads)), sides, *(list(map(plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
