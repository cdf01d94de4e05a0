"""A section of the report: how far the blocks of a network open their gates."""

from html import escape

import numpy as np
from safetensors import SafetensorError, safe_open

from netlab.kinds.events import ReportSection

BLOCK = "gates"  # the buffer of SqueezeExciteBlock
WIDTH, HEIGHT, BINS = 240, 28, 24


def gate_section(runs, *, closed=0.25):
    """One section about the runs that have such blocks, or none."""
    rows = [row for run in runs for row in rows_of(run, closed)]
    if not rows:
        return
    head = "".join(
        f'<th scope="col"{kind}>{title}</th>'
        for title, kind in (
            ("run", ""),
            ("block", ""),
            ("channels", ' class="num"'),
            ("mean gate", ' class="num"'),
            (f"below {closed:g}", ' class="num"'),
            (f"above {1 - closed:g}", ' class="num"'),
            ("closed (0) to open (1)", ""),
        )
    )
    yield ReportSection(
        title="Gates of squeeze-and-excitation",
        html=(
            "<p>What each channel is multiplied by, as a running mean over the training images, from the best"
            " weights. A block whose gates are all near one number weighs no channel more than another.</p>"
            f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        ),
    )


def rows_of(run, closed):
    """A table row for every squeeze-and-excitation block of a run."""
    for block, gates in gates_of(run / "checkpoints" / "best.safetensors").items():
        numbers = (
            str(len(gates)),
            f"{gates.mean():.3f}",
            f"{(gates < closed).sum()}",
            f"{(gates > 1 - closed).sum()}",
        )
        cells = "".join(f'<td class="num">{number}</td>' for number in numbers)
        name = f'<th scope="row">{escape(run.name)}</th><td>{escape(block)}</td>'
        yield f"<tr>{name}{cells}<td>{histogram(gates)}</td></tr>"


def gates_of(path):
    """Block -> its gates (channels,); nothing where the weights are not there (yet) or damaged."""
    try:
        with safe_open(path, "numpy") as file:
            return {
                key.removeprefix("network.").removesuffix(f".{BLOCK}"): np.asarray(file.get_tensor(key))
                for key in file.keys()  # noqa: SIM118 - the file is no dictionary
                if key.endswith(f".{BLOCK}")
            }
    except (OSError, SafetensorError):
        return {}


def histogram(gates):
    """How many channels have which gate, as a small picture."""
    counts, edges = np.histogram(gates, bins=BINS, range=(0, 1))
    step, tallest = WIDTH / BINS, max(int(counts.max()), 1)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT * (1 - count / tallest):.1f}" width="{step - 1:.1f}"'
        f' height="{HEIGHT * count / tallest:.1f}"><title>{count} between {edges[i]:.2f} and'
        f" {edges[i + 1]:.2f}</title></rect>"
        for i, count in enumerate(counts)
        if count
    )
    words = f"{len(gates)} gates from {gates.min():.2f} to {gates.max():.2f}"
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT + 2}" role="img" aria-label="{words}" fill="currentColor">'
        f"{bars}"
        f'<path d="M0 {HEIGHT + 1}h{WIDTH}" stroke="currentColor" stroke-opacity=".4"/></svg>'
    )
