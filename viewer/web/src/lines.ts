/* Bytes by line and by site, added up from the document's stacks. */

import type {StackTree} from "./document";
import type {Frames} from "./frames";

/** What one stack allocated with one family of functions. */
export interface Site {
  process: number;
  kind: number;
  bytes: number;
  blocks: number;
  frame: number; // the innermost
  lead: number; // the innermost of the user's, or the innermost
  stack: number[] | null; // null: it stands for `folded` smaller ones
  folded: number;
}

export interface Sums {
  sites: Site[];
  through: Float64Array; // by frame: bytes of all stacks that it is in, each counted once
  led: Float64Array; // ... of those that it stands for
  ledBlocks: Float64Array;
  own: Float64Array; // ... in which it is the innermost
}

/** The row that each row is below, or -1. */
function parents(tree: StackTree): Int32Array {
  const above = new Int32Array(tree.depth.length), at: number[] = [];
  tree.depth.forEach((depth, row) => {
    above[row] = depth ? at[depth - 1] : -1;
    at[depth] = row;
  });
  return above;
}

function totals(tree: StackTree, above: Int32Array): Float64Array {
  const total = new Float64Array(tree.depth.length);
  for (let i = 0, row = 0; i < tree.sites.length; i += 4) {
    row += tree.sites[i];
    total[row] += tree.sites[i + 2];
  }
  for (let row = total.length - 1; row >= 0; row--) if (above[row] >= 0) total[above[row]] += total[row];
  return total;
}

/** Of a recursion only the outermost frame counts, or its bytes would be counted again and again. */
function addThrough(tree: StackTree, isFolded: Uint8Array, total: Float64Array, through: Float64Array): void {
  const path: number[] = [], depthOf = new Map<number, number>();
  tree.depth.forEach((depth, row) => {
    for (let at = path.length - 1; at >= depth; at--) if (depthOf.get(path[at]) === at) depthOf.delete(path[at]);
    path.length = depth;
    const frame = isFolded[row] ? -1 : tree.frame[row];
    path.push(frame);
    if (frame < 0 || depthOf.has(frame)) return;
    depthOf.set(frame, depth);
    through[frame] += total[row];
  });
}

function leads(tree: StackTree, above: Int32Array, isFolded: Uint8Array, frames: Frames): Int32Array {
  const lead = new Int32Array(tree.depth.length);
  tree.depth.forEach((_, row) => {
    const before = above[row] >= 0 ? lead[above[row]] : -1, frame = tree.frame[row];
    if (isFolded[row]) lead[row] = before;
    else lead[row] = frames.isUsers(frame) || before < 0 || !frames.isUsers(before) ? frame : before;
  });
  return lead;
}

function stackOf(tree: StackTree, above: Int32Array, row: number): number[] {
  const stack: number[] = [];
  for (let at = row; at >= 0; at = above[at]) stack.push(tree.frame[at]);
  return stack.reverse();
}

function addTree(tree: StackTree, frames: Frames, sums: Sums): void {
  const above = parents(tree), total = totals(tree, above), folded = new Map<number, number>();
  const isFolded = new Uint8Array(tree.depth.length);
  for (let i = 0; i < tree.folded.length; i += 2) {
    folded.set(tree.folded[i], tree.folded[i + 1]);
    isFolded[tree.folded[i]] = 1;
  }
  const lead = leads(tree, above, isFolded, frames);
  addThrough(tree, isFolded, total, sums.through);
  for (let i = 0, row = 0; i < tree.sites.length; i += 4) {
    row += tree.sites[i];
    const [kind, bytes, blocks] = [tree.sites[i + 1], tree.sites[i + 2], tree.sites[i + 3]];
    const count = folded.get(row) ?? 0, frame = count ? (above[row] >= 0 ? tree.frame[above[row]] : -1) : tree.frame[row];
    sums.sites.push({process: tree.process, kind, bytes, blocks, frame, lead: lead[row],
                     stack: count ? null : stackOf(tree, above, row), folded: count});
    if (lead[row] >= 0) {
      sums.led[lead[row]] += bytes;
      sums.ledBlocks[lead[row]] += blocks;
    }
    if (!count) sums.own[frame] += bytes;
  }
}

export function addUp(trees: StackTree[], frames: Frames): Sums {
  const column = () => new Float64Array(frames.count);
  const sums: Sums = {sites: [], through: column(), led: column(), ledBlocks: column(), own: column()};
  for (const tree of trees) addTree(tree, frames, sums);
  return sums;
}
