"""Official files: found, checked, downloaded from an address on this machine, refused."""

import hashlib
import os
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from alad.benchmark.data import official
from alad.benchmark.data.official import OfficialFile, download, locate
from alad.errors import InputError

CONTENT = b"official bytes\n" * 1000


def described(*urls: str, content: bytes = CONTENT) -> OfficialFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return OfficialFile("table.gz", sha256, urls, "https://example.org/table")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch) -> Path:
    """A cache of its own for every test, and no data folder from outside."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ALAD_DATA", raising=False)
    return tmp_path


@pytest.fixture
def site(tmp_path):
    """A web server on loopback: (folder that it serves, its address)."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_given_folder_comes_before_the_environments(tmp_path, monkeypatch):
    for name in ("given", "environment"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "table.gz").write_bytes(CONTENT)
    monkeypatch.setenv("ALAD_DATA", str(tmp_path / "environment"))
    assert locate(described(), tmp_path / "given") == tmp_path / "given" / "table.gz"
    assert locate(described()) == tmp_path / "environment" / "table.gz"


def test_a_download_is_kept_and_not_repeated(site):
    folder, address = site
    (folder / "table.gz").write_bytes(CONTENT)
    file = described(f"{address}/table.gz")
    first = locate(file)
    (folder / "table.gz").unlink()
    assert locate(file) == first == official.cache_folder() / "table.gz"
    assert first.read_bytes() == CONTENT
    assert os.listdir(first.parent) == ["table.gz"]


def test_the_next_address_serves_when_the_first_fails(site, tmp_path):
    (tmp_path / "elsewhere.gz").write_bytes(CONTENT)
    urls = f"{site[1]}/nothing-here.gz", (tmp_path / "elsewhere.gz").as_uri()
    assert locate(described(*urls)).read_bytes() == CONTENT


def test_other_bytes_are_refused_and_leave_nothing(site):
    folder, address = site
    (folder / "table.gz").write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="sha256") as caught:
        locate(described(f"{address}/table.gz"))
    assert "https://example.org/table" in str(caught.value) and "\n" not in str(caught.value)
    assert os.listdir(official.cache_folder()) == []


def test_a_failing_download_leaves_the_old_file(site, tmp_path):
    (tmp_path / "table.gz").write_bytes(b"old")
    with pytest.raises(InputError, match="404"):
        download(described(f"{site[1]}/table.gz"), tmp_path)
    assert (tmp_path / "table.gz").read_bytes() == b"old"


def test_an_altered_copy_is_refused_by_name_not_passed_over(tmp_path):
    (tmp_path / "table.gz").write_bytes(CONTENT + b"!")
    elsewhere = tmp_path / "elsewhere.gz"
    elsewhere.write_bytes(CONTENT)
    with pytest.raises(InputError, match=r"table\.gz is not the official table\.gz"):
        locate(described(elsewhere.as_uri()), tmp_path)


@pytest.mark.parametrize("name", ["data_dir", "ALAD_DATA"])
def test_a_folder_that_is_none_is_named(name, tmp_path, monkeypatch):
    missing = tmp_path / "missing"
    if name == "ALAD_DATA":
        monkeypatch.setenv("ALAD_DATA", str(missing))
    with pytest.raises(InputError, match=f"{name} is .*missing.*no folder"):
        locate(described(), missing if name == "data_dir" else None)


def test_a_malformed_address_is_an_input_error():
    with pytest.raises(InputError, match="no-scheme"):
        locate(described("no-scheme"))


def test_the_kdd_checksum_is_scikit_learns():
    from sklearn.datasets import _kddcup99

    assert official.KDD99.sha256 == _kddcup99.ARCHIVE_10_PERCENT.checksum
    assert official.KDD99.urls[0] == _kddcup99.ARCHIVE_10_PERCENT.url


def test_attributes_are_forty_one_and_differ():
    assert len(set(official.KDD99_ATTRIBUTES)) == len(official.KDD99_ATTRIBUTES) == 41


def test_kdd99_as_published(data_dir):
    table = official.read_kdd99(data_dir)
    label = table["label"].to_numpy()
    assert table.shape == (494_021, 42)
    assert ((label == "normal.").sum(), (label != "normal.").sum()) == (97_278, 396_743)
    assert table["src_bytes"].to_numpy().max() == 693_375_640


def test_arrhythmia_as_published(data_dir):
    rows, anomalous = official.read_arrhythmia(data_dir)
    assert rows.shape == (452, 274) and anomalous.sum() == 66
    assert np.isfinite(rows).all() and (np.ptp(rows, axis=0) == 0).sum() == 17
    assert (rows.min(), rows.max()) == (-242.4, 780)


def test_a_file_below_a_folder_is_found_and_downloaded_there(site, tmp_path):
    folder, address = site
    (folder / "table.gz").write_bytes(CONTENT)
    file = replace(described(f"{address}/table.gz"), name="some/folder/table.gz")
    assert locate(file) == official.cache_folder() / "some/folder/table.gz"
    assert os.listdir(official.cache_folder() / "some/folder") == ["table.gz"]
    assert locate(file, official.cache_folder()).read_bytes() == CONTENT
