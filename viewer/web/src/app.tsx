/* The page, put together. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import type {PageDocument, View} from "./document";
import {FindingsView} from "./findings_view";
import {Foot} from "./foot";
import {Frames} from "./frames";
import {Head} from "./head";
import {HoldersView} from "./holders_view";
import {hasStacks, holdersOf, ownPeaks, type Page, PageContext, processName, type Wanted} from "./model";
import {ProcessesView} from "./processes_view";
import {RegionsView} from "./regions_view";
import {SourceView} from "./source_view";
import {StacksView} from "./stacks_view";
import {TablesView} from "./tables_view";
import {TimeView} from "./time_view";
import {hasViews, viewDocument} from "./view";

function Navigation({page}: {page: Page}): JSX.Element {
  const links: [string, string, boolean][] = [
    ["findings", "Findings", true], ["time", "Time", page.data.timelines.length > 0], ["regions", "Regions", page.data.regionCount > 0], ["stacks", "Stacks", hasStacks(page)],
    ["holders", "Holders", Boolean(holdersOf(page)?.list.length)], ["tables", "Table", hasStacks(page)],
    ["source", "Source", hasStacks(page)], ["processes", "Processes", page.data.processCount > 1],
  ];
  return (
    <nav aria-label="Parts of the page">
      {links.filter(([, , shown]) => shown).map(([id, name]) => <a href={`#${id}`}>{name}</a>)}
      <PeakChoice page={page} />
    </nav>
  );
}

function PeakChoice({page}: {page: Page}): JSX.Element | null {
  const own = ownPeaks(page.data);
  if (own.length === 0) return null;
  return (
    <label class="peak-choice">Peak of <select id="peak" value={String(page.process)} onChange={(event) => page.setProcess(Number(event.currentTarget.value))}>
      <option value="-1">all processes together</option>
      {own.map((index) => <option value={index}>{processName(page.data, index)}</option>)}
    </select></label>
  );
}

export function App({data: whole}: {data: PageDocument}): JSX.Element {
  const [view, setView] = useState<View>(whole.view), data = useMemo(() => viewDocument(whole, view), [whole, view]);
  const frames = useMemo(() => new Frames(whole), [whole]);
  const [process, setProcess] = useState(-1), [wanted, show] = useState<Wanted | null>(null), [frame, setFrame] = useState(-1);
  const page: Page = {data, frames, view, setView: hasViews(whole) ? setView : null, process, setProcess, wanted, show, frame, setFrame};
  const stacks = hasStacks(page);
  return (
    <PageContext.Provider value={page}>
      <Head />
      <Navigation page={page} />
      <main>
        <FindingsView />
        {data.timelines.length > 0 && <TimeView />}
        {data.regionCount > 0 && <RegionsView />}
        {stacks && <StacksView key={`stacks ${process}`} />}
        <HoldersView />
        {stacks && <TablesView />}
        {stacks && <SourceView />}
        {data.processCount > 1 && <ProcessesView />}
      </main>
      {data.share < 100 && <p class="note" id="share">So that it stays under 5 MB, this page has {data.share || "less than 1"} % of the entries that its lists and graphs would
        have at most, the biggest ones, and shorter names and stacks, and fewer lines of source. The JSON report leaves nothing out.</p>}
      <Foot text={`${data.writer} on ${data.host}`} />
    </PageContext.Provider>
  );
}
