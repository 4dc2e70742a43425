/* What the views share: the document, its frames, and the way to ask another view to show something. */

import {createContext} from "preact";
import {useContext} from "preact/hooks";

import type {Holders, PageDocument, Peak, Process, View} from "./document";
import type {Frames} from "./frames";
import {treesFor} from "./stacks";

/** Something that one view asks another to show; a new object each time. */
export interface Wanted {
  stack?: number[]; // in the graph of stacks
  file?: number; // in the source, with the line
  line?: number;
  holder?: number; // of the holders, by number
}

export interface Page {
  data: PageDocument; // with the frames that are shown
  frames: Frames;
  view: View; // which those are
  setView: ((view: View) => void) | null; // null: there is no choice
  process: number; // whose peak is looked at; -1: that of all
  setProcess(process: number): void;
  frame: number; // that was pointed at last, or below 0
  setFrame(frame: number): void;
  wanted: Wanted | null;
  show(wanted: Wanted): void;
}

export const PageContext = createContext<Page>(null as unknown as Page);

export function usePage(): Page {
  return useContext(PageContext);
}

/** The peak that is looked at. */
export function peakOf(page: Page): Peak {
  return page.process < 0 ? page.data.peak : page.data.processes[page.process].peak;
}

/** Who held what, of the process that is looked at, or of the one to show for the whole tree. */
export function holdersOf(page: Page): Holders | undefined {
  const {data, process} = page;
  return process < 0 ? data.holders[0] : data.holders.find((holders) => holders.process === process);
}

/** The process that a peak is about, if it is about one. */
export function processesOf(page: Page): Process[] {
  const {data} = page, only = page.process >= 0 ? page.process : data.process;
  return only >= 0 ? data.processes.slice(only, only + 1) : data.processes;
}

export function processName(data: PageDocument, index: number): string {
  const process = data.processes[index];
  return process ? `${process.command.replace(/^\S*\//, "")} [${process.pid}]` : "process";
}

/** Those with stacks at a peak of their own, to choose from. */
export function ownPeaks(data: PageDocument): number[] {
  if (data.process >= 0) return [];
  return data.trees.filter((tree) => tree.own).map((tree) => tree.process);
}

export function hasStacks(page: Page): boolean {
  return treesFor(page.data, page.process).some((tree) => tree.depth.length > 0);
}

export function scrollTo(id: string): void {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById(id)?.scrollIntoView({behavior: still ? "auto" : "smooth", block: "start"});
}
