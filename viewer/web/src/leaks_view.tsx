/* References that native code has taken and that nobody can give back any more, as cards. */

import type {JSX} from "preact";

import type {Holders, Leak} from "./document";
import {FrameLink} from "./findings_view";
import {type Page, processName} from "./model";
import {formatBytes, formatCount} from "./units";

function title(leak: Leak): string {
  const what = `${formatCount(leak.references, "reference")} to ${leak.type}`;
  return leak.module ? `${leak.module} leaks ${what}` : `${what} lost by native code that is not known`;
}

function Card({page, leak}: {page: Page; leak: Leak}): JSX.Element {
  const lead = page.frames.lead(leak.stack);
  return (
    <article class="card likely" aria-label={title(leak)}>
      <h3><bdi>{title(leak)}</bdi></h3>
      <p class="saving">
        <strong>{formatBytes(leak.bytes)}</strong> <span class="quiet">kept by {leak.bytes ? "nothing else" : "them alone: others hold the same objects"}</span>
      </p>
      <p><bdi>{leak.sentence}</bdi></p>
      {lead >= 0 && <p>taken at <FrameLink page={page} frame={lead} />
        {page.frames.source(lead) && <code class="source"><bdi>{page.frames.source(lead)}</bdi></code>}</p>}
      <h4>Way out</h4>
      <ul><li>{leak.advice}</li></ul>
    </article>
  );
}

function Late({page, late}: {page: Page; late: Holders["lateReferences"][number]}): JSX.Element {
  const lead = page.frames.lead(late.stack);
  return <li><bdi>{late.sentence}</bdi>{lead >= 0 && <>; taken at <FrameLink page={page} frame={lead} /></>}.</li>;
}

/** Of one process; `several`: there are cards of others. */
export function Leaks({page, holders, several}: {page: Page; holders: Holders; several: boolean}): JSX.Element | null {
  if (!holders.leakScope) return null;
  return (
    <>
      <p class="quiet">{several && <>Process <bdi>{processName(page.data, holders.process)}</bdi>: </>}{holders.leakScope}.</p>
      <div class="cards">{holders.leaks.map((leak) => <Card key={title(leak)} page={page} leak={leak} />)}</div>
      {holders.lateReferences.length > 0 && <ul class="quiet">{holders.lateReferences.map((late) => <Late key={late.sentence} page={page} late={late} />)}</ul>}
    </>
  );
}
