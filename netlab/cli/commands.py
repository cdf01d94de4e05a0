"""The table of netlab's own commands. A command's module is imported only when the command is called."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """``module`` in ``netlab.cli`` offers ``build(session)``: a Typer function, or a Typer app."""

    name: str
    module: str
    help: str
    panel: str


COMMANDS = (
    Command("run", "networks.run", "Assemble a network from parts by name and train it.", "Networks"),
    Command(
        "summary", "networks.summary", "Show the layers of an assembly, without training it.", "Networks"
    ),
    Command("metrics", "metrics.metrics", "Measure how well every layer separates the classes.", "Networks"),
    Command("predict", "networks.predict", "Classify images with a trained network.", "Networks"),
    Command("eval", "networks.eval", "Count how well a trained network tells labelled images.", "Networks"),
    Command("export", "networks.export", "Write a trained network as an ONNX or PyTorch file.", "Networks"),
    Command("sweep", "comparison.sweep", "Train many assemblies, each over several seeds.", "Comparison"),
    Command(
        "compare", "comparison.compare", "Compare assemblies: means, differences, intervals.", "Comparison"
    ),
    Command("report", "comparison.report", "Write a report of runs as one HTML file.", "Comparison"),
    Command("detect", "detect.app", "Find objects in images, trained on Pascal VOC data.", "Detection"),
    Command("data", "data.app", "Look at a data set before anything is trained on it.", "Networks"),
    Command("runs", "runs.app", "List, show, verify and remove runs and detectors.", "Comparison"),
    Command("plugins", "plugins.app", "List and inspect the installed parts.", "Parts"),
)

NAMES = tuple(command.name for command in COMMANDS)
SHARED = {"run"}  # what several processes can work on together
