"""The detector 'rcnn'."""

from __future__ import annotations

from netlab.kinds.detector import RegionHead
from netlab_builtin.detectors.options import RCNNOptions


def rcnn(*, options: RCNNOptions) -> RegionHead:
    """A head on frozen features of proposed regions: K + 1 classes, a box regression a class, and how well
    a box fits (Girshick et al., Rich Feature Hierarchies, CVPR 2014; Jiang et al., Acquisition of
    Localization Confidence, ECCV 2018)."""
    return RegionHead(options.hidden, options.dropout, options.fit)
