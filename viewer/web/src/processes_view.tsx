/* The processes of the run, as a table. */

import type {JSX} from "preact";

import type {Process} from "./document";
import {ending} from "./head";
import {usePage} from "./model";
import {type Column, Table} from "./table";
import {formatBytes, formatCount, formatTime} from "./units";

const columns: Column<Process>[] = [
  {title: "at the tree's peak", number: true, value: (one) => one.tree, show: (one) => formatBytes(one.tree)},
  {title: "own peak", number: true, value: (one) => one.peak.bytes, show: (one) => formatBytes(one.peak.bytes)},
  {title: "at", number: true, value: (one) => one.peak.time, show: (one) => formatTime(one.peak.time)},
  {title: "highest RSS", number: true, value: (one) => one.maxRss, show: (one) => (one.maxRss ? formatBytes(one.maxRss) : "")},
  {title: "pid", number: true, value: (one) => one.pid, show: (one) => one.pid},
  {title: "Python", value: (one) => one.python, show: (one) => <bdi>{one.python}</bdi>},
  {title: "end", value: (one) => (one.running ? "" : ending(one.exit)), show: (one) => (one.running ? "still running" : ending(one.exit))},
  {title: "command", value: (one) => one.command, show: (one) => <code><bdi>{one.command}</bdi></code>},
];

export function ProcessesView(): JSX.Element {
  const {data} = usePage(), others = data.processCount - data.processes.length;
  return (
    <section id="processes" aria-labelledby="processes-title">
      <h2 id="processes-title">Processes</h2>
      <p class="quiet">{formatCount(data.processCount, "process image")}: a process that calls exec ends one and starts the next.</p>
      <Table id="process-table" name="Processes" columns={columns} rows={data.processes} />
      {others > 0 && <p class="quiet small">and {formatCount(others, "other")}</p>}
    </section>
  );
}
