"""What the callbacks compute."""

import torch
from netlab_ema.callbacks import Ema, Sam
from netlab_ema.options import EmaOptions, SamOptions

from netlab.kinds.callback import Training


def training_of(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    return Training(network, optimizer, steps=40, steps_per_epoch=10, folder=None)


def test_the_average_is_that_of_torch():
    network = torch.nn.Linear(3, 2)
    ema = Ema(training_of(network), options=EmaOptions(decay=0.5))
    decay = torch.optim.swa_utils.get_ema_multi_avg_fn(0.5)
    averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=decay)
    averaged.update_parameters(network)  # the first call copies
    for step in range(20, 26):  # where the early decay is above .5
        network.weight.data.normal_()
        ema.step_finished(step)
        averaged.update_parameters(network)
    with ema.evaluation():
        assert torch.allclose(network.weight, averaged.module.weight, atol=1e-6)
    assert not torch.allclose(network.weight, averaged.module.weight)


def test_sam_takes_the_gradients_of_the_worst_point_near_the_weights():
    network = torch.nn.Linear(2, 1, bias=False)
    network.weight.data = torch.tensor([[3.0, 4.0]])

    def again():
        network.zero_grad()
        (network.weight**2).sum().backward()  # the gradient is 2w

    again()
    sam = Sam(training_of(network), options=SamOptions(rho=0.5))
    sam.gradients_ready(0, again)
    assert torch.allclose(network.weight.grad, 2 * torch.tensor([[3.3, 4.4]]))  # w is 5 long: 5.5 times w / 5
    assert torch.equal(network.weight, torch.tensor([[3.0, 4.0]]))
