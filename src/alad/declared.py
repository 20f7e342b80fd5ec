"""Read the parameters that a detector declares from its source, without importing it.

An import loads torch or scikit-learn, which takes seconds; the command line's help, the list of
detectors and the documentation need only the declarations. A parameter is a field of a dataclass:
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
MARKS = ("how", "decides", "replaces")  # functions of `alad.parameters` that declare a field
NO_DEFAULT = "…"


@dataclass(frozen=True)
class Parameter:
    """A field as the source declares it.

    annotation: source of its kind. default: its value, or its source where that is no literal.
    comment: its documentation. mark: "how", "decides", "replaces", or "".
    """

    name: str
    annotation: str
    default: Any
    comment: str
    mark: str = ""


@dataclass(frozen=True)
class Declaration:
    """A class: the first line of its docstring, its class variables of text, its parameters."""

    title: str
    constants: dict[str, str]
    parameters: dict[str, Parameter]


@functools.cache
def declaration(module: str, class_name: str) -> Declaration:
    """Read the declaration of a class, with what it inherits: "alad.classic.pca", "PCA"."""
    source = _path(module).read_text(encoding="utf-8")
    tree = ast.parse(source)
    lines = source.splitlines()
    node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == class_name)
    # bases of this package come first, so that a class replaces what it inherits
    constants: dict[str, str] = {}
    parameters: dict[str, Parameter] = {}
    for base in _bases(node, tree, module):
        constants |= base.constants
        parameters |= base.parameters
    # fields are parameters; class variables with a text are constants
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
    """Locate the source file of a module, of this package or of another with a detector."""
    if module.startswith("alad."):
        return PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise InputError(f"there is no module {module!r}; install the package that brings it")
    return Path(spec.origin)


def _bases(node: ast.ClassDef, tree: ast.Module, module: str) -> Iterator[Declaration]:
    """Read the declarations of the bases that this package defines."""
    imported = {
        name.asname or name.name: statement.module
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("alad.")
        for name in statement.names
    }
    defined = {item.name for item in tree.body if isinstance(item, ast.ClassDef)}
    for base in node.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name in defined:
            yield declaration(module, name)
        elif home := imported.get(name):
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
    """Join the comment lines right above a field and the comment beside it."""
    above: list[str] = []
    at = item.lineno - 2
    while lines[at].lstrip().startswith("# ") and not lines[at].lstrip().startswith("# ---"):
        above.insert(0, lines[at].strip()[2:])
        at -= 1
    # the source of the field ends where its node does; what follows is a comment
    beside = lines[(item.end_lineno or item.lineno) - 1][item.end_col_offset :].strip()
    beside = re.sub(r"# (pyright|noqa|type):? ?.*", "", beside).removeprefix("#").strip()
    return " ".join([*above, *([beside] if beside else [])])
