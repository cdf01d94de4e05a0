"""Checks of extractors. Contract: ``netlab.kinds.extractor``."""

from __future__ import annotations

import math
import pickle
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netlab.errors import UsageError, first_line
from netlab.kinds.extractor import FeatureMaps
from netlab.testing import forward_checks as forward
from netlab.testing.checks import ConformanceError, Subject, expect
from netlab.testing.exercised import exercised
from netlab.testing.module_case import ModuleCase, bind
from netlab.testing.modules import run, sample, seeded

BUILT: dict[str, nn.Module] = {}  # of the extractor that is checked
SIZES = ((128, 128), (96, 160))  # height and width of images
SHARED = (  # what is asked of all modules and makes sense for a network that others have trained
    forward.dtype, forward.autocast, forward.channels_last, forward.device, forward.determinism,
    forward.input_kept, forward.independent_images,
)  # fmt: skip


def build(subject: Subject) -> FeatureMaps:
    """The extractor with random weights."""
    seeded(0)
    found = subject.build(weights="none")
    expect(isinstance(found, FeatureMaps), f"it gave {type(found).__name__}, not FeatureMaps")
    assert isinstance(found, FeatureMaps)
    return found


def network(subject: Subject, seed: int = 0) -> nn.Module:
    """Its stages, one after the other, in evaluation mode; one for all checks, as it takes long to build."""
    key = f"{subject.component.who} {dict(subject.values)}"
    if key not in BUILT:
        BUILT.clear()
        BUILT[key] = nn.Sequential(*build(subject).stages)
    return BUILT[key].eval()


def images(count: int, seed: int = 0) -> Tensor:
    """Normalized images (count, 3, 64, 64)."""
    return sample(count, 3, (64, 64), seed)


def stages(subject: Subject) -> None:
    """Stage i gives channels[i] finite maps of about the image's height and width over strides[i]."""
    found = build(subject)
    counts = len(found.stages), len(found.channels), len(found.strides)
    expect(counts[0] > 0 and len(set(counts)) == 1, f"stages, channels and strides are {counts} long")
    whole = all(isinstance(n, int) and n > 0 for n in (*found.channels, *found.strides))
    expect(whole, f"channels {found.channels} and strides {found.strides} are not all positive integers")
    for size in SIZES:
        x = sample(1, 3, size)
        for i, stage in enumerate(found.stages):
            expect(isinstance(stage, nn.Module), f"stage {i} is {type(stage).__name__}, not an nn.Module")
            x = run(stage, x)
            shape = tuple(x.shape)
            expect(
                len(shape) == 4 and shape[:2] == (1, found.channels[i]),
                f"stage {i} gave {shape}, expected {found.channels[i]} channels",
            )
            expect(x.isfinite().all(), f"the maps of stage {i} are not finite")
            wanted = [side / found.strides[i] for side in size]
            close = all(abs(a - b) <= max(2.0, 0.3 * b) for a, b in zip(shape[2:], wanted, strict=True))
            expect(
                close,
                f"stage {i} gave a map of {shape[2:]} of an image of {size}, but its stride is"
                f" {found.strides[i]}: expected about {wanted[0]:g} x {wanted[1]:g}",
            )


def maps_kept(subject: Subject) -> None:
    """A stage does not change the map that it is given: other layers read it as well."""
    x = images(1)
    for i, stage in enumerate(build(subject).stages):
        before = x.clone()
        output = run(stage, x)
        expect(torch.equal(x, before), f"stage {i} changes its input in place")
        x = output


def preprocessing(subject: Subject) -> None:
    """Mean and deviation are three positive numbers for RGB in [0, 1]; crop_size is a side in pixels."""
    found = build(subject)
    for name, values in (("mean", found.mean), ("std", found.std)):
        good = len(values) == 3 and all(math.isfinite(v) and 0 < v <= 1 for v in values)
        expect(good, f"{name} is {values}, expected three numbers in (0, 1]")
    expect(isinstance(found.crop_size, int) and found.crop_size > 0, f"crop_size is {found.crop_size!r}")
    expect(isinstance(found.weights, str) and found.weights, "weights does not say where they came from")


def seeds(subject: Subject) -> None:
    """One seed gives the same weights; it may draw from PyTorch's generator, and not seed it."""
    first, second = (nn.Sequential(*build(subject).stages).state_dict() for _ in range(2))
    for name, value in first.items():
        expect(torch.equal(value, second[name]), f"two builds gave two values of '{name}'")
    after = []
    for seed in (1, 2):
        seeded(seed)
        subject.build(weights="none")
        after.append(torch.random.get_rng_state())
    expect(not torch.equal(*after), "it seeds PyTorch's global generator (torch.random.fork_rng keeps it)")


def missing_weights(subject: Subject) -> None:
    """A file of weights that is not there is a FileNotFoundError."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            subject.build(weights=str(Path(folder) / "absent.safetensors"))
        except UsageError:
            return
        except Exception as error:
            raise ConformanceError(f"expected FileNotFoundError, not {first_line(error)}") from error
    raise ConformanceError("a file of weights that is not there was accepted")


class Trap:
    """What runs code when it is unpickled: it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def other_weights(subject: Subject) -> None:
    """Weights of another network, and other files, are refused with a ValueError; nothing is unpickled."""
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sprung = folder / "unpickled"
        save_file({"of.another.network": torch.zeros(3)}, folder / "other.safetensors")
        (folder / "damaged.safetensors").write_bytes(b"\x10\x00 no weights")
        (folder / "trap.pth").write_bytes(pickle.dumps({"state_dict": Trap(sprung)}))
        torch.save({"state_dict": Trap(sprung)}, folder / "trap.pt")
        for file, what in (
            ("other.safetensors", "weights of another network"),
            ("damaged.safetensors", "a damaged file"),
            ("trap.pth", "a pickle"),
            ("trap.pt", "a file of torch.save that holds more than tensors"),
        ):
            try:
                subject.build(weights=str(folder / file))
            except UsageError as error:
                refused = f"refused: {error}"
            except Exception as error:
                raise ConformanceError(f"{what}: expected a ValueError, not {first_line(error)}") from error
            else:
                refused = ""
            expect(
                not sprung.exists(),
                f"{what} was unpickled, which runs what it holds: use safetensors, or weights_only=True",
            )
            expect(refused, f"{what} was accepted: name the first key that does not fit")


# A deep network with random weights multiplies what bfloat16 rounds.
CASE = ModuleCase(network, images, lambda shape: shape, mixes=True, bf16=0.5)
CHECKS = (
    *exercised(stages, seeded=True),
    stages,
    maps_kept,
    preprocessing,
    seeds,
    *(bind(function, CASE) for function in SHARED),
    missing_weights,
    other_weights,
)
