"""The walk over a network's layers: order, names, memory, in-place layers, tuples, modules run twice."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from netlab.errors import UsageError
from netlab.separability import FeatureSpace, layer_separability, si_score
from netlab.separability.activations import capture, plan_passes
from netlab.separability.layers import find_layers


class Odd(nn.Module):
    """Layers registered in another order than they run in, one run twice, one that gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(12, 3)
        self.relu = nn.ReLU(inplace=True)
        self.rnn = nn.GRU(8, 12, batch_first=True)
        self.norm = nn.BatchNorm1d(10)
        self.first = nn.Linear(6, 10)
        self.second = nn.Sequential(nn.Linear(10, 8), nn.Tanh())

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        x = self.relu(self.second(x))
        out, _state = self.rnn(x[:, None, :])
        return {"logits": self.last(out[:, 0])}


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = Odd()
    made.norm.running_mean.normal_()
    return made.train()


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    return torch.from_numpy((rng.normal(size=(3, 6))[y] + rng.normal(size=(90, 6))).astype(np.float32)), y


def test_layers_are_named_in_the_order_of_execution(model, data):
    names = [layer.name for layer in find_layers(model, data[0])]
    assert names == ["first", "norm", "relu", "second", "relu:2", "rnn[0]", "last"]


def test_depth_and_wildcards_choose_layers(model, data):
    deep = [layer.name for layer in find_layers(model, data[0], depth=2)]
    assert deep[3:6] == ["second.0", "second.1", "second"]
    assert [layer.name for layer in find_layers(model, data[0], layers=["second.*"])] == [
        "second.0",
        "second.1",
    ]
    assert [layer.name for layer in find_layers(model, data[0], layers=["r*"])] == [
        "relu",
        "relu:2",
        "rnn[0]",
    ]
    assert [layer.name for layer in find_layers(model, data[0], layers=["relu:2"])] == ["relu:2"]
    with pytest.raises(UsageError, match=r"no layer 'nrom'\. Did you mean 'norm'"):
        find_layers(model, data[0], layers=["nrom"])


def test_the_head_is_left_out_unless_named(data):
    network = nn.Sequential()
    for name, module in (("body", nn.Linear(6, 4)), ("flatten", nn.Flatten()), ("dense", nn.Linear(4, 3))):
        network.add_module(name, module)
    assert [layer.name for layer in find_layers(network, data[0], head="flatten")] == ["body"]
    assert [layer.name for layer in find_layers(network, data[0], head="flatten", layers=["dense"])] == [
        "dense"
    ]


def test_outputs_are_those_before_a_later_layer_changes_them_in_place(model, data):
    x, _ = data
    found = capture(model, x, find_layers(model, x), batch_size=32).features
    model.eval()
    with torch.no_grad():
        first = model.first(x)
        norm = model.norm(first)
        second = model.second(norm.relu())
        rnn = model.rnn(second.relu()[:, None, :])[0]
    for name, expected in (("first", first), ("norm", norm), ("relu", norm.relu()), ("second", second)):
        assert torch.allclose(found[name], expected, atol=1e-6), name
    assert torch.allclose(found["rnn[0]"], rnn[:, 0], atol=1e-6)
    assert (found["norm"] < 0).any()


def test_the_model_is_left_as_it_was(model, data):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.rnn.eval()
    layer_separability(model, *data)
    assert model.training
    assert not model.rnn.training
    assert not model.first._forward_hooks
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_passes_hold_what_fits_and_give_the_same(monkeypatch, model, data):
    monkeypatch.setattr("netlab.separability.measuring.FIXED_MEMORY", 110 << 20)
    layers = find_layers(model, data[0])
    sizes = [4 * 90 * layer.features for layer in layers]
    passes = plan_passes(layers, 90, 3 * max(sizes), fixed=0)
    assert len(passes) > 1
    assert [layer for group in passes for layer in group] == layers
    for group in passes:
        held = [4 * 90 * layer.features for layer in group]
        assert sum(held) + max(held) <= 3 * max(sizes)
    small = layer_separability(model, *data, memory=(110 << 20) + 3 * max(sizes))
    whole = layer_separability(model, *data)
    assert [row["value"] for row in small] == [row["value"] for row in whole]


def test_a_layer_too_large_for_the_memory_says_what_it_needs(model, data):
    with pytest.raises(UsageError, match=r"layer 'first' has 10 features.* needs 257 MiB"):
        layer_separability(model, *data, memory=1 << 20)


def test_values_are_those_of_the_layer_s_features(model, data):
    x, y = data
    rows = layer_separability(model, x, y, metrics={"si": {}, "high-order-si": {"order": 2}}, layers="second")
    features = capture(model, x, find_layers(model, x, layers=["second"])).features["second"]
    assert rows[0]["value"] == si_score(features, y, standardize=True)
    assert [row["metric"] for row in rows] == ["si", "high-order-si"]
    assert rows[0]["points"] == 90
    assert rows[0]["features"] == 8


def test_a_test_set_is_standardized_by_the_training_points(model, data):
    x, y = data
    rows = layer_separability(
        model,
        x[:60],
        y[:60],
        metrics=["si", "cross-si"],
        layers="first",
        test_images=x[60:],
        test_labels=y[60:],
    )
    features = capture(model, x, find_layers(model, x, layers=["first"])).features["first"].double().numpy()
    scaled = (features - features[:60].mean(0)) / features[:60].std(0)
    assert [(row["split"], row["metric"]) for row in rows] == [
        ("train", "si"),
        ("test", "si"),
        ("test", "cross-si"),
    ]
    assert rows[1]["value"] == si_score(scaled[60:], y[60:])
    reference = FeatureSpace(scaled[:60], y[:60])
    assert (
        rows[2]["value"]
        == FeatureSpace(scaled[60:], y[60:], reference=reference).neighbours.nearest_reference.own.mean()
    )


def test_an_affine_map_per_feature_changes_no_standardized_value():
    torch.manual_seed(1)
    norm = nn.BatchNorm2d(8)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.2, 3)
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.normal_(norm.bias)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), norm)
    images, labels = torch.randint(0, 256, (200, 3, 10, 10), dtype=torch.uint8), torch.randint(0, 4, (200,))
    rows = layer_separability(network, images, labels, metrics=["si", "csi"])
    assert [row["value"] for row in rows[:2]] == [row["value"] for row in rows[2:]]


def test_the_table_is_read_by_pandas(model, data):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(layer_separability(model, *data))
    assert list(frame.columns) == [
        "layer", "split", "metric", "better", "value", "standard_error", "low", "high", "points", "features",
        "seconds",
    ]  # fmt: skip
    assert frame.pivot(index="layer", columns="metric", values="value").shape == (7, 2)


def test_two_layers_are_compared_by_linear_cka(model, data):
    rows = layer_separability(model, *data, metrics=["linear-cka"])
    assert rows[0]["value"] is None
    assert rows[1]["value"] == pytest.approx(1, abs=1e-4)  # standardized, norm is first
    assert all(0 < row["value"] < 1 + 1e-6 for row in rows[1:])


def test_wrong_images_and_labels_are_one_clear_line(model, data):
    x, y = data
    with pytest.raises(UsageError, match="90 train images but 89 labels"):
        layer_separability(model, x, y[:-1])
    with pytest.raises(UsageError, match="does not run on images of 5"):
        layer_separability(model, x[:, :5], y)
    with pytest.raises(UsageError, match="give test_images"):
        layer_separability(model, x, y, metrics=["cross-si"])
    with pytest.raises(UsageError, match=r"no metric 'sii'\. Did you mean"):
        layer_separability(model, x, y, metrics=["sii"])


class Branching(nn.Module):
    """One layer runs for every batch, one for some batches only, one gives as many rows as it chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.exit, self.expert, self.last = (nn.Linear(6, 6) for _ in range(4))

    def forward(self, x):
        x = self.first(x)
        if x.shape[0] < 20 or float(x[0, 0]) > 0:
            self.exit(x)
        self.expert(x if x.shape[0] < 20 else x[x[:, 0] > 0])
        return self.last(x)


def test_a_layer_without_an_output_for_every_image_is_named_and_not_measured(data):
    x, y = data
    torch.manual_seed(4)
    model = Branching()
    with torch.no_grad():
        runs = [float(model.first(batch)[0, 0]) > 0 for batch in x.split(30)]
    assert sorted(set(runs)) == [False, True]
    count = 30 * sum(runs)
    captured = capture(model, x, find_layers(model, x), batch_size=30)
    assert captured.incomplete == {"exit": count, "expert": 0}
    assert list(captured.features) == ["first", "last"]
    values = []
    for _ in range(2):
        torch.full((90, 6), 7.0)  # what memory holds has no say
        rows = layer_separability(model, x, y, batch_size=30, test_images=x[:30], test_labels=y[:30])
        assert [(row["layer"], row["value"] is None) for row in rows if row["metric"] == "si"] == [
            ("first", False), ("first", False), ("exit", True), ("exit", True),
            ("expert", True), ("expert", True), ("last", False), ("last", False),
        ]  # fmt: skip
        values.append([row["value"] for row in rows])
    assert values[0] == values[1]


def test_the_note_says_of_how_many_images_there_was_an_output(data):
    from netlab.separability.bound_metric import bind_metrics
    from netlab.separability.measuring import ImageSet, measure_layers, plan_measurement
    from netlab.separability.settings import MeasurementSettings

    x, y = data
    torch.manual_seed(4)
    model, metrics, sets = Branching(), bind_metrics(["si"]), [ImageSet("train", x, y)]
    plan = plan_measurement(model, sets, metrics, layers=["expert"])
    (report,) = measure_layers(model, sets, metrics, plan, MeasurementSettings(batch_size=30))
    assert report.results["si"].notes == (
        "not measured: layer 'expert' gave an output for 0 of 90 train images only",
    )


# -- networks that are not a tree of modules with one row an image --------------------------------


class SequenceFirst(nn.Module):
    """A transformer whose tokens come before the images: outputs (tokens, images, features)."""

    def __init__(self, tokens, *, batch_first=False) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.tokens, self.batch_first = tokens, batch_first
        self.embed = nn.Linear(2, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)

    def forward(self, x):
        x = x.reshape(len(x), self.tokens, 2)
        x = self.embed(x if self.batch_first else x.transpose(0, 1))
        return self.block(x).mean(1 if self.batch_first else 0)


@pytest.mark.parametrize("tokens", [2, 3, 4, 45])  # the probes have 3 images and 2, the batches 45
def test_a_network_with_the_sequence_first_has_the_layers_of_one_with_the_images_first(tokens):
    rng = np.random.default_rng(0)
    images, y = torch.from_numpy(rng.normal(size=(90, 2 * tokens)).astype(np.float32)), rng.integers(0, 3, 90)
    found, expected = (
        layer_separability(SequenceFirst(tokens, batch_first=first), images, y, batch_size=45)
        for first in (False, True)
    )
    same = ("layer", "metric", "value", "points", "features")
    assert [[row[key] for key in same] for row in found] == [[row[key] for key in same] for row in expected]
    assert {row["layer"] for row in found} == {"embed", "block"}


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 6))

    def forward(self, x):
        return torch.relu(x @ self.weight.T)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Functional(), "outputs of functions are not seen: make its steps modules"),
        (torch.relu, "the model is a builtin_function_or_method, expected a torch.nn.Module"),
        (torch.jit.script(nn.Sequential(nn.Linear(6, 4), nn.ReLU())), "TorchScript, whose layers can not be seen"),
        (torch.jit.trace(nn.Linear(6, 4), torch.zeros(2, 6)), "TorchScript, whose layers can not be seen"),
    ],
)  # fmt: skip
def test_a_network_whose_layers_can_not_be_seen_is_refused_in_a_line_that_says_what_to_do(
    model, reason, data
):
    with pytest.raises(UsageError, match=reason) as caught:
        layer_separability(model, *data)
    assert "netlab.feature_separability, netlab metrics --features" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_layers_around_a_scripted_part_are_measured(data):
    part = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    rows = layer_separability(nn.Sequential(nn.Linear(6, 4), part, nn.Linear(4, 3)), *data, metrics=["si"])
    assert [row["layer"] for row in rows] == ["0", "2"]
