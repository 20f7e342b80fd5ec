"""One call of the convolutions in C: its structure, and what becomes of its sums."""

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
        *((name, c_int64) for name in ("images", "down", "across")),
        ("source", c_void_p),
        *((name, c_int64) for name in ("in_image", "in_row", "in_across")),
        *((name, c_int64) for name in ("first", "step", "rows")),
        *((name, c_int64) for name in ("terms", "depth")),
        *((name, c_void_p) for name in ("weight", "scale", "bias", "out", "mask")),
        *((name, c_int64) for name in ("out_image", "out_down", "out_across", "columns")),
        ("slope", c_float),
    )


def library() -> ctypes.CDLL:
    found = build.library()
    found.alad_convolve.argtypes = [c_void_p, c_int64]
    found.alad_convolve.restype = None
    found.alad_convolve_weight.argtypes = [c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_int64]
    found.alad_convolve_weight.restype = None
    back = [*[c_void_p] * 4, c_float, c_void_p, c_void_p, *[c_int64] * 3, c_void_p, c_int64]
    found.alad_epilogue_back.argtypes, found.alad_epilogue_back.restype = back, None
    for name in ("alad_convolve_structure_bytes", "alad_convolve_term_bytes"):
        getattr(found, name).restype = ctypes.c_size_t
    if found.alad_convolve_structure_bytes() != ctypes.sizeof(Pass):
        raise build.BuildError("Pass is laid out differently in C and in Python")
    return found


@dataclass(frozen=True)
class Ending:
    """An `Epilogue` with its arrays filled up to whole tiles."""

    arrays: tuple[Tensor | None, Tensor | None]  # scale, bias
    slope: float
    mask: Tensor | None = None  # as what comes out

    @classmethod
    def of(cls, epilogue: Epilogue | None, pixels: int = 1) -> Ending:
        """For so many pixels beside each other."""
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
    """kernel: (rows, numbers in a row); first: where its first row lies for the first output;
    strides: pixels of the source from output to output, down and across.
    """
    image, row, pixel, _ = source.stride()
    return Pass(
        *target.shape[:3],
        *(source.data_ptr(), image, row, strides[1] * pixel),
        *(first, strides[0], source.shape[1]),
        *kernel,
        *(None if array is None else array.data_ptr() for array in (panels, *ending.arrays)),
        target.data_ptr(),
        None if ending.mask is None else ending.mask.data_ptr(),
        *target.stride()[:3],
        target.shape[3],
        ending.slope,
    )
