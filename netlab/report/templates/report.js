"use strict";
// Draws the charts when they come near the screen, builds the table behind each when it is opened, and
// sorts tables. Everything is in this file; nothing is loaded.
const netlabReport = (() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const chosen = Object.fromEntries(Object.keys(charts).map((id) => [id, 0]));
  const drawn = new Set();
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const plotOf = (id) => document.querySelector(`.plot[data-chart="${id}"]`);

  function themed(layout) {
    const narrow = window.innerWidth < 600;
    const themedAxis = (axis) => ({
      ...axis, gridcolor: color("--line"), zerolinecolor: color("--soft"), linecolor: color("--line"),
      // On a phone a long axis title would not fit beside its plot.
      title: {...axis.title, text: escaped((axis.title || {}).text || ""), font: {size: narrow ? 12 : 14}},
    });
    return {
      ...layout, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: {color: color("--text"), family: "system-ui, sans-serif", size: narrow ? 11 : 13},
      margin: {l: 50, r: 15, t: 15, b: 50, ...layout.margin},
      hoverlabel: {bgcolor: color("--panel"), bordercolor: color("--line"), font: {color: color("--text")}},
      legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0, maxheight: 0.25, ...layout.legend},
      xaxis: themedAxis(layout.xaxis), yaxis: themedAxis(layout.yaxis),
      dragmode: false,
    };
  }

  // Plotly reads tags in texts: names come from outside and must show as they are.
  function escaped(value) {
    if (Array.isArray(value)) return value.map(escaped);
    return typeof value !== "string" ? value :
      value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  const withPlainTexts = (trace) => {
    const safe = {...trace};
    for (const key of ["name", "x", "y", "text", "legendgroup"]) if (key in safe) safe[key] = escaped(safe[key]);
    return safe;
  };

  function draw(id) {
    const figure = charts[id][chosen[id]].figure;
    drawn.add(id);
    plotOf(id).style.minHeight = `${figure.layout.height}px`;
    const config = {displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false};
    return Plotly.react(plotOf(id), figure.data.map(withPlainTexts), themed(figure.layout), config);
  }

  const drawAll = () => Promise.all(Object.keys(charts).map(draw)).then((all) => all.length);

  function cells(row, tag, values) {
    for (const value of values) {
      const cell = document.createElement(tag);
      if (tag === "th") cell.scope = "col";
      if (typeof value === "number") cell.className = "num";
      cell.textContent = value === null || value === undefined ? "" :
        typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
      row.append(cell);
    }
    return row;
  }

  function rowsOf(figure) {
    const rows = [];
    for (const trace of figure.data) {
      if (trace.type === "heatmap") {
        trace.z.forEach((line, i) => line.forEach((share, j) =>
          rows.push([trace.y[i], trace.x[j], share, trace.customdata[i][j]])));
      } else {
        const error = (trace.error_x || trace.error_y || {}).array;
        const note = Array.isArray(trace.text) ? trace.text : null;
        trace.x.forEach((x, i) => rows.push(
          [trace.name, x, trace.y[i], ...(error ? [error[i]] : []), ...(note ? [note[i]] : [])]));
      }
    }
    return rows;
  }

  function heads(figure) {
    const first = figure.data[0] || {}, layout = figure.layout;
    if (first.type === "heatmap") return ["true class", "given class", "share", "images"];
    const name = (axis, otherwise) => (axis.title && axis.title.text) || otherwise;
    const error = first.error_x || first.error_y;
    return ["series", name(layout.xaxis, "x"), name(layout.yaxis, "assembly"), ...(error ? ["±"] : []),
      ...(Array.isArray(first.text) ? ["note"] : [])];
  }

  function fillTable(details) {
    const figure = charts[details.dataset.chart][chosen[details.dataset.chart]].figure;
    const table = document.createElement("table");
    cells(table.createTHead().insertRow(), "th", heads(figure));
    const body = table.createTBody();
    for (const row of rowsOf(figure)) cells(body.insertRow(), "td", row);
    details.querySelector(".scroll").replaceChildren(table);
  }

  // A number also where it is written 1,234 or 0.9512 ± 0.0034; anything else sorts as text.
  function sortKey(cell) {
    const text = cell.textContent.trim();
    const match = /^[+\-−]?[\d,]*\.?\d+(e[+-]?\d+)?/i.exec(text);
    return cell.classList.contains("num") && match ?
      [0, Number(match[0].replaceAll(",", "").replace("−", "-")), text] : [text && text !== "-" ? 1 : 2, 0, text];
  }

  function sortBy(head) {
    const table = head.closest("table"), column = head.cellIndex;
    const numbers = head.classList.contains("num");
    const before = head.getAttribute("aria-sort");
    const descending = before ? before === "ascending" : numbers;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [sortKey(row.cells[column]), row]);
    const sign = descending ? -1 : 1;
    rows.sort(([a], [b]) => (a[0] - b[0]) || sign * ((a[1] - b[1]) || a[2].localeCompare(b[2], "en", {numeric: true})));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }

  for (const head of document.querySelectorAll("table.sortable thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(head));
    head.replaceChildren(button);
  }
  for (const select of document.querySelectorAll("select[data-chart]")) {
    select.addEventListener("change", () => {
      const id = select.dataset.chart;
      chosen[id] = Number(select.value);
      draw(id);
      const details = document.querySelector(`details.data[data-chart="${id}"]`);
      if (details.open) fillTable(details);
    });
  }
  for (const details of document.querySelectorAll("details.data")) {
    details.addEventListener("toggle", () => details.open && fillTable(details));
  }
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting && !drawn.has(entry.target.dataset.chart)) draw(entry.target.dataset.chart);
    }
  }, {rootMargin: "400px"});
  for (const id of Object.keys(charts)) near.observe(plotOf(id));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw));
  window.addEventListener("beforeprint", drawAll);

  // What the reader chose and opened, over a reload; a summary's text tells which details they were.
  const summaryOf = (details) => (details.dataset.chart || "") + details.querySelector("summary").textContent;
  function remember() {
    const views = Object.fromEntries(Object.keys(charts).map((id) => [id, charts[id][chosen[id]].label]));
    const open = [...document.querySelectorAll("details[open]")].map(summaryOf);
    sessionStorage.setItem("netlab", JSON.stringify({views, open}));
  }
  function recall() {
    const {views, open} = JSON.parse(sessionStorage.getItem("netlab") || '{"views":{},"open":[]}');
    for (const select of document.querySelectorAll("select[data-chart]")) {
      const place = charts[select.dataset.chart].findIndex((view) => view.label === views[select.dataset.chart]);
      if (place > 0) select.value = chosen[select.dataset.chart] = place;
    }
    for (const details of document.querySelectorAll("details")) details.open = open.includes(summaryOf(details));
  }

  // Of a served report: load it again when the runs have changed, at the same place.
  function follow(state) {
    recall();
    setInterval(async () => {
      try {
        const now = await (await fetch("state")).text();
        if (now !== state) { remember(); location.reload(); }
      } catch { /* the server has ended: what is shown stays */ }
    }, 3000);
  }
  return {drawAll, drawn, follow};
})();
