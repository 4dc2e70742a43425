/* What changed, by call stack: as wide as it changed, with what grew in one colour and what shrank in the other. */

import type {JSX} from "preact";
import {useMemo, useState} from "preact/hooks";

import {Choice, Toggle} from "../controls";
import {FlameView} from "../flame_view";
import {invert} from "../invert";
import type {Painter} from "../flame_canvas";
import {nodeNames} from "../painters";
import {color, useScheme} from "../scheme";
import {search} from "../search";
import type {Tree} from "../tree";
import {formatBytes, formatCount} from "../units";
import type {DiffDocument} from "./document";
import {type DiffFrames, GROWN, SHRUNK, treeOfChanges} from "./tree";
import {Difference, formatDifference, Rest} from "./words";

const SHOWN = ["both", "growth", "shrinkage"] as const;

function change(tree: Tree, node: number): number {
  return tree.verdicts ? tree.verdicts[GROWN][node] - tree.verdicts[SHRUNK][node] : 0;
}

function paintChanges(tree: Tree, label: (node: number) => string): Painter {
  const colors = [color("grown-fill"), color("shrunk-fill")], plain = color("frame-plain");
  return {
    color: () => plain,
    label,
    parts(node) {
      const {verdicts} = tree, whole = tree.total[node];
      if (!verdicts || !whole) return null;
      return colors.map((one, i) => ({color: one, part: verdicts[i][node] / whole})).filter(({part}) => part > 0.002);
    },
  };
}

export function ChangesView({data, frames}: {data: DiffDocument; frames: DiffFrames}): JSX.Element {
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("both"), [inverted, setInverted] = useState(false);
  const [hideLibrary, setHideLibrary] = useState(false), [query, setQuery] = useState(""), scheme = useScheme();
  const upright = useMemo(() => treeOfChanges(frames, data.sites.changes.filter((one) =>
    shown === "both" || (shown === "growth") === (one.difference > 0)), hideLibrary), [shown, hideLibrary]);
  const tree = useMemo(() => (inverted ? invert(upright) : upright), [upright, inverted]);
  const names = useMemo(() => nodeNames(tree, frames.frames, () => "", "what changed"), [tree]);
  const place = (node: number) => (tree.key[node] >= 0 ? frames.frames.place(tree.key[node]) : "");
  const painter = useMemo(() => paintChanges(tree, (node) => `${names(node)}  ${place(node) || (node ? "" : formatDifference(change(tree, 0)))}`), [tree, scheme]);
  const matches = useMemo(() => search(tree, query, (node) => `${names(node)} ${place(node)}`), [tree, query]);
  const describe = (node: number) => (
    <>
      <strong><bdi>{names(node)}</bdi></strong> <Difference bytes={change(tree, node)} />
      {tree.verdicts && tree.verdicts[GROWN][node] > 0 && tree.verdicts[SHRUNK][node] > 0 &&
        `: ${formatDifference(tree.verdicts[GROWN][node])} and ${formatDifference(-tree.verdicts[SHRUNK][node])}`}
      {place(node) && <span class="place"><bdi>{place(node)}</bdi></span>}
      {tree.key[node] >= 0 && frames.frames.source(tree.key[node]) && <code class="source"><bdi>{frames.frames.source(tree.key[node])}</bdi></code>}
    </>
  );
  return (
    <section id="stacks" aria-labelledby="stacks-title">
      <h2 id="stacks-title">What changed, by call stack</h2>
      <div class="tools">
        <label>Search <input id="search" type="search" placeholder="function or file" autocomplete="off" spellcheck={false}
          value={query} onInput={(event) => setQuery(event.currentTarget.value)} /></label>
        <output id="matches">{matches && `${formatCount(matches.count, "frame")}, ${formatBytes(matches.bytes)} of change`}</output>
        <Choice name="shown" label="Show" value={shown} options={SHOWN} onChange={setShown} />
        <Choice name="order" label="Order" value={inverted ? "inverted" : "top down"} options={["top down", "inverted"]}
          onChange={(value) => setInverted(value === "inverted")} />
        <Toggle name="hide-library" label="Hide library frames" value={hideLibrary} onChange={setHideLibrary} />
      </div>
      <p class="legend small">
        <span><i class="key" style={{background: "var(--grown-fill)"}} />more than before</span>
        <span><i class="key" style={{background: "var(--shrunk-fill)"}} />less</span>
      </p>
      {tree.total[0] > 0
        ? <FlameView id="graph" name="Graph of what changed, by call stack" tree={tree} painter={painter} matches={matches?.nodes ?? null} describe={describe} />
        : <p class="empty">No stack holds {shown === "shrinkage" ? "less" : shown === "growth" ? "more" : "more or less"} than before.</p>}
      <Rest list={data.sites} noun="stack" />
    </section>
  );
}
