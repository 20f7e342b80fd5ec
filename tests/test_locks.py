"""Locks: one holder at a time, and none of what was removed meanwhile."""

import os
import threading
from pathlib import Path

import pytest

from alad import locks

pytestmark = pytest.mark.skipif(locks.fcntl is None, reason="nothing is locked here")


def test_one_at_a_time(tmp_path: Path):
    with locks.locked(tmp_path, wait=False) as first, locks.locked(tmp_path, wait=False) as second:
        assert first is True and second is False
    with locks.locked(tmp_path, wait=False) as again:
        assert again is True


def test_who_waits_gets_the_lock_of_what_is_there_then(tmp_path: Path):
    """The one in front removes the folder and makes another of that name."""
    folder, order = tmp_path / "x", []

    def second() -> None:
        with locks.locked(folder, wait=True) as mine:
            order.append((mine, folder.stat().st_ino == place.st_ino))

    folder.mkdir()
    with locks.locked(folder, wait=False):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.2)
        assert order == []
        folder.rename(tmp_path / "old")
        folder.mkdir()
        place = folder.stat()
    waiting.join(10)
    assert order == [(True, True)]


def test_nothing_to_lock(tmp_path: Path):
    with pytest.raises(FileNotFoundError), locks.locked(tmp_path / "none", wait=False):
        pass


def test_a_created_file_is_locked_until_it_is_closed(tmp_path: Path):
    path = tmp_path / "x"
    with locks.created(path) as file:
        file.write(b"1")
        with locks.locked(path, wait=False) as free:
            assert free is False
    with locks.locked(path, wait=False) as free:
        assert free is True
    assert path.read_bytes() == b"1"


def test_without_locks_nobody_is_told_that_he_has_one(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with locks.locked(tmp_path, wait=False) as first, locks.created(tmp_path / "x") as file:
        assert first is None and os.fstat(file.fileno()).st_size == 0
