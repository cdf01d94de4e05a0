"""Optimizers against arithmetic by hand, an SVD and PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from netlab_builtin.optimizers.adamw import adamw
from netlab_builtin.optimizers.muon import muon, orthogonalized
from netlab_builtin.optimizers.options import AdamWOptions, MuonOptions, SgdOptions
from netlab_builtin.optimizers.sgd import sgd
from torch import nn


def groups(filters, dense, rest, decay=0.0):
    return [
        {"name": "filters", "params": filters, "weight_decay": decay},
        {"name": "dense", "params": dense, "weight_decay": decay},
        {"name": "rest", "params": rest, "weight_decay": 0.0},
    ]


def parameter(*shape, seed=0):
    return nn.Parameter(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_is_momentum_by_hand_with_decay_where_the_group_says_so(nesterov):
    weight, bias = parameter(3, 4), parameter(3, seed=1)
    optimizer = sgd(
        groups([], [weight], [bias], 0.1), lr=0.5, options=SgdOptions(momentum=0.9, nesterov=nesterov)
    )
    expected = {p: p.detach().double().clone() for p in (weight, bias)}
    velocity = {p: torch.zeros_like(expected[p]) for p in expected}
    for step in range(4):
        for p, decay in ((weight, 0.1), (bias, 0.0)):
            p.grad = torch.full_like(p, 0.25 * (step + 1))
            gradient = p.grad.double() + decay * expected[p]
            velocity[p] = 0.9 * velocity[p] + gradient
            expected[p] -= 0.5 * (gradient + 0.9 * velocity[p] if nesterov else velocity[p])
        optimizer.step()
    for p in (weight, bias):
        assert torch.allclose(p.double(), expected[p], rtol=1e-5)


def test_adamw_is_pytorchs():
    ours, theirs = parameter(3, 4), parameter(3, 4)
    a = adamw(groups([], [ours], [], 0.1), lr=0.01, options=AdamWOptions(beta1=0.8, beta2=0.95))
    b = torch.optim.AdamW([theirs], lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)
    for step in range(3):
        for p, optimizer in ((ours, a), (theirs, b)):
            p.grad = torch.full_like(p, 1.0 + step)
            optimizer.step()
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_the_iteration_keeps_the_singular_vectors_and_brings_the_values_near_one(shape):
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(3))
    u, _, vt = torch.linalg.svd(matrix.double(), full_matrices=False)
    turned = u.T @ orthogonalized(matrix, 5).double() @ vt.T
    values = turned.diagonal()
    assert (turned - values.diag()).abs().max() < 1e-3  # the same singular vectors
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_a_matrix_of_zeros_stays_so():
    assert torch.equal(orthogonalized(torch.zeros(3, 5), 5), torch.zeros(3, 5))


def test_muon_takes_orthogonal_steps_of_filters_and_plain_ones_of_the_rest():
    filters, bias = parameter(6, 2, 3, 3), parameter(5, seed=1)
    before = filters.detach().clone(), bias.detach().clone()
    options = MuonOptions(momentum=0.0, nesterov=False, iterations=5, rest_lr=0.5, rest_momentum=0.0)
    optimizer = muon(groups([filters], [], [bias]), lr=0.1, options=options)
    for p in (filters, bias):
        p.grad = torch.randn(p.shape, generator=torch.Generator().manual_seed(5))
    optimizer.step()
    step = (before[0] - filters.detach()).reshape(6, -1) / 0.1
    singular = torch.linalg.svdvals(step.double())
    assert singular.min() > 0.6
    assert singular.max() < 1.3
    assert torch.allclose(before[1] - bias.detach(), 0.05 * bias.grad, atol=1e-6)


def test_muon_finds_the_minimum_of_a_quadratic_and_its_state_is_tensors():
    filters, dense = parameter(4, 3, 1, 1), parameter(4, 4, seed=1)
    optimizer = muon(groups([filters], [dense], []), lr=0.2, options=MuonOptions())
    for step in range(200):
        for group in optimizer.param_groups:
            group["lr"] *= 0.97
        loss = filters.square().sum() + (dense - 1).square().sum()
        if step == 0:
            first = loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01 * first
    assert all(isinstance(v, torch.Tensor) for state in optimizer.state.values() for v in state.values())
