"""Declares netlab's own augmentations."""

from __future__ import annotations

from collections.abc import Iterable

from netlab.specs import ComponentSpec, hookimpl


@hookimpl
def netlab_components() -> Iterable[ComponentSpec]:  # long: a list of declarations
    yield ComponentSpec(
        kind="augmentation",
        name="none",
        summary="No augmentation",
        target="netlab_builtin.augmentations.geometric:none",
        tags=frozenset({"geometric", "still"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="flip",
        summary="Mirror half of the images",
        target="netlab_builtin.augmentations.geometric:flip",
        options="netlab_builtin.augmentations.options:FlipOptions",
        tags=frozenset({"geometric", "epoch"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="translate",
        summary="Shift by whole pixels, the border reflected",
        target="netlab_builtin.augmentations.geometric:translate",
        options="netlab_builtin.augmentations.options:TranslateOptions",
        tags=frozenset({"geometric"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="rotate",
        summary="Turn about the centre, corners black",
        target="netlab_builtin.augmentations.affine:rotate",
        options="netlab_builtin.augmentations.options:RotateOptions",
    )
    yield ComponentSpec(
        kind="augmentation",
        name="crop-resize",
        summary="Cut out a part and scale it to the image size",
        target="netlab_builtin.augmentations.affine:crop_resize",
        options="netlab_builtin.augmentations.options:CropResizeOptions",
        reference="Szegedy et al., Going Deeper with Convolutions, CVPR 2015",
        tags=frozenset({"translation"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="color-jitter",
        summary="Change brightness, contrast and saturation",
        target="netlab_builtin.augmentations.pixels:color_jitter",
        options="netlab_builtin.augmentations.options:ColorJitterOptions",
        reference="Howard, Improvements on Convolutional Network Based Image Classification, 2013",
    )
    yield ComponentSpec(
        kind="augmentation",
        name="erase",
        summary="Fill a rectangle with the mean colour of the image",
        target="netlab_builtin.augmentations.pixels:erase",
        options="netlab_builtin.augmentations.options:EraseOptions",
        reference="Zhong et al., Random Erasing Data Augmentation, AAAI 2020",
    )
    yield ComponentSpec(
        kind="augmentation",
        name="mixup",
        summary="Blend pairs of images and of their targets",
        target="netlab_builtin.augmentations.mixing:mixup",
        options="netlab_builtin.augmentations.options:MixupOptions",
        reference="Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018",
        tags=frozenset({"mixing"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="cutmix",
        summary="Put a rectangle of one image into another, and mix their targets",
        target="netlab_builtin.augmentations.mixing:cutmix",
        options="netlab_builtin.augmentations.options:CutmixOptions",
        reference="Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers, ICCV 2019",
        tags=frozenset({"mixing"}),
    )
    yield ComponentSpec(
        kind="augmentation",
        name="trivial-augment",
        summary="One change an image, of a random kind and strength (slow: image by image)",
        target="netlab_builtin.augmentations.trivial:trivial_augment",
        reference="Müller and Hutter, TrivialAugment, ICCV 2021",
        tags=frozenset({"rotation", "translation"}),
    )
