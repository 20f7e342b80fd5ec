"""What C draws is what NumPy draws, to the last bit."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from alad.native import compiling
from alad.randomness import Purpose, seed_words, stream

HERE, SOURCES = Path(__file__).parent, Path(compiling.__file__).parent
DRAWN = 300_001  # odd: normal numbers begin with half a word


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ctypes.CDLL:
    if shutil.which("cc") is None:
        pytest.skip("no cc here")
    made = tmp_path_factory.mktemp("streams") / "streams.so"
    flags = [*compiling.FLAGS.split(), "-fPIC", "-shared", f"-I{SOURCES}"]
    subprocess.run(["cc", *flags, str(HERE / "streams.c"), "-o", str(made), "-lm"], check=True)
    return ctypes.CDLL(str(made))


@pytest.mark.parametrize("seed", [0, 5, 2**32, 2**200 + 3])
def test_words_uniform_and_normal_numbers(library: ctypes.CDLL, seed: int):
    words = seed_words(seed, 3, Purpose.STEP)
    words[-1] = 77
    (uniform, normal), state = np.empty((2, DRAWN), np.float32), np.empty(4, np.uint64)
    arrays = [ctypes.c_void_p(array.ctypes.data) for array in (words, uniform, normal, state)]
    count, drawn = ctypes.c_int64(len(words)), ctypes.c_int64(DRAWN)
    library.draw(arrays[0], count, arrays[1], arrays[2], drawn, arrays[3])
    numpy = stream(seed, 3, Purpose.STEP, 77)
    np.testing.assert_array_equal(uniform, numpy.random(DRAWN, dtype=np.float32))
    np.testing.assert_array_equal(normal, numpy.standard_normal(DRAWN, dtype=np.float32))
    # and dropout goes on from there
    np.testing.assert_array_equal(state, numpy.bit_generator.state["state"]["state"])
    assert np.abs(normal).max() > 3.7  # beyond the last strip
