"""The formats of exported networks: each writes a file, and runs what it has written."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netlab.errors import NetlabError
from netlab.export.standalone import METADATA, Standalone

Pixels = NDArray[np.uint8]  # (N, C, height, width)
Probabilities = NDArray[np.float32]  # (N, K)
INPUT, OUTPUT = "images", "probabilities"


@dataclass(frozen=True, slots=True)
class Format:
    """``write(network, example, description, path)`` writes a file for any number of images; ``read(path)``
    gives what it makes of images."""

    name: str
    title: str
    write: Callable[[Standalone, Tensor, Mapping[str, Any], Path], None]
    read: Callable[[Path], Callable[[Pixels], Probabilities]]

    @property
    def suffix(self) -> str:
        return f".{self.name}"


def write_onnx(network: Standalone, example: Tensor, about: Mapping[str, Any], path: Path) -> None:
    """An ONNX file with its weights inside, the description in its metadata, no trace of this machine."""
    with needs_extra(), quiet():
        import onnx
        import onnxscript  # noqa: F401 - torch.onnx needs it, and says so less clearly

        made = torch.onnx.export(
            torch.export.export(network, (example,), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}}),
            (),
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
        )
    assert made is not None
    model = made.model_proto
    for named in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output,
                  *model.graph.initializer, *model.functions, model.graph):  # fmt: skip
        del named.metadata_props[:]  # paths and stack traces of who exported it
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    describe_onnx(model, about)
    onnx.save(model, path)


def describe_onnx(model: Any, about: Mapping[str, Any]) -> None:
    """Put the description into the metadata of an ONNX model."""
    import onnx

    onnx.helper.set_model_props(model, {METADATA: json.dumps(about)})


def read_onnx(path: Path) -> Callable[[Pixels], Probabilities]:
    """What onnxruntime makes of images, on the processor."""
    with needs_extra():
        import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(images: Pixels) -> Probabilities:
        (found,) = session.run([OUTPUT], {INPUT: images})
        return np.asarray(found, np.float32)

    return run


def write_pt2(network: Standalone, example: Tensor, about: Mapping[str, Any], path: Path) -> None:
    """An archive of ``torch.export``, with the description in its file ``netlab.json``."""
    with quiet():
        program = torch.export.export(
            network, (example,), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}}
        )
        torch.export.save(program, path, extra_files={f"{METADATA}.json": json.dumps(about)})


def read_pt2(path: Path) -> Callable[[Pixels], Probabilities]:
    """What PyTorch makes of images by the archive alone."""
    with quiet():
        network = torch.export.load(path).module()

    def run(images: Pixels) -> Probabilities:
        with torch.inference_mode():
            found: Probabilities = network(torch.from_numpy(images)).numpy()
        return found

    return run


FORMATS = {
    "onnx": Format("onnx", "ONNX", write_onnx, read_onnx),
    "pt2": Format("pt2", "PyTorch's export format", write_pt2, read_pt2),
}


@contextlib.contextmanager
def needs_extra() -> Iterator[None]:
    """One line where a package of the extra ``export`` is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise NetlabError(
            f"ONNX files need {error.name}: pip install 'netlab-vision[export]' (--to pt2 needs nothing)"
        ) from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what exporters log, warn of and print, which is about their own inside."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def reason_of(error: BaseException) -> str:
    """Why an exporter refused, from whichever error of its chain says it best, in one line."""
    chain: list[BaseException] = []
    while error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__ or error
    for link in chain:
        if operator := re.search(r"No (?:ONNX function|decompositions?).*?op='([\w.]+)'", str(link)):
            return f"it has no operator {operator[1]}"
        if "data-dependent" in str(link):
            return "it goes one way or the other by what an image holds"
    lines = (" ".join(re.sub(r"\x1b\[\d*m", "", str(link)).split()) for link in reversed(chain))
    return next((line[:200] for line in lines if line), type(chain[-1]).__name__)
