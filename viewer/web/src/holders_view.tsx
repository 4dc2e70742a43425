/* Who held the memory: an icicle of all that was live by root, place, path and object, and what is known of each. Of a
 * region, a list: what was live then is the process's, and only some of it the region's. */

import type {JSX} from "preact";
import {useEffect, useMemo, useState} from "preact/hooks";

import {Cycle} from "./cycle";
import type {Holder, Holders} from "./document";
import {objectText} from "./findings";
import {Allocated, Badge, HolderFacts, holderNotes, VERDICT_TEXTS} from "./findings_view";
import type {Painter} from "./flame_canvas";
import {FlameView} from "./flame_view";
import {growHolding, type HoldingPart, type HoldingTree} from "./holding";
import {holdersOf, type Page, processesOf, processName, usePage} from "./model";
import {verdictColor} from "./painters";
import {color, useScheme} from "./scheme";
import {VERDICTS} from "./tree";
import {formatBytes, formatCount, formatPercent} from "./units";

const WHOLE = "all that was live";

function painterOf({tree}: HoldingTree, name: (node: number) => string): Painter {
  const plain = color("frame-plain"), whole = color("frame-root"), colors = VERDICTS.map((verdict) => verdictColor(verdict));
  return {
    color: (node) => (node === 0 ? whole : plain),
    label: (node) => `${name(node)}  ${formatBytes(tree.total[node])}`,
    parts(node) {
      const {verdicts} = tree;
      if (node === 0 || !verdicts || !tree.total[node]) return null;
      return colors.map((one, i) => ({color: one, part: verdicts[i][node] / tree.total[node]})).filter(({part}) => part > 0.002);
    },
  };
}

/** `owner`: whose a holder is, where there are several processes. */
function HolderList({holders, chosen, choose, owner}:
    {holders: Holder[]; chosen: Holder | null; choose(holder: Holder): void; owner?: (holder: Holder) => string}): JSX.Element {
  if (holders.length === 0) return <p class="empty">No single object, and no crowd of one type, holds a hundredth of it.</p>;
  return (
    <ol class="holder-list">
      {holders.map((one) => (
        <li>
          <button type="button" aria-pressed={one === chosen} onClick={() => choose(one)}>
            <span class="number">{formatBytes(one.bytes)}</span> <Badge verdict={one.verdict} /> <span><bdi>{objectText(one)}</bdi></span>
            <span class="quiet"><bdi>{one.verdict === "garbage" ? one.reason : one.path}</bdi>{owner?.(one) && <>, <bdi>{owner(one)}</bdi></>}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** The largest block at a node or below it, of which it is known where it was allocated. */
function stackBelow({tree, held}: HoldingTree, node: number): number[] {
  for (let i = node; i < tree.end[node]; i++) if (held[tree.key[i]]?.stack.length) return held[tree.key[i]].stack;
  return [];
}

function verdictText({tree}: HoldingTree, node: number): string {
  const said = VERDICTS.map((verdict, i) => ({verdict, bytes: tree.verdicts?.[i][node] ?? 0})).filter(({bytes}) => bytes > 0);
  return said.map(({verdict, bytes}) => `${formatBytes(bytes)} ${VERDICT_TEXTS[verdict]}`).join(", ");
}

/** Of what no finding is about: what it is, whose it is, where most of it was allocated. */
function NodeFacts({page, shown, node}: {page: Page; shown: HoldingTree; node: number}): JSX.Element {
  const {tree, held} = shown, one = held[tree.key[node]], origin = one?.origin, garbage = origin?.verdict === "garbage";
  return (
    <>
      <h3><bdi>{node === 0 ? WHOLE : one.text}</bdi> {origin && <Badge verdict={origin.verdict} />}</h3>
      <p>{formatBytes(tree.total[node])}: {verdictText(shown, node) || "no object is known to hold it"}</p>
      {origin && !garbage && <p>held by <code><bdi>{origin.path}</bdi></code></p>}
      {origin?.reason && <p class="quiet"><bdi>{origin.reason}</bdi></p>}
      {garbage && <Cycle cycle={origin.cycle} />}
      <Allocated page={page} stack={stackBelow(shown, node)} />
    </>
  );
}

const cardClass = (holder: Holder | null) => `card ${holder ? holder.verdict.replace(" ", "-") : "likely"}`;

/** Without the graph. */
function ListedHolders({page, holders}: {page: Page; holders: Holders}): JSX.Element {
  const [number, choose] = useState(0), {list} = holders, chosen = list.find((one) => one.number === number) ?? list[0];
  return (
    <section id="holders" aria-labelledby="holders-title">
      <h2 id="holders-title">Why it was still there</h2>
      {holderNotes(page, holders).map((text) => <p class="note">{text}</p>)}
      <div class="holder-parts">
        <HolderList holders={list} chosen={chosen} choose={(one) => choose(one.number)} />
        <article class={cardClass(chosen)} aria-live="polite" aria-label="What is chosen">
          <ChosenHolder page={page} holder={chosen} />
        </article>
      </div>
    </section>
  );
}

function ChosenHolder({page, holder, owner}: {page: Page; holder: Holder; owner?: string}): JSX.Element {
  return (
    <>
      <h3>Holder {holder.number} <Badge verdict={holder.verdict} /></h3>
      {owner && <p class="quiet">in process <bdi>{owner}</bdi></p>}
      <HolderFacts page={page} holder={holder} />
    </>
  );
}

/** What is chosen in the graph or in the list. */
interface Chosen {
  node: number;
  holder: Holder | null;
}

/** Whose holders are shown: of the peak of all, each process's that the page has. */
function shownOf(page: Page): Holders[] {
  const one = holdersOf(page);
  if (!one) return [];
  return page.process < 0 && one.holding ? page.data.holders.filter((holders) => holders.holding) : [one];
}

function partsOf(page: Page, shown: Holders[]): HoldingPart[] {
  return shown.flatMap((holders) => (holders.holding ?
    [{holders, holding: holders.holding, name: shown.length > 1 ? processName(page.data, holders.process) : ""}] : []));
}

/** Of the peak of all: of which processes this tells, and as of when. */
function scope(page: Page, shown: Holders[]): string {
  const had = processesOf(page).filter((process) => process.tree > 0).length;
  if (page.process >= 0 || page.data.process >= 0 || (had < 2 && shown.length < 2)) return "";
  const told = shown.length > 1 ? `${shown.length} processes are here, each as it was near its own peak` :
    `Only ${processName(page.data, shown[0].process)} is here, as it was near its own peak`;
  const left = had - shown.filter((holders) => page.data.processes[holders.process]?.tree > 0).length;
  return `${told}, and not at that of all.` + (left > 0 ? ` Of ${formatCount(left, "other process", "other processes")} that had something at ` +
    `the peak of all, who held it is not on the page: ${left > 1 ? "they are" : "it is"} small beside it, or no references were seen.` : "");
}

export function HoldersView(): JSX.Element | null {
  const page = usePage(), holders = holdersOf(page), scheme = useScheme();
  const all = useMemo(() => shownOf(page), [page.data, page.process]);
  const [chosen, setChosen] = useState<Chosen>({node: 0, holder: null}), [wanted, setWanted] = useState<{node: number} | null>(null);
  const shown = useMemo(() => (holders?.holding ? growHolding(partsOf(page, all)) : null), [all]);
  const list = useMemo(() => all.flatMap((one) => one.list).sort((a, b) => (all.length > 1 ? b.bytes - a.bytes : 0)), [all]);
  const name = (node: number) => (node === 0 ? WHOLE : shown!.held[shown!.tree.key[node]].text);
  const painter = useMemo(() => (shown ? painterOf(shown, name) : null), [shown, scheme]);
  useEffect(() => setChosen({node: 0, holder: list[0] ?? null}), [list]);
  if (!holders) return null;
  if (!shown || !painter) return holders.list.length ? <ListedHolders page={page} holders={holders} /> : null;

  const select = (node: number) => setChosen({node, holder: shown.held[shown.tree.key[node]]?.holder ?? null});

  function choose(one: Holder): void {
    const {tree, held} = shown!;
    let found = 0;
    for (let node = 1; node < tree.count && !found; node++) if (held[tree.key[node]].holder === one) found = node;
    if (found) setWanted({node: found});
    setChosen({node: found, holder: one});
  }

  const describe = (node: number) => (
    <><strong><bdi>{name(node)}</bdi></strong> {formatBytes(shown.tree.total[node])}, {formatPercent(shown.tree.total[node], shown.tree.total[0])} of what was seen</>
  );
  const before = shown.tree.total[0] - all.reduce((bytes, one) => bytes + one.bytes, 0);
  const others = all.reduce((count, one) => count + one.count, 0) - list.length, {holder} = chosen;
  const owner = (one: Holder) => (all.length > 1 ? processName(page.data, all.find((its) => its.list.includes(one))!.process) : "");
  const about = scope(page, all);
  return (
    <section id="holders" aria-labelledby="holders-title">
      <h2 id="holders-title">Why it was still there</h2>
      <p class="quiet">All that was live, by who held it and not by who allocated it: where the path to it begins, the path, the object, and what
        that alone keeps. What two objects hold is beside both of them, below what holds the two.</p>
      {about && <p class="quiet" id="holders-scope">{about}</p>}
      {all.flatMap((one) => holderNotes(page, one).map((text) => <p class="note">{all.length > 1 && <><bdi>{processName(page.data, one.process)}</bdi>: </>}{text}</p>))}
      {before > 0 && <p class="quiet">{formatBytes(before)} of it were never allocated while Holdfast looked: objects of the interpreter's own, in
        static memory, and what was there before.</p>}
      <p class="legend small">
        {VERDICTS.map((verdict) => <span><i class="key" style={{background: verdictColor(verdict)}} />{VERDICT_TEXTS[verdict]}</span>)}
        <span><i class="key" style={{background: "var(--frame-plain)"}} />no object</span>
      </p>
      <FlameView id="holder-graph" name="Graph of holders" tree={shown.tree} painter={painter} describe={describe} onSelect={select} wanted={wanted} />
      <div class="holder-parts">
        <HolderList holders={list} chosen={holder} choose={choose} owner={owner} />
        <article class={cardClass(holder)} aria-live="polite" aria-label="What is chosen">
          {holder ? <ChosenHolder page={page} holder={holder} owner={owner(holder)} /> :
            <NodeFacts page={page} shown={shown} node={Math.min(chosen.node, shown.tree.count - 1)} />}
        </article>
      </div>
      {others > 0 && <p class="quiet small">and {formatCount(others, "other holder")}</p>}
    </section>
  );
}
