/* What changed, as a table: by line of the program, or by whole stack. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import {Choice} from "../controls";
import {type Column, Table} from "../table";
import {formatBytes, formatCount} from "../units";
import type {DiffDocument, StackChange} from "./document";
import type {DiffFrames} from "./tree";
import {Difference, formatDifference, Rest, StateBadge} from "./words";

interface Row {
  change: StackChange;
  name: string;
  place: string;
  source: string;
}

function line({before, after}: StackChange): string {
  if (before && after && before.line !== after.line) return `${before.line} \u2192 ${after.line}`;
  return String((after ?? before)!.line || "");
}

function rowsOf(data: DiffDocument, frames: DiffFrames, changes: StackChange[]): Row[] {
  return changes.map((change) => {
    const innermost = [...change.stack].reverse().find((frame) => typeof frame === "number") as number | undefined;
    const shown = frames.stack(change), last = shown[shown.length - 1];
    const name = last === undefined ? "no stack known" : frames.frames.name(last), file = last === undefined ? undefined : frames.frames.file(last);
    return {change, name, place: file ? `${file.brief}:${line(change)}` : "", source: innermost === undefined ? "" : (data.frames[innermost].source ?? "").trim()};
  });
}

const columns: Column<Row>[] = [
  {title: "difference", number: true, value: ({change}) => Math.abs(change.difference), show: ({change}) => <Difference bytes={change.difference} />},
  {title: "before", number: true, value: ({change}) => change.before?.bytes ?? 0, show: ({change}) => (change.before ? formatBytes(change.before.bytes) : "")},
  {title: "after", number: true, value: ({change}) => change.after?.bytes ?? 0, show: ({change}) => (change.after ? formatBytes(change.after.bytes) : "")},
  {title: "state", value: ({change}) => change.state, show: ({change}) => <StateBadge state={change.state} />},
  {title: "function", value: (row) => row.name, show: (row) => <code><bdi>{row.name}</bdi></code>},
  {title: "line", value: (row) => row.place, show: (row) => <bdi>{row.place}</bdi>},
  {title: "source", value: (row) => row.source, show: (row) => <code><bdi>{row.source}</bdi></code>},
];

export function StackChangesView({data, frames}: {data: DiffDocument; frames: DiffFrames}): JSX.Element {
  const [what, setWhat] = useState<"lines" | "stacks">("lines"), [filter, setFilter] = useState("");
  const list = what === "lines" ? data.places : data.sites, rows = useMemo(() => rowsOf(data, frames, list.changes), [list]);
  const wanted = filter.trim().toLowerCase();
  const shown = useMemo(() => rows.filter((row) => !wanted || `${row.name} ${row.place} ${row.source}`.toLowerCase().includes(wanted)), [rows, wanted]);
  return (
    <section id="tables" aria-labelledby="tables-title">
      <h2 id="tables-title">What changed, by line</h2>
      <div class="tools">
        <Choice name="table" label="By" value={what} options={["lines", "stacks"]} onChange={setWhat} />
        <label>Filter <input id="filter" type="search" placeholder="function, file or source" value={filter} autocomplete="off" spellcheck={false}
          onInput={(event) => setFilter(event.currentTarget.value)} /></label>
        <output id="filtered">{formatCount(shown.length, "change")}, {formatDifference(shown.reduce((sum, row) => sum + row.change.difference, 0))}</output>
      </div>
      <Table key={what} id="changes-table" name={what === "lines" ? "Lines that changed" : "Stacks that changed"} columns={columns} rows={shown} />
      <Rest list={list} noun={what === "lines" ? "line" : "stack"} />
    </section>
  );
}
