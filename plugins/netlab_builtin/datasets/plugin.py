"""Declares netlab's own datasets."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:
    yield ComponentSpec(
        kind="dataset",
        name="digits",
        summary="1,797 scanned digits, inside scikit-learn: no network needed",
        target="netlab_builtin.datasets.digits:digits",
        options="netlab_builtin.datasets.options:DigitsOptions",
        reference="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
        tags=frozenset({"default"}),
    )
    yield ComponentSpec(
        kind="dataset",
        name="cifar10",
        summary="60,000 photographs of 32x32 in 10 classes, downloaded once",
        target="netlab_builtin.datasets.cifar:cifar10",
        reference="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    )
    yield ComponentSpec(
        kind="dataset",
        name="cifar100",
        summary="60,000 photographs of 32x32 in 100 classes, downloaded once",
        target="netlab_builtin.datasets.cifar:cifar100",
        reference="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    )
    yield ComponentSpec(
        kind="dataset",
        name="npz",
        summary="Arrays in a NumPy .npz file (MedMNIST's files too)",
        target="netlab_builtin.datasets.npz:npz",
        options="netlab_builtin.datasets.options:NpzOptions",
    )
    yield ComponentSpec(
        kind="dataset",
        name="folder",
        summary="A folder of images of any size: CLASS/*.jpg, or train/ and test/ with such",
        target="netlab_builtin.datasets.folder:folder",
        options="netlab_builtin.datasets.options:FolderOptions",
        tags=frozenset({"default-files"}),
    )
