"""Options of `alad fit` that set parameters: read from the declarations of the detectors.

A parameter that a detector declares is an option here at once; its comment is the help.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from alad.catalogue import DETECTORS, declared
from alad.cli.options import SCORES_HELP, flag_of, option
from alad.declared import Parameter

LONGEST_HELP = 160  # characters: then the first clause has to do
MANY = 6  # detectors: then the help does not name them
# what `fit` declares an option for itself, or has no use for
LEFT_OUT = {"drop", "random_state", "verbose", "checkpoint", "resume"}
KINDS: tuple[tuple[str, type], ...] = (  # by what an annotation contains, in this order
    (r"\b(Count|CountOrZero|TileSide|int)\b", int),
    (r"\b(Switch|bool)\b", bool),
    (r"\bFolder\b", Path),
    (r"\b(Share|Proportion|Positive|PositiveOrZero|Contamination|Nu|Gamma|float)\b", float),
)


def with_parameters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes **parameters an option for each parameter of any detector."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    fixed = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    options = [_option(name, owners) for name, owners in _owners().items()]
    command.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [*(parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in fixed), *options]
    )
    return command


def _owners() -> dict[str, dict[str, Parameter]]:
    """List, for each parameter, the detectors that have it, with its declaration in each."""
    owners: dict[str, dict[str, Parameter]] = {}
    for detector in DETECTORS:
        for name, parameter in declared(detector).parameters.items():
            if name not in LEFT_OUT:
                owners.setdefault(name, {})[detector] = parameter
    return owners


def _option(name: str, owners: dict[str, Parameter]) -> inspect.Parameter:
    """Make the option of a parameter: its kind, flags, help and, if all agree, its default."""
    first = next(iter(owners.values()))
    kind = next((made for text, made in KINDS if re.search(text, first.annotation)), str)
    defaults = {str(parameter.default) for parameter in owners.values()}
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
    """Make the help from the parameter's comment, shortened; names its detectors if few."""
    if parameter.name == "score_function":
        return f"Which score counts: {SCORES_HELP}"
    text = parameter.comment.replace("`", "")
    if len(text) > LONGEST_HELP:
        text = re.split(r"(?<=[^0-9])[;.:] ", text)[0]
    choices = re.findall(r"'([^']+)'", parameter.annotation)
    if choices and not all(choice in text for choice in choices):
        text = f"{text}: {', '.join(choices)}"
    whose = "" if len(owners) >= MANY else f" ({', '.join(owners)})"
    ends = "" if text.endswith("?") and not whose else "."
    return f"{text[:1].upper()}{text[1:]}{whose}{ends}"


def _panel(parameter: Parameter, owners: int) -> str:
    """Name the group of the help in which the option stands."""
    if parameter.mark == "how":
        return "Running"
    if owners == len(DETECTORS):
        return "Rows and thresholds"
    return "Training" if owners >= MANY else "Of single methods"
