"""The benchmarks' official files: located, checked against a checksum, downloaded if missing.

A file is looked for in the given folder, in $ALAD_DATA, then in the cache, into which it is
downloaded. A copy with another checksum is refused, never passed over.
"""

import hashlib
import os
import shutil
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from alad.errors import InputError

PIECE = 1 << 20  # bytes read at a time
TIMEOUT = 30.0  # seconds without an answer before the next address is tried


@dataclass(frozen=True)
class OfficialFile:
    """A file of a data set, known by its checksum."""

    name: str  # below the data folder, with / between folders
    sha256: str = ""
    urls: tuple[str, ...] = ()  # tried in order
    home: str = ""  # the page to which a reader is sent
    md5: str = ""  # where that is all that was published

    def problem(self, path: Path) -> str | None:
        """Say how the checksum of the copy at `path` differs; None for the official file."""
        kind = "sha256" if self.sha256 else "md5"
        expected, actual = getattr(self, kind), checksum_of(path, kind)
        if actual == expected:
            return None
        return f"{kind} is {actual[:12]}…, expected {expected[:12]}…"


KDD99 = OfficialFile(
    name="kddcup.data_10_percent.gz",
    sha256="8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
    urls=(
        "https://ndownloader.figshare.com/files/5976042",  # where scikit-learn fetches it
        "https://kdd.ics.uci.edu/databases/kddcup99/kddcup.data_10_percent.gz",
    ),
    home="https://kdd.ics.uci.edu/databases/kddcup99/kddcup99.html",
)

# ODDS publishes no checksum: this one is of the file that its own link serves, and other public
# projects that fetch it from there record the same one.
ARRHYTHMIA = OfficialFile(
    name="arrhythmia.mat",
    sha256="e4d47e499591ae31e5d7f0cd983367092353eac240f48e14c9b36457edb3460d",
    urls=("https://www.dropbox.com/s/lmlwuspn1sey48r/arrhythmia.mat?dl=1",),  # linked by ODDS
    home="https://odds.cs.stonybrook.edu/arrhythmia-dataset/",
)

KDD99_ATTRIBUTES = tuple(
    """
    duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot
    num_failed_logins logged_in num_compromised root_shell su_attempted num_root
    num_file_creations num_shells num_access_files num_outbound_cmds is_host_login is_guest_login
    count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate
    diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate
    dst_host_diff_srv_rate dst_host_same_src_port_rate dst_host_srv_diff_host_rate
    dst_host_serror_rate dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate
    """.split()
)


def cache_folder() -> Path:
    """Name the folder of downloads: `alad` below $XDG_CACHE_HOME, or below `.cache` at home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alad"


def checksum_of(path: Path, kind: str) -> str:
    """Compute the hexadecimal sha256 or md5 of a file, read in pieces."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()


def locate(file: OfficialFile, data_dir: str | Path | None = None) -> Path:
    """Locate a checked copy of `file`, downloaded if no folder has one.

    Raises InputError if `data_dir` or $ALAD_DATA is no folder, if a copy has another checksum, or
    if the file can be neither found nor downloaded.
    """
    return find(file, data_dir) or download(file, cache_folder())


def find(file: OfficialFile, data_dir: str | Path | None = None) -> Path | None:
    """Locate a checked copy, if any folder has one. Raises InputError as `locate` does."""
    for path in (folder / file.name for folder in _folders(data_dir)):
        if path.is_file():
            return _checked(path, file)
    return None


def is_there(file: OfficialFile, data_dir: str | Path | None = None) -> bool:
    """Return whether any folder has a file of that name, checked or not."""
    return any((folder / file.name).is_file() for folder in _folders(data_dir))


def _folders(data_dir: str | Path | None) -> list[Path]:
    """List the folders to look in. Raises InputError if one that is named is no folder."""
    named = {"data_dir": data_dir, "ALAD_DATA": os.environ.get("ALAD_DATA")}
    folders = {name: Path(folder) for name, folder in named.items() if folder}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise InputError(f"{name} is {str(folder)!r}, which is no folder; correct or unset it")
    return [*folders.values(), cache_folder()]


def _checked(path: Path, file: OfficialFile) -> Path:
    """Return the path, or raise InputError if it is not the official file."""
    problem = file.problem(path)
    if problem:
        raise InputError(
            f"{path} is not the official {file.name}: its {problem}; remove it, and it is "
            "downloaded again"
        )
    return path


def download(file: OfficialFile, folder: Path) -> Path:
    """Fetch `file` into `folder` from the first address that serves the official bytes.

    It appears under its name when complete and checked. Raises InputError with a reason for each
    address if none works.
    """
    reasons = []
    for url in file.urls:
        try:
            return _fetch(url, file, folder)
        except (OSError, ValueError) as error:  # network and disk; wrong bytes, malformed address
            reasons.append(f"{url}: {error}")
    raise InputError(
        f"{file.name} is neither in data_dir, $ALAD_DATA or {folder} nor to be downloaded "
        f"({'; '.join(reasons) or 'no address serves it'}); get it from {file.home} and name its "
        "folder with --data-dir"
    )


def _fetch(url: str, file: OfficialFile, folder: Path) -> Path:
    """Download one address beside its target, check it, move it into place."""
    target = folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as part:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  (of our table)
                shutil.copyfileobj(answer, part, PIECE)
            part.flush()
            os.fsync(part.fileno())
        problem = file.problem(Path(name))
        if problem:
            raise ValueError(f"serves other bytes: their {problem}")
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
    return target


def read_kdd99(data_dir: str | Path | None = None) -> pa.Table:
    """Read KDD Cup 1999, the 10 % file: 494,021 rows, 41 attributes and `label` ("normal.", …)."""
    names = [*KDD99_ATTRIBUTES, "label"]
    options = pyarrow.csv.ReadOptions(column_names=names)
    return pyarrow.csv.read_csv(locate(KDD99, data_dir), read_options=options)


def read_arrhythmia(data_dir: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read ODDS Arrhythmia: X float64 [452, 274], anomalous bool [452], 66 of them true."""
    from scipy.io import loadmat

    content = loadmat(locate(ARRHYTHMIA, data_dir), variable_names=("X", "y"))
    return content["X"].astype(np.float64), content["y"].ravel() == 1
