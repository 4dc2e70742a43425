/* How differences are written, here as in the text. */

import type {JSX} from "preact";

import {formatBytes, formatCount} from "../units";
import type {Changes, State} from "./document";

export function formatDifference(bytes: number): string {
  return bytes > 0 ? `+${formatBytes(bytes)}` : formatBytes(bytes);
}

export function formatShare(difference: number, before: number): string {
  return `${difference > 0 ? "+" : difference < 0 ? "\u2212" : ""}${((100 * Math.abs(difference)) / before).toFixed(1)} %`;
}

/** Green and red are never all that tells growth from shrinkage: there is a sign, too. */
export function Difference({bytes}: {bytes: number}): JSX.Element {
  return <span class={bytes > 0 ? "grown" : bytes < 0 ? "shrunk" : "quiet"}>{formatDifference(bytes)}</span>;
}

export function StateBadge({state}: {state: State}): JSX.Element {
  return <span class={`badge ${state === "new" || state === "grown" ? "grown" : state === "same" ? "" : "shrunk"}`}>{state}</span>;
}

/** What a list does not show: nothing is dropped silently. */
export function Rest<Change>({list, noun}: {list: Changes<Change>; noun: string}): JSX.Element {
  const {count, difference} = list.left_out, said: string[] = [];
  if (count) said.push(`${formatCount(count, `smaller change`)} (${formatDifference(difference)} together) ${count === 1 ? "is" : "are"} not in here`);
  if (list.unchanged || !said.length) said.push(`${formatCount(list.unchanged, noun)} ${list.unchanged === 1 ? "has" : "have"} not changed`);
  return <p class="quiet small rest">{said.join("; ")}.</p>;
}
