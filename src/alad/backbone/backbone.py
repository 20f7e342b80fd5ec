"""A backbone: a function from images to features, called the same way whoever brings it.

`backbone_of` chooses it: a function of the user's; a named network with weights (`efficientnet`,
`libraries`); "texture", which has none; "precomputed", for arrays that are feature maps already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alad.backbone.efficientnet import USES, lite0
from alad.backbone.libraries import FORM, LibraryName
from alad.backbone.networks import Network, Use, each_on_one_thread
from alad.backbone.texture import SIDE, TEXTURE, texture
from alad.errors import InputError

PRECOMPUTED = "precomputed"  # the name of the backbone that takes feature maps as they are
# images a call of a function, always: the last bits of a network's sums depend on their number
AT_ONCE = 8
COPIES = 4  # of row and column of a patch, if they are features
# all names; check and message of a wrong one read them here
NAMES = (TEXTURE, *USES, FORM, PRECOMPUTED)
CALLABLE, NAME, DIGEST, USE, PLACED = "callable", "name", "sha256", "use", "placed"  # as stored


@dataclass(frozen=True, eq=False)
class Backbone:
    """Images -> features: one row an image, or a map of rows, one a patch.

    given: the parameter as it was given. call: gives features [n, d] or [n, rows, columns, d] of
    images float32 [n, height, width, channels] from 0, black, to 1, white. network: a named one,
    None otherwise. side: to it images are enlarged, and pictures of files decoded to at most,
    unless their size is given; None = they stay as they are. each: calls it for each of several
    blocks. at_once: images a call, at most; filled: always as many, the last call filled up.
    placed: are row and column of a patch its last features, see `with_place`? formulas: `call` in
    functions that can be written down for an export; None = there are none.
    """

    given: Any
    call: Callable[[np.ndarray], Any]
    network: Network | None = None
    side: int | None = None
    each: Callable[[Callable[[np.ndarray], Any], Iterable[np.ndarray]], Iterable[Any]] = map
    at_once: int = AT_ONCE
    filled: bool = False
    placed: bool = False
    formulas: Callable[[Any], Any] | None = None

    @property
    def title(self) -> str:
        """Name it for messages."""
        return self.given if isinstance(self.given, str) else title_of(self.given)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Compute the features of images [n, height, width, channels]: float32, [n, d] or a map.

        Raises InputError if what comes back is no such array, or not finite.
        """
        blocks = list(self._blocks(images))
        made = self.each(self.call, blocks)
        parts = [self._checked(part, len(block)) for part, block in zip(made, blocks, strict=True)]
        if len({part.shape[1:] for part in parts}) > 1:
            shapes = ", ".join(sorted({str(part.shape[1:]) for part in parts}))
            raise InputError(f"the backbone {self.title} gives features of the shapes {shapes}")
        features = np.concatenate(parts)[: len(images)]
        return with_place(features, self.title) if self.placed else features

    def _blocks(self, images: np.ndarray) -> Iterable[np.ndarray]:
        """Cut images into blocks, at least one; the last is filled up with the last image."""
        images = images if len(images) else np.zeros((1, *images.shape[1:]), np.float32)
        for at in range(0, len(images), self.at_once):
            block = images[at : at + self.at_once]
            if short := self.filled * (self.at_once - len(block)):
                block = np.concatenate([block, np.repeat(block[-1:], short, axis=0)])
            yield block

    def _checked(self, features: Any, n: int) -> np.ndarray:
        """Turn what was given for n images into float32; InputError if it is no features."""
        try:
            found = np.asarray(features)
        except (ValueError, TypeError, RuntimeError) as error:  # ragged, or a tensor with gradients
            raise InputError(
                f"what the backbone {self.title} gives makes no array: {str(error).splitlines()[0]}"
            ) from error
        if found.ndim not in (2, 4) or len(found) != n or 0 in found.shape:
            raise InputError(
                f"the backbone {self.title} gives the shape {found.shape} for {n} images; it is to "
                f"give [{n}, d], or maps [{n}, rows, columns, d]"
            )
        if found.dtype.kind not in "fiub":
            raise InputError(f"the backbone {self.title} gives {found.dtype}; it is to give floats")
        found = found.astype(np.float32)
        if not np.isfinite(found).all():
            raise InputError(
                f"the backbone {self.title} gives features that are missing or infinite; give one "
                "whose features are finite for every image"
            )
        return found

    def with_places(self) -> Backbone:
        """Give the backbone that adds where each patch lies.

        InputError if it is known to have no patches; of a function it shows when it is called.
        """
        if self.network is not None and self.network.use.pooled:
            raise _without_patches(self.title)
        return replace(self, placed=True)

    def state(self) -> dict[str, Any]:
        """Give what a stored model keeps of it, as JSON has it: the name, not the weights."""
        named = isinstance(self.given, str)
        kept: dict[str, Any] = {NAME: described(self.given)} if named else {CALLABLE: self.title}
        if self.placed:
            kept |= {PLACED: True}
        if self.network is not None:
            kept |= {DIGEST: self.network.digest, USE: self.network.use.state()}
        return kept


def with_place(maps: np.ndarray, title: str) -> np.ndarray:
    """Add row and column of each patch, from -1 to 1, to maps: [n, rows, columns, d + 8].

    Each four times, so that it has twice the weight of a feature (EXPERIMENTS.md). title: of what
    gave the maps. Raises InputError if they are rows, one an image.
    """
    if maps.ndim == 2:
        raise _without_patches(title)
    sides = (np.linspace(-1, 1, count, dtype=np.float32) for count in maps.shape[1:3])
    grid = np.stack(COPIES * np.meshgrid(*sides, indexing="ij"), axis=2)
    return np.concatenate([maps, np.zeros_like(maps[..., :1]) + grid], axis=3)


def _without_patches(title: str) -> InputError:
    return InputError(
        f"position is of patches, and the backbone {title} gives a row an image; leave position "
        "out, or name a backbone that gives maps"
    )


def title_of(function: Any) -> str:
    """Name a function of the user's: module and name."""
    kind = type(function)
    name = getattr(function, "__qualname__", kind.__qualname__)
    return f"{getattr(function, '__module__', kind.__module__)}.{name}"


def described(value: Any) -> str | dict[str, str]:
    """Describe a parameter `backbone` as JSON has it: the name, or that of a function.

    A file of weights in the name is told by its absolute path.
    """
    if not isinstance(value, str):
        return {CALLABLE: title_of(value)}
    return str(LibraryName.of(value) or value)


def check_backbone(name: str, value: Any) -> None:
    """Raise InputError unless a value is None, the name of a backbone, or a function."""
    if value is not None and not isinstance(value, str) and not callable(value):
        raise InputError(
            f"{name} is {value!r}; give None, a function from images to features, or one of: "
            f"{', '.join(NAMES)}"
        )


def backbone_of(value: Any, use: Use | None = None) -> Backbone | None:
    """Make the backbone that a parameter asks for; None if it is None.

    use: of a named one, another than this version's. Raises InputError for an unknown name, or one
    whose weights are not there.
    """
    check_backbone("backbone", value)
    if value is None:
        return None
    if value == PRECOMPUTED:
        return Backbone(value, lambda maps: maps)
    if value == TEXTURE:
        return Backbone(value, texture, side=SIDE, formulas=texture)
    if not isinstance(value, str):
        return _of_function(value)
    network = _network(value, use)
    # those of a library's networks are the library's
    formulas = network.of_tensor if value in USES else None
    # one by one: so no picture's last bits depend on others
    how = {"each": each_on_one_thread, "at_once": 1, "formulas": formulas}
    return Backbone(value, network, network, network.use.side, **how)


def _of_function(function: Callable[[np.ndarray], Any]) -> Backbone:
    return Backbone(function, function, at_once=AT_ONCE, filled=True)


def _network(name: str, use: Use | None) -> Network:
    """Find the network of that name; InputError if there is none, or no weights."""
    if name in USES:
        return lite0(name, use)
    if (known := LibraryName.of(name)) is not None:
        return known.network(use)
    raise InputError(f"there is no backbone {name!r}; give one of: {', '.join(NAMES)}")


def restored_backbone(state: Mapping[str, Any], given: Any) -> Backbone:
    """Find the backbone of a stored model again; given: as `alad.load` was given it, or None.

    Raises InputError if it is not there, or has other weights than at fit.
    """
    placed = state.get(PLACED) is True
    if name := state.get(CALLABLE):
        if not callable(given):
            raise InputError(
                f"this model was fitted with a function of yours in front of it, {name}; give it "
                "again: alad.load(folder, backbone=FUNCTION)"
            )
        return replace(_of_function(given), placed=placed)
    name = str(state[NAME])
    stored = LibraryName.of(name)
    if given not in (None, name):
        other = LibraryName.of(given) if isinstance(given, str) else None
        if stored is None or other is None or other.short != stored.short:
            raise InputError(f"this model was fitted with backbone={name!r}; leave backbone out")
        name, stored = given, other  # the same network, whose weights lie elsewhere now
    if stored is not None and stored.weights is not None and not stored.weights.is_file():
        raise InputError(
            f"{stored.weights}: the weights that this model was fitted with are not there; put "
            f"them back, or name their file: alad.load(folder, backbone='{stored.short}@FILE')"
        )
    backbone = backbone_of(name, Use.of(state[USE]) if USE in state else None)
    backbone = None if backbone is None else replace(backbone, placed=placed)
    if backbone is None or backbone.state().get(DIGEST) != state.get(DIGEST):
        raise InputError(
            f"the weights of {name} are not those that this model was fitted with (SHA-256 "
            f"{str(state.get(DIGEST))[:12]}…); install the version that it was fitted with, or fit "
            "again"
        )
    return backbone
