"""What a page supposes its reader to have: images, arrays, photographs with boxes; all made here, and small."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

ROOT = Path(__file__).parents[2]


def digits(count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (count, 24, 24) of scanned digits, and what they are."""
    data = load_digits()
    images = (data.images[:count] * 15.9375).astype(np.uint8).repeat(3, axis=1).repeat(3, axis=2)
    return images, data.target[:count]


def make_photos(folder: Path) -> None:
    """Twenty digits as PNG files, 000.png and so on."""
    folder.mkdir()
    for number, image in enumerate(digits(20)[0]):
        Image.fromarray(image).save(folder / f"{number:03}.png")


def make_photo(path: Path) -> None:
    """A photograph."""
    Image.fromarray(load_sample_image("flower.jpg")[:200, :300]).save(path)


def make_npz(path: Path) -> None:
    """200 images for training and 100 for testing."""
    images, labels = digits(300)
    np.savez(path, train_images=images[:200], train_labels=labels[:200],
             test_images=images[200:], test_labels=labels[200:])  # fmt: skip


def make_config(path: Path) -> None:
    """A configuration for those images."""
    path.write_text('[data]\nname = "npz"\npath = "mine.npz"\n\n[norm]\nname = "bn"\n')


def make_class_folders(folder: Path) -> None:
    """Images in train/CLASS and test/CLASS."""
    images, labels = digits(60)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / ("train" if number < 40 else "test") / f"class-{label % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}.png")


def make_features(path: Path) -> None:
    """300 points of 64 features."""
    np.save(path, load_digits().data[:300].astype(np.float32))


def make_labels(path: Path) -> None:
    """The classes of those points."""
    np.save(path, load_digits().target[:300])


def make_voc(folder: Path) -> None:
    """A detection data set of ten photographs with 'three' and 'seven' on them."""
    sys.path.append(str(ROOT / "examples"))
    from make_voc_scenes import make_scenes

    make_scenes(folder, train=7, val=3, size=(90, 120))


def make_labelled(folder: Path) -> None:
    """Digits in a folder a class."""
    for number, (image, label) in enumerate(zip(*digits(20), strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}.png")


def make_photographs(folder: Path) -> None:
    """Twelve of ants and twelve of bees, as far as colours go, of many sizes."""
    rng = np.random.default_rng(0)
    for channel, name in ((0, "ants"), (2, "bees")):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 200, (6, 8, 3), dtype=np.uint8)
            pixels[..., channel] //= 3
            size = (90 + 3 * number, 120 - 2 * number)
            Image.fromarray(pixels).resize(size).save(folder / name / f"{number:03}.png")


def make_weights(path: Path) -> None:
    """Weights of MobileNetV2's features."""
    import torch
    from safetensors.torch import save_file
    from torchvision.models import mobilenet_v2

    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = mobilenet_v2(weights=None).state_dict()
    save_file({name: value for name, value in state.items() if name.startswith("features")}, path)


def make_package(folder: Path) -> None:
    """A package with a network of PyTorch."""
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "models.py").write_text(
        "from torch import nn\n\n\ndef make_net():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
    )


MAKERS: dict[str, Callable[[Path], None]] = {
    "photos": make_photos,
    "photo.jpg": make_photo,
    "mine.npz": make_npz,
    "mine.toml": make_config,
    "flowers": make_class_folders,
    "labelled": make_labelled,
    "photographs": make_photographs,
    "weights.safetensors": make_weights,
    "x.npy": make_features,
    "y.npy": make_labels,
    "VOC_DIR": make_voc,
    "scenes": make_voc,
    "mypackage": make_package,
}


def python_names() -> dict[str, object]:
    """What a page's Python supposes: features and their classes, a network, images and theirs."""
    import torch
    from torch import nn

    images, labels = digits(60)
    layers = {"layer1": nn.Conv2d(1, 4, 3), "layer2": nn.AdaptiveAvgPool2d(2), "flatten": nn.Flatten()}
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    features = load_digits().data[:300].astype(np.float32)
    return {
        "X": features,
        "y": load_digits().target[:300],
        "model": model,
        "images": torch.from_numpy(images)[:, None],
        "labels": labels,
    }


def supply(name: str, names: dict[str, object]) -> None:
    """Make what is called ``name``: in Python's ``names``, or a file in the current folder.

    A folder of the repository is copied.
    """
    path = Path(name)
    if path.exists():
        return
    if name.isidentifier() and name in (made := python_names()):
        names[name] = made[name]
        return
    if name in MAKERS:
        MAKERS[name](path)
    elif (ROOT / name).is_dir():
        shutil.copytree(ROOT / name, path, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        raise ValueError(f"a page gives its reader '{name}', which supplies.py does not make")
