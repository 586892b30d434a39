/** Draws <canvas data-chart='{...}'>: what components.html's `chart` macro describes. The colours are the page's tokens. */
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
  ScatterController,
  Tooltip,
} from "chart.js";

Chart.register(
  BarController, BarElement, CategoryScale, Filler, Legend, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, ScatterController, Tooltip,
);

interface Series {
  name: string;
  values: (number | null)[];
  low?: (number | null)[];
  high?: (number | null)[];
  dashed?: boolean;
}
interface Drawing {
  kind: "line" | "bars" | "points";
  labels: string[];
  series: Series[];
  unit: string;
  language: string;
  hrefs?: string[];
}

const drawn = new Map<HTMLCanvasElement, Chart>();
let listens = false;

export function start(root: ParentNode): void {
  for (const [canvas, chart] of drawn) if (!canvas.isConnected) chart.destroy(), drawn.delete(canvas);
  for (const canvas of root.querySelectorAll<HTMLCanvasElement>("canvas[data-chart]")) if (!drawn.has(canvas)) draw(canvas);
  if (listens) return;
  listens = true;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const canvas of [...drawn.keys()]) draw(canvas);
  });
}

function draw(canvas: HTMLCanvasElement): void {
  drawn.get(canvas)?.destroy();
  const drawing = JSON.parse(canvas.dataset.chart ?? "{}") as Drawing;
  drawn.set(canvas, new Chart(canvas, configuration(drawing)));
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const COLOURS = ["chart-1", "chart-2", "chart-3", "chart-4"];

function configuration(drawing: Drawing): ChartConfiguration {
  const { kind, labels, series, unit, language } = drawing;
  const ink = token("soft");
  const line = token("line");
  const points = kind === "points";
  const named = series.length > 1 && !points;
  const say = (value: number | null | undefined, of: string) => (value == null ? "–" : written(value, of, language));
  const across = { grid: { color: line, drawTicks: false }, border: { display: false }, ticks: { color: ink, padding: 8, maxTicksLimit: 6, callback: (value: string | number) => say(Number(value), unit) } };
  const down = { grid: { display: points, color: line }, border: { color: line }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 18 } };
  return {
    type: kind === "bars" ? "bar" : points ? "scatter" : "line",
    data: { labels, datasets: points ? [scattered(drawing)] : series.flatMap((each, i) => lines(each, i, kind)) },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      locale: language,
      interaction: points ? { mode: "nearest", intersect: true } : { mode: "index", intersect: false },
      onClick: (_event, found) => {
        const href = drawing.hrefs?.[found[0]?.index ?? -1];
        if (href?.startsWith("/")) location.assign(href);
      },
      scales: {
        x: points ? { type: "logarithmic", ...down, title: title(series[0]?.name, ink), ticks: { ...down.ticks, callback: (value) => say(Number(value), "") } } : { type: "category", ...down },
        y: { ...across, ...bounds(unit, kind), title: points ? title(series[1]?.name, ink) : { display: false } },
      },
      plugins: {
        legend: {
          display: named,
          align: "end",
          labels: { color: ink, usePointStyle: true, pointStyle: kind === "bars" ? "rectRounded" : "line", boxWidth: kind === "bars" ? 10 : 22, filter: ({ text }) => Boolean(text) },
        },
        tooltip: {
          backgroundColor: token("ink"),
          titleColor: token("sheet"),
          bodyColor: token("sheet"),
          padding: 10,
          cornerRadius: 8,
          displayColors: named,
          filter: ({ dataset }) => Boolean(dataset.label),
          callbacks: {
            title: (items) => (points ? (labels[items[0]?.dataIndex ?? 0] ?? "") : (items[0]?.label ?? "")),
            label: ({ dataset, dataIndex, parsed }) => {
              if (points) return series.map((each, i) => `${each.name}: ${say(each.values[dataIndex], i ? unit : "")}`);
              const each = series.find(({ name }) => name === dataset.label);
              const [low, high] = [each?.low?.[dataIndex], each?.high?.[dataIndex]];
              const sure = low == null || high == null ? "" : ` (${say(low, unit)} – ${say(high, unit)})`;
              return `${named ? `${dataset.label}: ` : ""}${say(parsed.y, unit)}${sure}`;
            },
          },
        },
      },
    },
  };
}

function title(text: string | undefined, color: string) {
  return { display: Boolean(text), text: text ?? "", color };
}

/** A line has its interval as a wash behind it: two unnamed lines, the space between them filled. */
function lines(series: Series, place: number, kind: Drawing["kind"]): ChartDataset[] {
  const colour = series.dashed ? token("chart-before") : token(COLOURS[place % COLOURS.length] ?? "chart-1");
  if (kind === "bars") return [{ type: "bar", label: series.name, data: series.values, backgroundColor: colour, borderRadius: 4, maxBarThickness: 28 }];
  // What has too few answers to say is left out, not bridged; a value between two such has no line, so it is a dot.
  const alone = (i: number) => series.values[i - 1] == null && series.values[i + 1] == null;
  const made: ChartDataset[] = [
    {
      type: "line",
      label: series.name,
      data: series.values,
      borderColor: colour,
      backgroundColor: colour,
      borderWidth: series.dashed ? 2 : 2.5,
      borderDash: series.dashed ? [6, 5] : [],
      pointRadius: ({ dataIndex }: { dataIndex: number }) => (alone(dataIndex) ? 4 : 0),
      pointHoverRadius: 5,
      tension: 0.25,
      clip: 8,
    },
  ];
  if (series.low && series.high) {
    const quiet = { type: "line" as const, label: "", borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, tension: 0.25 };
    made.push({ ...quiet, data: series.low, fill: false }, { ...quiet, data: series.high, fill: "-1", backgroundColor: faint(colour) });
  }
  return made;
}

function scattered({ series }: Drawing): ChartDataset {
  const [across, up] = [series[0]?.values ?? [], series[1]?.values ?? []];
  return {
    type: "scatter",
    label: series[1]?.name ?? "",
    data: across.map((x, i) => ({ x: x ?? 0, y: up[i] ?? Number.NaN })),
    backgroundColor: faint(token("chart-1"), "99"),
    borderColor: token("chart-1"),
    pointRadius: 6,
    pointHoverRadius: 8,
    // Dots on the edge are whole.
    clip: 10,
  };
}

function faint(colour: string, more = "26"): string {
  return colour + more;
}

/** The scale of a share is always whole: half a scale makes mountains out of molehills. */
function bounds(unit: string, kind: Drawing["kind"]): { min?: number; max?: number; beginAtZero?: boolean } {
  if (unit === "share") return { min: 0, max: 1 };
  if (unit === "points") return { min: -100, max: 100 };
  if (unit === "stars") return { min: 1, max: 5 };
  if (unit === "steps") return { min: 1, max: 7 };
  return { beginAtZero: kind !== "points" };
}

function written(value: number, unit: string, language: string): string {
  if (unit === "share") return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits(value) }).format(value);
  if (unit === "points") return new Intl.NumberFormat(language, { signDisplay: "exceptZero", maximumFractionDigits: 0 }).format(value);
  return new Intl.NumberFormat(language, { maximumFractionDigits: unit ? 1 : 2 }).format(value);
}

/** More than nothing is never 0 %, less than all never 100 %: near the ends a share has as many digits as tell it from them. */
function digits(share: number): number {
  const off = 100 * Math.min(share, 1 - share);
  return off > 0 && Math.round(100 * share) % 100 === 0 ? Math.min(9, Math.ceil(-Math.log10(off))) : 0;
}
