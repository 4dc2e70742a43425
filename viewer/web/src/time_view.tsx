/* Memory over time: traced and resident, the peak and the snapshots marked; a range can be looked at. */

import type {JSX} from "preact";
import {useEffect, useMemo, useRef, useState} from "preact/hooks";
import uPlot from "uplot";

import type {Collection, Region, Snapshot} from "./document";
import {FrameLink} from "./findings_view";
import {type Page, peakOf, processesOf, usePage} from "./model";
import {color, useScheme} from "./scheme";
import {SpansText} from "./spans";
import {formatBytes, formatCount, formatNumber, formatTime} from "./units";

interface Line {
  time: number[];
  bytes: number[];
  rss: (number | null)[];
}

interface Range {
  from: number;
  to: number;
}

const POWERS = Array.from({length: 62}, (_, power) => 2 ** power); // so that the axis has round numbers of MiB

const REASONS: Record<number, string> = {1: "as the heap grew", 2: "at the ceiling", 3: "asked for"};

/** What is looked at; of a single process among others its own. */
function lineOf(page: Page): Line | null {
  const {data} = page, wanted = page.process >= 0 ? page.process : data.process;
  const found = data.timelines.find((line) => line.process === wanted) ?? (page.process < 0 ? data.timelines[0] : undefined);
  if (!found || found.points.length < 6) return null;
  const line: Line = {time: [], bytes: [], rss: []};
  for (let i = 0; i < found.points.length; i += 3) {
    line.time.push(found.points[i]);
    line.bytes.push(found.points[i + 1]);
    line.rss.push(found.points[i + 2] || null);
  }
  return line;
}

function snapshotsOf(page: Page): Snapshot[] {
  const only = page.process >= 0 ? page.process : page.data.process;
  return page.data.snapshots.filter((one) => only < 0 || one.process === only);
}

function regionsOf(page: Page): Region[] {
  const only = page.process >= 0 ? page.process : page.data.process;
  return page.data.regions.filter((one) => only < 0 || one.process === only);
}

function collectionsOf(page: Page): Collection[] {
  const only = page.process >= 0 ? page.process : page.data.process;
  return page.data.collections.filter(([process]) => only < 0 || process === only);
}

const TICK_HEIGHTS = [5, 8, 12]; // by generation

/** Along the bottom, as wide as they lasted. */
function ticks(page: Page, plot: uPlot): void {
  const {ctx, bbox} = plot, ratio = window.devicePixelRatio || 1, bottom = bbox.top + bbox.height;
  ctx.save();
  ctx.fillStyle = color("collection");
  for (const [, time, duration, generation] of collectionsOf(page)) {
    const left = plot.valToPos(time, "x", true), right = plot.valToPos(time + duration, "x", true);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    const height = TICK_HEIGHTS[generation] * ratio;
    ctx.fillRect(left, bottom - height, Math.max(ratio, right - left), height);
  }
  ctx.restore();
}

function mark(plot: uPlot, time: number, tone: string, dashed: boolean, text: string): void {
  const {ctx, bbox} = plot, x = plot.valToPos(time, "x", true), ratio = window.devicePixelRatio || 1;
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = tone;
  ctx.lineWidth = ratio;
  ctx.setLineDash(dashed ? [4 * ratio, 4 * ratio] : []);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  if (text) {
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = x > bbox.left + bbox.width * 0.8 ? "right" : "left";
    ctx.fillText(text, x + (ctx.textAlign === "right" ? -5 : 5) * ratio, bbox.top + 12 * ratio);
  }
  ctx.restore();
}

function marks(page: Page, plot: uPlot): void {
  ticks(page, plot);
  for (const snapshot of snapshotsOf(page)) mark(plot, snapshot.time, color("snapshot"), true, snapshot.name);
  const peak = peakOf(page);
  mark(plot, peak.time, color("peak-mark"), false, `peak ${formatBytes(peak.bytes)}`);
}

/** What the program marked as its regions: an inner one is over its outer one, and so darker. */
function shade(page: Page, plot: uPlot): void {
  const {ctx, bbox} = plot, ratio = window.devicePixelRatio || 1;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  for (const region of regionsOf(page)) {
    const at = (time: number) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, plot.valToPos(time, "x", true)));
    const left = at(region.begin), width = Math.max(ratio, at(region.end) - left);
    ctx.fillStyle = color("region");
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.fillStyle = color("quiet");
    if (ctx.measureText(region.name).width + 8 * ratio < width)
      ctx.fillText(region.name, left + 4 * ratio, bbox.top + (26 + 14 * (region.depth % 4)) * ratio);
  }
  ctx.restore();
}

function options(page: Page, width: number, onRange: (range: Range | null) => void): uPlot.Options {
  const axis = {stroke: color("quiet"), grid: {stroke: color("line"), width: 1}, ticks: {stroke: color("line"), width: 1}, font: "11px system-ui, sans-serif"};
  return {
    width, height: 220, legend: {show: false},
    cursor: {drag: {x: true, y: false, setScale: false}, points: {size: 6}},
    scales: {x: {time: false}, y: {range: (_plot, _low, high) => [0, Math.max(high, 1) * 1.22]}},
    axes: [{...axis, values: (_plot, values) => values.map((value) => `${+value.toFixed(3)} s`)},
           {...axis, size: 70, incrs: POWERS, values: (_plot, values) => values.map((value) => formatBytes(value))}],
    series: [{}, {label: "traced", stroke: color("traced"), fill: color("traced-fill"), width: 2, points: {show: false}},
             {label: "resident", stroke: color("rss"), width: 1.5, points: {show: false}, spanGaps: true}],
    hooks: {
      drawClear: [(plot) => shade(page, plot)],
      draw: [(plot) => marks(page, plot)],
      setSelect: [(plot) => {
        const {left, width: size} = plot.select;
        onRange(size > 3 ? {from: plot.posToVal(left, "x"), to: plot.posToVal(left + size, "x")} : null);
      }],
    },
  };
}

function Plot({page, line, range, onRange}: {page: Page; line: Line; range: Range | null; onRange(range: Range | null): void}): JSX.Element {
  const box = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null), scheme = useScheme();
  const [readout, setReadout] = useState("");
  useEffect(() => {
    const place = box.current!, made = new uPlot(options(page, place.clientWidth, onRange), [line.time, line.bytes, line.rss], place);
    plot.current = made;
    made.over.addEventListener("mousemove", () => {
      const i = made.cursor.idx;
      setReadout(i == null ? "" : `${formatTime(line.time[i])}: ${formatBytes(line.bytes[i])} traced${line.rss[i] ? `, ${formatBytes(line.rss[i]!)} resident` : ""}`);
    });
    const observer = new ResizeObserver(() => made.setSize({width: place.clientWidth, height: 220}));
    observer.observe(place);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [page.process, line, scheme]);
  useEffect(() => {
    const made = plot.current!, left = range ? made.valToPos(range.from, "x") : 0;
    made.setSelect({left, width: range ? made.valToPos(range.to, "x") - left : 0, top: 0, height: made.over.clientHeight}, false);
  }, [range, scheme]);
  const peak = peakOf(page);
  return (
    <>
      <div class="plot" ref={box} role="img" aria-label={`Traced and resident bytes over ${formatTime(page.data.duration)}; the peak of ${formatBytes(peak.bytes)} is at ${formatTime(peak.time)}`} />
      <p class="legend small">
        <span><i class="key" style={{background: "var(--traced)"}} />traced</span><span><i class="key" style={{background: "var(--rss)"}} />resident (RSS)</span>
        <span><i class="key thin" style={{background: "var(--peak-mark)"}} />peak</span><span><i class="key thin" style={{background: "var(--snapshot)"}} />snapshots</span>
        {collectionsOf(page).length > 0 && <span><i class="key" style={{background: "var(--collection)"}} />collections of garbage, high: of old objects</span>}
        {regionsOf(page).length > 0 && <span><i class="key" style={{background: "var(--region)"}} />regions of the program</span>}
        <output id="time-readout">{readout}</output>
      </p>
    </>
  );
}

/** The range with the keyboard. */
function RangeInputs({line, range, onRange}: {line: Line; range: Range | null; onRange(range: Range | null): void}): JSX.Element {
  const end = line.time[line.time.length - 1], at = range ?? {from: 0, to: end}, step = Math.max(0.001, +(end / 1000).toPrecision(1));
  const set = (part: Partial<Range>) => {
    const next = {...at, ...part};
    onRange({from: Math.min(next.from, next.to), to: Math.max(next.from, next.to)});
  };
  const input = (name: keyof Range) => (
    <label>{name} <input type="number" id={`range-${name}`} min={0} max={+end.toFixed(3)} step={step} value={+at[name].toFixed(3)}
      onChange={(event) => set({[name]: Number(event.currentTarget.value)})} /> s</label>
  );
  return (
    <div class="tools">
      <span class="quiet">Drag over the line, or:</span> {input("from")} {input("to")}
      {range && <button type="button" id="range-clear" onClick={() => onRange(null)}>Whole run</button>}
    </div>
  );
}

/** Each entry is about the stretch of time that ends there. */
function highestIn(line: Line, range: Range): {at: number; first: number} {
  let at = -1, first = -1;
  line.time.forEach((time, i) => {
    if (time < range.from || (i > 0 && line.time[i - 1] > range.to)) return;
    if (first < 0) first = i;
    if (at < 0 || line.bytes[i] > line.bytes[at]) at = i;
  });
  return {at, first};
}

function SnapshotText({page, snapshot}: {page: Page; snapshot: Snapshot}): JSX.Element {
  return (
    <li>
      snapshot at {formatTime(snapshot.time)}{snapshot.name && <>, <bdi>{"\u201c"}{snapshot.name}{"\u201d"}</bdi></>} ({REASONS[snapshot.reason] ?? "taken"}): {formatBytes(snapshot.bytes)} live
      {snapshot.blocks.length > 0 && <>; its large blocks by the line that allocated them:
        <ul>{snapshot.blocks.slice(0, 8).map(([bytes, count, stack]) => {
          const lead = page.frames.lead(stack);
          return <li>{formatBytes(bytes)} in {formatCount(count, "block")}{lead >= 0 ? <>, <FrameLink page={page} frame={lead} /></> : ", no stack known"}</li>;
        })}{snapshot.stacks > 8 && <li class="quiet">and {formatCount(snapshot.stacks - 8, "other stack")}</li>}</ul></>}
    </li>
  );
}

function pauseText(seconds: number): string {
  return seconds >= 1 ? formatTime(seconds) : `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`;
}

/** Those that began in the range. */
function CollectionText({page, range}: {page: Page; range: Range}): JSX.Element | null {
  const inside = collectionsOf(page).filter(([, time]) => time >= range.from && time <= range.to), sum = (column: 2 | 4 | 5 | 6) => inside.reduce((all, one) => all + one[column], 0);
  const {collections, collectionCount} = page.data, cut = collectionCount > collections.length;
  if (inside.length === 0 && !cut) return null;
  const longest = Math.max(0, ...inside.map(([, , duration, , count]) => (count === 1 ? duration : 0)));
  return (
    <p>
      {cut && `The page has ${formatNumber(collections.length)} of ${formatNumber(collectionCount)} entries about collections, those that took longest. At least `}
      {formatCount(sum(4), "collection")} of garbage began in it: {formatCount(sum(5), "object")} found
      {sum(6) > 0 && `, ${formatBytes(sum(6))} freed`}{sum(2) > 0 && `, ${pauseText(sum(2))} paused`}{longest > 0 && `, longest ${pauseText(longest)}`}.
    </p>
  );
}

/** Of all the run. */
function Collected({page}: {page: Page}): JSX.Element | null {
  const processes = processesOf(page), count = processes.reduce((sum, one) => sum + one.collections, 0);
  const paused = processes.reduce((sum, one) => sum + one.collecting, 0), longest = Math.max(0, ...processes.map((one) => one.longestCollection));
  if (count === 0) return null;
  return <p class="quiet">{formatCount(count, "collection")} of garbage, {pauseText(paused)} paused in all{longest > 0 && `, longest ${pauseText(longest)}`}.</p>;
}

function RangeText({page, line, range}: {page: Page; line: Line; range: Range}): JSX.Element {
  const {at, first} = highestIn(line, range), peak = peakOf(page), inside = snapshotsOf(page).filter((one) => one.time >= range.from && one.time <= range.to);
  if (at < 0) return <p class="empty">The line has no point in this range.</p>;
  const before = first > 0 ? line.bytes[first - 1] : 0, rise = line.bytes[at] - before;
  return (
    <div id="range" class="range" aria-live="polite">
      <p>
        From {formatTime(range.from)} to {formatTime(range.to)}: at most <strong>{formatBytes(line.bytes[at])}</strong>, reached by {formatTime(line.time[at])};{" "}
        {rise > 0 ? `${formatBytes(rise)} more than before` : "no more than before"}.
        {peak.time >= range.from && peak.time <= range.to && " The peak is in this range: what was live then is below."}
      </p>
      <CollectionText page={page} range={range} />
      <SpansText page={page} from={range.from} to={range.to} />
      {inside.length > 0 ? <ul>{inside.slice(0, 10).map((one) => <SnapshotText page={page} snapshot={one} />)}
        {inside.length > 10 && <li class="quiet">and {formatCount(inside.length - 10, "other snapshot")}</li>}</ul>
        : <p class="quiet">The profile keeps no snapshot from this range, so who held what in it is not known.</p>}
    </div>
  );
}

export function TimeView(): JSX.Element {
  const page = usePage(), line = useMemo(() => lineOf(page), [page.process]), [range, setRange] = useState<Range | null>(null);
  useEffect(() => setRange(null), [page.process]);
  return (
    <section id="time" aria-labelledby="time-title">
      <h2 id="time-title">How it got there</h2>
      {line ? <>
        <Plot page={page} line={line} range={range} onRange={setRange} />
        <Collected page={page} />
        {page.data.snapshotCount > page.data.snapshots.length && <p class="quiet">The page has {formatNumber(page.data.snapshots.length)} of{" "}
          {formatCount(page.data.snapshotCount, "snapshot")} that the profile keeps, those of the most memory.</p>}
        <RangeInputs line={line} range={range} onRange={setRange} />
        {range && <RangeText page={page} line={line} range={range} />}
      </> : <p class="empty">The run was too short for a line over time.</p>}
    </section>
  );
}
