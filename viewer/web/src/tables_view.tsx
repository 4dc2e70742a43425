/* The memory at the peak as a table: by line of the program, or by site. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import {Choice, Toggle, ViewChoice} from "./controls";
import {FrameLink} from "./findings_view";
import {addUp, type Site, type Sums} from "./lines";
import {type Page, peakOf, scrollTo, usePage} from "./model";
import {KIND_NAMES, treesFor} from "./stacks";
import {type Column, Table} from "./table";
import {formatBytes, formatCount, formatNumber, formatPercent} from "./units";

interface Line {
  frame: number;
  bytes: number;
  blocks: number;
  through: number;
}

function linesOf(page: Page, sums: Sums): Line[] {
  const lines: Line[] = [];
  for (let frame = 0; frame < page.frames.count; frame++) {
    const line = {frame, bytes: sums.led[frame], blocks: sums.ledBlocks[frame], through: sums.through[frame]};
    if (line.bytes > 0 || (line.through > 0 && page.frames.isUsers(frame))) lines.push(line);
  }
  return lines;
}

function lineColumns(page: Page, peak: number): Column<Line>[] {
  const {frames} = page;
  return [
    {title: "allocated", number: true, value: (line) => line.bytes, show: (line) => formatBytes(line.bytes)},
    {title: "of peak", number: true, value: (line) => line.bytes, show: (line) => formatPercent(line.bytes, peak)},
    {title: "blocks", number: true, value: (line) => line.blocks, show: (line) => formatNumber(line.blocks)},
    {title: "with calls", number: true, value: (line) => line.through, show: (line) => formatBytes(line.through)},
    {title: "line", value: (line) => frames.place(line.frame), show: (line) => <FrameLink page={page} frame={line.frame} />},
    {title: "source", value: (line) => frames.source(line.frame), show: (line) => <code><bdi>{frames.source(line.frame)}</bdi></code>},
  ];
}

function SiteLink({page, site}: {page: Page; site: Site}): JSX.Element {
  const {frames} = page;
  if (!site.stack) return <span class="quiet">{formatCount(site.folded, "smaller frame")} below <bdi>{site.frame >= 0 ? frames.name(site.frame) : "the root"}</bdi></span>;
  const {stack} = site;
  const show = () => {
    page.show({stack});
    scrollTo("stacks");
  };
  return <button type="button" class="link" onClick={show}><bdi>{frames.name(site.frame)}</bdi></button>;
}

function siteColumns(page: Page, peak: number, several: boolean): Column<Site>[] {
  const {frames, data} = page, nameOf = (frame: number) => (frame >= 0 ? frames.name(frame) : "");
  const process: Column<Site> = {title: "process", number: true, value: (site) => data.processes[site.process].pid, show: (site) => data.processes[site.process].pid};
  return [
    {title: "bytes", number: true, value: (site) => site.bytes, show: (site) => formatBytes(site.bytes)},
    {title: "of peak", number: true, value: (site) => site.bytes, show: (site) => formatPercent(site.bytes, peak)},
    {title: "blocks", number: true, value: (site) => site.blocks, show: (site) => formatNumber(site.blocks)},
    {title: "kind", value: (site) => KIND_NAMES[site.kind], show: (site) => KIND_NAMES[site.kind]},
    ...(several ? [process] : []),
    {title: "function", value: (site) => nameOf(site.frame), show: (site) => <SiteLink page={page} site={site} />},
    {title: "your line", value: (site) => (site.lead >= 0 ? frames.place(site.lead) : ""), show: (site) => (site.lead >= 0 ? <FrameLink page={page} frame={site.lead} /> : "")},
  ];
}

interface Turned {
  process: number;
  bytes: number; // allocated in the run
  blocks: number;
  peak: number;
  kept: number;
  kind: number;
  lead: number;
  inner: number;
}

function turnedOf(page: Page): Turned[] {
  return page.data.turnover.rows.filter(([process]) => page.process < 0 || process === page.process).map(([process, kind, bytes, blocks, peak, kept, stack]) =>
    ({process, kind, bytes, blocks, peak, kept, lead: page.frames.lead(stack), inner: stack.length ? stack[stack.length - 1] : -1}));
}

function turnedColumns(page: Page, several: boolean): Column<Turned>[] {
  const {frames, data} = page;
  const process: Column<Turned> = {title: "process", number: true, value: (row) => data.processes[row.process]?.pid ?? 0, show: (row) => data.processes[row.process]?.pid ?? ""};
  return [
    {title: "allocated in all", number: true, value: (row) => row.bytes, show: (row) => formatBytes(row.bytes)},
    {title: "blocks", number: true, value: (row) => row.blocks, show: (row) => formatNumber(row.blocks)},
    {title: "at its peak", number: true, value: (row) => row.peak, show: (row) => formatBytes(row.peak)},
    {title: "live at the end", number: true, value: (row) => row.kept, show: (row) => formatBytes(row.kept)},
    {title: "given back", number: true, value: (row) => 1 - row.kept / row.bytes, show: (row) => formatPercent(row.bytes - row.kept, row.bytes)},
    {title: "kind", value: (row) => KIND_NAMES[row.kind], show: (row) => KIND_NAMES[row.kind]},
    ...(several ? [process] : []),
    {title: "function", value: (row) => (row.inner >= 0 ? frames.name(row.inner) : ""), show: (row) => (row.inner >= 0 ? <bdi>{frames.name(row.inner)}</bdi> : "no stack known")},
    {title: "your line", value: (row) => (row.lead >= 0 ? frames.place(row.lead) : ""), show: (row) => (row.lead >= 0 ? <FrameLink page={page} frame={row.lead} /> : "")},
  ];
}

const NOTES = {
  lines: "A line has what it allocated itself or through libraries; with calls, also what your own functions that it called did.",
  sites: "",
  "whole run": "Temporary is what is allocated again and again and was not there at the peak; a leak may be what is live at the end and grows with the work.",
};

function frameMatches(page: Page, frame: number, wanted: string): boolean {
  return frame >= 0 && `${page.frames.name(frame)} ${page.frames.file(frame)?.path ?? ""} ${page.frames.source(frame)}`.toLowerCase().includes(wanted);
}

export function TablesView(): JSX.Element {
  const page = usePage(), trees = treesFor(page.data, page.process), peak = peakOf(page).bytes;
  const [what, setWhat] = useState<"lines" | "sites" | "whole run">("lines"), [filter, setFilter] = useState(""), [own, setOwn] = useState(false);
  const sums = useMemo(() => addUp(trees, page.frames), [page.data, page.process]), lines = useMemo(() => linesOf(page, sums), [sums]);
  const wanted = filter.trim().toLowerCase();
  const shownLines = useMemo(() => lines.filter((line) => (!own || page.frames.isUsers(line.frame)) && (!wanted || frameMatches(page, line.frame, wanted))), [lines, wanted, own]);
  const shownSites = useMemo(() => sums.sites.filter((site) => (!own || (site.lead >= 0 && page.frames.isUsers(site.lead))) &&
    (!wanted || frameMatches(page, site.frame, wanted) || frameMatches(page, site.lead, wanted))), [sums, wanted, own]);
  const turned = useMemo(() => turnedOf(page), [page.data, page.process]), {turnover} = page.data;
  const shownTurned = useMemo(() => turned.filter((row) => (!own || (row.lead >= 0 && page.frames.isUsers(row.lead))) &&
    (!wanted || frameMatches(page, row.inner, wanted) || frameMatches(page, row.lead, wanted))), [turned, wanted, own]);
  const rows: {bytes: number}[] = what === "lines" ? shownLines : what === "sites" ? shownSites : shownTurned, together = rows.reduce((sum, row) => sum + row.bytes, 0);
  return (
    <section id="tables" aria-labelledby="tables-title">
      <h2 id="tables-title">Lines and sites</h2>
      <div class="tools">
        <Choice name="table" label="By" value={what} options={page.data.region ? ["lines", "sites"] : ["lines", "sites", "whole run"]} onChange={setWhat} />
        <label>Filter <input id="filter" type="search" placeholder="function, file or source" value={filter} autocomplete="off" spellcheck={false}
          onInput={(event) => setFilter(event.currentTarget.value)} /></label>
        <ViewChoice page={page} name="table-frames" />
        <Toggle name="own-lines" label="Your code only" value={own} onChange={setOwn} />
        <output id="filtered">{formatCount(rows.length, what === "lines" ? "line" : "site")}, {formatBytes(together)}</output>
      </div>
      {what === "lines" && <Table key="lines" id="lines-table" name="Lines" columns={lineColumns(page, peak)} rows={shownLines} />}
      {what === "sites" && <Table key="sites" id="sites-table" name="Sites" columns={siteColumns(page, peak, trees.length > 1)} rows={shownSites} />}
      {what === "whole run" && <>
        <p class="quiet">{formatBytes(turnover.allocated)} were allocated in the whole run, and {formatBytes(turnover.kept)} of them were live when their
          process ended. Here are those of {formatCount(turnover.sites, "site")} that allocated or kept most.</p>
        <Table key="run" id="run-table" name="Sites over the whole run" columns={turnedColumns(page, page.process < 0 && page.data.processCount > 1)} rows={shownTurned} />
      </>}
      {NOTES[what] && <p class="quiet small">{NOTES[what]}</p>}
    </section>
  );
}
