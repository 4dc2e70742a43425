/* Which nodes match a text, and how many bytes they have together. */

import type {Tree} from "./tree";

export interface Matches {
  nodes: Uint8Array;
  count: number;
  bytes: number; // none counted twice, also where a match is below another
}

export function search(tree: Tree, query: string, text: (node: number) => string): Matches | null {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return null;
  const found: Matches = {nodes: new Uint8Array(tree.count), count: 0, bytes: 0};
  const byKey = new Map<number, boolean>();
  for (let i = 1, counted = 0; i < tree.count; i++) {
    const key = tree.key[i];
    let hit = byKey.get(key);
    if (hit === undefined) byKey.set(key, (hit = text(i).toLowerCase().includes(wanted)));
    if (!hit) continue;
    found.nodes[i] = 1;
    found.count++;
    if (i < counted) continue;
    found.bytes += tree.total[i];
    counted = tree.end[i];
  }
  return found;
}
