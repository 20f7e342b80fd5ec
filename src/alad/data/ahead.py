"""Read ahead: one thread makes the next items while another works on those before."""

from collections.abc import Generator, Iterable
from contextvars import copy_context
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

AHEAD = 2  # items that wait at most
PATIENCE = 0.1  # seconds between two looks whether anybody still waits


def ahead(items: Iterable[Item], most: int = AHEAD) -> Generator[Item, None, None]:
    """Yield items in their order, which a thread of their own makes, at most so many ahead.

    What making them raises is raised here, after the items before it. Whoever stops early ends the
    thread, once it has made the item that it is at.
    """
    made: Queue[tuple[Item | None, BaseException | None]] = Queue(most)
    stopped = Event()

    def put(item: Item | None, error: BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                made.put((item, error), timeout=PATIENCE)
                return True
            except Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)
        finally:
            close = getattr(items, "close", None)  # of a generator, which may hold files open
            if close is not None:
                close()

    thread = Thread(target=copy_context().run, args=(make,), daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        while thread.is_alive():
            try:  # a last item may wait for its place
                made.get(timeout=PATIENCE)
            except Empty:
                continue
        thread.join()
