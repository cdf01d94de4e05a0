"""The section of the report shows the gates that a block had in training."""

import torch
from netlab_squeeze_excite.options import SqueezeExciteOptions
from netlab_squeeze_excite.report import gate_section, gates_of
from netlab_squeeze_excite.squeeze_excite import SqueezeExciteBlock
from safetensors.torch import save_file


def block(bias):
    """A block whose gates are all sigmoid(bias)."""
    made = SqueezeExciteBlock(
        4,
        4,
        size=(6, 6),
        norm=lambda c, s: torch.nn.Identity(),
        activation=torch.nn.ReLU,
        options=SqueezeExciteOptions(reduction=2),
    )
    torch.nn.init.zeros_(made.excite.weight)
    torch.nn.init.constant_(made.excite.bias, bias)
    return made


def written(folder, made):
    path = folder / "checkpoints" / "best.safetensors"
    path.parent.mkdir(parents=True)
    save_file({f"network.block1.{key}": value for key, value in made.state_dict().items()}, path)
    return folder


def test_the_running_mean_of_the_gates_approaches_what_they_are():
    made = block(bias=2.0)
    for _ in range(200):
        made(torch.randn(3, 4, 6, 6))
    assert torch.allclose(made.gates, torch.sigmoid(torch.tensor(2.0)).expand(4), atol=1e-3)
    before = made.gates.clone()
    made.eval()(torch.randn(3, 4, 6, 6))
    assert torch.equal(made.gates, before)


def test_the_section_gives_the_numbers_of_every_run_that_has_gates(tmp_path):
    made = block(0.0)
    made.gates.copy_(torch.tensor([0.1, 0.2, 0.8, 0.5]))
    runs = [written(tmp_path / "<mine>", made), tmp_path / "no-weights-yet"]
    assert list(gates_of(runs[0] / "checkpoints" / "best.safetensors")) == ["block1"]
    (section,) = gate_section(runs)
    assert "&lt;mine&gt;" in section.html
    assert "<mine>" not in section.html
    for number in ("0.400", ">2<", ">1<"):
        assert number in section.html


def test_without_such_blocks_there_is_no_section(tmp_path):
    assert list(gate_section([tmp_path])) == []
