"""Plugins that are told of runs, with one mistake each: modules in the place of plugins."""

import csv
import random
from pathlib import Path
from types import ModuleType

from netlab.kinds.events import ReportSection
from netlab.specs import hookimpl

CURRENT: dict = {}


def plugin_of(**hooks):
    """A plugin whose module has these hooks."""
    module = ModuleType("wrong_tracker")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    return module


def needs_accuracy(run, epoch, values):
    (run.directory / "best.txt").write_text(str(int(100 * values["val_accuracy"] / values["sharpness"])))


def rewrites_history(run, epoch, values):
    with (run.directory / "history.csv").open("a") as file:
        csv.writer(file).writerow([epoch])


def sorts_config(run):
    run.config["augment"].clear()


def writes_here(run, epoch, values):
    Path("epochs.txt").write_text(str(epoch))


def remembers(run):
    CURRENT["run"] = run.directory


def notes(run, epoch, values):
    (CURRENT["run"] / "epochs.txt").write_text(str(epoch))


def samples(run, epoch, values):
    random.random()


def loads_script(runs):
    yield ReportSection("Curves", '<script src="https://example.org/plot.js"></script>')


def reads_all(runs):
    for run in runs:
        yield ReportSection("Epochs", (run / "history.csv").read_text())


# The check that catches it, and the plugin.
TRACKERS = {
    "needs-a-column": ("events", {"netlab_epoch_finished": needs_accuracy}),
    "rewrites-history": ("run-kept", {"netlab_epoch_finished": rewrites_history}),
    "changes-configuration": ("run-kept", {"netlab_run_started": sorts_config}),
    "writes-where-it-is": ("own-folder", {"netlab_epoch_finished": writes_here}),
    "one-run-at-a-time": ("runs-apart", {"netlab_run_started": remembers, "netlab_epoch_finished": notes}),
    "draws": ("surroundings", {"netlab_epoch_finished": samples}),
    "loads-a-script": ("sections", {"netlab_report_sections": loads_script}),
    "needs-every-file": ("sections", {"netlab_report_sections": reads_all}),
}
