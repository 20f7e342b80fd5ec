"""CIFAR-10, SVHN and MNIST: read from files of their formats, checked, divided."""

import gzip
import io
import pickle
import struct
import tarfile
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from alad.benchmark.data import image_sets, image_splits
from alad.benchmark.data.image_sets import (
    ArraysOnly,
    LabelledImages,
    house_numbers,
    idx,
    read_cifar10,
)
from alad.errors import InputError


def batch(seed: int, n: int = 20) -> bytes:
    generator = np.random.default_rng(seed)
    content = {
        b"data": generator.integers(0, 256, (n, 3072), np.uint8),
        b"labels": generator.integers(0, 10, n).tolist(),
    }
    return pickle.dumps(content, protocol=4)


@pytest.fixture
def batches(monkeypatch, tmp_path) -> dict[str, bytes]:
    """Small batches of CIFAR-10's format, which count as the official ones."""
    made = {name: batch(seed) for seed, name in enumerate(image_sets.CIFAR10_BATCHES)}
    sums = {name: md5(content).hexdigest() for name, content in made.items()}
    monkeypatch.setattr(image_sets, "CIFAR10_BATCHES", sums)
    monkeypatch.delenv("ALAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


def unpacked(folder: Path, batches: dict[str, bytes]) -> Path:
    (folder / image_sets.CIFAR10_FOLDER).mkdir(parents=True)
    for name, content in batches.items():
        (folder / image_sets.CIFAR10_FOLDER / name).write_bytes(content)
    return folder


def test_cifar10_from_its_folder(tmp_path, batches):
    train, test = read_cifar10(unpacked(tmp_path, batches))
    assert train.images.shape == (100, 32, 32, 3) and test.images.shape == (20, 32, 32, 3)
    raw = pickle.loads(batches["data_batch_2"])
    # a row holds the red plane, then the green, then the blue one, each row by row
    assert train.images[23, 5, 7].tolist() == [
        raw[b"data"][3, c * 1024 + 5 * 32 + 7] for c in range(3)
    ]
    assert train.labels[20:40].tolist() == raw[b"labels"]


def test_cifar10_out_of_the_archive(tmp_path, batches, monkeypatch):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"{image_sets.CIFAR10_FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    file = image_sets.OfficialFile(
        image_sets.CIFAR10_ARCHIVE.name, md5=md5(packed.getvalue()).hexdigest()
    )
    monkeypatch.setattr(image_sets, "CIFAR10_ARCHIVE", file)
    (tmp_path / file.name).write_bytes(packed.getvalue())
    from_archive, _ = read_cifar10(tmp_path)
    from_folder, _ = read_cifar10(unpacked(tmp_path / "other", batches))
    np.testing.assert_array_equal(from_archive.images, from_folder.images)


def test_another_batch_is_refused_before_it_is_read(tmp_path, batches):
    batches["data_batch_3"] += b" "
    with pytest.raises(InputError, match=r"data_batch_3 is not the official .*md5"):
        read_cifar10(unpacked(tmp_path, batches))


class Dangerous:
    def __reduce__(self):
        return print, ("this must not be printed",)


def test_a_pickle_that_calls_anything_is_refused(capsys):
    harmful = pickle.dumps({b"data": Dangerous()}, protocol=4)
    with pytest.raises(InputError, match="print, which no data set needs"):
        ArraysOnly(io.BytesIO(harmful), encoding="bytes").load()
    assert capsys.readouterr().out == ""


def test_house_numbers(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 5), np.uint8)
    savemat(tmp_path / "test_32x32.mat", {"X": pixels, "y": np.array([[10], [1], [9], [10], [5]])})
    found = house_numbers(tmp_path / "test_32x32.mat")
    assert found.images.shape == (5, 32, 32, 3) and found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.images[3], pixels[..., 3])
    assert found.labels.tolist() == [0, 1, 9, 0, 5]  # ten means zero


def test_idx():
    content = b"\0\0\x08\x03" + struct.pack(">III", 2, 3, 4) + bytes(range(24))
    assert idx(content).tolist() == np.arange(24).reshape(2, 3, 4).tolist()
    with pytest.raises(InputError, match="no idx file"):
        idx(gzip.compress(content))


def labelled(counts: dict[int, int], start: int) -> LabelledImages:
    """Images whose only pixel is their own number, so that none can be mistaken."""
    labels = np.repeat(list(counts), list(counts.values()))
    images = np.arange(start, start + len(labels)).reshape(-1, 1, 1, 1)
    return LabelledImages(images, labels, image_splits.DIGITS)


def test_the_official_division_trains_on_one_class_and_tests_on_all():
    train, test = labelled({0: 30, 1: 20}, 0), labelled({0: 5, 1: 15}, 1000)
    learnt, scored, anomalous = image_splits.official(train, test, 1)
    assert learnt.ravel().tolist() == list(range(30, 50))
    assert scored.ravel().tolist() == list(range(1000, 1020))
    assert anomalous.tolist() == [True] * 5 + [False] * 15


def test_the_authors_division_pools_and_tests_a_fifth():
    train, test = labelled({0: 60, 1: 20}, 0), labelled({0: 10, 1: 10}, 1000)
    learnt, scored, anomalous = image_splits.pooled(train, test, 1)
    assert len(scored) == 20 and not set(learnt.ravel()) & set(scored.ravel())
    ones = {*range(60, 80), *range(1010, 1020)}
    assert set(learnt.ravel()) <= ones and (~anomalous).sum() + len(learnt) == len(ones)
    assert [int(number) in ones for number in scored.ravel()] == (~anomalous).tolist()


def test_cifar10_as_published(data_dir):
    learnt, scored, anomalous = image_splits.divided("cifar10", "common", "frog", data_dir)
    assert learnt.shape == (5000, 32, 32, 3) and scored.shape == (10_000, 32, 32, 3)
    assert (~anomalous).sum() == 1000
    learnt, scored, anomalous = image_splits.divided("cifar10", "paper", "frog", data_dir)
    assert len(scored) == 12_000 and len(learnt) + (~anomalous).sum() == 6000


def test_mnist_as_published(data_dir):
    train, test = image_sets.read_mnist(data_dir)
    assert train.images.shape == (60_000, 28, 28, 1) and test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
