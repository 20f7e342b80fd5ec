"""Time a convolution's passes in C, there and back, for 64 pictures: python … THREADS"""

import statistics
import sys
import time

import torch

from alad.networks.convolution_ops import Epilogue
from alad.networks.native_convolution import NativeProducts
from alad.networks.patches import PatchGeometry

LAYERS = ((32, 3, 32), (16, 32, 64), (8, 64, 128))  # side in pixels, channels in and out
REPEATS = 60


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    for side, inputs, outputs in LAYERS:
        times = timed(side, inputs, outputs)
        median, least = 1e3 * statistics.median(times), 1e3 * min(times)
        print(f"{side} x {side} x {inputs} -> {outputs}: median {median:.2f} ms, least {least:.2f}")


def timed(side: int, inputs: int, outputs: int) -> list[float]:
    """Time forward, epilogue back, gradients of inputs and of weights, in seconds."""
    products, geometry = NativeProducts(), PatchGeometry((side, side), (4, 4), 2)
    x = torch.randn(64, side, side, inputs)
    weight = 0.1 * torch.randn(16 * inputs, outputs)
    epilogue = Epilogue(None, torch.zeros(outputs), slope=0.2)
    dy = torch.randn_like(products.forward(x, weight, epilogue, geometry))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        y = products.forward(x, weight, epilogue, geometry)
        products.epilogue_back(dy, y, epilogue, of_bias=True)
        products.to_input(dy, weight, geometry, inputs)
        products.to_weight(x, dy, geometry)
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    main()
