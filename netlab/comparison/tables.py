"""A comparison as text: CSV, Markdown, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from netlab.comparison.comparison import Comparison, Entry, Measure
from netlab.comparison.power import power_of
from netlab.comparison.statistics import Difference
from netlab.engine.metric_tags import LEGEND

CSV_COLUMNS = (
    "data",
    "measure",
    "assembly",
    "n",
    "mean",
    "sd",
    "baseline",
    "pairs",
    "difference",
    "low",
    "high",
    "verdict",
)
DETAIL_COLUMNS = ("assembly", "mean", "sd", "n", "difference", "± 95 %", "")
LATEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
        "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    }
)  # fmt: skip


def with_digits(value: float, digits: int) -> str:
    """A value with its digits, a dash where there is none."""
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def signed(value: float, digits: int) -> str:
    """A difference with its sign."""
    return "-" if math.isnan(value) else f"{value:+,.{digits}f}"


def margin_of_error(difference: Difference, digits: int) -> str:
    """Half of the 95 % interval, which is symmetric about the mean difference."""
    return with_digits((difference.high - difference.low) / 2, digits)


def detail_rows(comparison: Comparison, measure: Measure) -> list[list[str]]:
    """The rows of one measure, with ``DETAIL_COLUMNS``."""
    rows = []
    for assembly in comparison.assemblies:
        entry = comparison.entries[measure.key].get(assembly.name)
        if entry is None:
            rows.append([assembly.name, "-", "-", "0", "", "", "not measured"])
            continue
        rows.append([assembly.name, *detail_cells(entry, measure, assembly is comparison.baseline)])
    return rows


def detail_cells(entry: Entry, measure: Measure, is_baseline: bool) -> list[str]:
    """Mean, deviation, n, difference, interval and verdict."""
    summary, difference, digits = entry.summary, entry.difference, measure.digits
    cells = [with_digits(summary.mean, digits), with_digits(summary.sd, digits), str(summary.n)]
    if difference is None:
        return [*cells, "", "", "baseline" if is_baseline else ""]
    return [*cells, signed(difference.mean, digits), margin_of_error(difference, digits), difference.verdict]


def overview_columns(comparison: Comparison) -> list[str]:
    """The head of the table of everything."""
    return ["assembly", "n", *(measure.title for measure in comparison.measures)]


def overview_rows(comparison: Comparison) -> list[list[str]]:
    """One row an assembly, one cell a measure: ``0.9512 ± 0.0034``, with ``~`` when within noise."""
    rows = []
    for assembly in comparison.assemblies:
        cells = [assembly.name, str(len(assembly.runs))]
        for measure in comparison.measures:
            entry = comparison.entries[measure.key].get(assembly.name)
            cells.append("-" if entry is None else overview_cell(entry, measure))
        rows.append(cells)
    return rows


def overview_cell(entry: Entry, measure: Measure) -> str:
    text = with_digits(entry.summary.mean, measure.digits)
    if not measure.exact and not math.isnan(entry.summary.sd):
        text += f" ± {with_digits(entry.summary.sd, measure.digits)}"
    within = entry.difference is not None and entry.difference.verdict in ("within noise", "same")
    return f"{text} ~" if within else text


def comparison_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a measure and assembly, with ``CSV_COLUMNS``, every digit kept; None for no value."""
    rows = []
    for measure in comparison.measures:
        for assembly in comparison.assemblies:
            entry = comparison.entries[measure.key].get(assembly.name)
            if entry is None:
                continue
            summary, difference = entry.summary, entry.difference
            row: dict[str, Any] = {"data": comparison.data, "measure": measure.key}
            row |= {"assembly": assembly.name, "n": summary.n, "mean": summary.mean, "sd": known(summary.sd)}
            row |= {"baseline": comparison.baseline.name}
            row |= dict.fromkeys(("pairs", "difference", "low", "high"))
            row["verdict"] = "baseline" if assembly is comparison.baseline else ""
            if difference is not None:
                row |= {"pairs": difference.n, "difference": known(difference.mean)}
                row |= {"low": known(difference.low), "high": known(difference.high)}
                row["verdict"] = difference.verdict
            rows.append(row)
    return rows


def known(value: float) -> float | None:
    """The number, None where there is none."""
    return None if math.isnan(value) else value


def to_csv(comparisons: Sequence[Comparison]) -> str:
    """The rows of all comparisons under one header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for comparison in comparisons:
        writer.writerows(comparison_rows(comparison))
    return text.getvalue()


def to_json(comparisons: Sequence[Comparison], *, power: float | None = None) -> str:
    """``{"comparisons": [...]}``: data, baseline, warnings and rows of each; with ``power`` the seeds that
    would show this difference in test accuracy."""
    found = []
    for comparison in comparisons:
        entry: dict[str, Any] = {"data": comparison.data, "baseline": comparison.baseline.name}
        entry |= {"warnings": comparison.warnings, "rows": comparison_rows(comparison)}
        if power is not None:
            needed = [{**asdict(row), "spread": known(row.spread)} for row in power_of(comparison, power)]
            entry["power"] = {"difference": power, "assemblies": needed}
        found.append(entry)
    return json.dumps({"comparisons": found}, allow_nan=False, indent=2)


def counted(count: int, one: str, many: str = "") -> str:
    """``1 run``, ``2 runs``; ``many`` where the plural is another."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def to_markdown(comparison: Comparison) -> str:
    """The overview, then one table a measure."""
    parts = [f"Data: {comparison.data}\n", *(f"> {warning}\n" for warning in comparison.warnings)]
    parts.append(markdown_table(overview_columns(comparison), overview_rows(comparison)))
    parts.append(
        f"Mean ± standard deviation over n seeds; ~ is within noise of '{comparison.baseline.name}';"
        f" {LEGEND}.\n"
    )
    for measure in varying(comparison):
        parts.append(f"**{measure.title}**\n")
        parts.append(markdown_table(DETAIL_COLUMNS, detail_rows(comparison, measure)))
    return "\n".join(parts)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"

    rule = "|---|" + "---:|" * (len(columns) - 1) + "\n"
    return line(columns) + rule + "".join(line(row) for row in rows)


def to_latex(comparison: Comparison) -> str:
    """The overview, then one table a measure, for the package booktabs."""
    parts = [f"% data: {comparison.data}\n", *(f"% {warning}\n" for warning in comparison.warnings)]
    parts.append(latex_table(overview_columns(comparison), overview_rows(comparison)))
    parts.append(f"% ~: within noise of '{comparison.baseline.name}'\n")
    for measure in varying(comparison):
        parts.append(f"% {measure.title}\n")
        parts.append(latex_table(DETAIL_COLUMNS, detail_rows(comparison, measure)))
    return "\n".join(parts)


def latex_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A tabular environment."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(cell.translate(LATEX_ESCAPES) for cell in cells) + r" \\" + "\n"

    body = "".join(line(row) for row in rows)
    return (
        f"\\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}\n\\toprule\n{line(columns)}\\midrule\n"
        f"{body}\\bottomrule\n\\end{{tabular}}\n"
    )


def varying(comparison: Comparison) -> list[Measure]:
    """The measures that vary with the seed."""
    return [measure for measure in comparison.measures if not measure.exact]
