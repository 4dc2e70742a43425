/* Which holders a person can act on, what to say of them, and the ways out. */

import type {Holder, Holders} from "./document";
import {formatNumber} from "./units";

export interface Finding {
  process: number;
  holder: Holder;
  title: string;
  saves: number; // of the process's peak
  sure: boolean; // shown, and not only likely
  advice: string[];
}

const WORTH_A_LOOK = 0.05; // of the peak

const GARBAGE_ADVICE = [
  "break the cycle once it is done with: delete one of its links at the end",
  "make the link back a weak reference: weakref.ref, weakref.WeakValueDictionary",
  "gc.collect() right after it, where it is made seldom and is big",
];
const ROOT_ADVICE: Record<string, string[]> = {
  traceback: [
    "keep what the exception says, not the exception: its traceback holds every frame, and they hold all their variables",
    "traceback.clear_frames(error.__traceback__), or error.with_traceback(None), before it is kept",
  ],
  cache: [
    "give the cache a bound: functools.lru_cache(maxsize=...)",
    "call cache_clear() on the function when a phase of the program ends",
  ],
  default: ["make the default None, and the object inside the function"],
  generator: ["close() the generator when it is not needed any more, or let go of it"],
};

/** Something that lives as long as the program, and into which so much was put: not shown to be a cache, but like one. */
const STORE_ROOTS = new Set(["global", "class", "closure"]), STORE_COUNT = 1000;
/** What a module or a class has under names of their own, as its functions: nobody put them there one by one. */
const VARIABLES = / and \d+ more$/;
const IDLE_ADVICE = [
  "let go of it before that, or make it when it is needed",
  "what is needed rarely can wait in a file: numpy.memmap, or pickle",
];
const STORE_ADVICE = [
  "if it is a cache, give it a bound: functools.lru_cache(maxsize=...), or drop what is oldest when it has grown",
  "let go of values that nobody else uses: weakref.WeakValueDictionary",
  "empty it when a phase of the program ends: clear()",
];

function isStore(holder: Holder): boolean {
  return STORE_ROOTS.has(holder.root) && holder.count >= STORE_COUNT && !holder.bounded && !VARIABLES.test(holder.path);
}

export function objectText(holder: Holder): string {
  const type = holder.type || "memory without a known owner";
  return holder.count > 1 ? `${formatNumber(holder.count)} \u00d7 ${type}` : type;
}

function placeText(holder: Holder): string {
  if (!holder.function) return "";
  return ` in ${holder.function.startsWith("<") ? holder.function : `${holder.function}()`}`;
}

function title(holder: Holder): string {
  if (holder.verdict === "garbage") return holder.name ? `A cycle around ${holder.name} waits for the collector` : "A cycle waits for the collector";
  if (holder.verdict === "dead") return `${holder.name || holder.path}${placeText(holder)} is never read again`;
  if (holder.verdict === "idle") return `${holder.path} lies idle: it was ${holder.reason.split(",")[0]}`;
  if (holder.root === "traceback") return `A traceback pins a frame${placeText(holder)}`;
  if (holder.root === "cache") return `A cache keeps results${placeText(holder).replace(" in ", " of ")}`;
  if (isStore(holder)) return `${holder.path} has grown to ${objectText(holder)} and has no bound that is seen`;
  if (holder.root === "default") return `A default argument${placeText(holder).replace(" in ", " of ")} keeps what it was given`;
  return `A generator${placeText(holder).replace(" in ", ", ")} is suspended and keeps its variables`;
}

export function isIdle(holder: Holder): boolean {
  return holder.verdict === "dead" || holder.verdict === "garbage";
}

/** What is likely is told from a part of `peak` on. */
export function findingsOf(holders: Holders, peak: number): Finding[] {
  const found: Finding[] = [];
  for (const holder of holders.list) {
    const sure = isIdle(holder), likely = (holder.verdict === "idle" || holder.root in ROOT_ADVICE || isStore(holder)) && holder.bytes >= peak * WORTH_A_LOOK;
    if (!sure && !likely) continue;
    const general = holder.verdict === "garbage" ? GARBAGE_ADVICE : isStore(holder) ? STORE_ADVICE : ROOT_ADVICE[holder.root] ?? (holder.verdict === "idle" ? IDLE_ADVICE : []);
    found.push({process: holders.process, holder, title: title(holder), sure, saves: sure ? holder.saves : 0, advice: holder.advice.length ? holder.advice : general});
  }
  return found;
}
