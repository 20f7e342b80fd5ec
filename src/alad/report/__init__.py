"""Results for people: tables, pictures, and pages to open in a browser."""

from alad.report.model.manifest import brief, learnt, model_tables
from alad.report.picture import can_draw, draw
from alad.report.tables import Cell, Table, show

__all__ = ["Cell", "Table", "brief", "can_draw", "draw", "learnt", "model_tables", "show"]
