"""What the attentions compute."""

import torch
from netlab_attention.attentions import Eca, Se
from netlab_attention.options import EcaOptions, SeOptions


def test_eca_weighs_a_channel_by_its_neighbours():
    eca = Eca(4, options=EcaOptions(k=3))
    torch.nn.init.constant_(eca.mix.weight, 1.0)
    means = torch.tensor([1.0, -2.0, 3.0, 0.5])
    x = means[None, :, None, None].expand(1, 4, 2, 2)
    sums = torch.tensor([1.0 - 2.0, 1.0 - 2.0 + 3.0, -2.0 + 3.0 + 0.5, 3.0 + 0.5])
    assert torch.allclose(eca(x)[0, :, 0, 0], means * torch.sigmoid(sums))


def test_se_without_weights_halves_every_channel():
    se = Se(8, options=SeOptions(reduction=4))
    for parameter in se.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(2, 8, 3, 3)
    assert torch.allclose(se(x), x / 2)
    assert se.weigh[0].out_features == 2
