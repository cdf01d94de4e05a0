"""What test_distributed.py runs as one of several processes; argument 1 is the folder of the results."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

IMAGES, SIZE = 9, (4, 5, 5)


class Inherited(nn.BatchNorm2d):
    """As a plugin might have it."""


class OwnForward(nn.BatchNorm2d):
    """Does something else, which must not be lost."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * 2


def build() -> nn.Sequential:
    """Batch norms of every sort, in float64, so that nothing differs but by roundings of 1e-16."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(4, 6, 3),
        nn.BatchNorm2d(6),
        nn.ELU(),
        nn.Sequential(nn.Conv2d(6, 6, 3), Inherited(6, momentum=None)),
        nn.BatchNorm2d(6, affine=False),
        nn.BatchNorm2d(6, track_running_stats=False),
        nn.Flatten(),
        nn.BatchNorm1d(6, momentum=0.3, eps=0.1),
        nn.Linear(6, 3),
    ).double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight)
    return network.train()


def batches() -> tuple[Tensor, Tensor]:
    """Two batches of images (2, N, C, H, W), not centred, and their labels (2, N)."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, IMAGES, *SIZE, generator=generator, dtype=torch.float64) * 3 + 5
    return images, torch.randint(0, 3, (2, IMAGES), generator=generator)


def through_bf16_norm(norm: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Output and gradient of images in bf16, as autocast gives them, by a norm in float32."""
    leaf = images[:, :, 1:].bfloat16().contiguous(memory_format=torch.channels_last).requires_grad_()
    out = norm(leaf)
    out.float().sin().sum().backward()
    assert leaf.grad is not None
    return out.detach(), leaf.grad


def main(folder: Path) -> None:
    from netlab.training.ranks import joined

    with joined("cpu", threads=1) as ranks:
        network = ranks.synchronize_norms(build())
        if not ranks.is_first:
            for parameter in network.parameters():
                parameter.data.add_(1)  # must not matter: all begin with the weights of rank 0
        parallel, share = ranks.parallel(network), ranks.share(IMAGES)
        found = {"share": torch.arange(IMAGES)[share]}
        for position, (images, labels) in enumerate(zip(*batches(), strict=True)):
            own = images[share].clone().requires_grad_()
            loss = nn.functional.cross_entropy(parallel(own), labels[share], reduction="sum") / IMAGES
            (loss * ranks.world).backward()
            assert own.grad is not None
            found[f"input {position}"] = own.grad / ranks.world
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None
            found[f"gradient {name}"] = parameter.grad
        found |= network.state_dict()
        found["evaluated"] = network.eval()(batches()[0][0]).detach()

        norm = ranks.synchronize_norms(nn.Sequential(nn.BatchNorm2d(4)))
        found["bf16 output"], found["bf16 gradient"] = through_bf16_norm(norm, batches()[0][0][share])

        found["sum"] = ranks.sum(torch.tensor([ranks.rank, 10]))
        found["same"] = torch.tensor(len(ranks.differences({"one": "1", "other": "2"})))
        differing = ranks.differences({"one": "1", "rank": str(ranks.rank)})
        found["only the rank differs"] = torch.tensor(differing == ["rank"])
        marks = ranks.first_on_machine(lambda: mark(folder, ranks.rank))
        found["marks before"] = torch.tensor(marks)
        found["first to fail"] = torch.tensor(ranks.is_first_to_fail())
        torch.save(found, folder / f"{ranks.rank}.pt")


def mark(folder: Path, rank: int) -> int:
    """Leave a file; give how many there were."""
    before = len(list(folder.glob("*.mark")))
    (folder / f"{rank}.mark").touch()
    return before


if __name__ == "__main__":
    main(Path(sys.argv[1]))
