/* What a person can act on, as cards. */

import type {JSX} from "preact";
import {useState} from "preact/hooks";

import {Bar} from "./controls";
import {CopiesCard, CopiesLeft} from "./copies_view";
import {Cycle} from "./cycle";
import type {Holder, Holders} from "./document";
import {type Finding, findingsOf, isIdle, objectText} from "./findings";
import {Leaks} from "./leaks_view";
import {holdersOf, type Page, peakOf, processName, scrollTo, usePage} from "./model";
import {formatBounds, formatBytes, formatCount, formatPercent, formatTime, isNear} from "./units";

const SHOWN = 6;
export const VERDICT_TEXTS = {dead: "dead", garbage: "garbage", idle: "idle", "in use": "in use", unknown: "may be in use"};

export function Badge({verdict}: {verdict: Holder["verdict"]}): JSX.Element {
  return <span class={`badge ${verdict.replace(" ", "-")}`}>{VERDICT_TEXTS[verdict]}</span>;
}

/** A frame as a link to its line in the source. */
export function FrameLink({page, frame}: {page: Page; frame: number}): JSX.Element {
  const {frames} = page, place = frames.place(frame);
  const show = () => {
    page.show({file: frames.fileNumber(frame), line: frames.line(frame)});
    scrollTo("source");
  };
  return (
    <span>
      <bdi>{frames.name(frame)}</bdi>{place && <>, <button type="button" class="link" onClick={show}><bdi>{place}</bdi></button></>}
    </span>
  );
}

/** The innermost frames of a stack, and its way into the graph. */
export function Allocated({page, stack}: {page: Page; stack: number[]}): JSX.Element | null {
  const lead = page.frames.lead(stack);
  if (lead < 0) return null;
  const show = () => {
    page.show({stack});
    scrollTo("stacks");
  };
  return (
    <p>
      allocated at <FrameLink page={page} frame={lead} />
      {page.frames.source(lead) && <code class="source"><bdi>{page.frames.source(lead)}</bdi></code>}
      <button type="button" class="link" onClick={show}>show in the graph</button>
    </p>
  );
}

export function HolderFacts({page, holder}: {page: Page; holder: Holder}): JSX.Element {
  return (
    <>
      <p>
        {formatBytes(holder.bytes)} <strong><bdi>{objectText(holder)}</bdi></strong> {holder.detail && <span class="quiet"><bdi>{holder.detail}</bdi></span>}
      </p>
      {holder.root !== "none" && holder.verdict !== "garbage" && <p>held by <code><bdi>{holder.path}</bdi></code></p>}
      {holder.reason && <p class="quiet"><bdi>{holder.reason}</bdi></p>}
      {holder.others && <p class="quiet">also held by <bdi>{holder.others}</bdi></p>}
      {holder.verdict === "garbage" && <Cycle cycle={holder.cycle} />}
      <Allocated page={page} stack={holder.stack} />
    </>
  );
}

function savingText(page: Page, holder: Holder, peak: number): string {
  const all = holder.references > 1 ? ` by letting go of ${holder.references === 2 ? "both" : `all ${holder.references}`} references` : "";
  if (page.data.region) return "to save at that moment";
  if (holder.released < peak)
    return `to save${all}: the peak would be ${formatBounds(holder.releasedLeast, holder.released)}, ${isNear(holder.releasedLeast, holder.released) ? "" : "at least "}${formatPercent(peak - holder.released, peak)} less`;
  return isNear(holder.releasedLeast, peak) ? "to save here; another moment of the run is as high"
    : `to save${all}: the peak would be between ${formatBytes(holder.releasedLeast)} and what it was`;
}

function Saving({page, finding, peak}: {page: Page; finding: Finding; peak: number}): JSX.Element {
  const {holder, sure} = finding;
  if (!sure) return <p class="saving"><strong>{formatBytes(holder.bytes)}</strong> <span class="quiet">held, if it is not needed</span></p>;
  if (!holder.saves) return <p class="saving"><strong>nothing</strong> <span class="quiet">is saved by letting go of this alone</span></p>;
  return (
    <>
      <p class="saving">
        <strong>{formatBytes(holder.saves)}</strong> <span class="quiet">{savingText(page, holder, peak)}</span>
      </p>
      <Bar part={holder.saves} whole={peak} className={holder.verdict} />
    </>
  );
}

function Card({page, finding, several}: {page: Page; finding: Finding; several: boolean}): JSX.Element {
  const {holder} = finding, peak = page.data.processes[finding.process].peak.bytes;
  return (
    <article class={`card ${isIdle(holder) ? holder.verdict : "likely"}`} aria-label={finding.title}>
      <h3><bdi>{finding.title}</bdi> <Badge verdict={holder.verdict} /></h3>
      {several && <p class="quiet">in process <bdi>{processName(page.data, finding.process)}</bdi></p>}
      <Saving page={page} finding={finding} peak={peak} />
      <HolderFacts page={page} holder={holder} />
      {finding.advice.length > 0 && <>
        <h4>{finding.advice.length > 1 ? "Ways out" : "Way out"}</h4>
        <ul>{finding.advice.map((text) => <li><bdi>{text}</bdi></li>)}</ul>
      </>}
    </article>
  );
}

function about(page: Page, holders: Holders): string {
  const {data} = page, process = data.processes[holders.process], peak = process.peak.bytes, said: string[] = [];
  if (page.process < 0 && data.processCount > 1)
    said.push(`Of process ${processName(data, holders.process)}, whose own peak was ${formatBytes(peak)} at ${formatTime(process.peak.time)}.`);
  if (page.process < 0 && data.holders.length > 1) said.push(`What is found in ${formatCount(data.holders.length - 1, "other process", "other processes")} is here, too.`);
  if (data.named) said.push(`As the snapshot \u201c${holders.name}\u201d has it, taken at ${formatTime(holders.time)}.`);
  said.push(`References were seen at ${formatBytes(holders.bytes)}` +
    (holders.bytes < peak * 0.9995 ? `, ${formatPercent(peak - holders.bytes, peak)} below the peak.` : "."));
  if (holders.garbage) said.push(`${formatBytes(holders.garbage)} were garbage, waiting for the cycle collector.`);
  if (process.snapshots)
    said.push(`${formatCount(process.snapshots, "snapshot")} stopped the program for ${(process.pause * 1000).toFixed(1)} ms.`);
  return said.join(" ");
}

export function holderNotes(page: Page, holders: Holders): string[] {
  if (holders.problem) return [`The references could not be read: ${holders.problem}`];
  const notes: string[] = [];
  if (holders.far && !page.data.named) notes.push("The snapshot is well below the peak: what came later is not known here.");
  if (holders.shallow) notes.push("No copy of the program could be made: only what local variables refer to was seen.");
  else if (!holders.complete) notes.push("The walk over the heap was cut short: some references were not seen.");
  return notes;
}

function Pending({page, holders}: {page: Page; holders: Holders}): JSX.Element | null {
  const lead = page.frames.lead(holders.pendingStack);
  if (!holders.pending) return null;
  return <p>{formatBytes(holders.pending)} were being allocated at that moment{lead >= 0 && <> at <FrameLink page={page} frame={lead} /></>}.</p>;
}

function whyEmpty(page: Page): string {
  const process = page.process >= 0 ? page.data.processes[page.process] : undefined;
  if (peakOf(page).bytes === 0) return "Nothing was allocated while Holdfast looked.";
  if (process?.snapshots) return `Its peak is small beside that of the whole: holdfast report FILE --process ${process.pid} has who held what in it.`;
  return "No snapshot of the references was taken, so who held the memory is not known. Runs with --no-holders, very short runs, " +
    "and processes without Python have none.";
}

interface Shown {
  sure: boolean;
  bytes: number;
  card: JSX.Element;
}

/** The biggest saving first; then what is only likely. */
function cardsOf(page: Page, asked: Holders[]): JSX.Element[] {
  const least = page.process < 0 ? page.data.peak.bytes : 0, several = asked.length > 1, shown: Shown[] = [];
  for (const one of asked) {
    for (const finding of findingsOf(one, Math.max(least, page.data.processes[one.process].peak.bytes)))
      shown.push({sure: finding.sure, bytes: finding.sure ? finding.saves : finding.holder.bytes,
        card: <Card key={`${one.process} ${finding.holder.number}`} page={page} finding={finding} several={several} />});
    one.copies.forEach((copies, i) => shown.push({sure: false, bytes: copies.saves,
      card: <CopiesCard key={`${one.process} copies ${i}`} page={page} process={one.process} copies={copies} several={several} />}));
  }
  return shown.sort((a, b) => Number(b.sure) - Number(a.sure) || b.bytes - a.bytes).map((one) => one.card);
}

export function FindingsView(): JSX.Element {
  const page = usePage(), holders = holdersOf(page), [all, setAll] = useState(false);
  const asked = page.process < 0 ? page.data.holders : holders ? [holders] : [], found = cardsOf(page, asked);
  const shown = all ? found : found.slice(0, SHOWN);
  return (
    <section id="findings" aria-labelledby="findings-title">
      <h2 id="findings-title">What would lower it</h2>
      {!holders && <p class="empty">{whyEmpty(page)}</p>}
      {holders && <>
        <p class="quiet">{about(page, holders)}</p>
        {holderNotes(page, holders).map((text) => <p class="note">{text}</p>)}
        <Pending page={page} holders={holders} />
        {found.length === 0 && !asked.some((one) => one.leaks.length) && !holders.problem &&
          <p class="empty">Nothing was found that could be let go: what was looked at is in use, or nothing else can be shown. Who holds what is below.</p>}
        {asked.map((one) => <Leaks key={one.process} page={page} holders={one} several={asked.length > 1} />)}
        <div class="cards">{shown}</div>
        <CopiesLeft asked={asked} />
        {found.length > SHOWN && <button type="button" onClick={() => setAll(!all)}>{all ? "Show fewer" : `Show ${found.length - SHOWN} more`}</button>}
      </>}
    </section>
  );
}
