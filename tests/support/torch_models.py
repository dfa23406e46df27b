"""Small models of PyTorch of the usual kinds, with an input each, and what their layers multiply, counted by hooks."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Basic(nn.Module):
    """A residual block, with a projection where the shape changes."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        same = stride == 1 and channels == out
        self.shortcut = (
            None if same else nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (self.shortcut(x) if self.shortcut else x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Basic(8, 8, 1), Basic(8, 8, 1))
        self.layer2 = nn.Sequential(Basic(8, 16, 2), Basic(16, 16, 1))
        self.average = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(functional.relu(self.bn(self.stem(x))))
        x = self.layer2(self.layer1(x))
        out: Tensor = self.fc(torch.flatten(self.average(x), 1))
        return out


class Inverted(nn.Module):
    """Expand, filter each channel, project, with a squeeze and excitation between."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        wide = 4 * channels
        self.expand = nn.Conv2d(channels, wide, 1)
        self.filter = nn.Conv2d(wide, wide, 5, stride, 2, groups=wide)
        self.squeeze = nn.Conv2d(wide, 4, 1)
        self.excite = nn.Conv2d(4, wide, 1)
        self.project = nn.Conv2d(wide, out, 1)
        self.adds = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self.filter(functional.hardswish(self.expand(x))))
        scale = torch.sigmoid(self.excite(functional.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        out: Tensor = self.project(y * scale)
        return x + out if self.adds else out


class MobileNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.blocks = nn.Sequential(Inverted(8, 12, 2), Inverted(12, 12, 1))
        self.head = nn.Linear(12 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(functional.relu6(self.stem(x)))
        out: Tensor = self.head(functional.avg_pool2d(x, 2).flatten(1))
        return out


class Dense(nn.Module):
    """A fire module of SqueezeNet, then two layers of a DenseNet: all join channels."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(3, 4, 1)
        self.one, self.three = nn.Conv2d(4, 6, 1), nn.Conv2d(4, 6, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(12), nn.BatchNorm2d(16)])
        self.grow = nn.ModuleList([nn.Conv2d(12, 4, 3, padding=1), nn.Conv2d(16, 4, 3, padding=1)])
        self.fc = nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.squeeze(x))
        x = torch.cat([functional.relu(self.one(x)), functional.relu(self.three(x))], 1)
        for norm, grow in zip(self.norms, self.grow, strict=True):
            x = torch.cat([x, grow(functional.relu(norm(x)))], 1)
        out: Tensor = self.fc(functional.avg_pool2d(x, 4).mean((2, 3)))
        return out


class Transformer(nn.Module):
    """A block of a transformer, with its heads made by reshapes."""

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        y = self.norm1(x)
        q, k, v = (
            f(y).view(n, tokens, self.heads, width // self.heads).transpose(1, 2)
            for f in (self.query, self.key, self.value)
        )
        scores = torch.softmax(q @ k.transpose(-2, -1) / (width // self.heads) ** 0.5, -1)
        x = x + self.out((scores @ v).transpose(1, 2).reshape(n, tokens, width))
        out: Tensor = x + self.down(functional.gelu(self.up(self.norm2(x))))
        return out


MODELS: dict[str, tuple[type[nn.Module], tuple[int, ...]]] = {
    "resnet": (ResNet, (1, 3, 32, 32)),
    "mobilenet": (MobileNet, (1, 3, 32, 32)),
    "dense": (Dense, (1, 3, 16, 16)),
    "transformer": (Transformer, (1, 16, 32)),
}


def example(name: str) -> tuple[nn.Module, tuple[Tensor]]:
    """A model in evaluation mode, and its arguments."""
    made, shape = MODELS[name]
    torch.manual_seed(0)
    return made().eval(), (torch.randn(shape),)


def products(model: nn.Module, arguments: tuple[Tensor, ...]) -> dict[str, int]:
    """Multiply-accumulates of every module with weights, by its name."""
    found: dict[str, int] = {}

    def hook(name: str) -> Any:
        def count(module: nn.Module, _: Any, out: Tensor) -> None:
            weight = module.weight
            assert isinstance(weight, Tensor)
            found[name] = out.numel() * prod(weight.shape[1:])

        return count

    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(hook(name))
    with torch.no_grad():
        model(*arguments)
    return found
