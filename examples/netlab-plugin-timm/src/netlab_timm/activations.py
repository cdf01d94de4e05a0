"""timm's activations, under its names: ``activations.mish`` is netlab's activation 'timm-mish'."""

from timm.layers import create_act_layer

from netlab_timm.plugin import ACTIVATIONS


def _named(name):
    def activation(*, options):
        return create_act_layer(name, inplace=False)

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = f"timm's ``{name}``: element by element, the shape of the input stays."
    return activation


globals().update({name: _named(name) for name in ACTIVATIONS})
