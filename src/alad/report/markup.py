"""HTML and SVG as text in which nothing but our own tags is markup.

A plain string is text: `tag` escapes it, so a cell that reads `<script>` is shown and not run. What
`tag` returns is `Markup`, and is put into other tags as it is.
"""

import html
import re
from collections.abc import Iterable
from typing import Any

# Control characters, surrogates, noncharacters; and marks of direction, by which one text can be
# made to look like another
UNFIT = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
VOID = frozenset("br img input line meta path rect circle".split())  # tags without content


class Markup(str):
    """Text that is markup already. Only `tag` and our own files make it."""

    __slots__ = ()


def escaped(value: Any) -> Markup:
    """Escape a value for HTML or SVG, unless it is markup; characters unfit for either become �."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(UNFIT.sub("�", str(value)), quote=True))


def joined(parts: Iterable[Any]) -> Markup:
    """Join parts, each escaped unless it is markup."""
    return Markup("".join(map(escaped, parts)))


def tag(name: str, /, *content: Any, **attributes: Any) -> Markup:
    """Write `<name …>content</name>`; `class_` is `class`, `data_x` is `data-x`.

    An attribute of None or False is left out, one of True has no value; floats have 2 decimals.
    """
    head = "".join(map(_attribute, attributes, attributes.values()))
    if name in VOID and not content:
        return Markup(f"<{name}{head}/>")
    return Markup(f"<{name}{head}>{joined(content)}</{name}>")


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    value = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
    return f' {name}="{escaped(value)}"'
