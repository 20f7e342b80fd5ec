"""Tables, written for a terminal, an HTML page and Markdown."""

import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from alad.errors import InputError
from alad.report.markup import Markup, joined, tag
from alad.report.page_parts import Block, Notes, markdown_table, plain

if TYPE_CHECKING:
    from rich.table import Table as RichTable

Mark = Literal["", "best", "published", "alarm", "calm"]

WIDE = 250  # characters, where no terminal says how many there are
STYLES = {"best": "bold", "published": "dim", "alarm": "red", "calm": "green"}  # of a terminal


@dataclass(frozen=True)
class Cell:
    """What a table shows, the number that it is sorted by, and its mark.

    Without a value a cell is sorted by the number that it begins with, words by themselves.
    """

    content: str | Markup
    value: float | None = None
    mark: Mark = ""


@dataclass(frozen=True)
class Table(Block):
    """Columns, rows of cells, the first of which names the row, and numbered notes.

    left: columns of words; all others hold numbers. live: on a page it can be sorted and searched,
    scrolls by itself and turns into cards on a phone. unit: what its rows are, in the plural.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    notes: Sequence[str] = ()
    left: Collection[int] = (0,)
    live: bool = True
    unit: str = "rows"

    def texts(self) -> list[list[str]]:
        """List the texts of its cells, without markup."""
        return [[text_of(cell) for cell in row] for row in self.rows]

    def markdown(self) -> str:
        table = markdown_table(self.columns, self.texts(), self.left)
        parts = (f"*{plain(self.title)}*", table, Notes(self.notes).markdown())
        return "\n\n".join(filter(None, parts))

    def html(self) -> Markup:
        heads = []
        for at, name in enumerate(self.columns):
            content = tag("button", name, type="button") if self.live else name
            side = None if at in self.left else "number"
            heads.append(tag("th", content, scope="col", role="columnheader", class_=side))
        rows = [tag("tr", *map(self._cell, range(len(row)), row), role="row") for row in self.rows]
        table = tag(
            "table",
            tag("caption", self.title),
            tag("thead", tag("tr", *heads, role="row"), role="rowgroup"),
            tag("tbody", *rows, role="rowgroup"),
            role="table",
            class_="live" if self.live else None,
        )
        region = {"class_": "wide", "role": "region", "aria_label": self.title}
        parts = [tag("div", table, tabindex=0, **region), Notes(self.notes).html()]
        if self.live:  # a search field, hidden until the script that makes it work is there
            field = tag("input", type="search", placeholder="any word or number")
            text = f"{len(self.rows)} {self.unit}"
            count = tag("output", text, aria_live="polite", data_unit=self.unit)
            label = tag("label", "Search ", field)
            parts.insert(0, tag("div", label, count, class_="search", hidden=True))
        return joined(parts)

    def _cell(self, at: int, cell: str | Cell) -> Markup:
        """Write a cell as `<td>`, the first as `<th>`, with what the script sorts by."""
        cell = cell if isinstance(cell, Cell) else Cell(cell)
        numeric = at not in self.left
        value = number_in(cell.content) if cell.value is None and numeric else cell.value
        classes, content = ["number"] if numeric else [], cell.content
        if cell.mark in ("alarm", "calm"):
            content = tag("span", content, class_=f"flag {cell.mark}")
        elif cell.mark:
            classes.append(cell.mark)
        attributes = {
            "class_": " ".join(classes) or None,
            "data_order": None if value is None else f"{value:.10g}",
            "data_head": self.columns[at],
        }
        if at == 0:
            return tag("th", content, scope="row", role="rowheader", **attributes)
        return tag("td", content, role="cell", **attributes)

    def terminal(self) -> "RichTable":
        """Make the table that `show` prints; brackets in names are no markup."""
        from rich.markup import escape
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(
            title=escape(self.title) or None, title_justify="left", show_header=any(self.columns)
        )
        for at, name in enumerate(self.columns):
            side = "left" if at in self.left else "right"
            table.add_column(escape(name), justify=side, no_wrap=at == 0)
        for row, texts in zip(self.rows, self.texts(), strict=True):
            marks = (cell.mark if isinstance(cell, Cell) else "" for cell in row)
            cells = zip(texts, marks, strict=True)
            table.add_row(*(Text(text, STYLES.get(mark, "")) for text, mark in cells))
        return table


def show(*parts: Table | str) -> None:
    """Print tables and lines; where there is no terminal, at full width and without colours.

    Raises InputError if standard output is closed.
    """
    from rich.console import Console
    from rich.markup import escape

    out = standard_output()
    console = Console(file=out, width=None if out.isatty() else WIDE, highlight=False)
    for part in parts:
        if isinstance(part, Table):
            console.print(part.terminal())
            lines = [f"  ({number}) {note}" for number, note in enumerate(part.notes, 1)]
        else:
            lines = [part]
        for line in lines:
            console.print(escape(line))


def standard_output() -> TextIO:
    """Give standard output. Raises InputError if it was closed before the program began."""
    if sys.stdout is None:
        raise InputError("standard output is closed; open it, or send it to a file")
    return sys.stdout


def text_of(cell: str | Cell) -> str:
    """Read the text of a cell, without markup."""
    content = cell.content if isinstance(cell, Cell) else cell
    return re.sub(r"<[^>]*>", "", content) if isinstance(content, Markup) else content


def number_in(text: str) -> float | None:
    """Read the number that a text begins with; None for words, -inf for an empty text."""
    if not text:
        return float("-inf")
    try:
        return float(text.split()[0].rstrip("*").replace(",", ""))
    except ValueError:
        return None


def numbered(notes: Sequence[str], chosen: Collection[str]) -> str:
    """Write the numbers of the chosen notes: "1, 3"."""
    return ", ".join(str(at) for at, note in enumerate(notes, 1) if note in chosen)
