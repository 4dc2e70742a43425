/* The source at the peak, with bytes beside each line. */

import type {JSX} from "preact";
import {useEffect, useMemo, useRef, useState} from "preact/hooks";

import {Bar} from "./controls";
import {addUp, type Sums} from "./lines";
import {type Page, usePage} from "./model";
import {treesFor} from "./stacks";
import {formatBytes} from "./units";

interface FileRow {
  file: number;
  bytes: number;
}

/** By file and line: what each line allocated, and with its calls. */
interface LineSums {
  led: Map<number, Map<number, number>>;
  through: Map<number, Map<number, number>>;
}

function addLine(sums: Map<number, Map<number, number>>, file: number, line: number, bytes: number): void {
  let lines = sums.get(file);
  if (!lines) sums.set(file, (lines = new Map()));
  lines.set(line, (lines.get(line) ?? 0) + bytes);
}

function sumLines({frames}: Page, sums: Sums): LineSums {
  const found: LineSums = {led: new Map(), through: new Map()};
  for (let frame = 0; frame < frames.count; frame++) {
    if (!frames.file(frame)) continue;
    addLine(found.led, frames.fileNumber(frame), frames.line(frame), sums.led[frame]);
    addLine(found.through, frames.fileNumber(frame), frames.line(frame), sums.through[frame]);
  }
  return found;
}

/** The user's first, the biggest first. */
function sortFiles(page: Page, sums: LineSums): FileRow[] {
  const rows: FileRow[] = [];
  for (const [file, info] of page.frames.files)
    if (info.text.size > 0) rows.push({file, bytes: [...(sums.led.get(file)?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0)});
  const own = (row: FileRow) => (page.frames.files.get(row.file)!.packageName ? 0 : 1);
  return rows.sort((a, b) => own(b) - own(a) || b.bytes - a.bytes);
}

function Lines({page, file, line, sums}: {page: Page; file: number; line: number; sums: LineSums}): JSX.Element {
  const info = page.frames.files.get(file)!, led = sums.led.get(file), through = sums.through.get(file);
  const numbers = [...info.text.keys()].sort((a, b) => a - b), most = Math.max(1, ...(through ? through.values() : []));
  const body = useRef<HTMLTableSectionElement>(null);
  useEffect(() => {
    const row = body.current?.querySelector<HTMLElement>("tr.chosen"), box = body.current?.closest<HTMLElement>(".wide");
    if (row && box) box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }, [file, line]);
  return (
    <div class="wide code" tabIndex={0} role="region" aria-label={`Source of ${info.path}`}>
      <table>
        <thead><tr><th scope="col" class="number">line</th><th scope="col" class="number">allocated</th><th scope="col" class="number">with calls</th><th scope="col">source</th></tr></thead>
        <tbody ref={body}>
          {numbers.map((number, i) => (
            <>
              {i > 0 && numbers[i - 1] < number - 1 && <tr class="skip"><td class="number">{"\u22ee"}</td><td /><td /><td /></tr>}
              <tr class={number === line ? "chosen" : ""} aria-current={number === line ? "true" : undefined}>
                <th scope="row" class="number">{number}</th>
                <td class="number">{led?.get(number) ? formatBytes(led.get(number)!) : ""}</td>
                <td class="number">{through?.get(number) ? <>{formatBytes(through.get(number)!)}<Bar part={through.get(number)!} whole={most} /></> : ""}</td>
                <td><code><bdi>{info.text.get(number)}</bdi></code></td>
              </tr>
            </>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function SourceView(): JSX.Element {
  const page = usePage(), sums = useMemo(() => sumLines(page, addUp(treesFor(page.data, page.process), page.frames)), [page.data, page.process]);
  const files = useMemo(() => sortFiles(page, sums), [sums]), [chosen, choose] = useState({file: files[0]?.file ?? -1, line: 0});
  const has = (file: number) => files.some((row) => row.file === file);
  useEffect(() => {
    if (page.wanted?.file !== undefined && has(page.wanted.file)) choose({file: page.wanted.file, line: page.wanted.line ?? 0});
  }, [page.wanted]);
  useEffect(() => {
    if (page.frame >= 0 && has(page.frames.fileNumber(page.frame))) choose({file: page.frames.fileNumber(page.frame), line: page.frames.line(page.frame)});
  }, [page.frame]);
  return (
    <section id="source" aria-labelledby="source-title">
      <h2 id="source-title">Source</h2>
      {files.length === 0
        ? <p class="empty">The profile has no source lines: the files could not be read when the run ended.</p>
        : <>
          <div class="tools">
            <label>File <select id="file" value={String(chosen.file)} onChange={(event) => choose({file: Number(event.currentTarget.value), line: 0})}>
              {files.map(({file, bytes}) => <option value={file}>{page.frames.files.get(file)!.brief} ({formatBytes(bytes)})</option>)}
            </select></label>
            <span class="quiet small"><bdi>{page.frames.files.get(chosen.file)?.path}</bdi></span>
          </div>
          {has(chosen.file) && <Lines page={page} file={chosen.file} line={chosen.line} sums={sums} />}
          <p class="quiet small">The lines that the profile keeps: those on the stacks at the peak.</p>
        </>}
    </section>
  );
}
