"""Damages of a stored model: bytes, files, devices, and values under a checksum made to fit."""

import hashlib
import json
import os
import shutil
import socket
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from .tables import damaged

JUNK = [None, "x", "", -1, 0, 1, 2, 0.5, 1e308, 10**30, True, False, [], {}, [None], {"a": None},
        float("nan"), float("inf"), -0.0, "\0", [[]], "knn"]  # fmt: skip
REPLACEMENTS = ["folder", "fifo", "zero", "null", "loop", "nowhere", "link", "socket", "sparse"]
NUMBERS = [0.0, 1.0, -1.0, 1e38, -1e38, 1e300, 1e-300, np.nan, np.inf, -np.inf]


def damage(random: Random, folder: Path) -> str:
    """Damage a model in one of all ways; return what was done.

    Begins with "sealed" where checksums were computed anew, as somebody might who knows how.
    """
    ways = [(12, bytes_changed), (3, file_changed), (2, file_replaced), (6, value_changed),
            (6, arrays_changed)]  # fmt: skip
    way = random.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
    return way(random, folder)


def every_byte(folder: Path) -> list[tuple[str, int]]:
    """List (file, place) of every byte of a model."""
    return [(p.name, at) for p in sorted(folder.iterdir()) for at in range(p.stat().st_size)]


def flip(random: Random, folder: Path, name: str, at: int) -> str:
    """Flip a bit of one byte."""
    content = bytearray((folder / name).read_bytes())
    bit = random.randrange(8)
    content[at] ^= 1 << bit
    (folder / name).write_bytes(bytes(content))
    return f"bit {bit} of byte {at} of {name}"


def bytes_changed(random: Random, folder: Path) -> str:
    path = random.choice(sorted(folder.iterdir()))
    content, word = damaged(random, path.read_bytes())
    path.write_bytes(content)
    return f"{path.name}: {word}"


def file_changed(random: Random, folder: Path) -> str:
    paths = sorted(folder.iterdir())
    path = random.choice(paths)
    way = random.choice(["missing", "extra", "renamed", "swapped", "empty", "copied", "unfinished"])
    if way == "missing":
        path.unlink()
    elif way == "extra":
        (
            folder / random.choice(["notes.txt", "arrays-0.safetensors", "manifest.json~"])
        ).write_text("x")
    elif way == "renamed":
        path.rename(folder / random.choice(["weights", "Manifest.json", "arrays-x.safetensors"]))
    elif way == "swapped":
        one, two = paths[0].read_bytes(), paths[-1].read_bytes()
        paths[0].write_bytes(two)
        paths[-1].write_bytes(one)
    elif way == "empty":
        path.write_bytes(b"")
    elif way == "copied":
        shutil.copyfile(path, folder / f"{path.name}.bak")
    else:
        (folder / f".writing-1-{path.name}").write_bytes(path.read_bytes()[:50])
    return f"{path.name} {way}"


def file_replaced(random: Random, folder: Path) -> str:
    """Put something that is no plain file in the place of one."""
    path = random.choice(sorted(folder.iterdir()))
    content = path.read_bytes()
    path.unlink()
    way = random.choice(REPLACEMENTS)
    if way == "folder":
        path.mkdir()
    elif way == "fifo":
        os.mkfifo(path)
    elif way in ("zero", "null"):
        path.symlink_to(f"/dev/{way}")
    elif way == "loop":
        path.symlink_to(path.name)
    elif way == "nowhere":
        path.symlink_to("nowhere")
    elif way == "link":
        elsewhere = folder.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        (elsewhere / path.name).write_bytes(content)
        path.symlink_to(elsewhere / path.name)
    elif way == "socket":
        here = os.getcwd()
        os.chdir(folder)  # a socket's path is short
        try:
            socket.socket(socket.AF_UNIX).bind(path.name)
        finally:
            os.chdir(here)
    else:
        with path.open("wb") as file:
            file.truncate(1 << 36)
    return f"{path.name} a {way}"


# --- under a seal made to fit ---------------------------------------------------------------------


def manifest_of(folder: Path) -> Path:
    return folder / "manifest.json"


def seal(folder: Path, stored: dict[str, Any]) -> None:
    stored.pop("sha256", None)
    plain = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    stored["sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    manifest_of(folder).write_text(json.dumps(stored))


def value_changed(random: Random, folder: Path) -> str:
    """Replace, remove or add a value of the manifest."""
    stored = json.loads(manifest_of(folder).read_text())
    # most of its values are entries of the history; the others are more often told apart by place
    paths = [path for path in _paths(stored) if path and path[0] != "sha256"]
    if random.random() < 0.8:
        paths = [path for path in paths if "training" not in path] or paths
    path = random.choice(paths)
    at = stored
    for key in path[:-1]:
        at = at[key]
    way = random.choice(["set", "set", "remove", "add", "twice"])
    junk = random.choice(JUNK)
    if way == "remove":
        del at[path[-1]]
    elif way == "add" and isinstance(at, dict):
        at["colour"] = junk
    elif way == "twice" and isinstance(at, list):
        at.append(at[path[-1]])
    else:
        at[path[-1]] = junk
    seal(folder, stored)
    return f"sealed: {way} {'/'.join(map(str, path))} {junk!r}"


def _paths(value: Any, path: tuple = ()) -> list[tuple]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(inner for key, item in items for inner in _paths(item, (*path, key)))]


def arrays_changed(random: Random, folder: Path) -> str:
    """Change an array: its numbers, shape, kind, name, or whether it is there."""
    (path,) = folder.glob("arrays-*")
    arrays = load(path.read_bytes())
    name = random.choice(sorted(arrays))
    array = arrays[name]
    way = random.choice(["fill", "one", "shape", "kind", "name", "without", "spare", "short",
                         "long", "empty", "order"])  # fmt: skip
    with np.errstate(all="ignore"):
        if way == "fill":
            arrays[name] = _filled(array, random.choice(NUMBERS))
        elif way == "one" and array.size:
            changed = array.copy()
            changed.flat[random.randrange(array.size)] = _filled(
                array, random.choice(NUMBERS)
            ).flat[0]
            arrays[name] = changed
        elif way == "shape":
            arrays[name] = random.choice([array.ravel(), array[np.newaxis], array.T])
        elif way == "kind":
            kind = random.choice(["f2", "f4", "f8", "i1", "i8", "u8", "?"])
            arrays[name] = array.astype(kind)
        elif way == "name":
            arrays[random.choice(["x", "", "model/x", name + "2"])] = arrays.pop(name)
        elif way == "without":
            del arrays[name]
        elif way == "spare":
            arrays["spare"] = array
        elif way == "short":
            arrays[name] = array[..., :-1] if array.ndim else array
        elif way == "long":
            arrays[name] = np.concatenate([array, array]) if array.ndim else array
        elif way == "empty":
            arrays[name] = array[:0] if array.ndim else array
        elif array.ndim:
            arrays[name] = array[::-1]
    packed = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
    digest = hashlib.sha256(packed).hexdigest()
    path.unlink()
    new = f"arrays-{digest[:16]}.safetensors"
    (folder / new).write_bytes(packed)
    stored = json.loads(manifest_of(folder).read_text())
    stored["arrays"] = {"file": new, "sha256": digest}
    seal(folder, stored)
    return f"sealed: array {name} {array.dtype}{array.shape}: {way}"


def _filled(array: np.ndarray, value: float) -> np.ndarray:
    if array.dtype.kind == "f":
        return np.full_like(array, value)
    return np.full_like(array, int(np.clip(value, 0, 100)) if np.isfinite(value) else 0)
