"""Parameter groups: weight decay where it belongs, and every parameter once."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from netlab.classification.assembly import Assembly, complete
from netlab.classification.optimization import optimization_of
from netlab.engine.catalog import Catalog
from netlab.kinds.recipe import DataFacts
from netlab.training.optimization import parameter_groups


class Scale(nn.Module):
    """A parameter of two dimensions that belongs to no known layer: it is a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(2, 2))


def test_biases_and_norms_have_no_weight_decay() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.GroupNorm(2, 4),
        nn.LayerNorm([4, 5, 5]),
        nn.Linear(4, 2),
        Scale(),
    )
    filters, dense, rest = parameter_groups([network], 0.5)
    groups = {group["name"]: group["weight_decay"] for group in (filters, dense, rest)}
    assert groups == {"filters": 0.5, "dense": 0.5, "rest": 0.0}
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert [names[id(parameter)] for parameter in filters["params"]] == ["0.weight"]
    assert [names[id(parameter)] for parameter in dense["params"]] == ["4.weight", "5.matrix"]
    assert {names[id(parameter)] for parameter in rest["params"]} == set(names.values()) - {
        "0.weight", "4.weight", "5.matrix",
    }  # fmt: skip


def assembly(catalog: Catalog, *, lr: float, decay: float, **optimizer: object) -> Assembly:
    given = {"optimizer": optimizer, "training": {"lr": lr, "weight_decay": decay}}
    return complete(catalog, given, DataFacts(100, (32, 32), 2), frozenset())


def test_the_settings_make_sgd_with_these_groups(catalog: Catalog) -> None:
    chosen = assembly(catalog, lr=0.2, decay=0.01, momentum=0.8, nesterov=True)
    network = nn.Linear(3, 2)
    optimizer = optimization_of(chosen).make_optimizer(network)
    assert isinstance(optimizer, torch.optim.SGD)
    decays = {group["name"]: group["weight_decay"] for group in optimizer.param_groups}
    assert decays == {"filters": 0.01, "dense": 0.01, "rest": 0.0}
    assert {(g["lr"], g["momentum"], g["nesterov"]) for g in optimizer.param_groups} == {(0.2, 0.8, True)}


def test_nesterovs_step_looks_ahead(catalog: Catalog) -> None:
    """One parameter, gradient 1: the first step of Nesterov is 1 + momentum, of plain momentum 1."""
    for nesterov, expected in ((True, 1.9), (False, 1.0)):
        chosen = assembly(catalog, lr=1.0, decay=0.0, momentum=0.9, nesterov=nesterov)
        layer = nn.Linear(1, 1, bias=False)
        before = layer.weight.item()
        optimizer = optimization_of(chosen).make_optimizer(layer)
        layer(torch.ones(1, 1)).sum().backward()
        optimizer.step()
        torch.testing.assert_close(before - layer.weight.item(), expected)


def test_any_optimizer_that_takes_groups_and_a_rate_fits() -> None:
    network = nn.Linear(3, 2)
    for make in (partial(torch.optim.AdamW, betas=(0.8, 0.9)), torch.optim.Adagrad):
        optimizer = make(parameter_groups([network], 0.1), lr=0.1)
        assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.1, 0.0]
