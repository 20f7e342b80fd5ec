"""Write arrays and JSON into a folder atomically, and read them with checksums; knows no detector.

    manifest.json               schema, kind, versions, the content, checksums
    arrays-<hash>.safetensors   the arrays; the manifest names its file

The manifest is replaced last, by one rename, so a folder holds either the old content or the new,
whenever the process dies. Folders are never renamed: they may be mounted volumes.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from alad.errors import InputError
from alad.version import __version__

SCHEMA_VERSION = 2  # of models; schema 1 had parameters instead of the layers of networks
FORMAT = "alad"
MANIFEST = "manifest.json"
ARRAYS = "arrays-{}.safetensors"
PACKAGES = ("numpy", "scikit-learn", "torch")  # packages that compute scores
REQUIRED = {"kind", "versions", "created", "content", "arrays"}
OURS = (MANIFEST, "arrays-", ".writing-")  # how the names of our files begin

Kind = Literal["model", "checkpoint"]


def write(
    folder: str | Path, kind: Kind, content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write `content` (JSON values) and `arrays` (of numbers or bools) into `folder`.

    An empty or missing folder is filled, an alad folder replaced. Raises InputError if `folder` is
    anything else, cannot be written to, or if `content` or an array cannot be stored.
    """
    from safetensors.numpy import save

    # refuse before anything is written: what cannot be stored, and folders that are not ours
    folder = _path(folder, kind)
    packed = save({name: _plain(name, array) for name, array in arrays.items()})
    digest = hashlib.sha256(packed).hexdigest()
    arrays_file = ARRAYS.format(digest[:16])
    text = _manifest_text(kind, content, {"file": arrays_file, "sha256": digest})
    _refuse_foreign(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _place(folder / arrays_file, packed)
        _place(folder / MANIFEST, text.encode())  # from here on the new content counts
        for path in folder.iterdir():
            if path.name not in (MANIFEST, arrays_file):
                path.unlink()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder") from error


def read(folder: str | Path, kind: Kind) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the content and the arrays (writable copies) that `write` stored.

    Raises InputError, one line, if the folder is missing, foreign, incomplete, altered, of another
    kind or of a newer schema.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = _path(folder, kind)
    stored = manifest(folder, kind)
    packed = _bytes(folder, folder / stored["arrays"]["file"])
    if hashlib.sha256(packed).hexdigest() != stored["arrays"]["sha256"]:
        raise _altered(folder)
    try:
        return stored["content"], {name: array.copy() for name, array in load(packed).items()}
    except SafetensorError as error:
        raise _altered(folder) from error


def manifest(folder: str | Path, kind: Kind) -> dict[str, Any]:
    """Read and check the manifest: schema_version, kind, versions, created, content, arrays."""
    folder = _path(folder, kind)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {what}; give the folder of a saved {kind}")
    stored = _parsed(folder)
    if stored is None or stored.get("format") != FORMAT:
        raise InputError(
            f"{folder} is not an alad folder, or its writing was cut short (no valid {MANIFEST}); "
            f"give the folder of a saved {kind}"
        )
    # the schema first: of a newer one neither the form nor the checksum is known
    schema = stored.get("schema_version")
    if type(schema) is not int or schema < 1:
        raise _altered(folder)
    if schema > SCHEMA_VERSION:
        raise InputError(
            f"{folder} has schema {schema}, this alad reads up to {SCHEMA_VERSION}; upgrade alad"
        )
    checksum = stored.pop("sha256", None)
    if checksum != _sha256_of_json(stored) or not _has_form(stored):
        raise _altered(folder)
    if stored["kind"] != kind:
        raise InputError(f"{folder} holds a {stored['kind']}; give the folder of a saved {kind}")
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


def _refuse_foreign(folder: Path) -> None:
    """Raise InputError unless a folder is missing, empty, or holds nothing but our files."""
    if folder.is_dir():
        foreign = any(not path.name.startswith(OURS) for path in folder.iterdir())
        stored = _parsed(folder) if (folder / MANIFEST).exists() else {"format": FORMAT}
        if foreign or stored is None or stored.get("format") != FORMAT:
            raise InputError(f"{folder} exists and is not an alad folder; choose another")
    elif folder.exists():
        raise InputError(f"{folder} exists and is a file; choose a folder")


def _place(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only once it is complete and on the disk."""
    temporary = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    # so that the rename survives a power cut; Windows cannot open a folder
    if os.name == "posix":
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _bytes(folder: Path, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise _altered(folder) from error
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; make it readable") from error


def _parsed(folder: Path) -> dict[str, Any] | None:
    """Parse manifest.json; None if there is none or it is no JSON object."""
    try:
        stored = json.loads(_bytes(folder, folder / MANIFEST), parse_constant=_refuse_constant)
    except (InputError, ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # NaN and its like, which Python would read


def _altered(folder: Path) -> InputError:
    return InputError(f"{folder} was altered or truncated (a checksum differs); save it anew")
