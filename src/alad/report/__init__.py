"""Results for people: tables for the terminal, pictures, and pages to open in a browser."""

from rich.table import Table

from alad.report.picture import can_draw, draw
from alad.report.terminal import brief, model_tables, plain_table, show, top_table

__all__ = [
    "Table",
    "brief",
    "can_draw",
    "draw",
    "model_tables",
    "plain_table",
    "show",
    "top_table",
]
