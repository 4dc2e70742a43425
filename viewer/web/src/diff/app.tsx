/* Two runs side by side: what grew, what shrank, what is new or gone, and what is held that was not before. */

import type {JSX} from "preact";
import {useMemo} from "preact/hooks";

import {Foot} from "../foot";
import {formatBytes, formatTime} from "../units";
import type {DiffDocument, Run} from "./document";
import {ChangesView} from "./graph_view";
import {HolderChangesView} from "./holders_view";
import {ProcessChangesView} from "./processes_view";
import {StackChangesView} from "./tables_view";
import {DiffFrames} from "./tree";
import {Difference, formatDifference, formatShare} from "./words";

const KINDS: Record<string, string> = {heap: "heap", python: "Python objects", mapped: "mapped pages"};

function RunText({name, run, bytes, rss, time}: {name: string; run: Run; bytes: number; rss: number | null; time: number}): JSX.Element {
  const started = run.started_unix_s ? new Date(run.started_unix_s * 1000).toISOString().slice(0, 16).replace("T", " ") : "";
  return (
    <div class="measure">
      <dt>{name}: <bdi>{run.profile}</bdi></dt>
      <dd>
        <strong>{formatBytes(bytes)}</strong> <span class="quiet">at {formatTime(time)} of {formatTime(run.duration_s)}</span>
        <p class="quiet small">
          <code><bdi>{run.command.join(" ")}</bdi></code>{started && <> {"\u00b7"} {started} UTC</>}
          {rss !== null && <> {"\u00b7"} resident then {formatBytes(rss)}</>}
        </p>
        {!run.complete && <p class="note">Holdfast did not see the end of every process of this run.</p>}
      </dd>
    </div>
  );
}

function Head({data}: {data: DiffDocument}): JSX.Element {
  const {peak} = data, kinds = Object.entries(data.kinds).filter(([, figure]) => figure.before || figure.after);
  const shown = formatDifference(peak.difference);
  return (
    <header>
      <p class="brand">holdfast</p>
      <h1>{peak.difference === 0 ? "The peak is the same" : `The peak is ${shown.replace(/^[+\u2212]/, "")} ${peak.difference > 0 ? "higher" : "lower"}`}
        {peak.before > 0 && peak.difference !== 0 && ` (${formatShare(peak.difference, peak.before)})`}</h1>
      <dl class="measures">
        <RunText name="Before" run={data.before} bytes={peak.before} rss={peak.rss_bytes.before} time={peak.time_s.before} />
        <RunText name="After" run={data.after} bytes={peak.after} rss={peak.rss_bytes.after} time={peak.time_s.after} />
      </dl>
      <table class="plain" id="kinds-table">
        <caption class="hidden">Memory by kind at the peaks</caption>
        <thead><tr><th scope="col">memory</th><th scope="col" class="number">before</th><th scope="col" class="number">after</th><th scope="col" class="number">difference</th></tr></thead>
        <tbody>
          {kinds.map(([kind, figure]) =>
            <tr><th scope="row">{KINDS[kind] ?? kind}</th><td class="number">{formatBytes(figure.before)}</td><td class="number">{formatBytes(figure.after)}</td>
              <td class="number"><Difference bytes={figure.difference} /></td></tr>)}
        </tbody>
      </table>
    </header>
  );
}

export function DiffApp({data}: {data: DiffDocument}): JSX.Element {
  const frames = useMemo(() => new DiffFrames(data), [data]);
  const several = data.processes.length > 1;
  return (
    <>
      <Head data={data} />
      <nav aria-label="Parts of the page">
        <a href="#holders">Holders</a><a href="#stacks">Graph</a><a href="#tables">Table</a>{several && <a href="#processes">Processes</a>}
      </nav>
      <main>
        <HolderChangesView data={data} />
        <ChangesView data={data} frames={frames} />
        <StackChangesView data={data} frames={frames} />
        {several && <ProcessChangesView data={data} />}
      </main>
      <Foot text={data.after.writer} />
    </>
  );
}
