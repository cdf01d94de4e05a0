"""``netlab metrics``: how well every layer separates the classes."""

from __future__ import annotations

import contextlib
import inspect
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from netlab.cli.core.executor_options import (
    PointsExecutor,
    RayAddress,
    Threads,
    Workers,
    ended_on_failure,
    place_of,
)
from netlab.cli.core.flags import Flag, component_flags, own_spellings, rewrite_short_flags, with_flags
from netlab.cli.core.selection import complete_names, read_selectors
from netlab.cli.core.session import Session
from netlab.engine.catalog import Catalog, Component
from netlab.errors import UsageError

if TYPE_CHECKING:
    from netlab.executors.place import Place

WHAT = "What to measure"
HOW = "How"
OUT = "Output"


def build(session: Session) -> Callable[..., None]:
    """The command with the flags of the metrics that the command line names."""
    catalog = session.catalog
    words = session.after_command
    selectors = read_selectors(words, ["data"])
    dataset = catalog.find("dataset", selectors["data"]) if "data" in selectors else None

    def metrics(
        values: dict[str, dict[str, Any]],
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="NAME...", help="Metrics; see --list.", show_default=False),
        ] = None,
        list_all: Annotated[
            bool, typer.Option("--list", help="Describe every metric (or those named): formula and source.")
        ] = False,
        run: Annotated[
            str | None,
            typer.Option(
                "--run", help="A run's folder or name. Default: the newest finished.", rich_help_panel=WHAT
            ),
        ] = None,
        model: Annotated[
            str | None,
            typer.Option("--model", help="torchvision:NAME or package.module:factory.", rich_help_panel=WHAT),
        ] = None,
        weights: Annotated[
            str, typer.Option("--weights", help="Of --model: a file, default or none.", rich_help_panel=WHAT)
        ] = "none",
        data: Annotated[
            str | None,
            typer.Option(
                "--data", help="The images of --model; alone, its raw pixels.", rich_help_panel=WHAT
            ),
        ] = None,
        image_size: Annotated[
            int | None, typer.Option("--image-size", min=1, help="Resize for --model.", rich_help_panel=WHAT)
        ] = None,
        features: Annotated[
            Path | None,
            typer.Option("--features", help="A .npy file, points x features.", rich_help_panel=WHAT),
        ] = None,
        labels: Annotated[
            Path | None,
            typer.Option("--labels", help="A .npy file, one label a point.", rich_help_panel=WHAT),
        ] = None,
        targets: Annotated[
            Path | None, typer.Option("--targets", help="A .npy file, for smi.", rich_help_panel=WHAT)
        ] = None,
        reference_features: Annotated[
            Path | None,
            typer.Option("--reference-features", help="Points for cross metrics.", rich_help_panel=WHAT),
        ] = None,
        reference_labels: Annotated[
            Path | None, typer.Option("--reference-labels", help="Their labels.", rich_help_panel=WHAT)
        ] = None,
        layers: Annotated[
            list[str] | None,
            typer.Option("--layers", help="Only these; wildcards; may repeat.", rich_help_panel=WHAT),
        ] = None,
        depth: Annotated[
            int | None,
            typer.Option(
                "--depth", min=1, help="Levels of module names: 1, or a pattern's.", rich_help_panel=WHAT
            ),
        ] = None,
        split: Annotated[
            Literal["train", "test", "both"],
            typer.Option("--split", help="Which images.", rich_help_panel=WHAT),
        ] = "both",
        fraction: Annotated[
            float | None,
            typer.Option(
                "--fraction",
                min=0.0,
                max=1.0,
                rich_help_panel=HOW,
                help="Stratified share of the points: 0.1; of --features all.",
            ),
        ] = None,
        seed: Annotated[int, typer.Option("--seed", min=0, help="Of that share.", rich_help_panel=HOW)] = 0,
        sample_queries: Annotated[
            int | None,
            typer.Option(
                "--sample-queries",
                min=2,
                help="Estimate from so many points against all.",
                rich_help_panel=HOW,
            ),
        ] = None,
        standardize: Annotated[
            bool | None,
            typer.Option(
                "--standardize/--no-standardize",
                rich_help_panel=HOW,
                help="Scale features by the training points: on; of --features off.",
            ),
        ] = None,
        memory: Annotated[
            str, typer.Option("--memory", help="Keep to it: 4G, 512M.", rich_help_panel=HOW)
        ] = "4G",
        batch_size: Annotated[
            int, typer.Option("--batch-size", min=1, help="Images a forward pass.", rich_help_panel=HOW)
        ] = 256,
        nan: Annotated[
            Literal["raise", "omit"],
            typer.Option(
                "--nan", help="On NaN or infinity: stop, or leave the point out.", rich_help_panel=HOW
            ),
        ] = "raise",
        runs: Annotated[
            Path, typer.Option("--runs", help="Where runs are kept.", rich_help_panel=HOW)
        ] = Path("runs"),
        data_dir: Annotated[
            Path | None, typer.Option("--data-dir", help="Where data sets are kept.", rich_help_panel=HOW)
        ] = None,
        offline: Annotated[
            bool, typer.Option("--offline", help="Download nothing.", rich_help_panel=HOW)
        ] = False,
        per_class: Annotated[
            bool, typer.Option("--per-class", help="Show the classes too.", rich_help_panel=OUT)
        ] = False,
        per_point: Annotated[
            Path | None, typer.Option("--per-point", help="Write a CSV of all points.", rich_help_panel=OUT)
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option(
                "--out", help="Folder for table and plots. Default: the run's.", rich_help_panel=OUT
            ),
        ] = None,
        plots: Annotated[
            bool, typer.Option("--plots/--no-plots", help="Draw curves.", rich_help_panel=OUT)
        ] = True,
        as_json: Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=OUT)] = False,
        executor: PointsExecutor = None,
        workers: Workers = None,
        threads: Threads = None,
        ray_address: RayAddress = None,
    ) -> None:
        """Measure how well every layer separates the classes.

        Of a run (the default), of any PyTorch network (--model), of pixels (--data)
        or of features from files (--features).
        """
        from netlab.cli.metrics import output

        if list_all:
            output.describe(chosen or catalog.of_kind("metric"), as_json=as_json)
            return
        if not chosen:
            raise UsageError("name at least one metric, such as 'netlab metrics si csi' (--list shows all)")
        sources = [
            flag for flag, given in (("--run", run), ("--model", model), ("--features", features)) if given
        ]
        if len(sources) > 1:
            raise UsageError(f"{' and '.join(sources)} are different things to measure: give one")
        from netlab.separability.arrays import parse_memory
        from netlab.separability.bound_metric import BoundMetric
        from netlab.separability.settings import MeasurementSettings

        if fraction is not None and fraction <= 0:
            raise UsageError("--fraction 0 leaves no point: give a share above 0, up to 1")
        settings = MeasurementSettings(
            split=split,
            fraction=fraction if fraction is not None else (1.0 if features else 0.1),
            seed=seed,
            standardize=standardize if standardize is not None else features is None,
            memory=parse_memory(memory),
            batch_size=batch_size,
            sample_queries=sample_queries,
            nan=nan,
        )
        measures = [
            BoundMetric.of_component(component, component.make_options(values.get(component.name, {})))
            for component in chosen
        ]
        loaded = None
        if dataset is not None:
            from netlab.data.load import load_data

            options = dataset.make_options(values.get("data", {}))
            loaded = load_data(dataset, options, root=data_dir or Path("data"), offline=offline)
        if executor is None and (workers or threads or ray_address):
            raise UsageError("--workers, --threads and --ray-address belong to --executor local or ray")
        if executor is not None:
            check_shared_out(features, labels, reference_features, sample_queries)
        subject, folder = choose_subject(
            catalog, settings, loaded, run=run, model=model, weights=weights, data=data, features=features,
            labels=labels, targets=targets, reference=(reference_features, reference_labels),
            layers=layers or [], depth=depth, runs=runs, data_dir=data_dir, offline=offline,
            image_size=image_size,
        )  # fmt: skip
        with contextlib.ExitStack() as stack:
            if executor is not None:
                subject.minima = stack.enter_context(
                    shared_out(
                        place_of(executor, ray_address), features, labels, settings,
                        workers=workers, threads=threads,
                    )
                )  # fmt: skip
            output.measure_and_show(
                subject, measures, settings, folder=out or folder, per_class=per_class, per_point=per_point,
                plots=plots, as_json=as_json,
            )  # fmt: skip

    own = own_spellings(metrics)
    chosen = [catalog.find("metric", name) for name in metric_names(words, metrics, catalog)]
    doubled = {c.name for c in chosen if [d.name for d in chosen].count(c.name) > 1}
    if doubled:
        raise UsageError(f"metric '{min(doubled)}' is named twice")
    flags: list[Flag] = [
        flag for component in chosen for flag in component_flags(component, prefix=component.name)
    ]
    parts: list[Component] = [*chosen]
    if dataset is not None:
        flags += component_flags(dataset)
        parts.append(dataset)
    session.arguments[1:] = rewrite_short_flags(words, flags, own, catalog, parts)
    completions = {"names": complete_names(catalog, "metric"), "data": complete_names(catalog, "dataset")}
    return with_flags(metrics, flags, completions)


def check_shared_out(
    features: Path | None, labels: Path | None, reference: Path | None, sample_queries: int | None
) -> None:
    """Refuse what ``--executor`` does not share out.

    Raises:
        UsageError: it is not the nearest points of files.
    """
    if features is None or labels is None:
        raise UsageError("--executor needs --features and --labels: files that every worker can read")
    if reference is not None or sample_queries is not None:
        flag = "--reference-features" if reference is not None else "--sample-queries"
        raise UsageError(f"--executor shares out the nearest points among all points: not with {flag}")


@contextlib.contextmanager
def shared_out(
    place: Place, features: Any, labels: Any, settings: Any, *, workers: int | None, threads: int | None
) -> Iterator[Any]:
    """The class minima of the files' points, by an executor that is open for a while.

    The memory is that of a worker on another machine; here the workers share it.
    """
    from netlab.executors.place import AT_ONCE, open_executor, share_at
    from netlab.launch import usable_processors
    from netlab.separability.distributed import Files, distributed_minima

    most = AT_ONCE if place.is_elsewhere else usable_processors()
    share = share_at(place, workers or most, workers=workers, threads=threads)
    files = Files(
        str(features.absolute()), str(labels.absolute()), settings.fraction, settings.seed,
        settings.standardize, settings.nan,
    )  # fmt: skip
    with ended_on_failure(open_executor(place, share, Path())) as opened:
        count = opened.capacity()
        memory = settings.memory if place.is_elsewhere else settings.memory // count
        yield distributed_minima(opened, files, workers=count, memory=memory)


def metric_names(words: Sequence[str], command: Callable[..., None], catalog: Catalog) -> list[str]:
    """The words of the command line that are not flags or their values.

    After a flag of a metric, whose type is not known yet, a word is its value.
    """
    switches = switches_of(command)
    own = own_spellings(command)
    names: list[str] = []
    after_value = False
    for word in words:
        if word.startswith("-") and word != "-":
            name, equals, _ = word.partition("=")
            is_switch = name in switches or name in ("--help", "-h")
            after_value = not equals and not is_switch
            if name not in own and name.startswith("--no-"):
                after_value = False
        elif after_value:
            after_value = False
        else:
            names.append(word)
    return names


def switches_of(command: Callable[..., None]) -> set[str]:
    """The flags of a command that take no value."""
    found = set()
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind, *extras = typing.get_args(parameter.annotation) or (None,)
        if kind is bool or bool in typing.get_args(kind):
            for extra in extras:
                for declaration in (
                    getattr(extra, "default", None),
                    *(getattr(extra, "param_decls", None) or ()),
                ):
                    if isinstance(declaration, str) and declaration.startswith("-"):
                        found.update(declaration.split("/"))
    return found


def choose_subject(
    catalog: Catalog,
    settings: Any,
    loaded: Any,
    *,
    run: str | None,
    model: str | None,
    weights: str,
    data: str | None,
    features: Path | None,
    labels: Path | None,
    targets: Path | None,
    reference: tuple[Path | None, Path | None],
    layers: list[str],
    depth: int | None,
    runs: Path,
    data_dir: Path | None,
    offline: bool,
    image_size: int | None,
) -> tuple[Any, Path | None]:
    """What to measure, and the folder that its table belongs to."""
    from netlab.separability import feature_sources

    stray = {
        "--labels": labels, "--targets": targets, "--reference-features": reference[0],
        "--reference-labels": reference[1],
    }  # fmt: skip
    if features is None and any(stray.values()):
        raise UsageError(f"{next(flag for flag, value in stray.items() if value)} belongs to --features")
    of_model = {"--weights": weights != "none", "--image-size": image_size is not None}
    if model is None and any(of_model.values()):
        raise UsageError(f"{next(flag for flag, given in of_model.items() if given)} belongs to --model")
    of_network = {"--layers": bool(layers), "--depth": depth is not None}
    if (features is not None or (model is None and data is not None and run is None)) and any(
        of_network.values()
    ):
        flag = next(flag for flag, given in of_network.items() if given)
        raise UsageError(f"{flag} needs a network (--run or --model): features and pixels are one layer")
    if features is not None:
        if data:
            raise UsageError("--data does not go with --features")
        if labels is None and targets is None:
            raise UsageError("--features needs --labels (or --targets, for smi)")
        if (reference[0] is None) != (reference[1] is None):
            raise UsageError("--reference-features and --reference-labels go together")
        pair = None if reference[0] is None or reference[1] is None else (reference[0], reference[1])
        try:
            return feature_sources.FeatureFiles(features, labels, targets, pair, settings), None
        except ValueError as error:
            raise UsageError(" ".join(str(error).split())) from error
    if model is not None:
        if loaded is None:
            raise UsageError("--model needs images: give --data NAME")
        network = feature_sources.network_of(
            model, weights, loaded, settings, image_size=image_size, layers=layers, depth=depth
        )
        return network, None
    if data is not None:
        if run is not None:
            raise UsageError("--run has its own data: leave --data out")
        return feature_sources.ImagePixels(f"pixels of {data}", loaded, settings), None
    from netlab.classification.restore import load_run
    from netlab.runs.directory import find_run, newest_finished

    directory = find_run(run, runs) if run is not None else newest_finished(runs)
    trained = load_run(directory, catalog, data_dir=data_dir, offline=offline)
    return feature_sources.network_of_run(trained, settings, layers=layers, depth=depth), directory.path
