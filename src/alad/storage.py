"""Write arrays and JSON into a folder atomically, and read them with checksums; knows no detector.

    manifest.json               schema, kind, versions, the content, checksums
    arrays-<hash>.safetensors   the arrays; the manifest names its file

The manifest is replaced last, by one rename, so a folder holds either the old content or the new,
whenever the process dies; a write that fails leaves nothing. Folders are never renamed: they may be
mounted volumes. Who writes locks the folder; who reads one that is replaced meanwhile reads again.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from alad import locks
from alad.errors import InputError, StorageError
from alad.files import MOST_BYTES, UNFINISHED, bytes_of, made, put, stated_length
from alad.version import __version__

SCHEMA_VERSION = 2  # of models; schema 1 had parameters instead of the layers of networks
FORMAT = "alad"
MANIFEST = "manifest.json"
ARRAYS, FILES = "arrays-{}.safetensors", (MANIFEST, "arrays-", UNFINISHED)
PACKAGES = ("numpy", "scikit-learn", "torch")  # packages that compute scores
REQUIRED = {"kind", "versions", "created", "content", "arrays"}
URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # pathlib makes one slash of two
MEMBER = "member-"  # a folder in that of a checkpoint begins so, of a member trained apart
OURS = {"model": FILES, "checkpoint": (*FILES, MEMBER)}  # how names in our folders begin

Kind = Literal["model", "checkpoint"]


def write(
    folder: str | Path,
    kind: Kind,
    content: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    locked: bool = False,
) -> None:
    """Write `content` (JSON values) and `arrays` (of numbers or bools) into `folder`.

    An empty or missing folder is filled, an alad folder replaced. locked: does the caller hold
    `exclusive` of it? Raises InputError if `content` or an array cannot be stored, StorageError if
    `folder` is anything else or cannot be written to; then it is as it was before.
    """
    from safetensors.numpy import save

    # refuse before anything is written: what cannot be stored, and folders that are not ours
    folder = _path(folder, kind)
    packed = save({name: _plain(name, array) for name, array in arrays.items()})
    digest = hashlib.sha256(packed).hexdigest()
    arrays_file = ARRAYS.format(digest[:16])
    text = _manifest_text(kind, content, {"file": arrays_file, "sha256": digest})
    check_target(folder, kind)
    try:
        if locked:
            _replace(folder, arrays_file, packed, text.encode())
        else:
            with made(folder), locks.locked(folder, wait=True):
                _replace(folder, arrays_file, packed, text.encode())
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}; choose another folder") from error


@contextmanager
def exclusive(folder: str | Path, kind: Kind) -> Iterator[None]:
    """Make a folder, and let nobody else write into it for the time of the context.

    If it is still empty then, it is removed. Raises StorageError if somebody else writes into it,
    or it cannot be made.
    """
    folder = _path(folder, kind)
    check_target(folder, kind)
    with ExitStack() as until_the_end:
        try:
            until_the_end.enter_context(made(folder))
            free = until_the_end.enter_context(locks.locked(folder, wait=False))
        except OSError as error:
            raise StorageError(f"{folder}: {error.strerror}; choose another folder") from error
        if free is False:
            raise StorageError(
                f"{folder}: another process writes a {kind} there; wait for its end, or choose "
                "another folder"
            )
        yield


def check_target(folder: str | Path, kind: Kind) -> None:
    """Raise StorageError unless a folder is missing, empty, or holds nothing but our files.

    Those of another kind are refused, too; what a killed process left unfinished is not.
    """
    folder = _path(folder, kind)
    if folder.is_dir():
        foreign = any(not path.name.startswith(OURS[kind]) for path in folder.iterdir())
        stored = _parsed(folder) if (folder / MANIFEST).exists() else {"format": FORMAT}
        stored = stored or _parsed(folder)  # another process may just have replaced it
        if foreign or stored is None or stored.get("format") != FORMAT:
            raise StorageError(f"{folder} exists and is not an alad folder; choose another folder")
        if stored.get("kind", kind) != kind:
            raise StorageError(f"{folder} holds a {stored['kind']}; choose another folder")
    elif folder.exists():
        raise StorageError(f"{folder} exists and is a file; choose another folder")


def remove(folder: str | Path) -> None:
    """Remove a folder, if there is one that nobody writes into."""
    with suppress(OSError), locks.locked(Path(folder), wait=False) as free:
        if free is not False:
            shutil.rmtree(folder)


def read(folder: str | Path, kind: Kind) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the content and the arrays (writable copies) that `write` stored.

    Raises InputError, one line, if the folder is missing, foreign, incomplete, altered, of another
    kind or of a newer schema.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = _path(folder, kind)
    stored = manifest(folder, kind)
    while (packed := _arrays(folder, stored["arrays"])) is None:
        # replaced after its manifest was read? Otherwise nothing will have changed
        before, stored = stored, manifest(folder, kind)
        if stored == before:
            raise _altered(folder)
    try:
        return stored["content"], {name: array.copy() for name, array in load(packed).items()}
    except SafetensorError as error:
        raise _altered(folder) from error


def written(folder: str | Path) -> bool:
    """Tell whether anything was ever written into a folder, to the end."""
    return os.path.lexists(Path(folder) / MANIFEST)


def manifest(folder: str | Path, kind: Kind) -> dict[str, Any]:
    """Read and check the manifest: schema_version, kind, versions, created, content, arrays."""
    folder = _path(folder, kind)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise StorageError(f"{folder} {what}; give the folder of a saved {kind}")
    stored = _parsed(folder)
    if stored is None or stored.get("format") != FORMAT:
        raise StorageError(
            f"{folder} is not an alad folder, or its writing was cut short (no valid {MANIFEST}); "
            f"give the folder of a saved {kind}"
        )
    # the schema first: of a newer one neither the form nor the checksum is known
    schema = stored.get("schema_version")
    if type(schema) is not int or schema < 1:
        raise _altered(folder)
    if schema > SCHEMA_VERSION:
        raise StorageError(
            f"{folder} has schema {schema}, this alad reads up to {SCHEMA_VERSION}; upgrade alad"
        )
    checksum = stored.pop("sha256", None)
    if checksum != _sha256_of_json(stored) or not _has_form(stored):
        raise _altered(folder)
    if stored["kind"] != kind:
        raise StorageError(f"{folder} holds a {stored['kind']}; give the folder of a saved {kind}")
    return stored


def now() -> str:
    """Format the time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """List the versions of alad and of the packages that compute scores, without importing them."""
    by_package = {"alad": __version__}  # of this very source, installed or not
    for name in PACKAGES:
        try:
            by_package[name] = version(name)
        except PackageNotFoundError:
            by_package[name] = "not installed"
    return by_package


def _path(folder: Any, kind: Kind) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise InputError(f"{folder!r} is no path; give the folder of a {kind}")
    if URL.match(str(folder)):
        raise InputError(
            f"{folder}: a {kind} is a folder of this machine; copy it from or to there"
        )
    return Path(folder)


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    """Copy an array, if need be, into a memory order and byte order that safetensors stores."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InputError(f"array {name!r} is of {array.dtype}; store numbers or bools")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _manifest_text(kind: Kind, content: Mapping[str, Any], arrays: dict[str, str]) -> str:
    """Write the text of manifest.json, with a checksum of everything else in it."""
    stored: dict[str, Any] = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "versions": versions(),
        "created": now(),
        "arrays": arrays,
        "content": content,
    }
    try:
        # the checksum is of what a reader will parse: tuples come back as lists, keys as text
        parsed = json.loads(json.dumps(stored, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the {kind} holds what JSON cannot ({error}); use plain values"
        ) from error
    return json.dumps(parsed | {"sha256": _sha256_of_json(parsed)}, indent=1) + "\n"


def _sha256_of_json(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _has_form(stored: dict[str, Any]) -> bool:
    """Check that all entries are there, with `write`'s types: a right checksum proves little."""
    if not stored.keys() >= REQUIRED or not isinstance(stored["content"], dict):
        return False
    arrays = stored["arrays"]
    if not isinstance(stored["versions"], dict) or not isinstance(arrays, dict):
        return False
    digest = str(arrays.get("sha256"))
    return arrays == {"file": ARRAYS.format(digest[:16]), "sha256": digest}


def _replace(folder: Path, arrays_file: str, packed: bytes, manifest_text: bytes) -> None:
    """Replace what a folder holds, or fill it; after an error it holds what it held before."""
    try:
        put(folder / arrays_file, packed)
        put(folder / MANIFEST, manifest_text)  # from here on the new content counts
    finally:
        _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove what the manifest does not name; all but unfinished files stay if it is unreadable."""
    stored = _parsed(folder) if (folder / MANIFEST).exists() else {"arrays": {}}
    arrays = (stored or {}).get("arrays")
    for path in folder.iterdir():
        unfinished = path.name.startswith(UNFINISHED)
        surplus = isinstance(arrays, dict) and path.name not in (MANIFEST, arrays.get("file"))
        if unfinished or surplus:
            with suppress(OSError):
                path.unlink()


def _arrays(folder: Path, named: Mapping[str, str]) -> bytes | None:
    """Read the file of the arrays; None if there is none, or it is not what the manifest says."""
    path = folder / named["file"]
    try:
        if stated_length(path) != path.stat().st_size:
            return None  # known before all of it is read: a file may claim any size
        packed = bytes_of(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        remedy = "make it readable, or save it anew"
        raise StorageError(f"{path}: {error.strerror}; {remedy}") from error
    return packed if hashlib.sha256(packed).hexdigest() == named["sha256"] else None


def _parsed(folder: Path) -> dict[str, Any] | None:
    """Parse manifest.json; None if there is none or it is no JSON object."""
    try:
        text = bytes_of(folder / MANIFEST, MOST_BYTES)
        stored = json.loads(text, parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # NaN and its like, which Python would read


def _altered(folder: Path) -> StorageError:
    return StorageError(f"{folder} was altered or truncated (a checksum differs); save it anew")
