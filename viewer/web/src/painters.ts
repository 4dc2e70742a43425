/* How nodes of a tree of stacks look: by module, or by what is known of who holds their memory. */

import {FrameKind} from "./document";
import type {Painter} from "./flame_canvas";
import type {Frames} from "./frames";
import {color} from "./scheme";
import {FOLDED, HIDDEN, processOf, ROOT, type Tree, VERDICTS} from "./tree";
import {formatCount} from "./units";

const OWN_TONES = 3, PACKAGE_TONES = 6;

/** The same text is the same number always, so that a module keeps its colour from page to page. */
function hash(text: string): number {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619);
  return value >>> 0;
}

export type NodeNames = (node: number) => string;

export function nodeNames(tree: Tree, frames: Frames, process: (index: number) => string, root: string): NodeNames {
  return (node) => {
    const key = tree.key[node];
    if (key >= 0) return frames.name(key);
    if (key === ROOT) return root;
    if (key === HIDDEN) return "only hidden frames";
    if (key === FOLDED) return `and ${formatCount(tree.folded[node], "other")}`;
    return process(processOf(key));
  };
}

function toneOf(frames: Frames, key: number): string {
  if (key === ROOT) return "frame-root";
  if (key === FOLDED || key === HIDDEN) return "frame-crowd";
  if (processOf(key) >= 0) return "frame-process";
  switch (frames.kind(key)) {
    case FrameKind.importing:
      return "frame-import";
    case FrameKind.thread:
    case FrameKind.noStack:
      return "frame-thread";
    case FrameKind.user:
      return `frame-own-${hash(frames.file(key)?.path ?? "") % OWN_TONES}`;
    case FrameKind.library:
      return `frame-package-${hash(frames.file(key)?.packageName ?? "") % PACKAGE_TONES}`;
  }
}

function label(frames: Frames, tree: Tree, names: NodeNames, node: number): string {
  const key = tree.key[node], place = key >= 0 ? frames.place(key) : "";
  return place ? `${names(node)}  ${place}` : names(node);
}

export function moduleColor(frames: Frames, key: number): string {
  return color(toneOf(frames, key));
}

export function paintByModule(tree: Tree, frames: Frames, names: NodeNames): Painter {
  const colors = new Map<number, string>();
  return {
    color(node) {
      const key = tree.key[node];
      let known = colors.get(key);
      if (known === undefined) colors.set(key, (known = moduleColor(frames, key)));
      return known;
    },
    label: (node) => label(frames, tree, names, node),
    parts: () => null,
  };
}

export function verdictColor(verdict: string): string {
  return color(`verdict-${verdict.replace(" ", "-")}`);
}

export function paintByVerdict(tree: Tree, frames: Frames, names: NodeNames): Painter {
  const plain = color("frame-plain"), crowd = color("frame-crowd"), colors = VERDICTS.map((verdict) => verdictColor(verdict));
  return {
    color: (node) => (tree.key[node] === FOLDED ? crowd : plain),
    label: (node) => label(frames, tree, names, node),
    parts(node) {
      const {verdicts} = tree, whole = tree.total[node];
      if (!verdicts || !whole) return null;
      return colors.map((one, i) => ({color: one, part: Math.min(1, verdicts[i][node] / whole)})).filter(({part}) => part > 0.002);
    },
  };
}
