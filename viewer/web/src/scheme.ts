/* The page's colours as the style sheet has them, which change with the reader's scheme. */

import {useEffect, useState} from "preact/hooks";

import type {Palette} from "./flame_canvas";

export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function readPalette(): Palette {
  return {
    page: color("panel"), text: color("frame-text"), match: color("match"), matchText: color("match-text"), selected: color("selected"),
    crowd: color("frame-crowd"), muted: color("frame-muted"),
  };
}

/** "dark" or "light"; whoever asks is drawn again when it changes. */
export function useScheme(): string {
  const query = window.matchMedia("(prefers-color-scheme: dark)"), [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const note = () => setDark(query.matches);
    query.addEventListener("change", note);
    return () => query.removeEventListener("change", note);
  }, []);
  return dark ? "dark" : "light";
}
