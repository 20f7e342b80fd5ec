"""Networks that the user has: `timm:NAME`, `torchvision:NAME`, with the user's weights.

Nothing is downloaded: weights lie in the library's own cache, or in a file, `timm:NAME@FILE`, and
are read as arrays alone. NAME-pooled gives a row an image. Which maps: the last ones of an eighth
and of a sixteenth of the image's side, in a ResNet its second and third stage, as in PatchCore
(Roth et al., CVPR 2022); pooled: the last ones. Size and scale of the input are those that the
library names for the weights.
"""

from __future__ import annotations

import functools
import importlib
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from alad.backbone import timm_networks, torchvision_networks
from alad.backbone.networks import POOLED, Network, Use, digest_of
from alad.errors import InputError, on_one_line

if TYPE_CHECKING:
    from torch import Tensor

SPELLING = re.compile(rf"(\w+):([\w.]+?)({POOLED})?(?:@(.+))?")
FORM = "timm:NAME, torchvision:NAME"  # of names, for messages
_READING = threading.Lock()


# of maps; of a network, with its weights, images [n, 3, h, w] -> the chosen stages
Stages = Callable[["Tensor"], list["Tensor"]]


class Library(Protocol):
    """What a library is asked; each function takes the library itself and a network's name."""

    def fetching(self, name: str) -> str:
        """Write the call that downloads the network's weights into the cache."""
        ...

    def file(self, library: Any, name: str) -> Path | None:
        """Find the weights in the library's cache; None if there are none."""
        ...

    def use(self, library: Any, name: str, pooled: bool) -> Use:
        """Choose how the network is used."""
        ...

    def build(self, library: Any, name: str, stages: Sequence[int | str]) -> tuple[Any, Stages]:
        """Make it, untrained, without what no stage needs, and what gives its stages."""
        ...


LIBRARIES: dict[str, Library] = {"timm": timm_networks, "torchvision": torchvision_networks}


@dataclass(frozen=True)
class LibraryName:
    """A name such as torchvision:resnet18-pooled@weights.pth, taken apart."""

    library: str
    model: str
    pooled: bool
    weights: Path | None  # file, absolute; None = the library's cache

    @classmethod
    def of(cls, text: str) -> LibraryName | None:
        """Take a name apart; None if it names no network of a library."""
        met = SPELLING.fullmatch(text)
        if met is None or met[1] not in LIBRARIES:
            return None
        return cls(met[1], met[2], bool(met[3]), Path(met[4]).absolute() if met[4] else None)

    def __str__(self) -> str:
        return self.short + (f"@{self.weights}" if self.weights else "")

    @property
    def short(self) -> str:
        """The name without the file."""
        return f"{self.library}:{self.model}{POOLED if self.pooled else ''}"

    def network(self, use: Use | None = None) -> Network:
        """Find the network. InputError without the library, the network in it, or its weights.

        use: None = as this version does.
        """
        library = LIBRARIES[self.library]
        path = self.weights
        if path is None:
            with _asked(self) as module:
                path = library.file(module, self.model)
            if path is None:
                raise InputError(
                    f"the weights of {self.short} are not in {self.library}'s cache, and nothing "
                    f"is downloaded here; fetch them by {library.fetching(self.model)}, or name a "
                    f"file of them: {self.short}@FILE"
                )
        if not path.is_file():
            raise InputError(f"{path}: no such file of weights; name another: {self.short}@FILE")
        if use is None:
            with _asked(self) as module, _generator_kept():
                use = library.use(module, self.model, self.pooled)
        digest = digest_of(path)
        return Network(path, digest, use, functools.partial(_read, self, digest))


@contextmanager
def _asked(name: LibraryName) -> Iterator[ModuleType]:
    """Import a library, to ask it for a network. InputError if it is not there, or knows it not."""
    try:
        module = importlib.import_module(name.library)
    except ModuleNotFoundError as error:
        missing = error.name or name.library
        raise InputError(f"{missing} is not installed: pip install {missing}") from error
    except Exception as error:  # such as a torchvision of another torch
        raise InputError(
            f"{name.library} does not import ({on_one_line(error)[:90]}); install the version that "
            "belongs to this torch"
        ) from error
    try:
        yield module
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{name.library} makes no network {name.model} ({on_one_line(error)[:120]}); choose "
            "another"
        ) from error


def _read(name: LibraryName, digest: str, path: Path, use: Use) -> Stages:
    """Build the network with its weights, once: threads wait for each other."""
    with _READING:
        return _built(name, digest, path, use)


@functools.lru_cache(maxsize=1)
def _built(name: LibraryName, digest: str, path: Path, use: Use) -> Stages:
    with _asked(name) as module, _generator_kept():
        network, stages = LIBRARIES[name.library].build(module, name.model, use.stages)
    given, own = _state(path, name), network.state_dict()
    # what no stage needs, such as a classifier, may be there or not
    wrong = [key for key in own if key not in given or given[key].shape != own[key].shape]
    if wrong:
        raise InputError(
            f"{path}: holds no weights of {name.short}: {len(wrong)} of {len(own)} arrays are "
            f"missing or of another shape, such as {wrong[0]}; name another file"
        )
    network.load_state_dict({key: given[key] for key in own})
    network.eval().requires_grad_(False)

    def checked(x: Tensor) -> list[Tensor]:
        try:
            return stages(x)
        except (RuntimeError, ValueError, AssertionError) as error:  # of sizes that do not fit
            raise InputError(
                f"{name.short} takes no images of {x.shape[2]} × {x.shape[3]} pixels "
                f"({on_one_line(error)[:90]}); give pictures another size: --size {use.side}"
            ) from error

    return checked


@contextmanager
def _generator_kept() -> Iterator[None]:
    """Put PyTorch's generator back, from which weights are drawn that are replaced at once."""
    import torch

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how they are drawn
        yield


def _state(path: Path, name: LibraryName) -> dict[str, Tensor]:
    """Read the arrays of a file by name; no code of it is run."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        import torch

        found = torch.load(path, map_location="cpu", weights_only=True)
        found = found.get("state_dict", found)
        if all(isinstance(value, torch.Tensor) for value in found.values()):
            return found
    except Exception as error:
        why = on_one_line(error)[:90]
        raise InputError(f"{path}: cannot be read as weights ({why}); name another file") from error
    raise InputError(f"{path}: holds more than arrays by name; save network.state_dict() alone")
