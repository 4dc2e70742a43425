/* What a range of time allocated, and what was live at the highest moment in it that was looked at: by the biggest
 * stacks, as far as the profile keeps them.
 */

import type {JSX} from "preact";

import type {Span} from "./document";
import {FrameLink} from "./findings_view";
import {type Page, processName} from "./model";
import {formatBytes, formatTime} from "./units";

const SHOWN = 8;

/** The whole ones in the range; where it is shorter than any, that which it is in. */
function spansIn(page: Page, from: number, to: number): Span[] {
  const only = page.process >= 0 ? page.process : page.data.process, all = page.data.spans.filter((one) => only < 0 || one.process === only);
  const whole = all.filter((one) => one.begin >= from && one.end <= to), middle = (from + to) / 2;
  return whole.length ? whole : all.filter((one) => one.begin <= middle && one.end >= middle);
}

/** By the line that a stack is told as; the biggest first. */
function byLine(page: Page, lists: number[][]): [stack: number[], bytes: number][] {
  const sums = new Map<number, [number[], number]>();
  for (const list of lists)
    for (let i = 0; i < list.length; i += 2) {
      const stack = page.data.spanStacks[list[i]], lead = page.frames.lead(stack), known = sums.get(lead);
      sums.set(lead, [known?.[0] ?? stack, (known?.[1] ?? 0) + list[i + 1]]);
    }
  return [...sums.values()].sort((a, b) => b[1] - a[1]);
}

function Lines({page, lines, whole}: {page: Page; lines: [stack: number[], bytes: number][]; whole: number}): JSX.Element {
  const shown = lines.slice(0, SHOWN), rest = whole - shown.reduce((sum, [, bytes]) => sum + bytes, 0);
  return (
    <ul>
      {shown.map(([stack, bytes]) => {
        const lead = page.frames.lead(stack);
        return <li>{formatBytes(bytes)}{lead >= 0 ? <>, <FrameLink page={page} frame={lead} /></> : ", no stack known"}</li>;
      })}
      {rest > 0 && <li class="quiet">{formatBytes(rest)} by others, each smaller wherever it was looked</li>}
    </ul>
  );
}

export function SpansText({page, from, to}: {page: Page; from: number; to: number}): JSX.Element | null {
  const spans = spansIn(page, from, to);
  if (spans.length === 0) return null;
  const begin = Math.min(...spans.map((one) => one.begin)), end = Math.max(...spans.map((one) => one.end));
  const data = page.data, several = page.process < 0 && data.process < 0 && data.processCount > 1;
  // The page has those of a few processes, and the ends of one process's are in the middle of another's.
  const whose = several ? ` by ${new Set(spans.map((one) => one.process)).size} of ${data.processCount} processes` : "";
  const made = spans.reduce((sum, one) => sum + one.made, 0), top = spans.reduce((best, one) => (one.held > best.held ? one : best));
  return (
    <>
      <h3>Allocated from {formatTime(begin)} to {formatTime(end)}{whose}: {several && "at least "}{formatBytes(made)}</h3>
      <Lines page={page} lines={byLine(page, spans.map((one) => one.madeBy))} whole={made} />
      <h3>Live at {formatTime(top.heldTime)}{several && <> in <bdi>{processName(data, top.process)}</bdi></>}: {formatBytes(top.held)}</h3>
      <Lines page={page} lines={byLine(page, [top.heldBy])} whole={top.held} />
    </>
  );
}
