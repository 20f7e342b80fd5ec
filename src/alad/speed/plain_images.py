"""ALAD on images as one would first write it in PyTorch, the twin of `plain_loop` for images."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm

from alad.adversarial.architectures import ImageArchitecture
from alad.training.optimizer import Optimiser, ema_decay_at

EPSILON, SHARE = 1e-3, 0.01  # of batch norm


def half(inputs: int, outputs: int, kernel: int, norm: bool, dropout: float = 0.0) -> list:
    """Make a convolution that halves the image (TensorFlow's SAME), as a list of modules."""
    before = [nn.ZeroPad2d((1, 2, 1, 2))] if kernel == 5 else []
    padding = 0 if kernel == 5 else 1
    layers = [*before, spectral_norm(nn.Conv2d(inputs, outputs, kernel, 2, padding))]
    layers += [nn.BatchNorm2d(outputs, EPSILON, SHARE)] if norm else []
    layers += [nn.LeakyReLU(0.2)]
    return layers + ([nn.Dropout(dropout)] if dropout else [])


def double(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list:
    return [
        nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding),
        nn.BatchNorm2d(outputs, EPSILON, SHARE),
        nn.ReLU(),
    ]


def dense(inputs: int, outputs: int, dropout: float) -> list:
    return [spectral_norm(nn.Linear(inputs, outputs)), nn.LeakyReLU(0.2), nn.Dropout(dropout)]


class PlainImageNetworks(nn.Module):
    """The five networks for 32 × 32 × 3."""

    def __init__(self, shape: ImageArchitecture):
        super().__init__()
        w, latent, drop = shape.width, shape.latent, shape.dropout
        down = [*half(3, w, 4, True), *half(w, 2 * w, 4, True), *half(2 * w, 4 * w, 4, True)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(4 * w, latent, 4))
        self.generator = nn.Sequential(
            *double(latent, 4 * w, 4, 1, 0),
            *double(4 * w, 2 * w, 4, 2, 1),
            *double(2 * w, w, 4, 2, 1),
            nn.ConvTranspose2d(w, 3, 4, 2, 1),
            nn.Tanh(),
        )
        down = [*half(3, w, 4, False), *half(w, 2 * w, 4, True), *half(2 * w, 4 * w, 4, True)]
        self.xz_x = nn.Sequential(*down, nn.Flatten())
        codes, joint = shape.xz_code, shape.xz_joint
        pairs = zip((latent, *codes), codes, strict=False)
        self.xz_z = nn.Sequential(*(one for pair in pairs for one in dense(*pair, drop)))
        joined = dense(64 * w + codes[-1], joint, drop)
        self.xz_joint = nn.Sequential(*joined, nn.Linear(joint, 1))
        tall = shape.stacking == "height"
        layers, channels = [], 3 if tall else 6
        for outputs in shape.xx:
            layers += half(channels, outputs, 5, False, drop)
            channels = outputs
        side = 32 // 2 ** len(shape.xx)
        features = channels * side * side * (2 if tall else 1)
        self.xx = nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, 1))
        self.axis = 2 if tall else 1
        widths = zip((2 * latent, *shape.zz), shape.zz, strict=False)
        zz = [one for pair in widths for one in dense(*pair, drop)]
        self.zz = nn.Sequential(*zz, nn.Linear(shape.zz[-1], 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.normal_(module.weight, 0.0, shape.deviation)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def players(self) -> list[nn.Parameter]:
        return [*self.encoder.parameters(), *self.generator.parameters()]

    def judges(self) -> list[nn.Parameter]:
        judges = (self.xz_x, self.xz_z, self.xz_joint, self.xx, self.zz)
        return [parameter for judge in judges for parameter in judge.parameters()]

    def chain(self, x: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """Compute E(x), G(z), E(G(z)) and G(E(x))."""
        code = self.encoder(x).flatten(1)
        made = self.generator(z[..., None, None])
        return code, made, self.encoder(made).flatten(1), self.generator(code[..., None, None])

    def xz(self, x: Tensor, z: Tensor) -> Tensor:
        return self.xz_joint(torch.cat([self.xz_x(x), self.xz_z(z)], 1))

    def pair(self, judge: nn.Module, a: Tensor, b: Tensor, axis: int) -> Tensor:
        return judge(torch.cat([a, b], axis))


class PlainImageLoop:
    """`frozen`: a player's loss asks for no gradient of the other's weights."""

    frozen = True

    def __init__(self, images: Tensor, shape: ImageArchitecture, optimiser: Optimiser):
        self.batch = optimiser.batch_size
        self.images = images.permute(0, 3, 1, 2).contiguous()
        self.networks, self.latent = PlainImageNetworks(shape), shape.latent
        self.sides = [self.networks.judges(), self.networks.players()]
        self.optimisers = [
            torch.optim.Adam(side, optimiser.learning_rate, (0.5, 0.999)) for side in self.sides
        ]
        self.averages = [[p.detach().clone() for p in side] for side in self.sides]

    def __call__(self, number: int) -> None:
        nets = self.networks
        for player, optimiser in enumerate(self.optimisers):
            x = self.images[torch.randint(len(self.images), (self.batch,))]
            z = torch.randn(self.batch, self.latent)
            for at, side in enumerate(self.sides):
                for parameter in side:
                    parameter.requires_grad_(at == player or (player == 1 and not self.frozen))
            sign = 1.0 if player == 0 else -1.0
            code, made, recode, remade = nets.chain(x, z)
            loss = (
                softplus(-sign * nets.xz(x, code)).mean() + softplus(sign * nets.xz(made, z)).mean()
            )
            loss = loss + softplus(sign * nets.pair(nets.xx, x, remade, nets.axis)).mean()
            loss = loss + softplus(sign * nets.pair(nets.zz, z, recode, 1)).mean()
            if player == 0:
                loss = loss + softplus(-nets.pair(nets.xx, x, x, nets.axis)).mean()
                loss = loss + softplus(-nets.pair(nets.zz, z, z, 1)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                for average, parameter in zip(
                    self.averages[player], self.sides[player], strict=True
                ):
                    average.lerp_(parameter, 1.0 - ema_decay_at(number, 0.999))


def careless(loop: PlainImageLoop) -> PlainImageLoop:
    """Make it the loop of tutorials: the players' loss leaves gradients at the judges, unused."""
    loop.frozen = False
    return loop
