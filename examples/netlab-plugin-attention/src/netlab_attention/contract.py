"""What an attention is."""

from typing import Any, Protocol


class Attention(Protocol):
    """An attention component."""

    def __call__(self, channels: int, *, options: Any) -> Any:
        """An ``nn.Module`` from (N, channels, H, W) to the same shape, float, for any H and W."""
        ...
