"""The detector 'faster-rcnn': torchvision's, on the pyramid of any extractor."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from netlab.kinds.extractor import FeatureMaps
from netlab_builtin.detectors.options import FasterRCNNOptions

ANCHOR_RATIOS = (0.5, 1.0, 2.0)
ANCHOR_STRIDES = 4  # side of an anchor, in strides of its map
POOLED = 7  # cells a side of a region's features
SEEN_FROM = 0.01  # score from which a box is given out


def faster_rcnn(
    *, classes: int, features: Callable[[], FeatureMaps], options: FasterRCNNOptions
) -> nn.Module:
    """Faster R-CNN (Ren et al., NeurIPS 2015) on a feature pyramid (Lin et al., CVPR 2017).

    Batch norms of the extractor are folded into its convolutions, and so keep their statistics; layers up to
    ``frozen_stride`` do not learn. The pyramid has the maps from ``first_stride`` on and one more of half the
    last one's size; anchors are 4 strides wide, of three shapes.

    Raises:
        ValueError: the extractor has no map of ``first_stride`` or more.
    """
    trunk = PyramidTrunk(features(), options)
    levels = [str(level) for level in range(trunk.levels)]
    strides = [*trunk.strides, 2 * trunk.strides[-1]]
    anchors = AnchorGenerator(
        tuple((ANCHOR_STRIDES * stride,) for stride in strides), (ANCHOR_RATIOS,) * len(strides)
    )
    network = FasterRCNN(
        trunk,
        rpn_anchor_generator=anchors,
        box_roi_pool=MultiScaleRoIAlign(levels, POOLED, sampling_ratio=2),
        box_head=TwoMLPHead(options.channels * POOLED**2, options.hidden),
        box_predictor=FastRCNNPredictor(options.hidden, classes + 1),
        rpn_pre_nms_top_n_train=1000,
        rpn_post_nms_top_n_train=500,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=options.proposals,
        rpn_batch_size_per_image=128,
        box_batch_size_per_image=options.sampled_regions,
        box_score_thresh=SEEN_FROM,
        box_nms_thresh=options.suppression,
    )
    network.transform = AsTheyAre(1, 1, trunk.mean, trunk.std)
    return network


class AsTheyAre(GeneralizedRCNNTransform):
    """Normalizes and pads images to a batch, and leaves their size: netlab has scaled them."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        return image, target


class PyramidTrunk(nn.Module):
    """The stages of an extractor, and a feature pyramid on the maps of the later ones.

    Images (N, 3, H, W) to maps (N, channels, H / stride, W / stride) by the names '0', '1', ..., 'pool'.
    """

    def __init__(self, maps: FeatureMaps, options: FasterRCNNOptions) -> None:
        super().__init__()
        taken = [place for place, stride in enumerate(maps.strides) if stride >= options.first_stride]
        if not taken:
            raise ValueError(
                f"the backbone's maps have strides {', '.join(map(str, maps.strides))}:"
                f" none is {options.first_stride} or more"
            )
        self.mean, self.std = list(maps.mean), list(maps.std)
        self.strides = [maps.strides[place] for place in taken]
        self.levels, self.out_channels = len(taken), options.channels
        self.stages = nn.ModuleList(
            norms_folded(stage).requires_grad_(stride > options.frozen_stride)
            for stage, stride in zip(maps.stages, maps.strides, strict=True)
        )
        self._taken = frozenset(taken)
        self.pyramid = FeaturePyramidNetwork(
            [maps.channels[place] for place in taken], options.channels, LastLevelMaxPool()
        )

    def forward(self, images: Tensor) -> Mapping[str, Tensor]:
        found: OrderedDict[str, Tensor] = OrderedDict()
        x = images
        for place, stage in enumerate(self.stages):
            x = stage(x)
            if place in self._taken:
                found[str(len(found))] = x
        pyramid: Mapping[str, Tensor] = self.pyramid(found)
        return pyramid

    def train(self, mode: bool = True) -> PyramidTrunk:
        """The stages stay in evaluation mode: what norms could not be folded keep their statistics."""
        super().train(mode)
        self.stages.train(False)
        return self


def norms_folded(stage: nn.Module) -> nn.Module:
    """The stage with each batch norm folded into its convolution; itself where it can not be traced."""
    from torch.fx.experimental.optimization import fuse

    try:
        folded: nn.Module = fuse(stage.eval())
    except Exception:  # tracing fails in as many ways as there are modules; unfused is only slower
        return stage.eval()
    return folded
