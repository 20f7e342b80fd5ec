"""Ray itself, which is an extra."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from alad.errors import InputError

AUTHENTICATION = "ray._private.authentication.authentication_token_setup"  # a logger of Ray's


def required() -> Any:
    """Import Ray with its datasets; InputError if it is not installed."""
    if find_spec("ray") is None:
        raise InputError("Ray is not installed; pip install 'alad[ray]'")
    import ray
    import ray.data

    return ray


def started(**options: Any) -> Any:
    """Give Ray, started if nobody has; InputError if it is not installed."""
    ray = required()
    if not ray.is_initialized():
        teller = logging.getLogger(AUTHENTICATION)
        teller.addFilter(_is_news)
        try:
            ray.init(**options)
        finally:
            teller.removeFilter(_is_news)
    return ray


def _is_news(message: logging.LogRecord) -> bool:
    """Tell what a user ought to know from Ray's word that a cluster of its own has a token."""
    return "authentication is enabled" not in message.getMessage()


def processors(ray: Any) -> int:
    """Count the processors of the cluster."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


@contextmanager
def session() -> Iterator[None]:
    """Connect to a cluster, or start one here; what was not there before is gone at the end.

    Ends in its order whatever interrupts it: a further Ctrl-C does not. Raises InputError without
    Ray.
    """
    ray = required()
    before = ray.is_initialized()
    started(logging_level="warning", log_to_driver=False)
    try:
        yield
    finally:
        if not before:
            with uninterrupted():
                ray.shutdown()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Leave a Ctrl-C unheard."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
