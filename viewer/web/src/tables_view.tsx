/* The memory at the peak as a table: by line of the program, or by site. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import {Choice, Toggle, ViewChoice} from "./controls";
import {DragTable} from "./drag";
import {FrameLink} from "./findings_view";
import {addUp, type Site, type Sums} from "./lines";
import {type Page, peakOf, scrollTo, usePage} from "./model";
import {KIND_NAMES, treesFor} from "./stacks";
import {type Column, Table} from "./table";
import {isAbout, turnedColumns, turnedOf, turnoverNote, type TurnoverView} from "./turnover";
import {TypedTable, typedRows, type TypedView} from "./typed";
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
  const process: Column<Site> = {title: "process", number: true, value: (site) => data.processes[site.process]?.pid ?? 0, show: (site) => data.processes[site.process]?.pid ?? ""};
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

const LINES_NOTE = "A line has what it allocated itself or through libraries; with calls, also what your own functions that it called did.";

type TableName = "lines" | "sites" | "drag" | TurnoverView | TypedView;

const isTyped = (what: TableName): what is TypedView => what === "types" || what === "collected";

function tablesOf(page: Page): readonly TableName[] {
  if (page.data.region) return ["lines", "sites"];
  return ["lines", "sites", "whole run", "leaks", "temporary", ...(page.data.turnover.followed ? ["lifetimes" as const] : []),
    ...(page.data.turnover.types.length ? ["types" as const, "collected" as const] : []),
    ...(page.data.drag.rows.length ? ["drag" as const] : [])];
}

function frameMatches(page: Page, frame: number, wanted: string): boolean {
  return frame >= 0 && `${page.frames.name(frame)} ${page.frames.file(frame)?.path ?? ""} ${page.frames.source(frame)}`.toLowerCase().includes(wanted);
}

export function TablesView(): JSX.Element {
  const page = usePage(), trees = treesFor(page.data, page.process), peak = peakOf(page).bytes;
  const [what, setWhat] = useState<TableName>("lines"), [filter, setFilter] = useState(""), [own, setOwn] = useState(false);
  const sums = useMemo(() => addUp(trees, page.frames), [page.data, page.process]), lines = useMemo(() => linesOf(page, sums), [sums]);
  const wanted = filter.trim().toLowerCase();
  const shownLines = useMemo(() => lines.filter((line) => (!own || page.frames.isUsers(line.frame)) && (!wanted || frameMatches(page, line.frame, wanted))), [lines, wanted, own]);
  const shownSites = useMemo(() => sums.sites.filter((site) => (!own || (site.lead >= 0 && page.frames.isUsers(site.lead))) &&
    (!wanted || frameMatches(page, site.frame, wanted) || frameMatches(page, site.lead, wanted))), [sums, wanted, own]);
  const turned = useMemo(() => turnedOf(page), [page.data, page.process]), {turnover} = page.data;
  const typed = isTyped(what) && what, run = what !== "lines" && what !== "sites" && what !== "drag" && !isTyped(what) && what;
  const shownTurned = useMemo(() => turned.filter((row) => run && isAbout(run, row) && (!own || (row.lead >= 0 && page.frames.isUsers(row.lead))) &&
    (!wanted || frameMatches(page, row.inner, wanted) || frameMatches(page, row.lead, wanted))), [turned, wanted, own, run]);
  const rows: {bytes: number}[] = what === "lines" ? shownLines : what === "sites" ? shownSites : typed ? typedRows(page, typed, wanted).rows : shownTurned, together = rows.reduce((sum, row) => sum + row.bytes, 0);
  return (
    <section id="tables" aria-labelledby="tables-title">
      <h2 id="tables-title">Lines and sites</h2>
      <div class="tools">
        <Choice name="table" label="By" value={what} options={tablesOf(page)} onChange={setWhat} />
        <label>Filter <input id="filter" type="search" placeholder="function, file or source" value={filter} autocomplete="off" spellcheck={false}
          onInput={(event) => setFilter(event.currentTarget.value)} /></label>
        <ViewChoice page={page} name="table-frames" />
        <Toggle name="own-lines" label="Your code only" value={own} onChange={setOwn} />
        <output id="filtered" hidden={what === "drag"}>{formatCount(rows.length, what === "lines" ? "line" : typed === "types" ? "type" : "site")}, {formatBytes(together)}</output>
      </div>
      {what === "lines" && <Table key="lines" id="lines-table" name="Lines" columns={lineColumns(page, peak)} rows={shownLines} />}
      {what === "sites" && <Table key="sites" id="sites-table" name="Sites" columns={siteColumns(page, peak, trees.length > 1)} rows={shownSites} />}
      {what === "drag" && <DragTable page={page} matches={(frame) => (!own || (frame >= 0 && page.frames.isUsers(frame))) && (!wanted || frameMatches(page, frame, wanted))} />}
      {typed && <TypedTable page={page} view={typed} wanted={wanted} />}
      {run && <>
        <p class="quiet">{formatBytes(turnover.allocated)} were allocated in the whole run, and {formatBytes(run === "whole run" ? turnover.kept : turnover.exit)} of
          them were live when {run === "whole run" ? "their process" : "the program"} ended. Here are those of {formatCount(turnover.sites, "site")} that allocated, kept
          or gave back most.{turnover.merged && " Those were told apart by native frames that are not shown: of a line or function that many of them share, this may be a part."}</p>
        <Table key={run} id="run-table" name="Sites over the whole run" columns={turnedColumns(page, run, page.process < 0 && page.data.processCount > 1)} rows={shownTurned} />
      </>}
      {what !== "sites" && what !== "drag" && !typed && <p class="quiet small">{run ? turnoverNote(page, run) : LINES_NOTE}</p>}
    </section>
  );
}
