"""Training a classifier."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netlab.api.installed import choose_tables, installed
from netlab.api.progress import reporter_for
from netlab.api.run import Run
from netlab.runs.sessions import catalog_for


def train(  # noqa: PLR0913 - the keywords are the selectors of netlab run
    *,
    config: str | Path | Mapping[str, Any] | None = None,
    data: str | None = None,
    backbone: str | None = None,
    block: str | None = None,
    norm: str | None = None,
    activation: str | None = None,
    recipe: str | None = None,
    optimizer: str | None = None,
    schedule: str | None = None,
    loss: str | None = None,
    augment: str | Sequence[str] | None = None,
    callback: str | Sequence[str] | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    data_dir: str | Path | None = None,
    offline: bool = False,
    device: str = "auto",
    threads: int | None = None,
    quiet: bool = False,
    accept_changed_parts: bool = False,
    **options: Any,
) -> Run:  # the parameters are the flags of `netlab run`; most lines describe them
    """Assemble a network from parts chosen by name, train it, and leave a complete run directory.

    The same call again resumes an unfinished run, or gives the finished one. So does ``netlab run`` with
    the same options.

    Args:
        config: a TOML file such as a run's ``config.toml``, or its tables; the other keywords go before it.
        data, backbone, block, norm, activation: names of installed parts (``netlab.parts()``); None for what
            ``config`` says, else the default.
        recipe, optimizer, schedule, loss: likewise; None for what the recipe says.
        augment, callback: names of augmentations and of callbacks, in order; None for what the recipe says.
        name: of the run; by default made of the parts, the seed and a hash of the configuration.
        runs: the folder where runs are kept.
        data_dir: where data sets are kept; None for what ``config`` says, else ``data``.
        offline: download nothing.
        device: auto, cpu, cuda or cuda:N.
        threads: processor threads; None: as many as PyTorch takes.
        quiet: print nothing.
        accept_changed_parts: go on with a run although the code of its parts has changed; recorded in it.
        options: of the training (``epochs=3``, ``lr=0.05``, ``seed=1``; ``netlab run --help`` lists them) and
            of the parts, by their own names (``paths=4``), or ``block__paths=4`` where two have it; of an
            augmentation or callback, ``augment_rotate__degrees=30``.

    Raises:
        UsageError: there is no such part or option, the parts do not fit together, or a run of that name
            was begun with other settings.
        NetlabError: the training failed; its last good checkpoint is kept.

    >>> run = netlab.train(data="digits", size=24, norm="bn", width=4, epochs=1, quiet=True)
    >>> run.config["norm"]["name"], run.config["backbone"]["width"], run.result["epochs"]
    ('bn', 4, 1)
    >>> longer = netlab.train(config=run.config, name="longer", epochs=2, quiet=True)
    >>> longer.config["backbone"]["width"], longer.result["epochs"]
    (4, 2)
    """
    from netlab.classification.experiment import prepare, run_experiment
    from netlab.classification.given import check_tables, read_config_file
    from netlab.classification.settings import TrainingSettings
    from netlab.threads import limited_threads
    from netlab.training.resume import AlreadyFinishedError, ResumeRules

    if isinstance(config, Mapping):
        file = dict(config)
        check_tables(file, "config")
    else:
        file = read_config_file(config)
    in_file = file.get("run", {})
    name = in_file.get("name") if name is None else name
    catalog = catalog_for(installed(), runs, name)
    tables = choose_tables(
        {
            "dataset": data, "backbone": backbone, "block": block, "norm": norm, "activation": activation,
            "recipe": recipe, "optimizer": optimizer, "schedule": schedule, "loss": loss,
        },
        options,
        chains={"augmentation": augment, "callback": callback},
        settings=TrainingSettings,
        own=(
            "config", "name", "runs", "data_dir", "offline", "device", "threads", "quiet",
            "accept_changed_parts",
        ),
        file=file,
        catalog=catalog,
    )  # fmt: skip
    with limited_threads(threads):
        experiment = prepare(
            catalog,
            tables,
            runs=Path(runs),
            name=name,
            data_dir=Path(data_dir or in_file.get("data_dir", "data")),
            offline=offline,
            device=device,
        )
        with contextlib.suppress(AlreadyFinishedError):
            rules = ResumeRules(accept_changed_parts)
            run_experiment(experiment, catalog, reporter_for(quiet=quiet), rules)
    return Run(experiment.run.path, accept_changed_parts=accept_changed_parts)
