// Points as line charts in SVG, one file for each plot.
import type { Point } from "./parts.ts";

interface Axes {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** Equal factors instead of equal steps along x. */
  readonly logarithmic?: boolean;
}

const PLOTS: Readonly<Record<Point["plot"], Axes>> = {
  rate: { title: "CPU per datagram over rate, one agent", x: "datagrams/s", y: "µs" },
  agents: { title: "CPU per datagram over agents, 40,000/s", x: "agents", y: "µs", logarithmic: true },
  idle: { title: "CPU per datagram over idle connections, 40,000/s", x: "idle connections", y: "µs" },
  delay: { title: "One-way delay through the relay over rate", x: "datagrams/s", y: "µs" },
};

export function plotAll(points: readonly Point[]): { readonly name: string; readonly svg: string }[] {
  const names = [...new Set(points.map(({ plot }) => plot))];
  return names.map((name) => ({
    name,
    svg: chart(
      PLOTS[name],
      points.filter(({ plot }) => plot === name),
    ),
  }));
}

function chart(axes: Axes, points: readonly Point[]): string {
  const top = niceCeiling(Math.max(...points.map(({ y }) => y)));
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const placeX = axes.logarithmic === true ? Math.log : (x: number) => x;
  const [first, last] = [placeX(xs[0]!), placeX(xs[xs.length - 1]!)];
  const atX = (x: number) => round(LEFT + ((placeX(x) - first) / (last - first || 1)) * WIDTH);
  const atY = (y: number) => round(TOP + HEIGHT - (y / top) * HEIGHT);
  const series = [...new Set(points.map((point) => point.series))];
  const lines = series.flatMap((name, i) => {
    const own = points.filter((point) => point.series === name).sort((a, b) => a.x - b.x);
    const color = COLORS[i % COLORS.length]!;
    const path = own.map(({ x, y }) => `${atX(x)},${atY(y)}`).join(" ");
    const end = own[own.length - 1]!;
    return [
      `<polyline fill="none" stroke="${color}" stroke-width="2" points="${path}"/>`,
      ...own.map(({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${color}"/>`),
      text(atX(end.x) + 8, atY(end.y) + 4, name, "start", color),
    ];
  });
  const rows = [0, 1, 2, 3, 4].flatMap((step) => {
    const y = (top * step) / 4;
    const line = `<line x1="${LEFT}" x2="${LEFT + WIDTH}" y1="${atY(y)}" y2="${atY(y)}" stroke="#ddd"/>`;
    return [line, text(LEFT - 8, atY(y) + 4, String(y), "end")];
  });
  const columns = xs.map((x) => text(atX(x), TOP + HEIGHT + 18, x.toLocaleString("en-US"), "middle"));
  const labels = [
    text(LEFT + WIDTH / 2, 20, axes.title, "middle"),
    text(LEFT + WIDTH / 2, TOP + HEIGHT + 38, axes.x, "middle"),
    text(LEFT - 8, TOP - 10, axes.y, "end"),
  ];
  const size = `width="${LEFT + WIDTH + RIGHT}" height="${TOP + HEIGHT + 50}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12">`;
  return [
    head,
    `<title>${axes.title}</title>`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...rows,
    ...columns,
    ...labels,
    ...lines,
    "</svg>\n",
  ].join("\n");
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", color = "#333"): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${color}">${content}</text>`;
}

/** The next of 1, 2, 4, 8 times a power of ten, so that a quarter of it is a round number too. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 4, 8].find((step) => step * power >= value) ?? 10);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const LEFT = 70;
const RIGHT = 110;
const TOP = 50;
const WIDTH = 480;
const HEIGHT = 260;
const COLORS = ["#1f5fa8", "#c2571a", "#2f7d3b"];
