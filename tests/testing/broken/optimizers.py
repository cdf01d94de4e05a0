"""Optimizers with one mistake each."""

import torch


def copies(groups):
    return [dict(group) for group in groups]


def own_rate(groups, *, lr, options):
    """Always a rate of 0.001."""
    return torch.optim.SGD(copies(groups), lr=1e-3, momentum=0.9)


class FirstRate(torch.optim.Optimizer):
    """SGD that reads the rate of the first group."""

    def __init__(self, groups, lr):
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure=None):
        lr = self.param_groups[0]["lr"]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.sub_(parameter.grad + group["weight_decay"] * parameter, alpha=lr)


def first_rate(groups, *, lr, options):
    """The rate of the first group is that of all."""
    return FirstRate(copies(groups), lr)


def takes_names(groups, *, lr, options):
    """Takes the names out of the groups that it is given."""
    for group in groups:
        group.pop("name")
    return torch.optim.SGD(groups, lr=lr)


class Momentum(torch.optim.Optimizer):
    """Momentum kept in a list of the optimizer."""

    def __init__(self, groups, lr):
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})
        self.moments = {}

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                moment = self.moments.setdefault(id(parameter), torch.zeros_like(parameter))
                moment.mul_(0.9).add_(parameter.grad + group["weight_decay"] * parameter)
                parameter.sub_(moment, alpha=group["lr"])


def momentum_elsewhere(groups, *, lr, options):
    """Its momentum is not in its state."""
    return Momentum(copies(groups), lr)


class Counter(FirstRate):
    """Warms up by a count of its own."""

    count = 0

    @torch.no_grad()
    def step(self, closure=None):
        self.count += 1
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    step = parameter.grad + group["weight_decay"] * parameter
                    parameter.sub_(step, alpha=group["lr"] * min(1.0, self.count / 10))


def counts_itself(groups, *, lr, options):
    """A count of steps that no checkpoint holds."""
    return Counter(copies(groups), lr)


class Noisy(torch.optim.SGD):
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad.add_(torch.randn_like(parameter.grad), alpha=1e-3)
        return super().step(closure)


def noisy(groups, *, lr, options):
    """Adds noise from the global generator."""
    return Noisy(copies(groups), lr=lr)


def decays_all(groups, *, lr, options):
    """The decay of the first group for all parameters."""
    decay = groups[0]["weight_decay"]
    return torch.optim.SGD([p for group in groups for p in group["params"]], lr=lr, weight_decay=decay)


class Matrices(torch.optim.Optimizer):
    """Steps by the sign of matrices; forgets what is no matrix."""

    def __init__(self, groups, lr):
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.ndim >= 2:
                    step = parameter.grad.sign() + group["weight_decay"] * parameter
                    parameter.sub_(step, alpha=group["lr"])


def matrices_only(groups, *, lr, options):
    """Leaves biases as they are."""
    return Matrices(copies(groups), lr)


class NeedsAll(FirstRate):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(parameter.grad + group["weight_decay"] * parameter, alpha=group["lr"])


def needs_every_gradient(groups, *, lr, options):
    """Fails where a parameter has no gradient."""
    return NeedsAll(copies(groups), lr)


class Views(FirstRate):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    step = parameter.grad.view(-1) + group["weight_decay"] * parameter.view(-1)
                    parameter.view(-1).sub_(step, alpha=group["lr"])


def views_weights(groups, *, lr, options):
    """Flattens weights by view, which channels-last ones refuse."""
    return Views(copies(groups), lr)


class Together(FirstRate):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rows = torch.as_strided(
                        parameter.grad, parameter.shape, torch.empty(parameter.shape).stride()
                    )
                    parameter.sub_(rows + group["weight_decay"] * parameter, alpha=group["lr"])


def rows_in_memory(groups, *, lr, options):
    """Reads gradients as they lie in memory."""
    return Together(copies(groups), lr)
