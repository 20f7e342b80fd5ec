"""One call of the convolutions in C: its structure and its epilogue."""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int64, c_void_p
from dataclasses import dataclass

from torch import Tensor

from alad.native import build
from alad.networks.convolution_ops import Epilogue
from alad.networks.native_packing import filled_up


class Pass(ctypes.Structure):
    _fields_ = (
        ("images", c_int64),
        ("down", c_int64),
        ("across", c_int64),
        ("source", c_void_p),
        ("in_image", c_int64),
        ("in_row", c_int64),
        ("in_across", c_int64),
        ("first", c_int64),
        ("step", c_int64),
        ("rows", c_int64),
        ("terms", c_int64),
        ("depth", c_int64),
        ("weight", c_void_p),
        ("scale", c_void_p),
        ("bias", c_void_p),
        ("out", c_void_p),
        ("mask", c_void_p),
        ("out_image", c_int64),
        ("out_down", c_int64),
        ("out_across", c_int64),
        ("columns", c_int64),
        ("slope", c_float),
    )


def library() -> ctypes.CDLL:
    engine = build.library()
    share = [c_int64, c_int64]  # its number, and how many there are
    engine.alad_convolve.argtypes = [c_void_p, *share]
    engine.alad_convolve_weight.argtypes = [c_void_p, c_void_p, c_int64, c_void_p, *share]
    back = [*[c_void_p] * 4, c_float, c_void_p, *[c_int64] * 3, c_void_p, *share]
    engine.alad_epilogue_back.argtypes = back
    engine.alad_column_sums.argtypes = [c_void_p, c_int64, c_int64, c_void_p]
    for name in ("convolve", "convolve_weight", "epilogue_back", "column_sums"):
        getattr(engine, f"alad_{name}").restype = None
    for name in ("alad_convolve_structure_bytes", "alad_convolve_term_bytes"):
        getattr(engine, name).restype = ctypes.c_size_t
    if engine.alad_convolve_structure_bytes() != ctypes.sizeof(Pass):
        raise build.BuildError("Pass is laid out differently in C and in Python")
    return engine


@dataclass(frozen=True)
class Ending:
    """An `Epilogue` whose arrays are padded to whole tiles."""

    arrays: tuple[Tensor | None, Tensor | None]  # scale, bias
    slope: float
    mask: Tensor | None = None  # of the shape of the outputs

    @classmethod
    def of(cls, epilogue: Epilogue | None, pixels: int = 1) -> Ending:
        """Pad an epilogue's arrays, repeated for so many pixels beside each other."""
        if epilogue is None:
            return NO_ENDING

        def filled(array: Tensor) -> Tensor:
            return filled_up(array.repeat(pixels) if pixels > 1 else array)

        scale = None if epilogue.scale is None else filled(epilogue.scale)
        mask = None if epilogue.mask is None else epilogue.mask.contiguous()
        return cls((scale, filled(epilogue.bias)), epilogue.slope, mask)


NO_ENDING = Ending((None, None), 1.0)


def described(
    source: Tensor,
    target: Tensor,
    panels: Tensor | None,
    ending: Ending,
    kernel: tuple[int, int],
    first: int = 0,
    strides: tuple[int, int] = (1, 1),
) -> Pass:
    """Describe a convolution of source [n, height, width, channels] into target to C.

    kernel: (rows, numbers in a row); first: where its first row lies for the first output;
    strides: pixels of the source from output to output, down and across.
    """
    image, row, pixel, _ = source.stride()
    return Pass(
        *target.shape[:3],
        source.data_ptr(),
        image,
        row,
        strides[1] * pixel,
        first,
        strides[0],
        source.shape[1],
        *kernel,
        *map(_address, (panels, *ending.arrays)),
        target.data_ptr(),
        _address(ending.mask),
        *target.stride()[:3],
        target.shape[3],
        ending.slope,
    )


def _address(array: Tensor | None) -> int | None:
    return None if array is None else array.data_ptr()
