"""A table of texts with its notes: made once, shown alike in a terminal, in Markdown, on a page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sheet:
    """The first column names a row, the others are its values; `notes` are lines below."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """A heading, the table, and its notes as a numbered list."""
        align = ["---", *("---:" for _ in self.heads[1:])]
        table = "\n".join(_line(cells) for cells in (self.heads, align, *self.rows))
        notes = "\n".join(f"{number}. {note}" for number, note in enumerate(self.notes, 1))
        return "\n\n".join(part for part in (f"### {self.title}", table, notes) if part)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def numbered(notes: Sequence[str], all_notes: list[str]) -> str:
    """Marks such as " (1) (3)" of `notes`, each added to `all_notes` if it is not there yet."""
    all_notes += [note for note in dict.fromkeys(notes) if note not in all_notes]
    return "".join(f" ({all_notes.index(note) + 1})" for note in notes)
