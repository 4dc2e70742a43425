/* A tree of call stacks with their bytes, in columns: what the graph draws and the tables add up.
 *
 * Nodes are in preorder, the biggest first among brothers; `end` is where a node's subtree ends. What
 * a node is, is its key: a frame's number, or one of the special ones below. Totals add up exactly: what
 * was folded away is a node of its own, that says how many it stands for.
 */

export const ROOT = -1;
export const FOLDED = -2; // stands for smaller ones
export const HIDDEN = -3; // stacks all of whose frames are hidden
const FIRST_PROCESS = -4;

export function processKey(index: number): number {
  return FIRST_PROCESS - index;
}

/** Index of the process that a key stands for, or -1. */
export function processOf(key: number): number {
  return key <= FIRST_PROCESS ? FIRST_PROCESS - key : -1;
}

export const VERDICTS = ["dead", "garbage", "idle", "in use", "unknown"] as const;

export interface Tree {
  count: number;
  key: Int32Array;
  parent: Int32Array;
  depth: Int32Array;
  end: Int32Array;
  total: Float64Array;
  own: Float64Array;
  blocks: Float64Array; // with all below
  folded: Int32Array; // how many a folded node stands for, in sum with those below
  start: Float64Array; // bytes to its left
  /** By verdict, bytes of each node that are held so; null where nothing is known. */
  verdicts: Float64Array[] | null;
}

/** Grows a tree node by node; brothers with the same key are one node. */
export class TreeBuilder {
  count = 1;
  private capacity = 1024;
  private key = new Int32Array(this.capacity);
  private parent = new Int32Array(this.capacity);
  private own = new Float64Array(this.capacity);
  private blocks = new Float64Array(this.capacity);
  private folded = new Int32Array(this.capacity);
  private held: Float64Array[] = [];
  private readonly children = new Map<number, number>();

  constructor() {
    this.key[0] = ROOT;
  }

  private static grown<T extends Int32Array | Float64Array>(column: T, capacity: number): T {
    const made = new (column.constructor as {new (size: number): T})(capacity);
    made.set(column);
    return made;
  }

  private grow(): void {
    this.capacity *= 2;
    this.key = TreeBuilder.grown(this.key, this.capacity);
    this.parent = TreeBuilder.grown(this.parent, this.capacity);
    this.own = TreeBuilder.grown(this.own, this.capacity);
    this.blocks = TreeBuilder.grown(this.blocks, this.capacity);
    this.folded = TreeBuilder.grown(this.folded, this.capacity);
    this.held = this.held.map((column) => TreeBuilder.grown(column, this.capacity));
  }

  /* Keys are above -2^21, and frames fewer than 2^31. */
  private static slot(parent: number, key: number): number {
    return parent * 4294967296 + (key + 2097152);
  }

  find(parent: number, key: number): number {
    return this.children.get(TreeBuilder.slot(parent, key)) ?? -1;
  }

  child(parent: number, key: number): number {
    const slot = TreeBuilder.slot(parent, key), known = this.children.get(slot);
    if (known !== undefined) return known;
    if (this.count === this.capacity) this.grow();
    this.key[this.count] = key;
    this.parent[this.count] = parent;
    this.children.set(slot, this.count);
    return this.count++;
  }

  keyOf(node: number): number {
    return this.key[node];
  }

  add(node: number, bytes: number, blocks: number): void {
    this.own[node] += bytes;
    this.blocks[node] += blocks;
  }

  fold(node: number, count: number): void {
    this.folded[node] += count;
  }

  /** Says of a node's own bytes how they are held. */
  hold(node: number, verdict: number, bytes: number): void {
    while (this.held.length < VERDICTS.length) this.held.push(new Float64Array(this.capacity));
    this.held[verdict][node] += bytes;
  }

  finish(): Tree {
    const {count} = this;
    const columns = [this.own.slice(0, count), this.blocks.slice(0, count), ...this.held.map((column) => column.slice(0, count))];
    const total = columns[0].slice(), folded = this.folded.slice(0, count);
    for (let i = count - 1; i > 0; i--) {
      const above = this.parent[i];
      total[above] += total[i];
      folded[above] += folded[i];
      for (let j = 1; j < columns.length; j++) columns[j][above] += columns[j][i];
    }
    const order = preorder(this.parent, total, count);
    return arrange(order, {key: this.key, parent: this.parent, own: columns[0], blocks: columns[1], total, folded,
                           held: columns.slice(2)});
  }
}

/** The nodes, each before those below it, the biggest brothers first. */
function preorder(parent: Int32Array, total: Float64Array, count: number): Int32Array {
  const first = new Int32Array(count + 1), byParent = new Int32Array(count);
  for (let i = 1; i < count; i++) first[parent[i] + 1]++;
  for (let i = 0; i < count; i++) first[i + 1] += first[i];
  const next = first.slice();
  for (let i = 1; i < count; i++) byParent[next[parent[i]]++] = i;
  const order = new Int32Array(count), waiting = [0];
  for (let at = 0; at < count; at++) {
    const node = waiting.pop()!;
    order[at] = node;
    const children = byParent.subarray(first[node], first[node + 1]);
    if (children.length > 1) children.sort((a, b) => total[b] - total[a] || a - b);
    for (let i = children.length - 1; i >= 0; i--) waiting.push(children[i]);
  }
  return order;
}

interface Columns {
  key: Int32Array;
  parent: Int32Array;
  own: Float64Array;
  blocks: Float64Array;
  total: Float64Array;
  folded: Int32Array;
  held: Float64Array[];
}

function pick<T extends Int32Array | Float64Array>(column: T, order: Int32Array): T {
  const made = new (column.constructor as {new (size: number): T})(order.length);
  for (let i = 0; i < order.length; i++) made[i] = column[order[i]];
  return made;
}

function arrange(order: Int32Array, columns: Columns): Tree {
  const count = order.length, place = new Int32Array(count);
  for (let i = 0; i < count; i++) place[order[i]] = i;
  const tree: Tree = {
    count, key: pick(columns.key, order), parent: new Int32Array(count), depth: new Int32Array(count),
    end: new Int32Array(count), total: pick(columns.total, order), own: pick(columns.own, order),
    blocks: pick(columns.blocks, order), folded: pick(columns.folded, order), start: new Float64Array(count),
    verdicts: columns.held.length ? columns.held.map((column) => pick(column, order)) : null,
  };
  const cursor = new Float64Array(count);
  for (let i = 1; i < count; i++) {
    const above = place[columns.parent[order[i]]];
    tree.parent[i] = above;
    tree.depth[i] = tree.depth[above] + 1;
    tree.start[i] = cursor[i] = cursor[above];
    cursor[above] += tree.total[i];
  }
  for (let i = count - 1; i >= 0; i--) {
    tree.end[i] = Math.max(tree.end[i], i + 1);
    if (i > 0) tree.end[tree.parent[i]] = Math.max(tree.end[tree.parent[i]], tree.end[i]);
  }
  return tree;
}

/** Keys from below the root to a node. */
export function pathOf(tree: Tree, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at > 0; at = tree.parent[at]) path.push(tree.key[at]);
  return path.reverse();
}

/** The child of a node with this key, or -1. */
export function childOf(tree: Tree, node: number, key: number): number {
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) if (tree.key[child] === key) return child;
  return -1;
}
