"""Declares what timm brings to netlab. netlab imports this file to list it: it imports no timm.

timm's more than a thousand classifiers are two components with the tag ``variants``: ``timm:resnet18``
sets the option ``variant``. Its norms and activations have a name each, listed here because timm can be asked
only by importing it; a test compares the list of norms with timm's own.
"""

from netlab.specs import ComponentSpec, hookimpl

# timm's name -> what is said of it in lists. All take (N, C, H, W).
NORMS = {
    "batchnorm2d": "Batch normalization",
    "groupnorm": "Group normalization",
    "groupnorm1": "Group normalization with one group",
    "layernorm2d": "Layer normalization over the channels of each pixel",
    "layernorm2dfp32": "layernorm2d, computed in float32",
    "rmsnorm2d": "Root-mean-square normalization over the channels of each pixel",
    "rmsnorm2dfp32": "rmsnorm2d, computed in float32",
    "simplenorm2d": "Normalization by the deviation over the channels of each pixel",
    "simplenorm2dfp32": "simplenorm2d, computed in float32",
}
# Those that netlab does not bring itself. They keep the shape, element by element.
ACTIVATIONS = (
    "celu", "hard_mish", "hard_sigmoid", "hard_swish", "mish", "prelu", "quick_gelu", "relu6", "selu",
    "sigmoid",
)  # fmt: skip
REFERENCE = "https://huggingface.co/docs/timm"


@hookimpl
def netlab_components():
    for name, summary in NORMS.items():
        yield ComponentSpec(
            kind="norm",
            name=f"timm-{name}",
            summary=summary,
            target=f"netlab_timm.norms:{name}",
            options="netlab_timm.options:GroupNormOptions" if name == "groupnorm" else None,
            reference=REFERENCE,
        )
    for name in ACTIVATIONS:
        yield ComponentSpec(
            kind="activation",
            name=f"timm-{name.replace('_', '-')}",
            summary=f"timm's {name}",
            target=f"netlab_timm.activations:{name}",
            reference=REFERENCE,
        )
    for name in ("basic", "bottleneck"):
        yield ComponentSpec(
            kind="block",
            name=f"timm-{name}",
            summary=f"timm's {name} residual block, with its attentions",
            target=f"netlab_timm.blocks:{name}",
            options="netlab_timm.options:BlockOptions",
            reference="He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
            tags=frozenset({"stride"}),
        )
    yield ComponentSpec(
        kind="backbone",
        name="timm",
        summary="A convolutional timm network: timm:resnet18 (uses --norm, but no --block)",
        target="netlab_timm.backbone:backbone",
        options="netlab_timm.options:BackboneOptions",
        reference=REFERENCE,
        tags=frozenset({"variants", "ignores:block", "ignores:activation", "own-norms"}),
    )
    yield ComponentSpec(
        kind="backbone",
        name="timm-pretrained",
        summary="A convolutional timm network with its weights: timm-pretrained:resnet18",
        target="netlab_timm.pretrained:pretrained",
        options="netlab_timm.options:PretrainedOptions",
        reference=REFERENCE,
        tags=frozenset({"variants", "pretrained"}),
    )
    yield ComponentSpec(
        kind="extractor",
        name="timm",
        summary="The feature maps of a convolutional timm network: timm:resnet18",
        target="netlab_timm.extractor:extractor",
        options="netlab_timm.options:ExtractorOptions",
        reference=REFERENCE,
        tags=frozenset({"variants"}),
    )


@hookimpl
def netlab_commands():
    yield "timm-models", "List timm's networks: netlab timm-models 'resnet*'", "netlab_timm.models:command"
