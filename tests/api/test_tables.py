"""Tables and plots show themselves."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest
from matplotlib.figure import Figure

import netlab
from netlab.api.plot import Plot

ROWS = [{"layer": "conv1", "si": 0.5, "shape": (3, 8, 8)}, {"layer": "<b>x</b>", "si": None, "points": 12345}]


def test_a_table_gives_rows_columns_and_a_data_frame() -> None:
    table = netlab.Table(ROWS)
    assert table.columns == ("layer", "si", "shape", "points")
    assert len(table) == 2
    assert table[0]["layer"] == "conv1"
    assert table["points"] == [None, 12345]
    assert [row["layer"] for row in table] == ["conv1", "<b>x</b>"]
    assert len(table[:1]) == 1
    frame = pandas.DataFrame(table.to_dict())
    assert list(frame.columns) == list(table.columns)
    with pytest.raises(KeyError, match="there is no column 'S'"):
        table["S"]


def test_a_table_is_aligned_text_and_escaped_html() -> None:
    table = netlab.Table(ROWS, caption="a < b")
    text, html = repr(table).splitlines(), table._repr_html_()
    assert text[0].split() == ["layer", "si", "shape", "points"]
    assert text[1].split() == ["conv1", "0.5000", "3x8x8"]
    assert text[2].endswith("12,345")
    assert text[3] == "a < b"
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "a &lt; b" in html
    assert "<b>" not in html


def test_a_long_table_says_how_much_is_not_shown() -> None:
    table = netlab.Table({"n": n} for n in range(100))
    assert "and 40 more rows" in repr(table)
    assert "and 40 more rows" in table._repr_html_()


def test_an_empty_table_says_so() -> None:
    assert repr(netlab.Table([], ("name", "state"))) == "no rows (name, state)"
    assert netlab.Table([], ("name",))["name"] == []


def test_a_plot_is_a_picture_and_is_saved_by_its_ending(tmp_path: Path) -> None:
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    plot = Plot(figure)
    assert plot._repr_png_().startswith(b"\x89PNG")
    assert b"<svg" in plot.save(tmp_path / "curve.svg").read_bytes()
    with pytest.raises(netlab.errors.UsageError, match="the ending must be one of"):
        plot.save(tmp_path / "curve.gifs")
