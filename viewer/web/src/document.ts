/* What a profile says, as viewer/page_*.c writes it into the page. Sizes are bytes, times seconds. */

export interface Exit {
  status: number;
  signal: number;
}

export interface Peak {
  bytes: number;
  time: number;
  rss: number; // 0: unknown
}

export interface Process {
  pid: number;
  parent: number; // index
  command: string;
  python: string; // "": not Python
  peak: Peak;
  tree: number; // its bytes at the tree's peak
  maxRss: number;
  arena: number;
  reserved: number;
  files: number;
  shared: number;
  wait: number;
  dropped: number;
  truncated: number;
  allocations: number;
  snapshots: number;
  pause: number;
  resident: number[] | null; // near the peak, and its parts; then how near: see viewer/page_run.c
  collections: number; // of the cycle collector
  collecting: number;
  longestCollection: number;
  start: number;
  end: number;
  running: boolean;
  damaged: boolean;
  noStacks: boolean;
  referencesProblem: string; // with --refs: why nothing is told of lost ones
  exit: Exit | null;
}

/** Stacks at a peak as rows in preorder; see viewer/page_trees.c. */
export interface StackTree {
  process: number;
  own: boolean; // at the process's own peak; else at that of the tree
  depth: number[];
  frame: number[];
  folded: number[]; // [row, how many it stands for]...
  sites: number[]; // [rows since the last one, kind, bytes, blocks]...
}

export interface Timeline {
  process: number; // -1: the tree
  points: number[]; // [time, bytes, rss]...
}

/** What one stack allocated in the whole run. */
export type TurnoverRow = [process: number, kind: number, allocated: number, blocks: number, peak: number, kept: number, stack: number[],
  exit: number, exitBlocks: number, life: Life | null, freed?: number[] | undefined];

/** How long big blocks lay untouched; the phases in byte-seconds: see viewer/drags.h. */
export interface Drag {
  followed: boolean;
  looks: number;
  paceMs: number; // from one to the next
  leftOut: number; // blocks that were too many
  sites: number;
  rows: [process: number, kind: number, bytes: number, lag: number, use: number, drag: number, never: number, unseen: number, longestMs: number, stack: number[]][];
}

/** Blocks by how they ended, and by the bits of their ages and of the milliseconds that they lived: see viewer/turnover.h. */
export type Life = [ends: number[], ages: number[], times: number[]];

/** Finalizers: 0 none, 1 native, 2 a __del__ of Python's. */
export type TypeRow = [process: number | null, type: string, finalizer: number, bytes: number, life: Life, never: number];

/** What a collection of garbage has freed, by type and stack. */
export type CollectedRow = [process: number, type: string, finalizer: number, bytes: number, blocks: number, stack: number[]];

/** The stacks that allocated most, kept most and gave back most, and the sums of all. */
export interface Turnover {
  allocated: number;
  kept: number; // still live at the ends of processes
  exit: number; // with what interpreters gave back as they ended, if that is known
  followed: boolean; // it was recorded how long blocks lived
  sites: number;
  rows: TurnoverRow[];
  types: TypeRow[];
  collected: CollectedRow[];
  whole: boolean; // of each stack of Python's frames that is among them, all rows are there
  merged?: boolean; // of stacks that differ in frames which are not shown, though not of all of them
}

/** A part of a process's run: what it allocated, and what was live at one moment, by the biggest stacks. */
export interface Span {
  process: number;
  begin: number;
  end: number;
  made: number;
  held: number;
  heldTime: number;
  madeBy: number[]; // [stack, bytes]...
  heldBy: number[];
}

/** A run of the cycle collector, or several that followed each other; duration 0: none was seen running. */
export type Collection = [process: number, time: number, duration: number, generation: number, count: number, objects: number, freed: number];

export interface Snapshot {
  process: number;
  time: number;
  bytes: number;
  pending: number;
  reason: number;
  name: string;
  stacks: number; // that large blocks came from; the first of them are in `blocks`
  blocks: [bytes: number, count: number, stack: number[]][];
}

export type Verdict = "unknown" | "dead" | "garbage" | "in use" | "idle";

export interface Holder {
  number: number;
  bytes: number;
  count: number;
  type: string;
  detail: string;
  root: string;
  name: string;
  function: string;
  file: string;
  line: number;
  path: string;
  verdict: Verdict;
  reason: string;
  others: string;
  bounded: boolean; // items of what drops some when it is full
  cycle: string[]; // of garbage: what refers to what, the last one to the first
  references: number; // of dead: so many have to go, one alone frees nothing
  saves: number;
  released: number; // the peak without it, at most
  releasedLeast: number;
  advice: string[];
  stack: number[]; // frames, the outermost first
}

/** Where a path begins and ends; its objects and what they keep are rows. */
export type HoldingItem = [row: number, root: string, name: string, function: string, file: string, line: number, path: string,
  verdict: Verdict, reason: string, cycle: string[]];

/** All that was live by what holds it, as rows in preorder; see viewer/holders/holding.c. */
export interface Holding {
  bytes: number;
  verdicts: Verdict[]; // as numbered here
  restCount: number; // items too small to be told
  rest: number[]; // their bytes by verdict
  items: HoldingItem[];
  depth: number[];
  text: string[];
  count: number[]; // objects; below 0: smaller ones of any type
  own: number[]; // [row, verdict, bytes]...
  holders: number[]; // [row, number]...
  stacks: number[][];
  allocated: number[]; // [row, which of the stacks its largest block is from]...
}

/** References to objects of one type that nobody can give back. */
export interface Leak {
  module: string; // that has taken them, or ""
  type: string;
  sentence: string;
  references: number;
  objects: number;
  bytes: number; // kept by them alone
  advice: string;
  stack: number[];
}

/** One of several buffers with the same content; the first is the one to keep. */
export interface CopiedBuffer {
  bytes: number;
  type: string;
  detail: string;
  path: string; // who holds it
  part: boolean; // of the first one's content, from `offset` on
  offset: number;
  stack: number[];
}

export interface Copies {
  title: string;
  saves: number; // bytes of all but the first
  count: number; // of which `buffers` has the first
  advice: string;
  buffers: CopiedBuffer[];
}

export interface Holders {
  process: number;
  released: number; // the peak without what is dead or garbage, at most
  releasedLeast: number;
  garbage: number;
  dead: number;
  time: number;
  bytes: number;
  pending: number;
  pendingStack: number[];
  far: boolean;
  shallow: boolean;
  complete: boolean;
  name: string;
  problem: string;
  count: number;
  list: Holder[];
  leaks: Leak[];
  lateReferences: {sentence: string; stack: number[]}[]; // taken after memory was last looked through
  copies: Copies[];
  copyCount: number; // `copies` has those that would save most
  copiesCut: boolean; // not all big buffers were compared
  leakScope: string; // what was seen of references; "" without --refs
  holding: Holding | null;
}

export const enum FrameKind {
  user,
  library,
  importing,
  thread,
  noStack,
}

/** What a program called a region, all times that it went through it; of these the one with the highest peak. */
export interface Region {
  process: number;
  depth: number; // inside how many others
  name: string;
  thread: string;
  count: number;
  unclosed: number;
  peak: number; // of what it allocated itself, as `kept`: still live at its end
  kept: number;
  churn: number; // of all times: allocated, and given back before the end
  native: number | null; // likewise: native blocks that nobody gave back until the process ended; null: not known
  untouched: number | null; // byte-seconds of all times in which its big blocks were not touched; null: not known
  untouchedBy: number[]; // the stack that allocated what had most of that; none: not known
  growth: number; // of the whole process
  seen: boolean; // references were looked at near its peak
  held: [bytes: number, what: string, path: string, verdict: string][]; // the biggest
  begin: number;
  end: number;
}

export type View = "python" | "native" | "both" | "all";

/** What a frame is to a view; as viewer/views.h numbers it. */
export const enum Content {
  other,
  python,
  native,
  start, // native, outside of all that was written for this program
  interpreter,
}

/** Frames in columns, and what they refer to. */
export interface FrameTable {
  frames: {kind: number[]; function: number[]; file: number[]; line: number[]; content?: number[]};
  files: [name: number, packageName: string, lines: number[], texts: number[]][];
  strings: string[];
}

export interface PageDocument extends FrameTable {
  frames: FrameTable["frames"] & {content: number[]}; // empty where there are no native ones
  schema: "holdfast.page/1";
  view: View; // to begin with
  share: number; // per cent of what would be here if the page might be any size
  command: string;
  exit: Exit | null; // null: it still ran
  started: number;
  duration: number;
  complete: boolean;
  writer: string;
  host: string;
  process: number; // the only one that the page is about, or -1
  peak: Peak;
  resident: number[] | null; // as a process's; of several, their sum
  named: string; // the snapshot that was asked for, or ""
  region: string; // the only one that the page is about, or ""
  warnings: string[];
  warningCount: number;
  processCount: number;
  processes: Process[];
  regionCount: number;
  regions: Region[];
  trees: StackTree[];
  timelines: Timeline[];
  collections: Collection[];
  collectionCount: number; // `collections` has rows of those that took longest
  spans: Span[];
  spanStacks: number[][];
  turnover: Turnover;
  drag: Drag;
  snapshots: Snapshot[];
  snapshotCount: number; // `snapshots` tells of those of the most bytes
  holders: Holders[];
}

export function readDocument(): {schema: string} {
  return JSON.parse(document.getElementById("data")!.textContent!) as {schema: string};
}
