"""Features of regions, two ways behind one interface.

``roialign``: the whole image goes through the extractor once, and each region is pooled from its maps
(He et al., Mask R-CNN, ICCV 2017, section 3). ``crop``: each region is warped to a square and goes
through the extractor by itself, as in R-CNN (Girshick et al., CVPR 2014, appendix A).
"""

from __future__ import annotations
