"""A table of texts with its notes: made once, shown alike in a terminal and on a page."""

from collections.abc import Sequence
from dataclasses import dataclass

UNMEASURED = "not measured yet"
OTHER_PROTOCOL = "published for the paper's protocol, not this one"


@dataclass(frozen=True)
class Sheet:
    """The first column names a row, the others are its values; `notes` are lines below."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
