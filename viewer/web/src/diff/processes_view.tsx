/* Processes of both runs, side by side. */

import type {JSX} from "preact";

import {type Column, Table} from "../table";
import {formatBytes} from "../units";
import type {DiffDocument, ProcessChange} from "./document";
import {Difference, StateBadge} from "./words";

const columns: Column<ProcessChange>[] = [
  {title: "difference", number: true, value: (one) => Math.abs(one.difference), show: (one) => <Difference bytes={one.difference} />},
  {title: "before", number: true, value: (one) => one.before?.tree_peak_bytes ?? 0, show: (one) => (one.before ? formatBytes(one.before.tree_peak_bytes) : "")},
  {title: "after", number: true, value: (one) => one.after?.tree_peak_bytes ?? 0, show: (one) => (one.after ? formatBytes(one.after.tree_peak_bytes) : "")},
  {title: "own peak before", number: true, value: (one) => one.before?.peak.bytes ?? 0, show: (one) => (one.before ? formatBytes(one.before.peak.bytes) : "")},
  {title: "own peak after", number: true, value: (one) => one.after?.peak.bytes ?? 0, show: (one) => (one.after ? formatBytes(one.after.peak.bytes) : "")},
  {title: "state", value: (one) => one.state, show: (one) => <StateBadge state={one.state} />},
  {title: "command", value: (one) => (one.after ?? one.before)!.command.join(" "), show: (one) => <code><bdi>{(one.after ?? one.before)!.command.join(" ")}</bdi></code>},
];

export function ProcessChangesView({data}: {data: DiffDocument}): JSX.Element {
  return (
    <section id="processes" aria-labelledby="processes-title">
      <h2 id="processes-title">Processes</h2>
      <p class="quiet">What each held when all of them together were at their highest.</p>
      <Table id="process-table" name="Processes" columns={columns} rows={data.processes} />
    </section>
  );
}
