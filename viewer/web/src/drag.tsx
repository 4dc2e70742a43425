/* How long big blocks lay untouched, as a table: what wasted most first. */

import type {JSX} from "preact";

import {FrameLink} from "./findings_view";
import {type Page} from "./model";
import {KIND_NAMES} from "./stacks";
import {type Column, Table} from "./table";
import {formatBytes, formatCount, formatPercent, formatTime} from "./units";

interface Dragged {
  process: number;
  bytes: number;
  kind: number;
  lag: number; // byte-seconds, as the next ones
  use: number;
  drag: number;
  never: number;
  unseen: number;
  wasted: number;
  longest: number; // seconds
  lead: number;
}

function draggedOf(page: Page): Dragged[] {
  return page.data.drag.rows.filter(([process]) => page.process < 0 || process === page.process)
    .map(([process, kind, bytes, lag, use, drag, never, unseen, longest, stack]) =>
      ({process, kind, bytes, lag, use, drag, never, unseen, wasted: lag + drag + never, longest: longest / 1000, lead: page.frames.lead(stack)}));
}

const byteSeconds = (value: number) => (value ? `${formatBytes(value)} s` : "");

function phase(title: string, of: (row: Dragged) => number): Column<Dragged> {
  return {title, number: true, value: of, show: (row) => byteSeconds(of(row))};
}

function columns(page: Page, all: number): Column<Dragged>[] {
  return [
    phase("untouched", (row) => row.wasted),
    {title: "of all", number: true, value: (row) => row.wasted, show: (row) => formatPercent(row.wasted, all)},
    phase("before the first touch", (row) => row.lag),
    phase("in use", (row) => row.use),
    phase("after the last", (row) => row.drag),
    {title: "at most", number: true, value: (row) => row.longest, show: (row) => (row.longest ? formatTime(row.longest) : "")},
    phase("never seen touched", (row) => row.never),
    phase("not known", (row) => row.unseen),
    {title: "bytes", number: true, value: (row) => row.bytes, show: (row) => formatBytes(row.bytes)},
    {title: "kind", value: (row) => KIND_NAMES[row.kind], show: (row) => KIND_NAMES[row.kind]},
    {title: "your line", value: (row) => (row.lead >= 0 ? page.frames.place(row.lead) : ""), show: (row) => (row.lead >= 0 ? <FrameLink page={page} frame={row.lead} /> : "no stack known")},
  ];
}

export function DragTable({page, matches}: {page: Page; matches: (frame: number) => boolean}): JSX.Element {
  const {drag} = page.data, rows = draggedOf(page).filter((row) => matches(row.lead)), all = rows.reduce((sum, row) => sum + row.wasted, 0);
  return (
    <>
      <p class="quiet">Big blocks, of 1 MiB and more, lay untouched for {byteSeconds(all) || "no time"}: bytes times the seconds before their first touch, after the last one,
        or of those that never had one. {formatCount(drag.looks, "look")}{drag.paceMs > 0 && `, one every ${formatTime(drag.paceMs / 1000)}`}: nothing shorter is seen.
        {drag.leftOut > 0 && ` ${formatCount(drag.leftOut, "other big block")} could not be followed.`}</p>
      <Table key="drag" id="drag-table" name="Drag" columns={columns(page, all)} rows={rows} />
    </>
  );
}
