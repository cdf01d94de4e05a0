"""How many runs at once, with how many threads and GPUs each."""

from __future__ import annotations

from dataclasses import dataclass

from netlab.training.device import choose_device, usable_processors


@dataclass(frozen=True, slots=True)
class Share:
    """``workers`` runs at once with ``threads`` threads each; ``gpus`` on this machine are used."""

    workers: int
    threads: int
    gpus: int = 0


def share_out(runs: int, workers: int | None, device: str) -> Share:
    """Share this machine out among ``runs`` runs.

    On a CPU as many workers as processors, for one thread a run loses nothing to waiting; the threads
    that are left over when there are fewer runs are shared out. With ``device`` auto or cuda and GPUs
    here, one worker a GPU.
    """
    chosen = choose_device(device)
    processors = usable_processors()
    gpus = 0
    if chosen.type == "cuda":
        import torch

        gpus = torch.cuda.device_count() if chosen.index is None else 1
    workers = max(min(workers or gpus or processors, runs), 1)
    return Share(workers, max(processors // workers, 1), gpus)
