"""A whole page, as self-contained HTML and as Markdown.

The HTML loads nothing: style, script and drawings are in it, and its content security policy
forbids everything else.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alad.data.writing import replacing
from alad.errors import StorageError
from alad.report.charts.canvas import Chart, stylesheet
from alad.report.markup import joined, tag
from alad.report.page_parts import Section, plain, slug

NOTEBOOK_HEIGHT = 600  # pixels
STYLES = ("colours.css", "charts.css", "page.css")


@dataclass(frozen=True)
class Page:
    """A title, a lead, and sections."""

    title: str
    lead: str  # one or two sentences under the title
    sections: Sequence[Section]
    foot: str = ""

    def html(self) -> str:
        """Write the text of the HTML file."""
        script = stylesheet("page.js")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = (
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        )
        head = [
            tag("meta", charset="utf-8"),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("title", self.title),
            tag("style", joined(map(stylesheet, STYLES))),
        ]
        titles = [section.title for section in self.sections]
        links = [tag("a", title, href=f"#{slug(title)}") for title in titles]
        body = [
            tag("a", "Skip to the content", href="#content", class_="skip"),
            tag("header", tag("h1", self.title), tag("p", self.lead, class_="lead")),
            tag("nav", *links, aria_label="Sections"),
            tag("main", *(section.html() for section in self.sections), id="content", tabindex=-1),
            tag("footer", self.foot) if self.foot else "",
            tag("script", script),
        ]
        page = tag("html", tag("head", *head), tag("body", *body), lang="en")
        return f"<!doctype html>\n{page}\n"

    def _repr_html_(self) -> str:
        """Show the page in a notebook, in a frame of its own."""
        style = f"width:100%;height:{NOTEBOOK_HEIGHT}px;border:0"
        return tag("iframe", srcdoc=self.html(), style=style, title=self.title)

    def markdown(self) -> str:
        """Write the text of the Markdown file, which links to drawings in `figures/`."""
        parts = [f"# {plain(self.title)}", plain(self.lead)]
        parts += [section.markdown() for section in self.sections]
        return "\n\n".join([*parts, *([plain(self.foot)] if self.foot else [])]) + "\n"

    def charts(self) -> dict[str, Chart]:
        """List its drawings by their files in `figures/`."""
        blocks = [block for section in self.sections for block in section.blocks]
        return {f"{slug(chart.title)}.svg": chart for block in blocks for chart in block.charts()}


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises StorageError if it cannot be written."""
    try:
        with replacing(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror or error}") from error
