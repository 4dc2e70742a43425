/* Who held the memory: an icicle by root, place and path, and what is known of each holder. */

import type {JSX} from "preact";
import {useEffect, useMemo, useState} from "preact/hooks";

import type {Holder, Holders} from "./document";
import {objectText} from "./findings";
import {Badge, HolderFacts, holderNotes} from "./findings_view";
import type {Painter} from "./flame_canvas";
import {FlameView} from "./flame_view";
import {holdersOf, usePage} from "./model";
import {verdictColor} from "./painters";
import {color, useScheme} from "./scheme";
import {type Tree, TreeBuilder} from "./tree";
import {formatBytes, formatCount, formatPercent} from "./units";

const ROOT_NAMES: Record<string, string> = {
  local: "local variables", argument: "arguments of pending calls", global: "globals", closure: "closures", class: "classes",
  default: "default arguments", cache: "caches", generator: "generators", traceback: "tracebacks", thread: "threads",
  context: "context variables", interpreter: "the interpreter", static: "static memory", native: "native code",
  garbage: "garbage", none: "no known owner",
};

/** The icicle, what its nodes are called, and which holder each leaf is. */
interface HolderTree {
  tree: Tree;
  texts: string[]; // by key
  holder: Map<number, Holder>; // by key
}

function where(holder: Holder): string {
  if (!holder.function) return holder.name || holder.path;
  const name = holder.function.startsWith("<") ? holder.function : `${holder.function}()`;
  return holder.file ? `${name}  ${holder.file.replace(/^.*\//, "")}${holder.line ? `:${holder.line}` : ""}` : name;
}

/** The path without the place, which is a step of its own. */
function pathWithin(holder: Holder): string {
  const at = holder.function ? holder.path.indexOf(` in ${holder.function}`) : -1, end = holder.path.indexOf(")", holder.path.indexOf(" (", at));
  return at < 0 || end < 0 ? holder.path : holder.path.slice(0, at) + holder.path.slice(end + 1);
}

/** From the root to the object; a step that says nothing new is left out. */
function steps(holder: Holder): string[] {
  const object = `${objectText(holder)}${holder.detail ? ` ${holder.detail}` : ""}`;
  const path = holder.verdict === "garbage" || holder.root === "none" ? [] : [where(holder), pathWithin(holder)];
  return [ROOT_NAMES[holder.root] ?? holder.root, ...path, object].filter((text, i, all) => text && text !== all[i - 1]);
}

function growTree(holders: Holders): HolderTree {
  const builder = new TreeBuilder(), texts: string[] = [], keys = new Map<string, number>(), holder = new Map<number, Holder>();
  const keyOf = (text: string) => {
    const known = keys.get(text) ?? texts.push(text) - 1;
    keys.set(text, known);
    return known;
  };
  let left = holders.bytes - holders.pending;
  for (const one of holders.list) {
    const all = steps(one);
    let node = 0;
    for (const text of all.slice(0, -1)) node = builder.child(node, keyOf(text));
    const key = texts.push(all[all.length - 1]) - 1;
    holder.set(key, one);
    builder.add(builder.child(node, key), one.bytes, one.count);
    left -= one.bytes;
  }
  if (holders.pending) builder.add(builder.child(0, keyOf("being allocated")), holders.pending, 0);
  if (left > 0) builder.add(builder.child(0, keyOf("smaller objects, and memory of which no owner was looked for")), left, 0);
  return {tree: builder.finish(), texts, holder};
}

function verdictsBelow({tree, holder}: HolderTree, node: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (let i = node; i < tree.end[node]; i++) {
    const one = holder.get(tree.key[i]);
    if (one) sums.set(one.verdict, (sums.get(one.verdict) ?? 0) + tree.own[i]);
  }
  return sums;
}

function painterOf(shown: HolderTree, name: (node: number) => string): Painter {
  const plain = color("frame-plain"), whole = color("frame-root");
  return {
    color: (node) => (node === 0 ? whole : plain),
    label: (node) => `${name(node)}  ${formatBytes(shown.tree.total[node])}`,
    parts: (node) => (node === 0 ? null
      : [...verdictsBelow(shown, node)].map(([verdict, bytes]) => ({color: verdictColor(verdict), part: bytes / shown.tree.total[node]}))),
  };
}

function HolderList({holders, chosen, choose}: {holders: Holder[]; chosen: Holder | null; choose(holder: Holder): void}): JSX.Element {
  return (
    <ol class="holder-list">
      {holders.map((one) => (
        <li>
          <button type="button" aria-pressed={one === chosen} onClick={() => choose(one)}>
            <span class="number">{formatBytes(one.bytes)}</span> <Badge verdict={one.verdict} /> <span><bdi>{objectText(one)}</bdi></span>
            <span class="quiet"><bdi>{one.verdict === "garbage" ? one.reason : one.path}</bdi></span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function HoldersView(): JSX.Element | null {
  const page = usePage(), holders = holdersOf(page), scheme = useScheme();
  const [chosen, setChosen] = useState<Holder | null>(null), [wanted, setWanted] = useState<{node: number} | null>(null);
  const shown = useMemo(() => (holders ? growTree(holders) : null), [holders]);
  const name = (node: number) => (node === 0 ? "all that was live" : shown!.texts[shown!.tree.key[node]]);
  const painter = useMemo(() => (shown ? painterOf(shown, name) : null), [shown, scheme]);
  useEffect(() => setChosen(holders?.list[0] ?? null), [holders]);
  if (!holders || !shown || !painter || holders.list.length === 0) return null;

  function select(node: number): void {
    const one = shown!.holder.get(shown!.tree.key[node]);
    if (one) setChosen(one);
  }

  function choose(one: Holder): void {
    const {tree, holder} = shown!;
    setChosen(one);
    for (let node = 1; node < tree.count; node++) if (holder.get(tree.key[node]) === one) setWanted({node});
  }

  const describe = (node: number) => (
    <><strong><bdi>{name(node)}</bdi></strong> {formatBytes(shown.tree.total[node])}, {formatPercent(shown.tree.total[node], shown.tree.total[0])} of what was seen</>
  );
  const others = holders.count - holders.list.length;
  return (
    <section id="holders" aria-labelledby="holders-title">
      <h2 id="holders-title">Why it was still there</h2>
      <p class="quiet">By who held it, and not by who allocated it: where the path to it begins, the path, the object.</p>
      {holderNotes(page, holders).map((text) => <p class="note">{text}</p>)}
      <p class="legend small">
        {(["dead", "garbage", "in use", "unknown"] as const).map((verdict) =>
          <span><i class="key" style={{background: verdictColor(verdict)}} />{verdict === "unknown" ? "may be in use" : verdict}</span>)}
      </p>
      <FlameView id="holder-graph" name="Graph of holders" tree={shown.tree} painter={painter} describe={describe} onSelect={select} wanted={wanted} />
      <div class="holder-parts">
        <HolderList holders={holders.list} chosen={chosen} choose={choose} />
        {chosen && <article class={`card ${chosen.verdict.replace(" ", "-")}`} aria-live="polite" aria-label="The chosen holder">
          <h3>Holder {chosen.number} <Badge verdict={chosen.verdict} /></h3>
          <HolderFacts page={page} holder={chosen} />
        </article>}
      </div>
      {others > 0 && <p class="quiet small">and {formatCount(others, "other holder")}</p>}
    </section>
  );
}

