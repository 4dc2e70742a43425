/* The tree of what changed: as wide as the changes below it, those up and those down together. */

import type {FrameTable} from "../document";
import {FrameKind} from "../document";
import {Frames} from "../frames";
import {type Tree, TreeBuilder} from "../tree";
import type {DiffDocument, DiffFrame, StackChange} from "./document";

/* A tree's parts, by number. */
export const GROWN = 0, SHRUNK = 1;

/** Frames as the rest of the page knows them. What is one function in both runs is one frame, with its line after. */
export class DiffFrames {
  readonly frames: Frames;
  private readonly shown: number[] = []; // by number in the document

  constructor(data: DiffDocument) {
    const table: FrameTable = {frames: {kind: [], function: [], file: [], line: []}, files: [], strings: [""]};
    const strings = new Map([["", 0]]), files = new Map<number, {lines: number[]; texts: number[]}>();
    const known = new Map<string, number>();
    const text = (value: string) => {
      let number = strings.get(value);
      if (number === undefined) strings.set(value, (number = table.strings.push(value) - 1));
      return number;
    };
    const file = (frame: DiffFrame) => {
      const name = text(frame.file);
      if (!name) return 0;
      let found = files.get(name);
      if (!found) {
        files.set(name, (found = {lines: [], texts: []}));
        table.files.push([name, frame.package, found.lines, found.texts]);
      }
      found.lines.push(frame.line);
      found.texts.push(text(frame.source ?? ""));
      return name;
    };
    for (const frame of this.ordered(data)) {
      const {kind, group, line} = data.frames[frame], key = [kind, group, data.frames[frame].function].join("\n");
      let number = known.get(key);
      const name = file(data.frames[frame]);
      if (number === undefined) {
        number = table.frames.kind.push(kind) - 1;
        table.frames.function.push(text(data.frames[frame].function));
        table.frames.file.push(name);
        table.frames.line.push(line ?? 0);
        known.set(key, number);
      }
      this.shown[frame] = number;
    }
    this.frames = new Frames(table);
  }

  /** Those that are still there first: they give a function its line. */
  private ordered(data: DiffDocument): number[] {
    const gone = (change: StackChange) => Number(change.after === null);
    const changes = [...data.sites.changes, ...data.places.changes].sort((a, b) => gone(a) - gone(b));
    const seen = new Set<number>();
    for (const change of changes) for (const frame of change.stack) if (typeof frame === "number") seen.add(frame);
    return [...seen];
  }

  stack(change: StackChange): number[] {
    return change.stack.filter((frame): frame is number => typeof frame === "number").map((frame) => this.shown[frame]);
  }
}

export function treeOfChanges(frames: DiffFrames, changes: StackChange[], hideLibrary: boolean): Tree {
  const builder = new TreeBuilder();
  for (const change of changes) {
    let node = 0;
    for (const frame of frames.stack(change)) {
      const kind = frames.frames.kind(frame);
      if (kind === FrameKind.importing || (hideLibrary && kind === FrameKind.library)) continue;
      node = builder.child(node, frame);
    }
    const size = Math.abs(change.difference);
    builder.add(node, size, 0);
    builder.hold(node, change.difference > 0 ? GROWN : SHRUNK, size);
  }
  return builder.finish();
}
