"""timm's normalization layers, under its names: ``norms.groupnorm1`` is netlab's norm 'timm-groupnorm1'."""

from timm.layers.create_norm import create_norm_layer

from netlab_timm.plugin import NORMS


def groupnorm(channels, size, *, where, options):
    """timm's ``groupnorm``: input and output (N, channels, H, W).

    Raises:
        ValueError: the groups do not divide the channels.
    """
    if channels % options.groups:
        raise ValueError(
            f"{channels} channels can not be divided into {options.groups} groups: choose a divisor"
            f" with --norm.groups"
        )
    return create_norm_layer("groupnorm", channels, num_groups=options.groups)


def _named(name):
    def norm(channels, size, *, where, options):
        return create_norm_layer(name, channels)

    norm.__name__ = norm.__qualname__ = name
    norm.__doc__ = f"timm's ``{name}``: input and output (N, channels, H, W)."
    return norm


globals().update({name: _named(name) for name in NORMS if name != "groupnorm"})
