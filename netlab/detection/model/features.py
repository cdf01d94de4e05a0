"""Features of regions, two ways behind one interface.

``roialign``: the whole image goes through the extractor once, and every region is pooled from its maps
(RoIAlign: He et al., Mask R-CNN, ICCV 2017, section 3). ``crop``: every region is warped to a square
and goes through the extractor by itself, as in R-CNN (Girshick et al., CVPR 2014, appendix A).

Both give the same features: for every ``Pool`` the map of one stage, averaged to size x size cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torchvision import ops

from netlab.data.image_files import RGB
from netlab.detection.boxes import grow_boxes, scale_boxes
from netlab.detection.proposals.propose import resize
from netlab.kinds.extractor import FeatureMaps

FeatureWay = Literal["roialign", "crop"]
Describe = Callable[[NDArray[np.float32]], Tensor]
"""Features float32 (N, D) of regions (N, 4) of the image that was prepared."""

CROP_CONTEXT = 16  # pixels around a region, in the warped crop


@dataclass(frozen=True, slots=True)
class Pool:
    """The map of one stage over a region whose sides are ``grow`` times as long, as size x size cells."""

    stage: int
    size: int
    grow: float = 1.0


class RegionFeatures(Protocol):
    """A way to describe regions by features."""

    @property
    def dimension(self) -> int:
        """D, the number of features of a region."""
        ...

    def prepare(self, image: RGB) -> Describe:
        """Do what is done once an image; the result describes its regions."""
        ...


def default_pools(maps: FeatureMaps) -> tuple[Pool, ...]:
    """The last map, for what it is, and the one of stride 16, for where it is.

    An extractor without a map of stride 16 gives its last two.
    """
    last = len(maps.channels) - 1
    finer = maps.strides.index(16) if 16 in maps.strides[:-1] else max(last - 1, 0)
    return (Pool(last, 1), Pool(finer, 5))


def pooled_dimension(maps: FeatureMaps, pools: Sequence[Pool]) -> int:
    return sum(maps.channels[pool.stage] * pool.size**2 for pool in pools)


class RoiAlignFeatures:
    """One pass over the image at ``long_side`` pixels; regions are pooled from its maps."""

    def __init__(
        self, maps: FeatureMaps, pools: Sequence[Pool], *, long_side: int, device: torch.device | str = "cpu"
    ) -> None:
        self.pools = tuple(pools)
        self.long_side = long_side
        self.device = torch.device(device)
        self.dimension = pooled_dimension(maps, pools)
        last = max(pool.stage for pool in self.pools)
        self._stages = prepare_stages(maps.stages[: last + 1], self.device)
        self._normalize = _Normalize(maps, self.device)

    def prepare(self, image: RGB) -> Describe:
        height, width = image.shape[:2]
        scale = self.long_side / max(height, width)
        resized = resize(image, max(round(width * scale), 1), max(round(height * scale), 1))
        pixels = self._normalize(resized)[None].contiguous(memory_format=torch.channels_last)
        outputs = []
        with torch.inference_mode():
            for stage in self._stages:
                pixels = stage(pixels)
                outputs.append(pixels)
        wanted = {pool.stage for pool in self.pools}
        # RoIAlign reads channel by channel: contiguous maps halve its time.
        maps = {i: output.float().contiguous() for i, output in enumerate(outputs) if i in wanted}

        def describe(boxes: NDArray[np.float32]) -> Tensor:
            parts = []
            with torch.inference_mode():
                for pool in self.pools:
                    feature_map = maps[pool.stage]
                    x, y = feature_map.shape[3] / width, feature_map.shape[2] / height
                    regions = torch.from_numpy(scale_boxes(_grown(boxes, pool, width, height), x, y))
                    pooled = ops.roi_align(
                        feature_map,
                        [regions.to(self.device)],
                        pool.size,
                        sampling_ratio=2 if pool.size > 1 else -1,
                        aligned=True,
                    )
                    parts.append(pooled.flatten(1))
            return torch.cat(parts, dim=1).cpu().clone()

        return describe


class CropFeatures:
    """Every region warped to the extractor's crop size with 16 pixels of context, in small batches.

    Where a crop reaches outside the image it holds the mean colour, as in R-CNN. On a CPU batches of
    8 to 16 are the quickest: the maps of larger ones no longer fit the cache, and their memory is
    given back and faulted in again in every layer.
    """

    def __init__(
        self,
        maps: FeatureMaps,
        pools: Sequence[Pool],
        *,
        batch_size: int = 16,
        fuse: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        self.pools = tuple(pools)
        self.batch_size = batch_size
        self.device = torch.device(device)
        self.dimension = pooled_dimension(maps, pools)
        self.crop_size = maps.crop_size
        last = max(pool.stage for pool in self.pools)
        self._stages = prepare_stages(maps.stages[: last + 1], self.device, fuse=fuse)
        self._normalize = _Normalize(maps, self.device)

    def prepare(self, image: RGB) -> Describe:
        pixels = self._normalize(image)[None].contiguous()
        growth = self.crop_size / max(self.crop_size - 2 * CROP_CONTEXT, 1)

        def describe(boxes: NDArray[np.float32]) -> Tensor:
            regions = torch.from_numpy(grow_boxes(boxes, growth)).to(self.device)
            features = torch.empty(len(boxes), self.dimension)
            with torch.inference_mode():
                for start in range(0, len(boxes), self.batch_size):
                    batch = regions[start : start + self.batch_size]
                    crops = ops.roi_align(pixels, [batch], self.crop_size, aligned=True)
                    features[start : start + len(batch)] = self._describe_crops(crops)
            return features

        return describe

    def _describe_crops(self, crops: Tensor) -> Tensor:
        outputs = []
        crops = crops.contiguous(memory_format=torch.channels_last)
        for stage in self._stages:
            crops = stage(crops)
            outputs.append(crops)
        parts = [
            functional.adaptive_avg_pool2d(outputs[p.stage].float(), p.size).flatten(1) for p in self.pools
        ]
        return torch.cat(parts, dim=1).cpu()


def make_features(
    way: FeatureWay,
    maps: FeatureMaps,
    pools: Sequence[Pool],
    *,
    long_side: int,
    device: torch.device | str = "cpu",
) -> RegionFeatures:
    """The named way to describe regions."""
    if way == "crop":
        return CropFeatures(maps, pools, device=device)
    return RoiAlignFeatures(maps, pools, long_side=long_side, device=device)


def prepare_stages(
    stages: Sequence[nn.Module], device: torch.device, *, fuse: bool = True
) -> list[nn.Module]:
    """The stages in evaluation mode and channels-last, batch norm folded into the convolutions."""
    ready = []
    for stage in stages:
        module = _fused(stage.eval()) if fuse else stage.eval()
        ready.append(module.to(device=device, memory_format=torch.channels_last).requires_grad_(False))  # type: ignore[call-overload]
    return ready


def _fused(stage: nn.Module) -> nn.Module:
    """``stage`` with every batch norm folded into its convolution, or itself if it can not be traced."""
    from torch.fx.experimental.optimization import fuse

    try:
        fused: nn.Module = fuse(stage)
    except Exception:  # tracing fails in as many ways as there are modules; unfused is only slower
        return stage
    return fused


class _Normalize:
    """uint8 (H, W, 3) to float (3, H, W) with the mean and standard deviation that the weights expect."""

    def __init__(self, maps: FeatureMaps, device: torch.device) -> None:
        self._mean = torch.tensor(maps.mean, device=device).view(3, 1, 1) * 255.0
        self._std = torch.tensor(maps.std, device=device).view(3, 1, 1) * 255.0

    def __call__(self, image: RGB) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._mean.device)
        return (pixels.permute(2, 0, 1).float() - self._mean) / self._std


def _grown(boxes: NDArray[np.float32], pool: Pool, width: int, height: int) -> NDArray[np.float32]:
    if pool.grow == 1.0:
        return boxes
    return np.clip(grow_boxes(boxes, pool.grow), 0, np.array([width, height, width, height], np.float32))


def tensors_of(maps: FeatureMaps) -> dict[str, Tensor]:
    """The weights of an extractor's stages, by ``STAGE.NAME``."""
    return {
        f"{i}.{name}": value
        for i, stage in enumerate(maps.stages)
        for name, value in stage.state_dict().items()
    }


def weights_digest(maps: FeatureMaps) -> str:
    """A digest of every weight of an extractor's stages."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(tensors_of(maps).items()):
        digest.update(name.encode())
        digest.update(
            value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if value.ndim else b""
        )
    return digest.hexdigest()
