/* The whole run as tables: what was allocated, what was live at its end, what went again, and how long it lived. */

import type {Life} from "./document";
import {FrameLink} from "./findings_view";
import type {Page} from "./model";
import {KIND_NAMES} from "./stacks";
import type {Column} from "./table";
import {formatBytes, formatNumber, formatPercent, formatTime} from "./units";

export interface Turned {
  process: number;
  bytes: number; // allocated in the run
  blocks: number;
  peak: number;
  kept: number;
  exit: number; // kept, with what an interpreter gave back as it ended
  exitBlocks: number;
  life: Life | null;
  kind: number;
  lead: number;
  inner: number;
  freed: number; // the frame that freed most of them, -1
}

export type TurnoverView = "whole run" | "leaks" | "temporary" | "lifetimes";

const last = (stack: number[] | undefined) => (stack?.length ? stack[stack.length - 1] : -1);

function leadOf(page: Page, stack: number[] | undefined): number {
  const lead = stack ? page.frames.lead(stack) : -1;
  return lead >= 0 ? lead : last(stack);
}

export function turnedOf(page: Page): Turned[] {
  return page.data.turnover.rows.filter(([process]) => page.process < 0 || process === page.process)
    .map(([process, kind, bytes, blocks, peak, kept, stack, exit, exitBlocks, life, freed]) =>
      ({process, kind, bytes, blocks, peak, kept, exit, exitBlocks, life, lead: page.frames.lead(stack), inner: last(stack), freed: leadOf(page, freed)}));
}

/* As viewer/turnover.h has its buckets: the most that one stands for. */
function within(bucket: number): string {
  if (bucket >= 31) return "over 1,000 million";
  return formatNumber(2 ** bucket - 1);
}

function withinTime(bucket: number): string {
  if (bucket >= 23) return "over an hour";
  return bucket < 10 ? `${2 ** bucket} ms` : formatTime(2 ** bucket / 1000);
}

const enum End {
  freed,
  collecting,
  withoutGil,
  resized,
}

/** What a row with lives is asked for them by. */
export interface Lived {
  life: Life | null;
}

const part = (row: Lived, at: End) => row.life?.[0][at] ?? 0;

/* The bucket in which the block lies that such a part of all come before, or are. */
function quantile(buckets: number[], wanted: number): number {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  return buckets.findIndex((count) => (seen += count) >= all * wanted && count > 0);
}

const at = (row: Lived, scale: 1 | 2, wanted: number) => (row.life ? quantile(row.life[scale], wanted) : -1);

function lifeColumn<Row extends Lived>(title: string, scale: 1 | 2, wanted: number): Column<Row> {
  const show = scale === 1 ? within : withinTime;
  return {title, number: true, value: (row) => at(row, scale, wanted), show: (row) => (at(row, scale, wanted) >= 0 ? show(at(row, scale, wanted)) : "")};
}

function endColumn<Row extends Lived>(title: string, at: End): Column<Row> {
  return {title, number: true, value: (row) => part(row, at), show: (row) => (part(row, at) ? formatNumber(part(row, at)) : "")};
}

export const halfColumns = <Row extends Lived>(): Column<Row>[] => [lifeColumn("half within", 1, 0.5), lifeColumn("9 in 10", 1, 0.9), lifeColumn("9 in 10, time", 2, 0.9)];

export const endColumns = <Row extends Lived>(): Column<Row>[] =>
  [endColumn("freed", End.freed), endColumn("by a collection", End.collecting), endColumn("without the GIL", End.withoutGil), endColumn("resized", End.resized)];

const churn = (row: Turned) => Math.max(row.bytes - row.exit, 0);

/** What tells one view from the other; the places follow in all. */
function ownColumns(page: Page, view: TurnoverView): Column<Turned>[] {
  const {frames, data} = page;
  const allocated: Column<Turned> = {title: "allocated in all", number: true, value: (row) => row.bytes, show: (row) => formatBytes(row.bytes)};
  const blocks: Column<Turned> = {title: "blocks", number: true, value: (row) => row.blocks, show: (row) => formatNumber(row.blocks)};
  const half = halfColumns<Turned>();
  if (view === "leaks") return [
    {title: "live at the end", number: true, value: (row) => row.exit, show: (row) => formatBytes(row.exit)},
    {title: "of all", number: true, value: (row) => row.exit, show: (row) => formatPercent(row.exit, data.turnover.exit)},
    {title: "blocks left", number: true, value: (row) => row.exitBlocks, show: (row) => formatNumber(row.exitBlocks)},
    blocks, allocated,
  ];
  if (view === "temporary") return [
    {title: "given back", number: true, value: churn, show: (row) => formatBytes(churn(row))},
    {title: "at its peak", number: true, value: (row) => row.peak, show: (row) => formatBytes(row.peak)},
    blocks, ...(data.turnover.followed ? half : []),
  ];
  if (view === "lifetimes") return [
    allocated, blocks, ...endColumns<Turned>(), {title: "to the end", number: true, value: (row) => row.exitBlocks, show: (row) => formatNumber(row.exitBlocks)}, ...half,
    {title: "freed most in", value: (row) => (row.freed >= 0 ? frames.place(row.freed) : ""), show: (row) => (row.freed >= 0 ? <FrameLink page={page} frame={row.freed} /> : "")},
  ];
  return [
    allocated, blocks,
    {title: "at its peak", number: true, value: (row) => row.peak, show: (row) => formatBytes(row.peak)},
    {title: "live at the end", number: true, value: (row) => row.kept, show: (row) => formatBytes(row.kept)},
    {title: "given back", number: true, value: (row) => 1 - row.kept / row.bytes, show: (row) => formatPercent(row.bytes - row.kept, row.bytes)},
  ];
}

export function turnedColumns(page: Page, view: TurnoverView, several: boolean): Column<Turned>[] {
  const {frames, data} = page;
  const process: Column<Turned> = {title: "process", number: true, value: (row) => data.processes[row.process]?.pid ?? 0, show: (row) => data.processes[row.process]?.pid ?? ""};
  return [
    ...ownColumns(page, view),
    {title: "kind", value: (row) => KIND_NAMES[row.kind], show: (row) => KIND_NAMES[row.kind]},
    ...(several ? [process] : []),
    {title: "function", value: (row) => (row.inner >= 0 ? frames.name(row.inner) : ""), show: (row) => (row.inner >= 0 ? <bdi>{frames.name(row.inner)}</bdi> : "no stack known")},
    {title: "your line", value: (row) => (row.lead >= 0 ? frames.place(row.lead) : ""), show: (row) => (row.lead >= 0 ? <FrameLink page={page} frame={row.lead} /> : "")},
  ];
}

/** Those that a view is about. */
export function isAbout(view: TurnoverView, row: Turned): boolean {
  return view === "leaks" ? row.exit > 0 : view === "temporary" ? churn(row) > 0 : true;
}

export function turnoverNote(page: Page, view: TurnoverView): string {
  const {followed} = page.data.turnover;
  if (view === "leaks") return followed ? "What an interpreter gave back only as it ended counts as live at the end." :
    "An interpreter that ends by itself gives most back before: holdfast run --lifetimes tells what it had until then.";
  if (view === "lifetimes") return "Within: so many other blocks were allocated between a block's birth and its end. Times are known to about a millisecond.";
  if (view === "temporary") return followed ? "Half, and nine in ten, ended within so many other allocations." :
    "Allocated, and given back again. How soon, holdfast run --lifetimes tells.";
  return "Temporary is what is allocated again and again and was not there at the peak; a leak may be what is live at the end and grows with the work.";
}
