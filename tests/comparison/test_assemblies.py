"""Assemblies are named by what differs."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from netlab.comparison.assemblies import group_assemblies, short_names
from netlab.comparison.comparison import compare_by_data
from netlab.comparison.data_groups import group_by_data, require_same_data
from netlab.errors import UsageError
from netlab.runs.directory import RunDirectory
from netlab.runs.record import RunRecord

CONFIG: dict[str, Any] = {
    "run": {"name": "x", "data_dir": "data"},
    "data": {"name": "digits", "size": 32},
    "backbone": {"name": "compact", "width": 32},
    "block": {"name": "residual", "skip": True},
    "norm": {"name": "none"},
    "training": {"seed": 0, "lr": 0.1},
}


def config(**tables: dict[str, Any]) -> dict[str, Any]:
    made = copy.deepcopy(CONFIG)
    for table, values in tables.items():
        made[table] = {**({} if "name" in values else made[table]), **values}
    return made


def record(name: str, made: dict[str, Any], **environment: str) -> RunRecord:
    return RunRecord(RunDirectory(Path(name)), made, environment=environment, result={"test_accuracy": 0.5})


def test_a_name_has_the_parts_that_differ_and_their_options() -> None:
    found = short_names(
        [
            config(),
            config(block={"name": "grouped", "skip": True, "paths": 2}),
            config(block={"name": "grouped", "skip": True, "paths": 4}),
        ]
    )
    assert found == ["residual", "grouped, paths 2", "grouped, paths 4"]


def test_an_option_that_comes_with_another_part_does_not_name_it() -> None:
    found = short_names(
        [config(), config(norm={"name": "bn", "eps": 1e-5}), config(norm={"name": "gn", "groups": 4})]
    )
    assert found == ["none", "bn", "gn"]


def test_what_a_recipe_says_does_not_name_it_among_others_and_does_within_it() -> None:
    lean = {"recipe": {"name": "lean"}, "training": {"lr": 0.24, "clip": 0}, "augment": [{"name": "flip"}]}
    found = short_names([config(recipe={"name": "fast"}), {**config(), **lean}])
    assert found == ["fast", "lean"]
    again = {**lean, "training": {"lr": 0.4, "clip": 0}}
    found = short_names([config(recipe={"name": "fast"}), {**config(), **lean}, {**config(), **again}])
    assert found == ["fast", "lean, lr 0.24", "lean, lr 0.4"]
    found = short_names([config(recipe={"name": "mine", "steps": steps}) for steps in (1, 2)])
    assert found == ["steps 1", "steps 2"]


def test_switches_and_training_values_read_as_words() -> None:
    found = short_names([config(), config(block={"skip": False}), config(training={"lr": 0.5})])
    assert found == ["skip, lr 0.1", "no skip, lr 0.1", "skip, lr 0.5"]


def test_chains_of_augmentations_are_told_apart_by_their_names_and_options() -> None:
    chains: list[Any] = [
        [{"name": "flip"}, {"name": "rotate", "degrees": 5}],
        [{"name": "flip"}, {"name": "rotate", "degrees": 9}],
        [{"name": "cutmix", "alpha": 1}],
        [],
    ]
    found = short_names([{**CONFIG, "augment": chain} for chain in chains])
    assert found == ["flip + rotate degrees 5", "flip + rotate degrees 9", "cutmix", "no augmentation"]
    assert short_names([{**CONFIG, "augment": chains[0]}] * 2) == ["all alike"] * 2


def test_a_value_that_one_lacks_reads_as_none_and_underscores_as_spaces() -> None:
    found = short_names([config(training={"batch_size": 64}), config(training={"batch_size": 32}), config()])
    assert found == ["batch size 64", "batch size 32", "batch size none"]


def test_the_order_of_keys_and_values_that_json_lacks_make_no_other_assembly() -> None:
    turned = {table: dict(reversed(list(values.items()))) for table, values in reversed(list(CONFIG.items()))}
    dated = [config(data={"day": date(2026, 1, 2)}), config(data={"day": date(2026, 1, 3)})]
    assert len(group_assemblies([record("a", config()), record("b", turned)])) == 1
    assert len(group_assemblies([record("a", made) for made in dated])) == 2
    (assembly,) = group_assemblies([record("a", config())])
    assert assembly.config == config()


def test_a_single_assembly_is_named_by_its_parts() -> None:
    assert short_names([config()]) == ["compact, residual, none"]


def test_runs_that_differ_in_seed_place_and_name_are_one_assembly() -> None:
    records = [
        record("a", config()),
        record("b", config(training={"seed": 1}, run={"name": "b", "data_dir": "elsewhere"})),
        record("c", config(norm={"name": "bn"})),
    ]
    first, second = group_assemblies(records)
    assert sorted(first.runs) == [(0, 0), (1, 0)]
    assert second.name == "bn"


@pytest.mark.parametrize("key", ["data_sha256", "val_indices_sha256"])
def test_other_data_or_splits_are_refused_unless_forced(key: str) -> None:
    records = [record("a", config(), **{key: "1"}), record("b", config(), **{key: "2"})]
    with pytest.raises(UsageError, match="'a' and 'b'.*--force"):
        require_same_data(records, force=False)
    assert "NOT COMPARABLE" in require_same_data(records, force=True)[0]
    assert require_same_data(records[:1], force=False) == []


def of_data(name: str, digest: str, *, split: str = "s", **tables: dict[str, Any]) -> RunRecord:
    return record(name, config(**tables), data_sha256=digest, val_indices_sha256=split)


def test_runs_of_several_data_sets_are_grouped_by_what_they_saw() -> None:
    npz = {"name": "npz", "path": "a.npz"}
    groups = group_by_data(
        [
            of_data("a", "1"),
            of_data("b", "2", data=npz),
            of_data("c", "1", norm={"name": "bn"}),
            of_data("d", "3", data={**npz, "path": "b.npz"}),
        ]
    )
    assert [(group.title, [run.name for run in group.records]) for group in groups] == [
        ("digits", ["a", "c"]),
        ("npz, path a.npz", ["b"]),
        ("npz, path b.npz", ["d"]),
    ]


def test_the_same_images_under_another_path_are_one_data_set() -> None:
    npz = {"name": "npz", "path": "a.npz"}
    groups = group_by_data([of_data("a", "1", data=npz), of_data("b", "1", data={**npz, "path": "copy.npz"})])
    assert [group.title for group in groups] == ["npz"]


def test_another_validation_split_is_another_group_and_says_so() -> None:
    groups = group_by_data(
        [
            of_data("a", "1", training={"split_seed": 0}),
            of_data("b", "1", split="t", training={"split_seed": 1}),
        ]
    )
    assert [group.title for group in groups] == ["digits, split seed 0", "digits, split seed 1"]


def test_data_that_changed_under_one_name_are_told_apart_by_their_digest() -> None:
    groups = group_by_data([of_data("a", "aaaaaaaaaa"), of_data("b", "bbbbbbbbbb")])
    assert [group.title for group in groups] == ["digits, digest aaaaaaaa", "digits, digest bbbbbbbb"]


def test_a_run_without_a_digest_joins_the_runs_of_the_same_configuration() -> None:
    groups = group_by_data([record("a", config()), of_data("b", "1"), record("c", config())])
    assert [[run.name for run in group.records] for group in groups] == [["a", "b", "c"]]


def test_each_data_set_has_a_comparison_and_a_baseline_of_its_own() -> None:
    bn = {"name": "bn"}
    npz = {"name": "npz", "path": "a.npz"}
    runs = [
        of_data("a", "1"),
        of_data("b", "1", norm=bn),
        of_data("c", "2", data=npz, backbone={"name": "resnet"}),
    ]
    found = compare_by_data(runs, baseline="bn")
    assert [(comparison.data, comparison.baseline.name) for comparison in found] == [
        ("digits", "bn"),
        ("npz", "resnet, residual, none"),
    ]
    assert [len(compare_by_data(runs, baseline=name)) for name in ("c", None)] == [2, 2]
    with pytest.raises(UsageError, match="--baseline x: there is no such assembly or run"):
        compare_by_data(runs, baseline="x")
    (forced,) = compare_by_data(runs, force=True)
    assert (len(forced.assemblies), forced.data) == (3, "digits; npz")
    assert "NOT COMPARABLE" in forced.warnings[0]
