/* Buffers with the same content, as cards: who holds each, where it was made, and the way out. */

import type {JSX} from "preact";

import {Bar} from "./controls";
import type {CopiedBuffer, Copies, Holders} from "./document";
import {Allocated} from "./findings_view";
import {type Page, processName} from "./model";
import {formatBytes, formatCount, formatNumber, formatPercent} from "./units";

function titleOf(copies: Copies): string {
  return copies.title[0]!.toUpperCase() + copies.title.slice(1);
}

function BufferFacts({page, buffer}: {page: Page; buffer: CopiedBuffer}): JSX.Element {
  return (
    <li>
      <p>
        {formatBytes(buffer.bytes)} <strong><bdi>{buffer.type}</bdi></strong> {buffer.detail && <span class="quiet"><bdi>{buffer.detail}</bdi></span>}
        {buffer.part && <span class="quiet"> from byte {formatNumber(buffer.offset)} of the first on</span>}, held by <code><bdi>{buffer.path}</bdi></code>
      </p>
      <Allocated page={page} stack={buffer.stack} />
    </li>
  );
}

export function CopiesCard({page, process, copies, several}: {page: Page; process: number; copies: Copies; several: boolean}): JSX.Element {
  const peak = page.data.processes[process].peak.bytes, more = copies.count - copies.buffers.length;
  const views = copies.buffers.every((buffer, i) => i === 0 || buffer.part);
  return (
    <article class="card likely copies" aria-label={titleOf(copies)}>
      <h3>{titleOf(copies)}</h3>
      {several && <p class="quiet">in process <bdi>{processName(page.data, process)}</bdi></p>}
      <p class="saving">
        <strong>{formatBytes(copies.saves)}</strong> <span class="quiet">to save if {views ? "views of the first do" : "one of them is enough"}, {formatPercent(copies.saves, peak)} of the peak</span>
      </p>
      <Bar part={copies.saves} whole={peak} className="unknown" />
      <ul>{copies.buffers.map((buffer) => <BufferFacts page={page} buffer={buffer} />)}</ul>
      {more > 0 && <p class="quiet">and {formatCount(more, "more copy", "more copies")}</p>}
      <h4>Way out</h4>
      <ul><li>{copies.advice}</li></ul>
    </article>
  );
}

/** What has no card. */
export function CopiesLeft({asked}: {asked: Holders[]}): JSX.Element {
  const others = asked.reduce((sum, one) => sum + one.copyCount - one.copies.length, 0);
  return <>
    {others > 0 && <p class="quiet">and {formatCount(others, "more set")} of buffers with the same content, which would save less</p>}
    {asked.some((one) => one.copiesCut) && <p class="quiet">Not all big buffers were compared with each other: there may be more copies.</p>}
  </>;
}
