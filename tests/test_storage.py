"""A stored folder is whole or refused, and never half-written."""

import errno
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import alad
from alad import locks, storage
from alad.errors import InputError, StorageError

CONTENT = {"offset": 0.1 + 0.2, "names": ["α", "b"], "nested": {"deep": [1, None, True]}}
ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3).T,  # not in C order
    "big": np.array([1.5, -2.5], dtype=">f8"),
    "scalar": np.array(3.25),
    "none": np.empty((0, 4), dtype=np.int32),
    "flags": np.array([True, False]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    storage.write(tmp_path / "model", "model", CONTENT, ARRAYS)
    return tmp_path / "model"


def arrays_file(folder: Path) -> Path:
    return next(folder.glob("arrays-*.safetensors"))


def refused(folder: Path, match: str, kind: storage.Kind = "model") -> None:
    with pytest.raises(InputError, match=match) as caught:
        storage.read(folder, kind)
    assert "\n" not in str(caught.value)


def test_what_was_written_is_read(folder: Path):
    content, arrays = storage.read(folder, "model")
    assert content == CONTENT
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=array.dtype.isnative)
        assert arrays[name].flags.writeable


def test_the_manifest_says_what_it_is(folder: Path):
    stored = json.loads((folder / "manifest.json").read_text())
    assert stored["schema_version"] == storage.SCHEMA_VERSION == 2
    assert stored["versions"].keys() == {"alad", "numpy", "scikit-learn", "torch"}
    assert stored["versions"]["numpy"] == np.__version__
    assert stored["versions"]["alad"] == alad.__version__  # run from a source tree, too
    assert storage.manifest(folder, "model")["content"] == CONTENT


def test_there_may_be_no_arrays(tmp_path: Path):
    storage.write(tmp_path / "m", "checkpoint", {}, {})
    assert storage.read(tmp_path / "m", "checkpoint") == ({}, {})


def test_an_alad_folder_is_replaced_and_nothing_is_left(folder: Path):
    storage.write(folder, "model", {"second": 2}, {"x": np.ones(3)})
    content, arrays = storage.read(folder, "model")
    assert content == {"second": 2} and arrays.keys() == {"x"}
    assert len(list(folder.iterdir())) == 2


def test_an_empty_folder_is_filled(tmp_path: Path):
    storage.write(tmp_path, "model", CONTENT, ARRAYS)
    assert storage.read(tmp_path, "model")[0] == CONTENT


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_foreign_folder_is_left_alone(tmp_path: Path, name: str):
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(InputError, match="not an alad folder; choose another"):
        storage.write(tmp_path, "model", CONTENT, ARRAYS)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == '{"mine": 1}'


def test_a_foreign_file_among_ours_is_left_alone(folder: Path):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="choose another"):
        storage.write(folder, "model", {}, {})
    assert storage.read(folder, "model")[0] == CONTENT


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        storage.write(tmp_path / "file", "model", CONTENT, ARRAYS)
    refused(tmp_path / "file", "is a file; give the folder of a saved model")


def test_a_folder_that_cannot_be_made(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="choose another folder"):
        storage.write(tmp_path / "file" / "model", "model", CONTENT, ARRAYS)


class Killed(BaseException):
    """Stands for a process that ends between two renames."""


@pytest.mark.parametrize("fatal", [1, 2])
def test_a_kill_during_replacement_leaves_the_old(folder: Path, monkeypatch, fatal: int):
    """Dies before the first or the second rename; the folder still holds the old model."""
    renames = []
    rename = os.replace

    def mortal(source, target):
        renames.append(target)
        if len(renames) == fatal:
            raise Killed
        rename(source, target)

    monkeypatch.setattr(os, "replace", mortal)
    with pytest.raises(Killed):
        storage.write(folder, "model", {"second": 2}, {"x": np.ones(3)})
    monkeypatch.undo()
    assert storage.read(folder, "model")[0] == CONTENT
    storage.write(folder, "model", {"third": 3}, {})
    assert storage.read(folder, "model") == ({"third": 3}, {})


def test_what_was_cut_short_is_refused_and_written_over(folder: Path):
    (folder / "manifest.json").unlink()
    refused(folder, "cut short")
    storage.write(folder, "model", CONTENT, ARRAYS)
    assert storage.read(folder, "model")[0] == CONTENT


def test_missing_and_empty_folders_are_refused(tmp_path: Path):
    refused(tmp_path / "none", "does not exist; give the folder of a saved model")
    refused(tmp_path, "not an alad folder")


def test_another_kind_is_refused(folder: Path):
    refused(folder, "holds a model; give the folder of a saved checkpoint", "checkpoint")


@pytest.mark.parametrize("junk", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"null", b"[" * 100_000])
def test_a_manifest_of_junk_is_refused(folder: Path, junk: bytes):
    (folder / "manifest.json").write_bytes(junk)
    refused(folder, "not an alad folder")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_arrays_are_refused(folder: Path, share: float):
    data = arrays_file(folder).read_bytes()
    arrays_file(folder).write_bytes(data[: int(share * len(data))])
    refused(folder, "altered or truncated")


def test_one_changed_bit_is_refused(folder: Path):
    data = bytearray(arrays_file(folder).read_bytes())
    data[-1] ^= 1
    arrays_file(folder).write_bytes(data)
    refused(folder, "altered or truncated")


def test_missing_arrays_are_refused(folder: Path):
    arrays_file(folder).unlink()
    refused(folder, "altered or truncated")


@pytest.mark.parametrize(
    ("key", "value"), [("content", {"offset": 1}), ("kind", "checkpoint"), ("created", "1970")]
)
def test_a_changed_manifest_is_refused(folder: Path, key: str, value):
    stored = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(stored | {key: value}))
    refused(folder, "altered or truncated")


def test_a_newer_schema_is_refused(folder: Path):
    stored = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(stored | {"schema_version": 3}))
    refused(folder, "schema 3, this alad reads up to 2; upgrade alad")


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), float("inf"), b"bytes", object()])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path, value):
    with pytest.raises(InputError, match="JSON"):
        storage.write(tmp_path / "m", "model", {"value": value}, {})
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("dtype", [object, "U3", complex, "M8[s]"])
def test_arrays_of_other_things_are_refused(tmp_path: Path, dtype):
    with pytest.raises(InputError, match="array 'odd'"):
        storage.write(tmp_path / "m", "model", {}, {"odd": np.zeros(2, dtype=dtype)})
    assert not (tmp_path / "m").exists()


def test_a_reader_other_than_the_writer_may_read(folder: Path):
    """Files have the permissions that the umask gives, not those of a temporary file."""
    (folder.parent / "plain").touch()
    usual = (folder.parent / "plain").stat().st_mode & 0o777
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {usual}


@pytest.mark.parametrize("wrong", [None, 3, [], b"model"])
def test_what_is_no_path_is_refused(wrong):
    for ask in (alad.load, alad.KNN().fit(np.eye(9)).save):
        with pytest.raises(InputError, match="is no path; give the folder of a model"):
            ask(wrong)


# --- faults of the machine, and neighbours --------------------------------------------------------


def full(monkeypatch: pytest.MonkeyPatch, fatal: int) -> None:
    """Let the disk be full when the file of that number is written."""
    written = []

    def fsync(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            written.append(descriptor)
            if len(written) == fatal:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("fatal", [1, 2])
@pytest.mark.parametrize("replaced", [True, False])
def test_a_full_disk_leaves_what_was_there(folder: Path, monkeypatch, fatal: int, replaced: bool):
    place = folder if replaced else folder.parent / "above" / "new"
    before = sorted(folder.parent.rglob("*"))
    full(monkeypatch, fatal)
    with pytest.raises(StorageError, match=f"{place}: No space left on device; choose another"):
        storage.write(place, "model", {"second": 2}, {"x": np.ones(3)})
    assert sorted(folder.parent.rglob("*")) == before
    assert storage.read(folder, "model")[0] == CONTENT


def make_fifo(path: Path, _: bytes) -> None:
    os.mkfifo(path)


def make_socket(path: Path, _: bytes) -> None:
    os.chdir(path.parent)  # the path of a socket is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def make_sparse(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    os.truncate(path, 20 << 30)


def make_zeros(path: Path, _: bytes) -> None:
    path.touch()
    os.truncate(path, 20 << 30)


@pytest.mark.skipif(os.name != "posix", reason="made with calls of POSIX")
@pytest.mark.parametrize("name", ["manifest.json", "arrays"])
@pytest.mark.parametrize(
    "make",
    [
        make_fifo,
        make_socket,
        make_sparse,
        make_zeros,
        lambda path, _: path.symlink_to("/dev/zero"),
        lambda path, _: path.symlink_to(path.name),
        lambda path, _: path.mkdir(),
    ],
    ids=["fifo", "socket", "sparse", "zeros", "device", "loop", "folder"],
)
def test_what_is_no_file_or_claims_any_size_is_not_read(folder: Path, name, make, monkeypatch):
    monkeypatch.chdir(folder)  # to be undone
    path = arrays_file(folder) if name == "arrays" else folder / name
    data = path.read_bytes()
    path.unlink()
    make(path, data)
    refused(folder, f"{folder}")


def test_a_header_that_claims_too_much_or_nothing_is_refused(folder: Path):
    data = arrays_file(folder).read_bytes()
    for length in (0, 1, 1 << 40, 1 << 63):
        arrays_file(folder).write_bytes(length.to_bytes(8, "little") + data[8:])
        refused(folder, "altered or truncated")


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(folder: Path, monkeypatch):
    """Six tries in a hundred failed: "altered or truncated"."""
    arrays = storage._arrays
    read = []

    def late(place, named):
        read.append(named["file"])
        if len(read) < 4:
            storage.write(folder, "model", {"number": len(read)}, {"x": np.full(3, len(read))})
        return arrays(place, named)

    monkeypatch.setattr(storage, "_arrays", late)
    content, stored = storage.read(folder, "model")
    assert content == {"number": 3} and stored["x"].tolist() == [3, 3, 3] and len(read) == 4


REPLACING = """
import sys
import numpy as np
from alad import storage
for number in range(int(sys.argv[2])):
    storage.write(sys.argv[1], "model", {"number": number}, {"x": np.full(1000, number)})
"""


@pytest.mark.skipif(locks.fcntl is None, reason="nothing is locked here")
def test_writers_wait_for_each_other_and_readers_find_a_whole_model(tmp_path: Path):
    folder = tmp_path / "model"
    storage.write(folder, "model", {"number": 0}, {"x": np.zeros(1000, int)})
    command = [sys.executable, "-c", REPLACING, str(folder), "60"]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        content, arrays = storage.read(folder, "model")
        assert set(arrays["x"].tolist()) == {content["number"]}
        reads += 1
    assert [(writer.wait(), writer.communicate()[1]) for writer in writers] == [(0, b"")] * 2
    assert reads > 60 and len(list(folder.iterdir())) == 2


def test_who_writes_for_long_writes_alone(tmp_path: Path):
    place = tmp_path / "above" / "c"
    with storage.exclusive(place, "checkpoint"):
        storage.write(place, "checkpoint", CONTENT, ARRAYS, locked=True)
        with (
            pytest.raises(StorageError, match="another process writes a checkpoint there"),
            storage.exclusive(place, "checkpoint"),
        ):
            pass
        storage.remove(place)  # not what somebody writes into
        assert storage.read(place, "checkpoint")[0] == CONTENT
    storage.remove(place)
    assert not place.exists()
    with storage.exclusive(tmp_path / "b", "checkpoint"):
        assert (tmp_path / "b").is_dir()
    assert not (tmp_path / "b").exists()  # nothing was written
    (tmp_path / "empty").mkdir()
    with storage.exclusive(tmp_path / "empty", "checkpoint"):
        pass
    assert (tmp_path / "empty").is_dir()  # not ours to remove
