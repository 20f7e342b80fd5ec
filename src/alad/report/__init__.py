"""Results for people: tables for the terminal, pictures, and pages to open in a browser."""

from rich.table import Table

from alad.report.picture import can_draw, draw
from alad.report.terminal import (
    benchmark_tables,
    brief,
    mean_and_sd,
    model_tables,
    plain_table,
    show,
    top_table,
)

__all__ = [
    "Table",
    "benchmark_tables",
    "brief",
    "can_draw",
    "draw",
    "mean_and_sd",
    "model_tables",
    "plain_table",
    "show",
    "top_table",
]
