"""CIFAR-10, SVHN and MNIST from their official files, checked before they are read."""

import gzip
import hashlib
import io
import pickle
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from alad.benchmark.data.official import OfficialFile, find, locate
from alad.errors import InputError

CIFAR10_CLASSES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
DIGITS = tuple("0123456789")

# md5s as published by the data's authors (CIFAR-10, SVHN) and as everyone uses them (MNIST)
CIFAR10_SITE = "https://www.cs.toronto.edu/~kriz/cifar.html"
CIFAR10_ARCHIVE = OfficialFile(
    name="cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
    home=CIFAR10_SITE,
)
CIFAR10_BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR10_FOLDER = "cifar-10-batches-py"

MNIST_SITE = "https://yann.lecun.com/exdb/mnist/"
MNIST_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # where torchvision fetches it

SVHN_SITE = "http://ufldl.stanford.edu/housenumbers/"
SVHN_MD5 = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}


@dataclass(frozen=True)
class LabelledImages:
    """Images uint8 [n, height, width, channels], and labels [n] that number `classes`."""

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]


def read_cifar10(data_dir: str | Path | None = None) -> tuple[LabelledImages, LabelledImages]:
    """Read 50,000 training and 10,000 test images, 32 × 32 × 3."""
    batches = [_batch(content) for content in _cifar10_files(data_dir)]
    train = [np.concatenate([batch[at] for batch in batches[:-1]]) for at in (0, 1)]
    return (
        LabelledImages(train[0], train[1], CIFAR10_CLASSES),
        LabelledImages(*batches[-1], CIFAR10_CLASSES),
    )


def _cifar10_files(data_dir: str | Path | None) -> list[bytes]:
    """Read the six batches from the unpacked folder if there is one, else from the archive."""
    files = [
        OfficialFile(f"{CIFAR10_FOLDER}/{name}", urls=(), home=CIFAR10_SITE, md5=md5)
        for name, md5 in CIFAR10_BATCHES.items()
    ]
    paths = [find(file, data_dir) for file in files]
    if all(paths):
        return [path.read_bytes() for path in paths if path]
    with tarfile.open(locate(CIFAR10_ARCHIVE, data_dir)) as archive:
        return [_member(archive, file) for file in files]


def _member(archive: tarfile.TarFile, file: OfficialFile) -> bytes:
    content = archive.extractfile(file.name)
    whole = content.read() if content else b""
    if hashlib.md5(whole, usedforsecurity=False).hexdigest() != file.md5:
        raise InputError(f"{CIFAR10_ARCHIVE.name} holds another {file.name}; download it again")
    return whole


def _batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Read a batch, a pickle of Python 2; -> images [n, 32, 32, 3], labels [n]."""
    stored = ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    pixels = np.asarray(stored[b"data"], np.uint8).reshape(-1, 3, 32, 32)
    return pixels.transpose(0, 2, 3, 1).copy(), np.asarray(stored[b"labels"], np.int64)


class ArraysOnly(pickle.Unpickler):
    """Reads NumPy arrays and plain values; refuses all else, which could run code."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) not in self.ALLOWED:
            raise InputError(
                f"a pickle asks for {module_name}.{global_name}, which no data set needs; "
                "it was not read"
            )
        if global_name == "_reconstruct":
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        return getattr(np, global_name)


def read_mnist(data_dir: str | Path | None = None) -> tuple[LabelledImages, LabelledImages]:
    """Read 60,000 training and 10,000 test images, 28 × 28 × 1."""
    arrays = []
    for name, md5 in MNIST_MD5.items():
        file = OfficialFile(f"mnist/{name}", urls=(MNIST_MIRROR + name,), home=MNIST_SITE, md5=md5)
        arrays.append(idx(gzip.decompress(locate(file, data_dir).read_bytes())))
    train, train_labels, test, test_labels = arrays
    return (
        LabelledImages(train[..., np.newaxis], train_labels.astype(np.int64), DIGITS),
        LabelledImages(test[..., np.newaxis], test_labels.astype(np.int64), DIGITS),
    )


def idx(content: bytes) -> np.ndarray:
    """Read the uint8 array of an idx file: 0, 0, 8, number of axes, their lengths, the bytes."""
    if content[:3] != b"\0\0\x08":
        raise InputError("is no idx file of bytes")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def svhn_files() -> tuple[OfficialFile, OfficialFile]:
    """Describe the files of training images and of test images."""
    train, test = (
        OfficialFile(name, urls=(SVHN_SITE + name,), home=SVHN_SITE, md5=md5)
        for name, md5 in SVHN_MD5.items()
    )
    return train, test


def read_svhn(data_dir: str | Path | None = None) -> tuple[LabelledImages, LabelledImages]:
    """Read the cropped digits, 73,257 training and 26,032 test images, 32 × 32 × 3."""
    train, test = svhn_files()
    return house_numbers(locate(train, data_dir)), house_numbers(locate(test, data_dir))


def house_numbers(path: Path) -> LabelledImages:
    """Read a file of SVHN: X [32, 32, 3, n], and y [n, 1], in which 10 means the digit 0."""
    from scipy.io import loadmat

    content = loadmat(path, variable_names=("X", "y"))
    images = np.ascontiguousarray(content["X"].transpose(3, 0, 1, 2))
    return LabelledImages(images, content["y"].ravel().astype(np.int64) % 10, DIGITS)
