/* What was allocated at the peak, by call stack: the graph and its controls. */

import type {JSX} from "preact";
import {useEffect, useMemo, useState} from "preact/hooks";

import {FlameView} from "./flame_view";
import {invert} from "./invert";
import {holdersOf, type Page, peakOf, processName, usePage} from "./model";
import {nodeNames, paintByModule, paintByVerdict, verdictColor} from "./painters";
import {useScheme} from "./scheme";
import {search} from "./search";
import {ALL_KINDS, KIND_NAMES, shapeStacks, treesFor} from "./stacks";
import {childOf, FOLDED, processOf, type Tree, VERDICTS} from "./tree";
import {formatBytes, formatCount, formatPercent} from "./units";
import {Choice, Toggle, ViewChoice} from "./controls";
import {FrameKind} from "./document";

const SHAPES = ["icicle", "flame"] as const;
const VERDICT_WORDS: Record<(typeof VERDICTS)[number], string> = {
  dead: "dead", garbage: "garbage", idle: "idle", "in use": "in use", unknown: "may be in use",
};

interface Shape {
  inverted: boolean;
  shape: (typeof SHAPES)[number];
  byProcess: boolean;
  byThread: boolean;
  hideImport: boolean;
  hideLibrary: boolean;
  kinds: number;
}

function descend(tree: Tree, from: number, stack: number[]): number {
  let node = from;
  for (const frame of stack) {
    const below = childOf(tree, node, frame);
    if (below > 0) node = below;
  }
  return node;
}

/** As deep as the tree has it, whatever of the stack it does not show; below any of the processes. */
function findStack(tree: Tree, stack: number[]): number {
  let best = descend(tree, 0, stack);
  for (let child = 1; child < tree.count; child = tree.end[child]) {
    const found = processOf(tree.key[child]) >= 0 ? descend(tree, child, stack) : 0;
    if (found > child && tree.depth[found] > tree.depth[best]) best = found;
  }
  return best;
}

function threadsOf(page: Page): Set<number> {
  const threads = new Set<number>();
  for (const tree of treesFor(page.data, page.process))
    for (let row = 0; row < tree.depth.length; row++)
      if (tree.depth[row] === 0 && page.frames.kind(tree.frame[row]) === FrameKind.thread) threads.add(tree.frame[row]);
  return threads;
}

function kindsOf(page: Page): number {
  let kinds = 0;
  for (const tree of treesFor(page.data, page.process)) for (let i = 0; i < tree.sites.length; i += 4) kinds |= 1 << tree.sites[i + 1];
  return kinds;
}

export function StacksView(): JSX.Element {
  const page = usePage(), {data, frames} = page, scheme = useScheme();
  const [shape, setShape] = useState<Shape>({
    inverted: false, shape: "icicle", byProcess: data.trees.filter((tree) => !tree.own).length > 1, byThread: false,
    hideImport: true, hideLibrary: false, kinds: ALL_KINDS,
  });
  const [colors, setColors] = useState<"module" | "verdict">("module");
  const [query, setQuery] = useState(""), [wanted, setWanted] = useState<{node: number} | null>(null);
  const several = treesFor(data, page.process).length > 1, threads = useMemo(() => threadsOf(page), [data, page.process]);
  const kinds = useMemo(() => kindsOf(page), [data, page.process]), holders = holdersOf(page);
  const change = (part: Partial<Shape>) => setShape((before) => ({...before, ...part}));

  const upright = useMemo(
    () => shapeStacks(data, frames, {...shape, process: page.process, byProcess: shape.byProcess && several}),
    [data, page.process, shape.byProcess, shape.byThread, shape.hideImport, shape.hideLibrary, shape.kinds, several]);
  const tree = useMemo(() => (shape.inverted ? invert(upright) : upright), [upright, shape.inverted]);
  const names = useMemo(() => nodeNames(tree, frames, (index) => processName(data, index),
    `${page.process < 0 ? "all" : processName(data, page.process)}  ${formatBytes(tree.total[0])}`), [tree]);
  const painter = useMemo(
    () => (colors === "module" ? paintByModule(tree, frames, names) : paintByVerdict(tree, frames, names)), [tree, colors, scheme]);
  const matches = useMemo(() => search(tree, query, (node) => {
    const key = tree.key[node];
    return key >= 0 ? `${frames.name(key)} ${frames.file(key)?.path ?? ""}` : key === FOLDED ? "" : names(node);
  }), [tree, query]);

  useEffect(() => {
    const stack = page.wanted?.stack;
    if (!stack) return;
    if (shape.inverted) change({inverted: false});
    else setWanted({node: findStack(tree, stack.filter((frame) => shape.byThread || frames.kind(frame) !== FrameKind.thread))});
  }, [page.wanted, shape.inverted]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || (event.target as HTMLElement).matches("input, select, textarea")) return;
      event.preventDefault();
      document.getElementById("search")?.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const peak = peakOf(page).bytes;
  const describe = (node: number) => <NodeText page={page} tree={tree} node={node} name={names(node)} peak={peak} />;
  return (
    <section id="stacks" aria-labelledby="stacks-title">
      <h2 id="stacks-title">What was allocated at the peak</h2>
      <div class="tools">
        <label>Search <input id="search" type="search" placeholder="function or file" autocomplete="off" spellcheck={false}
          value={query} onInput={(event) => setQuery(event.currentTarget.value)} /></label>
        <output id="matches">{matches && `${formatCount(matches.count, "frame")}, ${formatBytes(matches.bytes)}, ${formatPercent(matches.bytes, tree.total[0])}`}</output>
      </div>
      <div class="tools">
        <Choice name="order" label="Order" value={shape.inverted ? "inverted" : "top down"} options={["top down", "inverted"]}
          onChange={(value) => change({inverted: value === "inverted"})} />
        <Choice name="shape" label="Shape" value={shape.shape} options={SHAPES} onChange={(value) => change({shape: value})} />
        {holders && <Choice name="colour" label="Colour by" value={colors} options={["module", "verdict"]} onChange={setColors} />}
        <ViewChoice page={page} name="frames" />
        <Toggle name="hide-import" label="Hide import frames" value={shape.hideImport} onChange={(hideImport) => change({hideImport})} />
        <Toggle name="hide-library" label="Hide library frames" value={shape.hideLibrary} onChange={(hideLibrary) => change({hideLibrary})} />
        {several && <Toggle name="by-process" label="By process" value={shape.byProcess} onChange={(byProcess) => change({byProcess})} />}
        {threads.size > 1 && <Toggle name="by-thread" label="By thread" value={shape.byThread} onChange={(byThread) => change({byThread})} />}
        {(kinds & (kinds - 1)) !== 0 && <Kinds known={kinds} value={shape.kinds} onChange={(value) => change({kinds: value})} />}
      </div>
      {colors === "verdict" && holders && <VerdictKey />}
      <FlameView id="graph" name="Graph of call stacks" tree={tree} painter={painter} flame={shape.shape === "flame"}
        matches={matches?.nodes ?? null} describe={describe} wanted={wanted} onSelect={(node) => page.setFrame(tree.key[node])} />
    </section>
  );
}

function Kinds({known, value, onChange}: {known: number; value: number; onChange(value: number): void}): JSX.Element {
  const all = [0, 1, 2].filter((kind) => known & (1 << kind));
  return (
    <label>Memory <select id="kinds" value={String(value)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
      <option value={ALL_KINDS}>all kinds</option>
      {all.map((kind) => <option value={1 << kind}>{KIND_NAMES[kind]}</option>)}
    </select></label>
  );
}

function VerdictKey(): JSX.Element {
  return (
    <p class="legend small">
      {VERDICTS.map((verdict) => <span><i class="key" style={{background: verdictColor(verdict)}} />{VERDICT_WORDS[verdict]}</span>)}
      <span><i class="key" style={{background: "var(--frame-plain)"}} />nothing known</span>
    </p>
  );
}

interface NodeTextProps {
  page: Page;
  tree: Tree;
  node: number;
  name: string;
  peak: number;
}

function NodeText({page, tree, node, name, peak}: NodeTextProps): JSX.Element {
  const key = tree.key[node], file = key >= 0 ? page.frames.file(key) : undefined, source = file ? page.frames.source(key) : "";
  const line = file ? page.frames.line(key) : 0;
  return (
    <>
      <strong><bdi>{name}</bdi></strong> {formatBytes(tree.total[node])}, {formatPercent(tree.total[node], peak)} of the peak
      {tree.blocks[node] > 0 && `, ${formatCount(tree.blocks[node], "block")}`}
      {tree.own[node] > 0 && tree.own[node] < tree.total[node] && `; ${formatBytes(tree.own[node])} by itself`}
      {file && <span class="place"><bdi>{file.path}</bdi>{line > 0 && `:${line}`}</span>}
      {source && <code class="source"><bdi>{source}</bdi></code>}
    </>
  );
}
