/* What is held that was not before, and what is not any more. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import {Choice} from "../controls";
import {Badge} from "../findings_view";
import {type Column, Table} from "../table";
import {formatBytes, formatCount} from "../units";
import type {DiffDocument, HolderChange, ProcessChange} from "./document";
import {Difference, Rest, StateBadge} from "./words";

const SHOWN = ["all", "new", "grown", "shrunk", "gone"] as const;

function verdicts({before, after}: HolderChange): JSX.Element {
  if (!before || !after || before.verdict === after.verdict) return <Badge verdict={(after ?? before)!.verdict} />;
  return <><Badge verdict={before.verdict} /> {"\u2192"} <Badge verdict={after.verdict} /></>;
}

const columns: Column<HolderChange>[] = [
  {title: "difference", number: true, value: (one) => Math.abs(one.difference), show: (one) => <Difference bytes={one.difference} />},
  {title: "before", number: true, value: (one) => one.before?.bytes ?? 0, show: (one) => (one.before ? formatBytes(one.before.bytes) : "")},
  {title: "after", number: true, value: (one) => one.after?.bytes ?? 0, show: (one) => (one.after ? formatBytes(one.after.bytes) : "")},
  {title: "state", value: (one) => one.state, show: (one) => <StateBadge state={one.state} />},
  {title: "held by", value: (one) => one.path, show: (one) => <code><bdi>{one.path || "nobody that is known"}</bdi></code>},
  {title: "object", value: (one) => one.object.type, show: (one) => <bdi>{one.object.type} <span class="quiet">{one.object.detail}</span></bdi>},
  {title: "verdict", value: (one) => (one.after ?? one.before)!.verdict, show: verdicts},
];

/* Of the process that holds most of those whose references were seen. */
function looked(data: DiffDocument): string {
  const weight = (one: ProcessChange) => (one.before?.tree_peak_bytes ?? 0) + (one.after?.tree_peak_bytes ?? 0);
  const known = data.processes.filter((one) => one.before?.snapshot_bytes ?? one.after?.snapshot_bytes).sort((a, b) => weight(b) - weight(a))[0];
  const seen = (name: "before" | "after") => {
    const bytes = known?.[name]?.snapshot_bytes ?? null;
    return bytes === null ? `${name}: no references were seen` : `${name}: references were seen at ${formatBytes(bytes)}`;
  };
  return `${seen("before")}; ${seen("after")}. What was not looked at then is neither new nor gone for certain.`;
}

export function HolderChangesView({data}: {data: DiffDocument}): JSX.Element {
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("all"), {changes} = data.holders;
  const rows = useMemo(() => changes.filter((one) => shown === "all" || one.state === shown), [shown, changes]);
  const fresh = changes.filter((one) => one.state === "new");
  return (
    <section id="holders" aria-labelledby="holders-title">
      <h2 id="holders-title">Who holds it that did not before</h2>
      <p>{fresh.length ? `${formatCount(fresh.length, "new holder")} of ${formatBytes(fresh.reduce((sum, one) => sum + one.difference, 0))}.` : "There is no new holder."}</p>
      {changes.length > 0 && <>
        <div class="tools"><Choice name="holder-state" label="Show" value={shown} options={SHOWN} onChange={setShown} /></div>
        <Table id="holders-table" name="Holders" columns={columns} rows={rows} />
      </>}
      <Rest list={data.holders} noun="holder" />
      <p class="quiet small">{looked(data)}</p>
    </section>
  );
}
