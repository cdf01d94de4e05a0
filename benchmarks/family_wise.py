"""How often does a table of differences name one where nothing differs? Each at 95 %, and all together.

    python benchmarks/family_wise.py            # a minute of one core

Assemblies and their baseline are drawn from one normal distribution, each measure by itself, 1,500 times.
"""

from __future__ import annotations

import numpy as np

from netlab.comparison.statistics import Difference, corrected, paired_difference

FAMILIES = (("5 assemblies, accuracy only", 5, 1), ("5 assemblies, 6 measures", 5, 6), ("17 layers", 17, 1))
EXPERIMENTS = 1500


def names_one(differences: list[Difference]) -> bool:
    """Whether some difference is called one."""
    return any(found.verdict in ("higher", "lower") for found in differences)


def family(rng: np.random.Generator, assemblies: int, measures: int, seeds: int) -> list[Difference]:
    """Differences of assemblies to one baseline in several measures, where nothing differs."""
    base = rng.normal(size=(measures, seeds))
    return [
        paired_difference(
            dict(enumerate(rng.normal(size=seeds).tolist())), dict(enumerate(base[measure].tolist()))
        )
        for measure in range(measures)
        for _ in range(assemblies)
    ]


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"{'differences':28} seeds  each  together")
    for title, assemblies, measures in FAMILIES:
        for seeds in (3, 5):
            families = [family(rng, assemblies, measures, seeds) for _ in range(EXPERIMENTS)]
            each = np.mean([names_one(differences) for differences in families])
            together = np.mean([names_one(corrected(differences)) for differences in families])
            print(f"{title:28} {seeds:5}  {each:.2f}  {together:.3f}", flush=True)


if __name__ == "__main__":
    main()
