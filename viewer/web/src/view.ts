/* Which frames are shown, of a profile with native ones: the document as if it had those alone. The rules are those of
 * viewer/views.c, so that the page and the other reports say the same: bytes of frames that are left out are those of
 * their callers.
 */

import {type CollectedRow, Content, type Holders, type Life, type PageDocument, type Snapshot, type StackTree, type TurnoverRow, type View} from "./document";

export const VIEWS = ["python", "native", "both", "all"] as const satisfies readonly View[];

/** Whether there is anything to choose: Python's frames, and native ones. */
export function hasViews(data: PageDocument): boolean {
  const {content} = data.frames;
  return content.includes(Content.python) && content.some((one) => one >= Content.native);
}

/** Of the frames of one process, by the view. */
class Rules {
  constructor(private readonly content: number[], private readonly view: View) {}

  hides(frame: number): boolean {
    const content = this.content[frame];
    switch (this.view) {
      case "python":
        return content >= Content.native;
      case "native":
        return content === Content.python || content === Content.start;
      case "both":
        return content === Content.interpreter || content === Content.start;
      case "all":
        return false;
    }
  }

  /** Of the interpreter's own in a row, the innermost stands for them. */
  replaces(frame: number): boolean {
    return this.view === "native" && this.content[frame] === Content.interpreter;
  }

  stack(frames: number[]): number[] {
    const shown: number[] = [];
    let replaceable = false;
    for (const frame of frames) {
      if (this.hides(frame)) continue;
      const replaces = this.replaces(frame);
      if (replaces && replaceable) shown.pop();
      shown.push(frame);
      replaceable = replaces;
    }
    return shown;
  }
}

/** Where the rows of a tree are in a view: each below which other row, -1: the root; and which row stands for it: another one for
 * what is hidden, and for what has become the same as one before. */
interface Places {
  parent: Int32Array;
  shown: Int32Array;
}

function place(tree: StackTree, rules: Rules): Places {
  const count = tree.depth.length, parent = new Int32Array(count), shown = new Int32Array(count), before = new Int32Array(count);
  const folded = new Set<number>();
  for (let i = 0; i < tree.folded.length; i += 2) folded.add(tree.folded[i]);
  const at: number[] = [], brothers = new Map<number, number>();
  for (let row = 0; row < count; row++) {
    const depth = tree.depth[row], outer = depth ? at[depth - 1] : -1, above = outer < 0 ? -1 : shown[outer];
    at[depth] = row;
    before[row] = outer < 0 ? -2 : before[outer]; // -2: what the stack ends with cannot be replaced
    if (!folded.has(row) && rules.hides(tree.frame[row])) {
      shown[row] = above;
      continue;
    }
    const replaces = !folded.has(row) && rules.replaces(tree.frame[row]);
    parent[row] = replaces && before[row] > -2 ? before[row] : above;
    before[row] = replaces ? parent[row] : -2;
    shown[row] = row;
    if (folded.has(row)) continue;
    const key = (parent[row] + 1) * 4294967296 + tree.frame[row], same = brothers.get(key);
    if (same === undefined) brothers.set(key, row);
    else shown[row] = same;
  }
  return {parent, shown};
}

/** The rows that have any bytes, in preorder. */
function order({parent, shown}: Places, total: Float64Array): {rows: number[]; depth: number[]} {
  const count = parent.length, child = new Int32Array(count + 1).fill(-1), next = new Int32Array(count).fill(-1);
  for (let row = count - 1; row >= 0; row--) {
    if (shown[row] !== row || total[row] === 0) continue;
    next[row] = child[parent[row] + 1];
    child[parent[row] + 1] = row;
  }
  const rows: number[] = [], depth: number[] = [], waiting: [row: number, depth: number][] = [];
  if (child[0] >= 0) waiting.push([child[0], 0]);
  for (let one = waiting.pop(); one; one = waiting.pop()) {
    const [row, level] = one;
    rows.push(row);
    depth.push(level);
    if (next[row] >= 0) waiting.push([next[row], level]);
    if (child[row + 1] >= 0) waiting.push([child[row + 1], level + 1]);
  }
  return {rows, depth};
}

function viewTree(tree: StackTree, rules: Rules): StackTree {
  const places = place(tree, rules), count = tree.depth.length, total = new Float64Array(count), own: number[][] = [];
  for (let i = 0, row = 0; i < tree.sites.length; i += 4) {
    row += tree.sites[i];
    const at = Math.max(0, places.shown[row]); // a tree begins with what is never hidden
    total[at] += tree.sites[i + 2];
    (own[at] ??= []).push(tree.sites[i + 1], tree.sites[i + 2], tree.sites[i + 3]);
  }
  sumUp(places, total);
  const {rows, depth} = order(places, total), number = new Int32Array(count).fill(-1), sites: number[] = [];
  rows.forEach((row, i) => (number[row] = i));
  let last = 0;
  rows.forEach((row, i) => {
    for (const [kind, bytes, blocks] of merged(own[row] ?? [])) {
      sites.push(i - last, kind, bytes, blocks);
      last = i;
    }
  });
  const folded: [number, number][] = [];
  for (let i = 0; i < tree.folded.length; i += 2) if (number[tree.folded[i]] >= 0) folded.push([number[tree.folded[i]], tree.folded[i + 1]]);
  folded.sort((a, b) => a[0] - b[0]);
  return {process: tree.process, own: tree.own, depth, frame: rows.map((row) => tree.frame[row]), folded: folded.flat(), sites};
}

/** What replaces others may come after what is below it: so not all parents are before their children. */
function sumUp({parent, shown}: Places, total: Float64Array): void {
  const waiting = new Int32Array(parent.length), ready: number[] = [];
  for (let row = 0; row < parent.length; row++) if (shown[row] === row && parent[row] >= 0) waiting[parent[row]]++;
  for (let row = 0; row < parent.length; row++) if (shown[row] === row && waiting[row] === 0) ready.push(row);
  for (let row = ready.pop(); row !== undefined; row = ready.pop()) {
    const above = parent[row];
    if (above < 0) continue;
    total[above] += total[row];
    if (--waiting[above] === 0) ready.push(above);
  }
}

/** [kind, bytes, blocks] each, with one entry for a kind. */
function merged(sites: number[]): [number, number, number][] {
  const sums = new Map<number, [number, number, number]>();
  for (let i = 0; i < sites.length; i += 3) {
    const known = sums.get(sites[i]);
    if (known) {
      known[1] += sites[i + 1];
      known[2] += sites[i + 2];
    } else {
      sums.set(sites[i], [sites[i], sites[i + 1], sites[i + 2]]);
    }
  }
  return [...sums.values()];
}

function viewHolders(holders: Holders, rules: Rules): Holders {
  const {holding} = holders;
  return {
    ...holders, pendingStack: rules.stack(holders.pendingStack),
    list: holders.list.map((one) => ({...one, stack: rules.stack(one.stack)})),
    leaks: holders.leaks.map((one) => ({...one, stack: rules.stack(one.stack)})),
    lateReferences: holders.lateReferences.map((one) => ({...one, stack: rules.stack(one.stack)})),
    holding: holding && {...holding, stacks: holding.stacks.map((one) => rules.stack(one))},
  };
}

function viewSnapshot(snapshot: Snapshot, rules: Rules): Snapshot {
  const groups = new Map<string, Snapshot["blocks"][number]>();
  for (const [bytes, count, frames] of snapshot.blocks) {
    const stack = rules.stack(frames), key = stack.join(), known = groups.get(key);
    groups.set(key, [bytes + (known?.[0] ?? 0), count + (known?.[1] ?? 0), stack]);
  }
  const blocks = [...groups.values()].sort((a, b) => b[0] - a[0]);
  return {...snapshot, blocks, stacks: snapshot.stacks - (snapshot.blocks.length - blocks.length)};
}

function addLives(a: Life, b: Life): Life {
  const add = (i: number) => Array.from({length: Math.max(a[i].length, b[i].length)}, (_, k) => (a[i][k] ?? 0) + (b[i][k] ?? 0));
  return [add(0), add(1), add(2)];
}

function viewTurnover(rows: TurnoverRow[], rules: (process: number) => Rules): TurnoverRow[] {
  const sums = new Map<string, TurnoverRow>(), most = new Map<string, number>(); // blocks that ended, of the row that says where
  for (const [process, kind, allocated, blocks, peak, kept, frames, exit, exitBlocks, life, freed] of rows) {
    const stack = rules(process).stack(frames), key = `${process} ${kind} ${stack.join()}`, known = sums.get(key);
    const ended = life ? life[0].reduce((sum, count) => sum + count, 0) : 0, isMost = ended > (most.get(key) ?? 0);
    if (isMost) most.set(key, ended);
    if (!known) {
      sums.set(key, [process, kind, allocated, blocks, peak, kept, stack, exit, exitBlocks, life && addLives(life, [[], [], []]),
        freed && rules(process).stack(freed)]);
      continue;
    }
    [allocated, blocks, peak, kept].forEach((value, i) => ((known as number[])[i + 2] += value));
    known[7] += exit;
    known[8] += exitBlocks;
    known[9] = life && known[9] ? addLives(life, known[9]) : life ?? known[9];
    if (isMost) known[10] = freed && rules(process).stack(freed);
  }
  return [...sums.values()];
}

function viewCollected(rows: CollectedRow[], rules: (process: number) => Rules): CollectedRow[] {
  return rows.map(([process, type, finalizer, bytes, blocks, frames]) => [process, type, finalizer, bytes, blocks, rules(process).stack(frames)]);
}

/** A stack may be of several processes: of the first that mentions it. */
function viewSpanStacks(data: PageDocument, rules: (process: number) => Rules): number[][] {
  const process = new Map<number, number>();
  for (const span of data.spans)
    for (const list of [span.madeBy, span.heldBy])
      for (let i = 0; i < list.length; i += 2) if (!process.has(list[i])) process.set(list[i], span.process);
  return data.spanStacks.map((stack, i) => rules(process.get(i) ?? 0).stack(stack));
}

export function viewDocument(data: PageDocument, view: View): PageDocument {
  if (view === "all" || !hasViews(data)) return data;
  const {content} = data.frames, chosen = new Rules(content, view);
  // What is not Python has native frames alone, and keeps them in every view.
  const other = view === "python" ? new Rules(content, "both") : chosen;
  const rules = (process: number) => (data.processes[process]?.python === "" ? other : chosen);
  return {
    ...data,
    trees: data.trees.map((tree) => viewTree(tree, rules(tree.process))),
    holders: data.holders.map((one) => viewHolders(one, rules(one.process))),
    snapshots: data.snapshots.map((one) => viewSnapshot(one, rules(one.process))),
    spanStacks: viewSpanStacks(data, rules),
    turnover: {...data.turnover, rows: viewTurnover(data.turnover.rows, rules), collected: viewCollected(data.turnover.collected, rules), merged: data.turnover.rows.length < data.turnover.sites && !(view === "python" && data.turnover.whole)},
  };
}
