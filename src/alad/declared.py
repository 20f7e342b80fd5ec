"""What the source of a detector declares, read without importing it: parameters, words, defaults.

Importing a detector loads its engines, which takes seconds; the help of the command line, the list
of detectors and the documentation need but the declarations. A parameter is a field of a dataclass:
its annotation is the kind of value, the comment beside or above it its documentation.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alad.errors import InputError

PACKAGE = Path(__file__).parent
MARKS = ("how", "decides", "replaces")  # of `alad.parameters`: what declares a field is called
NO_DEFAULT = "…"


@dataclass(frozen=True)
class Parameter:
    """A field as it is written down.

    annotation: the source of its kind. default: its value, or its source where that is no literal.
    comment: what it is for. mark: "how", "decides", "replaces", or "".
    """

    name: str
    annotation: str
    default: Any
    comment: str
    mark: str = ""


@dataclass(frozen=True)
class Declaration:
    """A class: its first line of documentation, its constants that are texts, its parameters."""

    title: str
    constants: dict[str, str]
    parameters: dict[str, Parameter]


@functools.cache
def declaration(module: str, class_name: str) -> Declaration:
    """Read a class, its bases of this package first: "alad.classic.pca", "PCA"."""
    source = _path(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = source.splitlines()
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name)
    constants: dict[str, str] = {}
    parameters: dict[str, Parameter] = {}
    for base in _bases(node, tree, module):
        constants |= base.constants
        parameters |= base.parameters
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        if "ClassVar" not in ast.unparse(item.annotation):
            parameters[item.target.id] = _parameter(item, item.target.id, lines)
        elif isinstance(item.value, ast.Constant) and isinstance(item.value.value, str):
            constants[item.target.id] = item.value.value
    title = (ast.get_docstring(node) or "").partition("\n")[0]
    return Declaration(title, constants, parameters)


def _path(module: str) -> Path:
    """The source file of a module: of this package, or of one that brings a detector along."""
    if module.startswith("alad."):
        return PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise InputError(f"there is no module {module!r}; install the package that brings it")
    return Path(spec.origin)


def _bases(node: ast.ClassDef, tree: ast.Module, module: str) -> Iterator[Declaration]:
    """The declarations of the bases that are of the package."""
    homes = {
        name.asname or name.name: found.module
        for found in tree.body
        if isinstance(found, ast.ImportFrom) and (found.module or "").startswith("alad.")
        for name in found.names
    }
    here = {one.name for one in tree.body if isinstance(one, ast.ClassDef)}
    for base in node.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name in here:
            yield declaration(module, name)
        elif home := homes.get(name):
            yield declaration(home, name)


def _parameter(item: ast.AnnAssign, name: str, lines: list[str]) -> Parameter:
    value, mark = item.value, ""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in MARKS:
        mark, value = value.func.id, value.args[-1]
    try:
        default = NO_DEFAULT if value is None else ast.literal_eval(value)
    except ValueError:
        default = ast.unparse(value) if value else NO_DEFAULT
    return Parameter(name, ast.unparse(item.annotation), default, _comment(item, lines), mark)


def _comment(item: ast.AnnAssign, lines: list[str]) -> str:
    """The comment lines right above a field, then the one beside it."""
    above: list[str] = []
    at = item.lineno - 2
    while lines[at].lstrip().startswith("# ") and not lines[at].lstrip().startswith("# ---"):
        above.insert(0, lines[at].strip()[2:])
        at -= 1
    # the source of the field ends where its node does; what follows is a comment
    beside = lines[(item.end_lineno or item.lineno) - 1][item.end_col_offset :].strip()
    beside = re.sub(r"# (pyright|noqa|type):? ?.*", "", beside).removeprefix("#").strip()
    return " ".join([*above, *([beside] if beside else [])])
