/* The tree from the inside out: what allocated, and below it who called that.
 *
 * Turned whole it could have as many nodes as all stacks have frames. So callers are only told apart
 * while they have a part of the memory that could be seen; smaller ones are folded, and counted.
 */

import {FOLDED, HIDDEN, type Tree, TreeBuilder} from "./tree";

const SMALLEST_PART = 1 / 4000;
const BIGGEST = 3, BIGGEST_OF_ALL = 500; // callers that are told apart however small they are
const MOST_NODES = 60000;

/** Nodes that allocated, each moved up to the caller that comes next. */
interface Group {
  node: number; // of what is built
  leaves: number[];
  callers: number[]; // of each, 0 when there is none
}

export function invert(tree: Tree): Tree {
  const builder = new TreeBuilder(), least = tree.total[0] * SMALLEST_PART, waiting: Group[] = [];

  function put(node: number, leaf: number): void {
    builder.add(node, tree.own[leaf], ownOf(tree, tree.blocks, leaf));
    tree.verdicts?.forEach((column, verdict) => {
      const bytes = ownOf(tree, column, leaf);
      if (bytes) builder.hold(node, verdict, bytes);
    });
  }

  function spread(group: Group): void {
    const parts = new Map<number, Group>();
    group.leaves.forEach((leaf, i) => {
      const caller = group.callers[i];
      if (caller === 0) {
        put(group.node, leaf);
        return;
      }
      const key = tree.key[caller];
      let part = parts.get(key);
      if (!part) parts.set(key, (part = {node: -1, leaves: [], callers: []}));
      part.leaves.push(leaf);
      part.callers.push(tree.parent[caller]);
    });
    const biggest = group.node === 0 ? BIGGEST_OF_ALL : BIGGEST;
    const sorted = [...parts].map(([key, part]) => ({key, part, bytes: part.leaves.reduce((sum, leaf) => sum + tree.own[leaf], 0)}));
    sorted.sort((a, b) => b.bytes - a.bytes);
    sorted.forEach(({key, part, bytes}, i) => place(group.node, key, part, bytes >= least || (i < biggest && builder.count < MOST_NODES)));
  }

  function place(above: number, key: number, part: Group, shown: boolean): void {
    if (shown) {
      part.node = builder.child(above, key);
      if (key === FOLDED || key === HIDDEN) for (const leaf of part.leaves) builder.fold(part.node, tree.folded[leaf]);
      waiting.push(part);
      return;
    }
    const rest = builder.child(above, FOLDED);
    builder.fold(rest, part.leaves.length);
    for (const leaf of part.leaves) put(rest, leaf);
  }

  const leaves: number[] = [];
  for (let i = 0; i < tree.count; i++) if (tree.own[i] > 0) leaves.push(i);
  spread({node: 0, leaves, callers: leaves});
  for (let group = waiting.pop(); group; group = waiting.pop()) spread(group);
  return builder.finish();
}

/** A column's value of a node without those below it. */
function ownOf(tree: Tree, column: Float64Array, node: number): number {
  let value = column[node];
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) value -= column[child];
  return value;
}

