/* How high the peak was, what it was made of, and how resident memory compares. */

import type {ComponentChildren, JSX} from "preact";

import {Bar} from "./controls";
import type {Exit, PageDocument, Process} from "./document";
import {holdersOf, type Page, peakOf, processesOf, processName, usePage} from "./model";
import {KIND_NAMES, treesFor} from "./stacks";
import {formatBytes, formatCount, formatNumber, formatPercent, formatTime, isNear} from "./units";

export function ending(exit: Exit | null): string {
  if (!exit) return "end unknown";
  return exit.signal ? `killed by signal ${exit.signal}` : `exit status ${exit.status}`;
}

function started(data: PageDocument): string {
  return data.started ? `${new Date(data.started * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
}

function sum(processes: Process[], field: (process: Process) => number): number {
  return processes.reduce((total, process) => total + field(process), 0);
}

function bytesByKind(page: Page): number[] {
  const kinds = [0, 0, 0];
  for (const tree of treesFor(page.data, page.process)) for (let i = 0; i < tree.sites.length; i += 4) kinds[tree.sites[i + 1]] += tree.sites[i + 2];
  return kinds;
}

function Measure({name, bytes, whole, className, children}:
    {name: string; bytes: number; whole: number; className: string; children?: ComponentChildren}): JSX.Element {
  return (
    <div class="measure">
      <dt>{name}</dt>
      <dd><strong>{formatBytes(bytes)}</strong> <span class="quiet">{children}</span><Bar part={bytes} whole={whole} className={className} /></dd>
    </div>
  );
}

function Measures({page}: {page: Page}): JSX.Element {
  const peak = peakOf(page), holders = holdersOf(page), whole = Math.max(peak.bytes, peak.rss);
  const about = holders && (page.process >= 0 || page.data.processCount === 1) ? holders : undefined;
  return (
    <dl class="measures">
      <Measure name="Peak" bytes={peak.bytes} whole={whole} className="traced">at {formatTime(peak.time)}</Measure>
      {peak.rss > 0 && <Measure name="Resident then (RSS)" bytes={peak.rss} whole={whole} className="rss" />}
      {about && about.released < peak.bytes &&
        <Measure name={isNear(about.releasedLeast, about.released) ? "Peak if released" : "Peak if released, at most"} bytes={about.released} whole={whole} className="released">
          {formatPercent(peak.bytes - about.released, peak.bytes)} less, with what is dead or garbage let go
        </Measure>}
    </dl>
  );
}

/** Beside the peak and not in it, each at its highest. */
function apart(page: Page): [name: string, bytes: number, meaning: string][] {
  const processes = processesOf(page), kinds = bytesByKind(page), arenas = sum(processes, (one) => one.arena);
  const rows: [string, number, string][] = [
    ["Python's arenas", arenas, `taken in whole for small objects; Python objects at the peak had ${formatBytes(kinds[1])}, large ones among them`],
    ["File mappings", sum(processes, (one) => one.files), "that the program made; not part of the peak"],
    ["Shared memory", sum(processes, (one) => one.shared), "not part of the peak"],
    ["Reserved", sum(processes, (one) => one.reserved), "address space that nobody can use yet; not part of the peak"],
  ];
  return rows.filter(([, bytes]) => bytes > 0);
}

/** As viewer/resident.h numbers them, after the whole. */
const RESIDENT_PARTS: [name: string, meaning: string][] = [
  ["Traced", "what the peak counts, then"],
  ["Free in Python's arenas", "at least: small objects come and go in them, and an arena is given back when it is empty"],
  ["Stacks", "of all threads"],
  ["Variables of libraries", "pages of files that the process has written to"],
  ["Files", "code and data of the interpreter and its libraries, as they are in their files"],
  ["Shared memory", "Holdfast's own rings among it"],
];
const MORE = "freed and kept by its allocator, allocators' own, pages that hold a little, and what was not traced";
const LESS = "more was asked for than is resident: not written to yet, given back, or swapped out";

/** What follows the parts. */
function distanceOf(parts: number[]): {peak: number; looked: number; processes: number; near: boolean} {
  const [peak, looked, processes, near] = parts.slice(RESIDENT_PARTS.length + 2);
  return {peak, looked, processes, near: near === 1};
}

/** As of when the parts are. */
function asOf(parts: number[]): string {
  const {peak, looked, processes, near} = distanceOf(parts), traced = parts[1];
  if (near) return "near the peak";
  const scope = processes > 1 ? ` in ${looked} of ${formatCount(processes, "process", "processes")} that had something at the peak, each looked at near its own` : " at the look nearest to the peak";
  const far = traced < peak ? `, ${formatPercent(peak - traced, peak)} less than at the peak` : "";
  return `${scope.trim()}, when ${formatBytes(traced)} were traced${far}`;
}

function Resident({parts}: {parts: number[]}): JSX.Element {
  const [whole, ...rows] = parts, rest = rows[RESIDENT_PARTS.length];
  return (
    <table class="plain" id="resident">
      <caption>Of {formatBytes(whole)} that were resident {asOf(parts)}</caption>
      <tbody>
        {RESIDENT_PARTS.map(([name, meaning], i) => rows[i] !== 0 &&
          <tr><th scope="row">{name}</th><td class="number">{formatBytes(rows[i])}</td><td>{meaning}</td></tr>)}
        <tr><th scope="row">{rest < 0 ? "Not resident" : "Unexplained"}</th><td class="number">{formatBytes(rest)}</td><td>{rest < 0 ? LESS : MORE}</td></tr>
      </tbody>
    </table>
  );
}

/** Of the process that is looked at, or of all together. */
function residentOf(page: Page): number[] | null {
  return page.process >= 0 ? page.data.processes[page.process].resident : page.data.resident;
}

/** Why the parts are missing. */
function whyUnknown(page: Page): string {
  if (page.data.region) return "";
  return "What resident memory was made of is not known: nobody looked at it. Looks are few, and a run of some milliseconds may be over before the first.";
}

function gap(page: Page): string {
  const {bytes, rss} = peakOf(page);
  if (!rss) return "";
  if (rss >= bytes)
    return `${formatBytes(rss - bytes)} more were resident than traced: the interpreter and its libraries, stacks of threads, ` +
      "what allocators keep of freed memory, and free space in arenas.";
  return `${formatBytes(bytes - rss)} were asked for but not resident: memory that was not written to yet, was given back, or ` +
    "was mapped ahead of need by another allocator.";
}

function Composition({page}: {page: Page}): JSX.Element {
  const kinds = bytesByKind(page), peak = peakOf(page), rows = apart(page), parts = residentOf(page), said = parts ? "" : gap(page);
  return (
    <details class="composition">
      <summary>What the figures count, and what resident memory is made of</summary>
      <table class="plain">
        <caption class="hidden">Memory by kind at the peak, and beside it</caption>
        <tbody>
          {kinds.map((bytes, kind) => bytes > 0 &&
            <tr><th scope="row">{KIND_NAMES[kind]}</th><td class="number">{formatBytes(bytes)}</td><td>{formatPercent(bytes, peak.bytes)} of the peak</td></tr>)}
          {rows.map(([name, bytes, meaning]) =>
            <tr><th scope="row">{name}</th><td class="number">{formatBytes(bytes)}</td><td>at their highest; {meaning}</td></tr>)}
        </tbody>
      </table>
      {parts && <Resident parts={parts} />}
      {parts && !distanceOf(parts).near && <p class="quiet small" id="resident-far">This is no picture of the peak itself: looks are few, and a peak of some milliseconds is
        over before one. Between the two the traced part changed by what is said; of the others nothing is known.</p>}
      {parts && page.process < 0 && processesOf(page).filter((one) => one.tree > 0).length > 1 &&
        <p class="quiet small">Of each process near its own peak, added up; what processes share is counted in each.</p>}
      {said && <p>{said}</p>}
      {!parts && <p>{whyUnknown(page)}</p>}
    </details>
  );
}

function warnings(page: Page): string[] {
  const {data} = page, lost = sum(data.processes, (one) => one.dropped), cut = sum(data.processes, (one) => one.truncated);
  const found = [...data.warnings];
  if (data.warningCount > found.length) found.push(`and ${formatCount(data.warningCount - found.length, "more warning")}`);
  if (lost) found.push(`${formatCount(lost, "event")} could not be recorded, so these figures are wrong.`);
  if (cut) found.push(`${formatCount(cut, "stack")} were too deep to be recorded whole.`);
  if (data.processes.some((one) => one.damaged)) found.push("A process wrote over its records; what followed is missing.");
  if (data.processes.some((one) => one.noStacks)) found.push("A process ran a Python whose stacks Holdfast cannot read: its bytes are counted, its lines are missing.");
  for (const problem of new Set(data.processes.map((one) => one.referencesProblem).filter(Boolean))) {
    const having = data.processes.flatMap((one, index) => (one.referencesProblem === problem ? [index] : []));
    const who = having.length > 1 ? formatCount(having.length, "process image") : `process ${processName(data, having[0]!)}`;
    const said = data.processes.length > 1 ? `${who}: ${problem}` : problem;
    found.push(`${said[0]!.toUpperCase()}${said.slice(1)}.`);
  }
  const running = data.processes.filter((one) => one.running).length - (data.exit ? 0 : 1); // the head says it of the command itself
  if (running > 0) found.push(`${running === 1 ? "A process" : `${formatNumber(running)} processes`} went on running after the profile was written.`);
  else if (!data.complete && data.exit) found.push("Holdfast did not see the end of every process.");
  return found;
}

export function Head(): JSX.Element {
  const page = usePage(), {data} = page, versions = [...new Set(data.processes.map((one) => one.python).filter(Boolean))];
  const facts = [`${data.exit ? ending(data.exit) : "still running"} after ${formatTime(data.duration)}`, ...versions.map((version) => `Python ${version}`), started(data)];
  return (
    <header>
      <p class="brand">holdfast</p>
      <h1><bdi>{data.command}</bdi></h1>
      {data.region && <p>Only what was allocated in the region <strong><bdi>{data.region}</bdi></strong>, at that one's own peak</p>}
      <p class="quiet">{facts.filter(Boolean).join(" \u00b7 ")}</p>
      {warnings(page).map((text) => <p class="note">{text}</p>)}
      <Measures page={page} />
      <Composition page={page} />
    </header>
  );
}
