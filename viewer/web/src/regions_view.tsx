/* The regions that the program marked, as a table. */

import type {JSX} from "preact";

import type {Region} from "./document";
import {FrameLink} from "./findings_view";
import {processName, usePage} from "./model";
import {type Column, Table} from "./table";
import {formatBytes, formatCount, formatTime} from "./units";

function signed(bytes: number): string {
  return `${bytes < 0 ? "\u2212" : "+"}${formatBytes(Math.abs(bytes))}`;
}

function Name({one}: {one: Region}): JSX.Element {
  return <span style={{paddingLeft: `${one.depth}em`}}><bdi>{one.name}</bdi>{one.unclosed > 0 && " (was not ended)"}</span>;
}

function Held({one}: {one: Region}): JSX.Element {
  if (!one.seen) return <span class="quiet">not looked at near its peak</span>;
  return <>{one.held.map(([bytes, what, path, verdict]) => <div>{formatBytes(bytes)} <bdi>{what || "memory"}</bdi>: <bdi>{path}</bdi>{verdict === "dead" && ", never read again"}{verdict === "garbage" && ", garbage"}</div>)}</>;
}

function Untouched({one}: {one: Region}): JSX.Element {
  const page = usePage(), lead = page.frames.lead(one.untouchedBy);
  if (one.untouched === null) return <>not known</>;
  return <>{formatBytes(one.untouched)} s{lead >= 0 && <div>most from <FrameLink page={page} frame={lead} /></div>}</>;
}

export function RegionsView(): JSX.Element {
  const {data} = usePage(), others = data.regionCount - data.regions.length;
  // Of some processes at least it was looked at.
  const looked = data.regions.some((one) => one.untouched !== null);
  const columns: Column<Region>[] = [
    {title: "own peak", number: true, value: (one) => one.peak, show: (one) => formatBytes(one.peak)},
    {title: "kept at its end", number: true, value: (one) => one.kept, show: (one) => formatBytes(one.kept)},
    {title: "churn", number: true, value: (one) => one.churn, show: (one) => formatBytes(one.churn)},
    {title: "native to the end", number: true, value: (one) => one.native ?? -1, show: (one) => one.native === null ? "not known" : formatBytes(one.native)},
    ...(looked ? [{title: "untouched", number: true, value: (one: Region) => one.untouched ?? -1, show: (one: Region) => <Untouched one={one} />}] : []),
    {title: "growth of the process", number: true, value: (one) => one.growth, show: (one) => signed(one.growth)},
    {title: "times", number: true, value: (one) => one.count, show: (one) => one.count},
    {title: "region", value: (one) => one.name, show: (one) => <Name one={one} />},
    {title: "held then", value: (one) => one.held.length > 0 ? one.held[0][2] : "", show: (one) => <Held one={one} />},
    {title: "from", number: true, value: (one) => one.begin, show: (one) => formatTime(one.begin)},
    {title: "to", number: true, value: (one) => one.end, show: (one) => formatTime(one.end)},
    {title: "thread", value: (one) => one.thread, show: (one) => <bdi>{one.thread}</bdi>},
    ...(data.processCount > 1 ? [{title: "process", value: (one: Region) => one.process, show: (one: Region) => <bdi>{processName(data, one.process)}</bdi>}] : []),
  ];
  return (
    <section id="regions" aria-labelledby="regions-title">
      <h2 id="regions-title">Regions</h2>
      <p class="quiet">What the program marked as regions of its run. A region's own bytes are those allocated in it; of one that was passed several times, the highest is shown. Churn is what was allocated and given back
        before its end, and native to the end what C code took with malloc and had not given back when the process ended: both of all times together. That is not known
        where the process still ran, ended in an exec, or events were lost.{looked && " Untouched is how long its blocks of 1 MiB and more lay so until its end, times their bytes, of all times together."}</p>
      <Table id="region-table" name="Regions" columns={columns} rows={data.regions} />
      {others > 0 && <p class="quiet small">and {formatCount(others, "other")}, with lower peaks</p>}
    </section>
  );
}
