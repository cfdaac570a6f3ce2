// Draws the curves of the report: a chart for each number, all runs laid over each other.
"use strict";
(function () {
  // Those of convnet/drawing/style.py, which people with any form of color vision can tell apart.
  const COLORS = {
    light: ["#0072b2", "#d55e00", "#009e73", "#4b2e83", "#56b4e9", "#1f2329"],
    dark: ["#56b4e9", "#f08a4b", "#2fc79c", "#b03a7a", "#ffffff", "#8b4513"],
  };
  let runs = [];
  const place = document.getElementById("charts");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function charts() {
    const found = new Map();
    runs.forEach((run, number) => run.series.forEach(series => {
      if (!found.has(series.chart)) found.set(series.chart, []);
      found.get(series.chart).push({ run, number, series });
    }));
    return found;
  }

  // uPlot wants one list of x for all curves: the union of theirs, with null where one has no value.
  function aligned(curves, smoothed) {
    const tables = curves.map(({ series }) => [series.x, smoothed ? series.smooth : series.y]);
    return uPlot.join(tables);
  }

  function label({ run, series }) {
    const name = series.event === "test" ? "test" : "training";
    const what = series.chart === "learning rates" ? series.name : name;
    return runs.length > 1 ? `${run.name} ${what}` : what;
  }

  function shown(value, percent) {
    if (value == null) return "–";
    return percent ? (100 * value).toFixed(2) + "%" : String(Number(value.toPrecision(5)));
  }

  // Vertical lines where a run was resumed, its rates fell, or it got a hint.
  function marks() {
    return {
      hooks: {
        drawClear: chart => {
          const { ctx, bbox } = chart;
          ctx.save();
          ctx.strokeStyle = dark.matches ? "#6b7480" : "#a8afb9";
          ctx.setLineDash([4, 4]);
          runs.forEach(run => run.marks.forEach(mark => {
            const x = Math.round(chart.valToPos(mark.x, "x", true));
            if (x < bbox.left || x > bbox.left + bbox.width) return;
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
          }));
          ctx.restore();
        },
      },
    };
  }

  // Of the y axis: with some room, but not below 0 % nor above 100 %.
  function limits(percent) {
    return (chart, min, max) => {
      if (min == null) return [0, 1];
      const [low, high] = uPlot.rangeNum(min, max, 0.1, true);
      return percent ? [Math.max(0, low), Math.min(1, high)] : [low, high];
    };
  }

  function options(title, curves, log, width) {
    const percent = title.endsWith("error");
    const ink = dark.matches ? "#b4bac3" : "#5b626c", grid = dark.matches ? "#2b3038" : "#e8eaee";
    const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const several = title === "learning rates";
    return {
      width, height: 300,
      plugins: [marks()],
      scales: { x: { time: false }, y: { distr: log ? 3 : 1, ...(log ? {} : { range: limits(percent) }) } },
      axes: [
        { ...axis, label: "epochs", labelSize: 22, size: 40 },
        {
          ...axis, size: 74, label: percent ? "error" : title === "learning rates" ? "rate" : "cost",
          labelSize: 22,
          values: (chart, splits) => splits.map(v => v == null ? "" : percent ? `${Number((100 * v).toPrecision(4))}%` : String(Number(v.toPrecision(4)))),
        },
      ],
      series: [
        { label: "epoch", value: (chart, v) => shown(v, false) },
        ...curves.map((curve, i) => ({
          label: label(curve),
          stroke: color(curve, i, several),
          width: curve.series.event === "test" ? 2.2 : 1.3,
          points: { show: curve.series.x.length <= 60 && curve.series.event === "test", fill: dark.matches ? "#15181c" : "#ffffff" },
          spanGaps: true,
          value: (chart, v) => shown(v, percent),
        })),
      ],
    };
  }

  // Of one run, training and test differ in color; of several, each has a color and its tests are bold.
  function color({ number, series }, i, rates) {
    const colors = COLORS[dark.matches ? "dark" : "light"];
    if (rates) return colors[i % colors.length];
    if (runs.length === 1) return colors[series.event === "test" ? 1 : 0];
    return colors[number % colors.length] + (series.event === "test" ? "" : "b0");
  }

  function checkbox(box, text, checked, changed) {
    const element = document.createElement("label"), input = document.createElement("input");
    input.type = "checkbox";
    input.checked = checked;
    input.addEventListener("change", () => changed(input.checked));
    element.append(input, " " + text);
    box.append(element);
  }

  // A chart on the page.  It keeps its settings and its zoom when it gets newer curves.
  function draw(title) {
    const box = document.createElement("div"), head = document.createElement("h3");
    box.className = "chart";
    head.textContent = title;
    box.append(head);
    const state = { log: title === "learning rates", smoothed: true, chart: null, curves: [] };
    const controls = document.createElement("div");
    const canvas = document.createElement("div");
    checkbox(controls, "logarithmic axis", state.log, on => { state.log = on; renew(); });
    if (title !== "learning rates") {
      checkbox(controls, "smoothed", true, on => { state.smoothed = on; renew(); });
    }
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = "drag to zoom, double-click to go back";
    controls.append(hint);
    box.append(controls, canvas);
    place.append(box);
    function renew(curves) {
      const zoom = zoomed(state.chart);
      if (state.chart) state.chart.destroy();
      if (curves) state.curves = curves;
      const width = Math.max(260, box.clientWidth);
      const table = aligned(state.curves, state.smoothed);
      state.chart = new uPlot(options(title, state.curves, state.log, width), table, canvas);
      if (zoom) state.chart.setScale("x", zoom);
    }
    return renew;
  }

  // The part of the epochs that the reader has zoomed to; null for all of them.
  function zoomed(chart) {
    if (!chart || !chart.data[0].length) return null;
    const { min, max } = chart.scales.x, x = chart.data[0];
    return min > x[0] || max < x[x.length - 1] ? { min, max } : null;
  }

  const drawn = new Map();
  window.showCurves = function (data) {
    runs = data;
    for (const [title, curves] of charts()) {
      if (!drawn.has(title)) drawn.set(title, draw(title));
      drawn.get(title)(curves);
    }
    place.classList.toggle("empty", drawn.size === 0);
  };
  window.showCurves(JSON.parse(document.getElementById("curves-data").textContent));
  const renewAll = () => drawn.forEach(renew => renew());
  dark.addEventListener("change", renewAll);
  let pending = 0;
  window.addEventListener("resize", () => {
    clearTimeout(pending);
    pending = setTimeout(renewAll, 150);
  });
})();
