"""Networks and data by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netlab.api.installed import choose
from netlab.api.table import Table
from netlab.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from netlab.classification.summary import ImageShape
    from netlab.kinds.dataset import ImageData

OWN = ("data", "input", "classes", "seed", "data_dir", "offline")  # what is no option of a part


def assemble(
    *,
    backbone: str | None = None,
    block: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    data: str | None = None,
    input: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    seed: int = 0,
    data_dir: str | Path = "data",
    offline: bool = False,
    **options: Any,
) -> nn.Sequential:  # the keywords are the flags of `netlab summary`
    """A network from parts chosen by name, untrained, in training mode.

    Args:
        backbone, block, norm, activation: names of installed parts; None for the default.
        data: the name of an installed data set, whose image size and classes are taken.
        input: without ``data``, channels, height and width of an image.
        classes: without ``data``, the number of logits.
        seed: of the weights; the global generator is not touched.
        data_dir: where data sets are kept.
        offline: download nothing.
        options: of the parts, by their own names (``paths=4``), or ``block__paths=4`` where two have it.

    Returns:
        ``nn.Sequential`` of named layers: float (N, *input) to logits (N, classes).

    Raises:
        UsageError: there is no such part or option, or the parts do not fit together.

    >>> network = netlab.assemble(block="grouped", paths=4, norm="bn", input=(1, 28, 28))
    >>> network(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    names = {"backbone": backbone, "block": block, "norm": norm, "activation": activation}
    network, _ = assembled(
        names, options, data=data, input=input, classes=classes, seed=seed, data_dir=data_dir, offline=offline
    )
    return network


def assembled(
    names: Mapping[str, str | None],
    options: Mapping[str, Any],
    *,
    data: str | None = None,
    input: Sequence[int] = (3, 32, 32),
    classes: int = 10,
    seed: int = 0,
    data_dir: str | Path = "data",
    offline: bool = False,
) -> tuple[nn.Sequential, ImageShape]:
    """The network of parts by name, and the shape of the images that it is for: see ``assemble``."""
    from netlab.classification.summary import DataShape, assemble_for, shape_of_data

    chosen = choose(names if data is None else {**names, "dataset": data}, options, own=OWN).parts()
    shape = DataShape(checked_input(input), classes)
    if not isinstance(classes, int) or classes < 1:
        raise UsageError(f"classes must be a whole number of at least 1, not {classes!r}")
    if not isinstance(seed, int):
        raise UsageError(f"seed must be a whole number, not {seed!r}")
    if data is not None:
        shape = shape_of_data(chosen["dataset"], root=Path(data_dir), offline=offline)
    return assemble_for(chosen, shape, seed=seed), shape.image


def checked_input(size: Sequence[int]) -> ImageShape:
    """Channels, height and width.

    Raises:
        UsageError: they are not three whole numbers of at least 1.
    """
    values = tuple(size) if isinstance(size, Sequence) else ()
    if len(values) != 3 or not all(isinstance(value, int) and value > 0 for value in values):
        raise UsageError(f"input must be (channels, height, width), such as (3, 32, 32), not {size!r}")
    return values


def summarize(
    network: nn.Module | None = None, *, input: Sequence[int] | None = None, **assembly: Any
) -> Table:
    """The layers of a network: type, output shape, parameters and multiply-adds for one image.

    Args:
        network: an ``nn.Sequential``, such as ``netlab.assemble`` gives; None for the one that ``assembly``
            describes.
        input: channels, height and width of an image, where ``assembly`` names no ``data``; (3, 32, 32).
        assembly: as for ``netlab.assemble``.

    Returns:
        A row a layer: layer, type, output, parameters, multiply_adds. Norms, activations and poolings
        count no multiply-adds.

    Raises:
        UsageError: as ``netlab.assemble``; or the network is no ``nn.Sequential``, or does not take such
            an image.

    >>> netlab.summarize(block="grouped", paths=4, norm="bn")["layer"][:2]
    ['conv1', 'norm1']
    """
    from torch import nn

    from netlab.classification.summary import summarize_network

    image = checked_input((3, 32, 32) if input is None else input)
    if network is None:
        names = {kind: assembly.pop(kind, None) for kind in ("backbone", "block", "norm", "activation")}
        given = {name: assembly.pop(name) for name in OWN if name in assembly}
        network, image = assembled(names, assembly, **given, input=image)
    elif assembly:
        raise UsageError(f"{min(assembly)} describes a network to assemble, and one is given already")
    if not isinstance(network, nn.Sequential):
        raise UsageError(f"expected an nn.Sequential of layers, not {type(network).__name__}")
    shown = "x".join(map(str, image))
    try:
        found = summarize_network(network, image)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:160]
        raise UsageError(f"the network takes no image of {shown}: {reason}") from error
    rows = [
        {
            "layer": layer.name,
            "type": layer.type,
            "output": layer.output,
            "parameters": layer.parameters,
            "multiply_adds": layer.macs,
        }
        for layer in found.layers
    ]
    return Table(rows, caption=f"{found.parameters:,} parameters, {found.macs:,} multiply-adds for {shown}")


def load_data(
    data: str | None = None,
    *,
    data_dir: str | Path = "data",
    offline: bool = False,
    **options: Any,
) -> ImageData:
    """The images and labels of a data set.

    Args:
        data: the name of an installed data set; None for the default.
        data_dir: where data sets are kept.
        offline: download nothing.
        options: of the data set, such as ``path=...``.

    Returns:
        ``netlab.kinds.dataset.ImageData``: ``train`` and ``test`` with ``images`` uint8 (N, C, H, W) and
        ``labels`` int64 (N,), and ``class_names``.

    Raises:
        UsageError: there is no such data set or option, or its files are not there.

    >>> data = netlab.load_data("digits")
    >>> data.test.images.shape
    torch.Size([360, 1, 32, 32])
    """
    from netlab.data.load import load_data as load

    chosen = choose({"dataset": data}, options, own=("data_dir", "offline")).parts()["dataset"]
    return load(chosen.component, chosen.options, root=Path(data_dir), offline=offline)
