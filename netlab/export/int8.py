"""ONNX networks with weights and activations of 8 bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlab.export.formats import INPUT, Pixels, describe_onnx, needs_extra, quiet

CALIBRATED_ON = 128  # training images, by which the ranges of activations are found


def quantize(whole: Path, path: Path, images: Pixels, about: Mapping[str, Any]) -> None:
    """Write a copy of the ONNX file ``whole`` that computes in int8: a scale a channel for weights, one a
    tensor for activations, whose ranges are those that ``images`` give.

    Source: Jacob et al., Quantization and Training of Neural Networks, CVPR 2018, by onnxruntime.
    """
    with needs_extra(), quiet():
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

        class Images(CalibrationDataReader):
            def __init__(self) -> None:
                self.left: Iterator[NDArray[np.uint8]] = iter(np.split(images, len(images)))

            def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
                image = next(self.left, None)
                return None if image is None else {INPUT: image}

        quantize_static(
            whole,
            path,
            Images(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            # On training photographs, probabilities of a MobileNetV2 then differ by .008 on the mean; with
            # convolutions and products only by .021, with weights of 7 bits by .034. (The latter suits
            # processors without VNNI, which add up products in 16 bits.)
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(path)
        describe_onnx(model, about)
        onnx.save(model, path)
