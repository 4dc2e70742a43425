/* Who held all that was live, as a tree: where the path begins, the place, the path, the object, and what that
 * keeps. What is too small to be told is there as a number and its bytes.
 */

import type {Holder, Holders, Holding, HoldingItem, Verdict} from "./document";
import {type Tree, TreeBuilder, VERDICTS} from "./tree";
import {formatCount, formatNumber} from "./units";

const ROOT_NAMES: Record<string, string> = {
  local: "local variables", argument: "arguments of pending calls", global: "globals", closure: "closures", class: "classes",
  default: "default arguments", cache: "caches", generator: "generators", traceback: "tracebacks", thread: "threads",
  context: "context variables", interpreter: "the interpreter", static: "static memory", native: "native code",
  garbage: "garbage", none: "no known owner",
};

/** Where something begins, as the items say it. */
export interface Origin {
  path: string;
  verdict: Verdict;
  reason: string;
  cycle: string[];
}

/** What is known of a node besides its bytes, by its key. */
export interface Held {
  text: string;
  origin: Origin | null; // of the item that it is in
  holder: Holder | null; // the finding that is about it
  stack: number[]; // that allocated the largest block in it
}

export interface HoldingTree {
  tree: Tree;
  held: Held[]; // by key
}

function where([, , name, fn, file, line, path]: HoldingItem): string {
  if (!fn) return name || path;
  const called = fn.startsWith("<") ? fn : `${fn}()`;
  return file ? `${called}  ${file.replace(/^.*\//, "")}${line ? `:${line}` : ""}` : called;
}

/** The path without the place, which is a step of its own. */
function pathWithin([, , , fn, , , path]: HoldingItem): string {
  const at = fn ? path.indexOf(` in ${fn}`) : -1, end = path.indexOf(")", path.indexOf(" (", at));
  return at < 0 || end < 0 ? path : path.slice(0, at) + path.slice(end + 1);
}

/** From the root to the object; a step that says nothing new is left out. */
function stepsTo(item: HoldingItem): string[] {
  const [, root, , , , , , verdict] = item, pathless = verdict === "garbage" || root === "none";
  return [ROOT_NAMES[root] ?? root, ...(pathless ? [] : [where(item), pathWithin(item)])].filter((text, i, all) => text && text !== all[i - 1]);
}

/** What one process held, and what it is called where there are several. */
export interface HoldingPart {
  holders: Holders;
  holding: Holding;
  name: string;
}

class Grower {
  readonly held: Held[] = [];
  private readonly builder = new TreeBuilder();
  private readonly keys = new Map<string, number>();
  private base = 0; // below which everything of the process at hand is
  private holding!: Holding;
  private nodes: number[] = []; // by row

  addPart({holders, holding, name}: HoldingPart): void {
    this.base = name ? this.step(0, name) : 0;
    this.holding = holding;
    this.nodes = [];
    this.addItems();
    this.addBytes();
    this.addLinks(holders.list);
    this.addRest(holders.pending, holders.bytes - holders.pending - holding.bytes);
  }

  private add(held: Partial<Held> & {text: string}): number {
    return this.held.push({origin: null, holder: null, stack: [], ...held}) - 1;
  }

  /** A step that several items can share. */
  private step(above: number, text: string): number {
    const name = `${above} ${text}`, known = this.keys.get(name) ?? this.add({text});
    this.keys.set(name, known);
    return this.builder.child(above, known);
  }

  private rowText(row: number): string {
    const count = this.holding.count[row], text = this.holding.text[row];
    if (count < 0) return `${formatNumber(-count)} more`;
    return count > 1 ? `${formatNumber(count)} \u00d7 ${text || "blocks"}` : text || "a block";
  }

  private addItem(item: HoldingItem, end: number): void {
    const [row, , , , , , path, verdict, reason, cycle] = item, origin: Origin = {path, verdict, reason, cycle}, at: number[] = [];
    let {base} = this;
    for (const text of stepsTo(item)) base = this.step(base, text);
    for (let i = row; i < end; i++) {
      const depth = this.holding.depth[i];
      at[depth] = this.builder.child(depth ? at[depth - 1] : base, this.add({text: this.rowText(i), origin}));
      this.nodes[i] = at[depth];
    }
  }

  private addItems(): void {
    const {items, depth} = this.holding;
    items.forEach((item, i) => this.addItem(item, i + 1 < items.length ? items[i + 1][0] : depth.length));
  }

  private addBytes(): void {
    const {own, count, verdicts} = this.holding;
    for (let i = 0; i < own.length; i += 3) this.put(this.nodes[own[i]], verdicts[own[i + 1]], own[i + 2]);
    this.nodes.forEach((node, row) => this.builder.add(node, 0, Math.abs(count[row])));
  }

  private put(node: number, verdict: Verdict, bytes: number): void {
    this.builder.add(node, bytes, 0);
    this.builder.hold(node, VERDICTS.indexOf(verdict), bytes);
  }

  private addLinks(list: Holder[]): void {
    const keyOf = (node: number) => this.builder.keyOf(node);
    const {holders, stacks, allocated} = this.holding, byNumber = new Map(list.map((one) => [one.number, one]));
    for (let i = 0; i < holders.length; i += 2) this.held[keyOf(this.nodes[holders[i]])].holder = byNumber.get(holders[i + 1]) ?? null;
    for (let i = 0; i < allocated.length; i += 2) this.held[keyOf(this.nodes[allocated[i]])].stack = stacks[allocated[i + 1]];
  }

  private addRest(pending: number, left: number): void {
    const {rest, restCount, verdicts} = this.holding;
    const smaller = restCount ? this.step(this.base, `${formatCount(restCount, "smaller object")} of other holders`) : 0;
    rest.forEach((bytes, i) => bytes > 0 && this.put(smaller, verdicts[i], bytes));
    if (pending) this.builder.add(this.step(this.base, "being allocated"), pending, 0);
    if (left > 0) this.builder.add(this.step(this.base, "memory of no Python object"), left, 0);
  }

  finish(): Tree {
    return this.builder.finish();
  }
}

export function growHolding(parts: HoldingPart[]): HoldingTree {
  const grower = new Grower();
  for (const part of parts) grower.addPart(part);
  return {tree: grower.finish(), held: grower.held};
}
