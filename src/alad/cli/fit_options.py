"""Options of `alad fit` that set parameters: read from the declarations of the detectors.

A parameter that a detector declares is an option here at once; its comment is the help.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from alad.catalogue import DETECTORS, declared
from alad.cli.frame import SCORES, flag_of, option
from alad.declared import Parameter

LONGEST_HELP = 160  # characters: then the first clause has to do
MANY = 6  # detectors: then the help does not name them
# what `fit` has an option of its own for, or no use for
OWN = {"drop", "random_state", "verbose", "checkpoint", "resume"}
KINDS: tuple[tuple[str, type], ...] = (  # by what an annotation contains, in this order
    (r"\b(Count|CountOrZero|int)\b", int),
    (r"\b(Switch|bool)\b", bool),
    (r"\bFolder\b", Path),
    (r"\b(Share|Proportion|Positive|PositiveOrZero|Contamination|Nu|Gamma|float)\b", float),
)


def with_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes **parameters an option for each parameter of any detector."""
    own = inspect.signature(command, eval_str=True)
    fixed = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
    options = [_option(name, owners) for name, owners in _owners().items()]
    command.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [*(one.replace(kind=one.KEYWORD_ONLY) for one in fixed), *options]
    )
    return command


def _owners() -> dict[str, dict[str, Parameter]]:
    """Of each parameter, which detectors have it, and as what."""
    owners: dict[str, dict[str, Parameter]] = {}
    for detector in DETECTORS:
        for name, parameter in declared(detector).parameters.items():
            if name not in OWN:
                owners.setdefault(name, {})[detector] = parameter
    return owners


def _option(name: str, owners: dict[str, Parameter]) -> inspect.Parameter:
    first = next(iter(owners.values()))
    kind = next((made for text, made in KINDS if re.search(text, first.annotation)), str)
    defaults = {str(one.default) for one in owners.values()}
    flags = [flag_of(name)]
    if kind is bool:
        flags = [f"{flags[0]}/--no-{flags[0][2:]}"]
    declared_option = option(
        *flags,
        help=_help(first, list(owners)),
        show_default=defaults.pop() if len(defaults) == 1 and first.default is not None else False,
        panel=_panel(first, len(owners)),
    )
    annotation = Annotated[kind | None, declared_option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _help(parameter: Parameter, owners: list[str]) -> str:
    """Its comment, or as much of it as a line or two hold; and whose it is, if of a few."""
    if parameter.name == "score_function":
        return f"Which score counts: {SCORES}"
    words = parameter.comment.replace("`", "")
    if len(words) > LONGEST_HELP:
        words = re.split(r"(?<=[^0-9])[;.:] ", words)[0]
    choices = re.findall(r"'([^']+)'", parameter.annotation)
    if choices and not all(choice in words for choice in choices):
        words = f"{words}: {', '.join(choices)}"
    whose = "" if len(owners) >= MANY else f" ({', '.join(owners)})"
    return f"{words[:1].upper()}{words[1:]}{whose}."


def _panel(parameter: Parameter, owners: int) -> str:
    if parameter.mark == "how":
        return "Running"
    if owners == len(DETECTORS):
        return "Rows and thresholds"
    return "Training" if owners >= MANY else "Of single methods"
