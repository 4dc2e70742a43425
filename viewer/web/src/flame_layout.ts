/* Which rectangles a window on a tree needs, and no others.
 *
 * Brothers are sorted, so once one is too narrow to be seen all that follow it are, and they become one
 * rectangle: what is visited is bounded by the pixels of the window, whatever the size of the tree.
 */

import type {Tree} from "./tree";

export const NARROWEST = 1.5; // pixels

/** Bytes from `left` to `right` over `width` pixels; rows from `top` to below `bottom`. */
export interface Window {
  left: number;
  right: number;
  width: number;
  top: number;
  bottom: number;
}

export interface Sink {
  node(node: number, x: number, width: number): void;
  /** All from this one to its last brother. */
  crowd(node: number, x: number, width: number): void;
}

export function visit(tree: Tree, window: Window, sink: Sink): void {
  const scale = window.width / (window.right - window.left || 1);
  let i = 0;
  while (i < tree.count) {
    const begin = (tree.start[i] - window.left) * scale, size = tree.total[i] * scale;
    if (begin + size <= 0) {
      i = tree.end[i];
      continue;
    }
    if (size < NARROWEST || begin >= window.width) {
      const above = tree.parent[i], end = (tree.start[above] + tree.total[above] - tree.own[above] - window.left) * scale;
      const depth = tree.depth[i];
      if (i > 0 && begin < window.width && depth >= window.top && depth < window.bottom) sink.crowd(i, begin, end - begin);
      i = i > 0 ? tree.end[above] : tree.count;
      continue;
    }
    if (tree.depth[i] >= window.top) sink.node(i, begin, size);
    i = tree.depth[i] + 1 < window.bottom ? i + 1 : tree.end[i];
  }
}

/** Rows down to the deepest node that can be seen between two bytes, over so many pixels. */
export function countRows(tree: Tree, left: number, right: number, width: number): number {
  let deepest = 0;
  const note = (node: number) => {
    deepest = Math.max(deepest, tree.depth[node]);
  };
  visit(tree, {left, right, width, top: 0, bottom: Infinity}, {node: note, crowd: note});
  return deepest + 1;
}

/** The node at a depth that covers a byte, or -1. */
export function nodeAt(tree: Tree, depth: number, byte: number): number {
  let node = 0;
  while (tree.depth[node] < depth) {
    let below = -1;
    for (let child = node + 1; child < tree.end[node] && tree.start[child] <= byte; child = tree.end[child])
      if (byte < tree.start[child] + tree.total[child]) {
        below = child;
        break;
      }
    if (below < 0) return -1;
    node = below;
  }
  return node;
}
