"""Several processes that train one network (``torchrun``), and the trivial case of one.

Every process holds the network and the data; each takes its share of every batch, and gradients are
averaged by ``DistributedDataParallel``. The first, rank 0, writes the run directory and speaks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from netlab.errors import NetlabError, UsageError
from netlab.launch import Launch, read_launch, usable_processors
from netlab.threads import limited_threads
from netlab.training.batch_norm import synchronize_batch_norms
from netlab.training.device import choose_device

Result = TypeVar("Result")

CPU = torch.device("cpu")
BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together.

    ``rank`` of ``world`` processes, ``local_rank`` of ``local_world`` on this machine; ``backend`` is
    gloo or nccl; ``sync_bn`` says whether batch norms see the whole batch. The defaults are a process
    alone, for which nothing here does anything.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    backend: str | None = None
    device: torch.device = CPU
    sync_bn: bool = True
    store: dist.Store | None = None

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's share of ``count`` items: a range; the shares differ by one at most."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def sum(self, values: Tensor) -> Tensor:
        """The element-wise sum over all processes, the same to the bit in each."""
        if self.world == 1:
            return values
        total = values.to(self.device, copy=True)
        dist.all_reduce(total)
        return total.to(values.device)

    def synchronize_norms(self, network: nn.Module) -> nn.Module:
        """Give batch norms the statistics of the whole batch; see ``netlab.training.batch_norm``."""
        if self.world == 1 or not self.sync_bn:
            return network
        return synchronize_batch_norms(network, self.device)

    def parallel(self, network: nn.Module) -> nn.Module:
        """The network as it is to be called in training: its gradients are averaged over processes.

        All begin with the weights and buffers of rank 0.
        """
        if self.world == 1:
            return network
        # Finding unused parameters lets any plugin's network train that trains in one process. It also
        # keeps the buckets as they were first made, so that a resumed run sums in the same order.
        return nn.parallel.DistributedDataParallel(
            network,
            device_ids=[self.device] if self.device.type == "cuda" else None,
            find_unused_parameters=True,
        )

    def share_buffers(self, network: nn.Module) -> None:
        """Take the buffers of rank 0: statistics that were not synchronized differ until then."""
        if self.world > 1:
            for buffer in network.buffers():
                dense = buffer.contiguous()  # what gloo asks for
                dist.broadcast(dense, src=0)
                buffer.copy_(dense)

    def first_on_machine(self, action: Callable[[], Result]) -> Result:
        """Let one process of each machine act before the others do, as when a file is downloaded."""
        if self.local_rank == 0:
            result = action()
            self.wait()
            return result
        self.wait()
        return action()

    def wait(self) -> None:
        """Wait until every process is here."""
        self.sum(torch.zeros(1))

    def differences(self, values: Mapping[str, str]) -> list[str]:
        """Which of the named values are not the same in all processes."""
        if self.world == 1:
            return []
        digests = b"".join(hashlib.sha256(value.encode()).digest() for value in values.values())
        own = torch.frombuffer(bytearray(digests), dtype=torch.uint8).view(len(values), -1).to(self.device)
        every = [torch.empty_like(own) for _ in range(self.world)]
        dist.all_gather(every, own)
        same = torch.stack([(other == own).all(1) for other in every]).all(0)
        return [name for name, agreed in zip(values, same.tolist(), strict=True) if not agreed]

    def is_first_to_fail(self) -> bool:
        """Whether no process has failed before: what fails later fails because of it, and says nothing."""
        if self.store is None:
            return True
        try:
            return self.store.compare_set("netlab/failed", "", str(self.rank)) == str(self.rank).encode()
        except RuntimeError:  # the process that kept the store is gone: better said twice than never
            return True


ALONE = Ranks()


@contextlib.contextmanager
def joined(device: str, threads: int | None = None, *, sync_bn: bool = True) -> Iterator[Ranks]:
    """Join the other processes, as the environment says (``torchrun`` sets it), until the block ends.

    ``device`` and ``threads`` are what the user asked for; on GPUs every process of a machine takes its
    own, and without ``threads`` the processors are shared out.

    Raises:
        UsageError: there are not enough devices, or the others can not be reached.
        NetlabError: in the block, another process was lost.
    """
    launch = read_launch()
    with limited_threads(threads or threads_of_process(launch.local_world)):
        if launch.world == 1:
            yield ALONE
        else:
            with process_group(launch, device, sync_bn=sync_bn) as ranks:
                yield ranks


@contextlib.contextmanager
def process_group(launch: Launch, device: str, *, sync_bn: bool) -> Iterator[Ranks]:
    """The group of all processes, which all must join.

    Raises:
        UsageError: there are not enough devices, or the others can not be reached.
        NetlabError: in the block, another process was lost.
    """
    own_device = device_of(device, launch)
    backend = BACKENDS[own_device.type]
    if (
        launch.local_world == launch.world
        and backend == "gloo"
        and "lo" in (name for _, name in socket.if_nameindex())
    ):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # nobody on the network needs to reach us
    try:
        store, rank, world = next(dist.rendezvous("env://"))
        dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"the {launch.world} processes can not reach each other: {reason}") from error
    try:
        yield Ranks(rank, world, launch.local_rank, launch.local_world, backend, own_device, sync_bn, store)
    except RuntimeError as error:
        if not is_lost_connection(error):
            raise
        raise NetlabError(
            "another process of this run was lost; the same command goes on after the last finished epoch"
        ) from error
    dist.destroy_process_group()


def device_of(text: str, launch: Launch) -> torch.device:
    """The device of one of several processes of a machine.

    Raises:
        UsageError: one GPU was named for all, or there are fewer than processes.
    """
    device = choose_device(text)
    if device.type != "cuda":
        return device
    if device.index is not None:
        raise UsageError(
            f"--device {text}: several processes can not share one GPU; --device cuda gives each its own"
        )
    if launch.local_world > torch.cuda.device_count():
        raise UsageError(
            f"{launch.local_world} processes, but PyTorch sees {torch.cuda.device_count()} CUDA devices here:"
            " start as many as there are (--nproc-per-node), or use --device cpu"
        )
    device = torch.device("cuda", launch.local_rank)
    torch.cuda.set_device(device)
    return device


def is_lost_connection(error: RuntimeError) -> bool:
    """Whether an error is the backend's: gloo raises plain RuntimeErrors that name its source files."""
    return isinstance(error, dist.DistError) or "gloo/transport" in str(error)


def threads_of_process(local_world: int) -> int | None:
    """How many threads each of several processes of a machine takes; None: as PyTorch chooses.

    ``torchrun`` sets OMP_NUM_THREADS to 1 where it is not set, which leaves most processors idle: 1
    is therefore no wish, and the processors are shared out.
    """
    if local_world == 1 or os.environ.get("OMP_NUM_THREADS", "1") != "1":
        return None
    return max(usable_processors() // local_world, 1)
