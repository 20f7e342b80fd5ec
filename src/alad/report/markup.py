"""HTML and SVG as text in which nothing but our own tags is markup.

A plain string is text: `tag` escapes it, so a cell that reads `<script>` is shown and not run. What
`tag` returns is `Markup`, and is put into other tags as it is.
"""

import html
import re
from collections.abc import Iterable
from typing import Any

# Control characters, halves of a pair, no characters at all; and those that turn the direction of
# what follows them, with which one text can be made to look like another
UNFIT = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
VOID = frozenset(
    {"br", "img", "input", "line", "meta", "path", "rect", "circle"}
)  # have no content


class Markup(str):
    """Text that is markup already. Only `tag` and our own files make it."""

    __slots__ = ()


def escaped(value: Any) -> Markup:
    """`value` as text inside HTML or SVG; characters unfit for either are shown as �."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(UNFIT.sub("�", str(value)), quote=True))


def joined(parts: Iterable[Any], between: str = "") -> Markup:
    """The parts one after the other, each escaped unless it is markup."""
    return Markup(between.join(map(escaped, parts)))


def tag(name: str, /, *content: Any, **attributes: Any) -> Markup:
    """`<name …>content</name>`; `class_` is `class`, `data_x` is `data-x`, None is left out.

    True writes an attribute without a value, False none. Numbers are written with 2 decimals.
    """
    head = "".join(map(_attribute, attributes.items()))
    if name in VOID and not content:
        return Markup(f"<{name}{head}/>")
    return Markup(f"<{name}{head}>{joined(content)}</{name}>")


def _attribute(item: tuple[str, Any]) -> str:
    name, value = item
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escaped(short(value))}"'


def short(value: Any) -> Any:
    """A float as SVG needs it: two decimals, no more digits than they say something."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
