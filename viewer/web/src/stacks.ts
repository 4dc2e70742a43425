/* From the document's stacks to the tree that is shown: which peak, split by process or thread, which
 * kinds of memory, which frames are hidden.
 */

import {FrameKind, type Holders, type PageDocument, type StackTree} from "./document";
import type {Frames} from "./frames";
import {FOLDED, HIDDEN, processKey, type Tree, TreeBuilder, VERDICTS} from "./tree";

export interface StackOptions {
  process: number; // whose own peak; -1: the peak of all, or of the only one
  byProcess: boolean;
  byThread: boolean;
  hideImport: boolean;
  hideLibrary: boolean;
  kinds: number; // a bit for each
}

export const ALL_KINDS = 7;
export const KIND_NAMES = ["heap", "Python objects", "mapped pages"];

export const PLAIN: StackOptions = {
  process: -1, byProcess: false, byThread: false, hideImport: false, hideLibrary: false, kinds: ALL_KINDS,
};

/** The document's stacks that these options are about. */
export function treesFor(data: PageDocument, process: number): StackTree[] {
  if (process < 0 && data.process < 0) return data.trees.filter((tree) => !tree.own);
  return data.trees.filter((tree) => tree.own && (process < 0 || tree.process === process));
}

class Shaper {
  private readonly builder = new TreeBuilder();

  constructor(private readonly frames: Frames, private readonly options: StackOptions) {}

  private isHidden(frame: number): boolean {
    const kind = this.frames.kind(frame);
    if (kind === FrameKind.thread) return !this.options.byThread;
    return (kind === FrameKind.importing && (this.options.hideImport || this.options.hideLibrary)) ||
      (kind === FrameKind.library && this.options.hideLibrary);
  }

  private base(process: number): number {
    return this.options.byProcess ? this.builder.child(0, processKey(process)) : 0;
  }

  /** Where a row's own bytes go: a stack that has nothing to show is a node all the same. */
  private leaf(tree: StackTree, row: number, node: number, base: number): number {
    const frame = tree.frame[row];
    if (node !== base || !this.isHidden(frame)) return node;
    return this.builder.child(base, this.frames.kind(frame) === FrameKind.thread ? frame : HIDDEN);
  }

  add(tree: StackTree): void {
    const {builder} = this, base = this.base(tree.process), nodes = new Int32Array(tree.depth.length);
    const at = [base];
    let fold = 0;
    for (let row = 0; row < tree.depth.length; row++) {
      const depth = tree.depth[row], above = at[depth], frame = tree.frame[row];
      if (tree.folded[fold] === row) {
        nodes[row] = builder.child(above, FOLDED);
        builder.fold(nodes[row], tree.folded[fold + 1]);
        fold += 2;
      } else {
        nodes[row] = at[depth + 1] = this.isHidden(frame) ? above : builder.child(above, frame);
      }
    }
    this.addSites(tree, nodes, base);
  }

  private addSites(tree: StackTree, nodes: Int32Array, base: number): void {
    const {sites} = tree;
    for (let i = 0, row = 0; i < sites.length; i += 4) {
      row += sites[i];
      if (this.options.kinds & (1 << sites[i + 1])) this.builder.add(this.leaf(tree, row, nodes[row], base), sites[i + 2], sites[i + 3]);
    }
  }

  /** Marks what holders hold, where their memory was allocated. */
  hold(holders: Holders): void {
    const base = this.base(holders.process);
    for (const holder of holders.list) {
      let node = base;
      for (const frame of holder.stack) {
        if (this.isHidden(frame)) continue;
        const below = this.builder.find(node, frame);
        if (below < 0) break;
        node = below;
      }
      if (node !== base) this.builder.hold(node, VERDICTS.indexOf(holder.verdict), holder.bytes);
    }
  }

  finish(): Tree {
    return this.builder.finish();
  }
}

export function shapeStacks(data: PageDocument, frames: Frames, options: StackOptions): Tree {
  const shaper = new Shaper(frames, options), trees = treesFor(data, options.process);
  for (const tree of trees) shaper.add(tree);
  for (const holders of data.holders) if (trees.some((tree) => tree.process === holders.process)) shaper.hold(holders);
  return shaper.finish();
}
