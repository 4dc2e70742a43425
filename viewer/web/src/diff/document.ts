/* What a diff says: docs/diff-json.md, but for stacks, which are lists of numbers of `frames`. */

import type {FrameKind, Verdict} from "../document";

export type State = "new" | "gone" | "grown" | "shrunk" | "same";

export interface Figure {
  before: number;
  after: number;
  difference: number;
}

export interface Changes<Change> {
  changes: Change[];
  left_out: {count: number; difference: number};
  unchanged: number;
}

interface Held {
  bytes: number;
  blocks: number;
  line: number;
}

export interface StackChange {
  state: State;
  difference: number;
  before: Held | null;
  after: Held | null;
  kind?: string; // of whole stacks
  stack: (number | object)[]; // an object stands for frames that were left out
}

interface HeldBy {
  bytes: number;
  count: number;
  verdict: Verdict;
  saves_bytes: number;
  line: number;
}

export interface HolderChange {
  state: State;
  difference: number;
  before: HeldBy | null;
  after: HeldBy | null;
  pid: number;
  object: {type: string; detail: string};
  root: {kind: string; name: string; function: string; file: string; line: number};
  path: string;
  others: string;
}

export interface ProcessSide {
  index: number;
  pid: number;
  command: string[];
  python: string | null;
  tree_peak_bytes: number;
  peak: {bytes: number; time_s: number};
  snapshot_bytes: number | null;
  dead_bytes: number | null;
  garbage_bytes: number | null;
  peak_if_released_bytes: number | null;
}

export interface ProcessChange {
  state: State;
  difference: number;
  before: ProcessSide | null;
  after: ProcessSide | null;
}

export interface Run {
  profile: string;
  command: string[];
  started_unix_s: number;
  duration_s: number;
  writer: string;
  complete: boolean;
}

export interface DiffFrame {
  kind: FrameKind;
  group: number; // the same for the same file of both runs
  function: string;
  file: string;
  package: string; // "": the user's
  line: number;
  source: string;
}

export interface DiffDocument {
  schema: string;
  before: Run;
  after: Run;
  peak: Figure & {time_s: {before: number; after: number}; rss_bytes: {before: number | null; after: number | null}};
  kinds: Record<string, Figure>;
  processes: ProcessChange[];
  places: Changes<StackChange>;
  sites: Changes<StackChange>;
  holders: Changes<HolderChange>;
  frames: DiffFrame[];
}
