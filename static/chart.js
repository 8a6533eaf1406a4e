// Draws the figures that the server ships, in the colours of the theme, once they come into view.
(() => {
  "use strict";
  const host = document.querySelector("[data-plotly]");
  if (!host) return;
  const CONFIG = {
    displayModeBar: false, displaylogo: false, responsive: true, scrollZoom: false, showTips: false, doubleClick: false,
    showSendToCloud: false, plotlyServerURL: "", // figures of invoices go nowhere
  };
  const LABEL_GAP = 15; // px between the labels at the ends of the lines
  const drawn = new WeakMap();

  let library;
  const load = () => library ||= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", id: "plotly.js-style-global", className: "no-inline-styles", href: host.dataset.plotlyCss });
    const script = document.createElement("script");
    script.src = host.dataset.plotly;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(style, script);
  });

  const colour = (token) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  const escaped = (text) => text.replaceAll("<", "&lt;"); // Plotly would read it as markup
  const faded = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", .14)");

  // A trace that names its token takes that colour.
  const dye = (trace, value) => {
    if (trace.type === "bar") {
      trace.marker = { ...trace.marker, color: value, line: { color: colour("--card"), width: 1 } };
      if (trace.marker.pattern) Object.assign(trace.marker.pattern, { fgcolor: colour("--card"), bgcolor: value, size: 6, solidity: .25 });
    } else {
      trace.line = { width: 2, ...trace.line, color: value };
      if (trace.fill) trace.fillcolor = faded(value);
    }
  };
  // Of the others, met objectives stay in the background and the rest takes the series colours in turn.
  const rank = (trace, place) => {
    const loud = trace.meta === "bad" || trace.meta === "risk";
    trace.line.color = loud ? colour(`--series-${place() % 5 + 1}`) : colour("--soft");
    trace.line.width = loud ? 2.5 : 1.5;
    trace.opacity = loud ? 1 : .75;
  };
  const mark = ({ shapes = [], annotations = [] }) => {
    for (const shape of shapes) {
      if (shape.type === "rect") shape.fillcolor = colour(shape.name);
      else shape.line.color = colour(shape.name);
    }
    for (const note of annotations) {
      note.text = escaped(note.text);
      note.font = { ...note.font, color: colour(note.name) };
      note.bgcolor = colour("--card");
    }
  };

  const paint = (figure, box) => {
    let next = 0;
    for (const trace of figure.data) {
      trace.name = escaped(trace.name);
      if (trace.meta?.startsWith("--")) dye(trace, colour(trace.meta));
      else rank(trace, () => next++);
    }
    mark(figure.layout);
    const narrow = box.clientWidth < 600;
    const lines = !narrow && figure.data.every((trace) => trace.type !== "bar");
    const longest = Math.max(0, ...figure.data.map(({ name }) => name.length));
    const right = lines ? Math.min(190, 16 + 7 * longest) : 12;
    const legend = !lines && figure.data.length > 1;
    const above = figure.data.some(({ meta }) => meta?.startsWith("--")); // few names; many go below
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--ink") };
    const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), tickcolor: colour("--line") };
    const { layout } = figure;
    return Object.assign(layout, {
      font, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", uirevision: box.id, dragmode: false,
      height: box.clientHeight, margin: { l: 52, r: right, t: legend && above ? 30 : 10, b: lines || above ? 32 : 40 },
      showlegend: legend, legend: { orientation: "h", ...(above ? { y: 1.02, yanchor: "bottom", traceorder: "normal" } : { y: -.14 }), font: { size: 11 } },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font },
      xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis, zerolinecolor: colour("--ink"), zerolinewidth: 1.5 },
      annotations: [...(layout.annotations || []), ...(lines ? labels(figure, box.clientHeight - 42) : [])],
    });
  };

  // A label at the end of each line, moved apart where lines end close together.
  const labels = ({ data, layout: { yaxis: { range: [low, high] } } }, height) => {
    const ends = data.map((trace) => ({ trace, y: trace.y.at(-1) })).filter(({ y }) => y != null);
    const place = (y) => (Math.max(y, low) - low) / (high - low) * height;
    ends.sort((a, b) => a.y - b.y);
    let lowest = 0;
    for (const end of ends) {
      end.at = lowest = Math.max(place(end.y), lowest);
      lowest += LABEL_GAP;
    }
    for (let i = ends.length - 1, highest = height; i >= 0; i--, highest -= LABEL_GAP) {
      highest = ends[i].at = Math.min(ends[i].at, highest);
    }
    return ends.map(({ trace, at }) => ({
      xref: "paper", x: 1, xanchor: "left", xshift: 6, yref: "paper", y: at / height, yanchor: "middle",
      text: trace.name, showarrow: false, font: { size: 12, color: trace.line.color },
    }));
  };

  const draw = async (box) => {
    const text = document.getElementById(box.dataset.figureIn).textContent;
    await load();
    if (!box.isConnected) return;
    const figure = JSON.parse(text);
    drawn.set(box, text);
    await Plotly.react(box, figure.data, paint(figure, box), CONFIG);
    box.dataset.drawn = "true";
  };

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target).catch(() => { target.textContent = "The chart could not be loaded; the table below holds the same figures."; });
    }
  }, { rootMargin: "100px" });

  const watch = () => {
    for (const box of host.querySelectorAll("[data-figure-in]")) {
      if (!drawn.has(box)) seen.observe(box);
      else if (drawn.get(box) !== document.getElementById(box.dataset.figureIn).textContent) draw(box);
    }
  };
  watch();
  document.body.addEventListener("htmx:after:swap", watch);
  document.addEventListener("theme", () => { for (const box of host.querySelectorAll("[data-drawn]")) draw(box); });
})();
