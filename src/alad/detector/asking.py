"""Methods of a detector that ask what it has fitted."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from alad.detector.fitted import Fitted

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def asks(
    method: Callable[Concatenate[Fitted, Asked], Answer],
) -> Callable[Concatenate[Any, Asked], Answer]:
    """Make a method of a detector that asks what it has fitted; signature and words are its own.

    Raises NotFittedError before a fit, and InputError if a parameter was changed since.
    """

    @functools.wraps(method)
    def ask(self: Any, *arguments: Asked.args, **named: Asked.kwargs) -> Answer:
        return method(self.checked(), *arguments, **named)

    return ask
