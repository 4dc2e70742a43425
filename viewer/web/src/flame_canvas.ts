/* Draws a tree as an icicle (the root on top) or a flame (the root below) on a canvas that is as high as
 * the window on it: a stack can be deeper than any canvas is high. Zooming is a movement of the window.
 */

import {countRows, nodeAt, visit, type Window} from "./flame_layout";
import type {Tree} from "./tree";

export const ROW = 22;
const MOVEMENT_MS = 180;
const FONT = "12.5px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const LEAST_LABEL = 34;

/** How nodes look; colours are CSS colours. */
export interface Painter {
  color(node: number): string;
  label(node: number): string;
  /** Parts of the rectangle, from its left, in other colours; null for none. */
  parts(node: number): {color: string; part: number}[] | null;
}

export interface Palette {
  page: string;
  text: string;
  match: string;
  matchText: string;
  selected: string;
  crowd: string;
  muted: string;
}

export class FlameCanvas {
  tree: Tree;
  focus = 0;
  selected = 0;
  rows = 1;
  width = 1;
  height = 1;
  flame = false;
  matches: Uint8Array | null = null;
  drawn = 0; // rectangles of the last frame
  frames = 0; // drawn so far
  private left = 0;
  private right = 1;
  private moving = 0;
  private readonly context: CanvasRenderingContext2D;
  private readonly widths = new Map<string, number>();

  constructor(readonly canvas: HTMLCanvasElement, private readonly scroller: HTMLElement, private readonly spacer: HTMLElement,
              private painter: Painter, private palette: Palette, tree: Tree) {
    this.context = canvas.getContext("2d", {alpha: false})!;
    this.tree = tree;
    this.right = tree.total[0];
  }

  /** Another tree, or other colours; starts at the root unless told to stay. */
  show(tree: Tree, painter: Painter, palette: Palette): void {
    this.painter = painter;
    this.palette = palette;
    if (tree !== this.tree) {
      this.stop();
      this.tree = tree;
      this.focus = this.selected = 0;
      this.left = 0;
      this.right = tree.total[0];
    }
    this.resize();
  }

  resize(): void {
    this.width = Math.max(this.scroller.clientWidth, 50);
    this.fit(this.left, this.right);
  }

  /** Room for the rows of a window. */
  private fit(left: number, right: number): void {
    this.rows = countRows(this.tree, left, right, this.width);
    const room = Math.max(ROW * 8, Math.round(window.innerHeight * 0.66));
    this.height = Math.min(this.rows * ROW, room);
    this.spacer.style.height = `${this.rows * ROW}px`;
    this.canvas.style.height = `${this.height}px`;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw();
  }

  /* -- Zooming -- */

  zoom(node: number): void {
    const {tree} = this;
    this.focus = node;
    this.selected = node;
    const left = tree.start[node], right = left + tree.total[node];
    this.fit(left, right);
    this.reveal(node);
    this.moveTo(left, right);
  }

  /** By a factor, about a point of the canvas. */
  zoomAbout(x: number, factor: number): void {
    const span = this.right - this.left, whole = this.tree.total[0], wanted = Math.min(span * factor, whole);
    const at = this.left + (x / this.width) * span;
    this.window(at - (x / this.width) * wanted, wanted);
  }

  pan(pixels: number): void {
    const span = this.right - this.left;
    this.window(this.left + (pixels / this.width) * span, span);
  }

  private window(left: number, span: number): void {
    this.stop();
    this.left = Math.max(0, Math.min(left, this.tree.total[0] - span));
    this.right = this.left + Math.max(span, 1);
    if (countRows(this.tree, this.left, this.right, this.width) === this.rows) this.draw();
    else this.fit(this.left, this.right);
  }

  private stop(): void {
    cancelAnimationFrame(this.moving);
    this.moving = 0;
  }

  private moveTo(left: number, right: number): void {
    const from = {left: this.left, right: this.right};
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    let begin = 0;
    this.stop();
    const step = (now: number) => {
      begin ||= now;
      const time = still ? 1 : Math.min(1, (now - begin) / MOVEMENT_MS), eased = 1 - (1 - time) ** 3;
      this.left = from.left + (left - from.left) * eased;
      this.right = from.right + (right - from.right) * eased;
      this.draw();
      this.moving = time < 1 ? requestAnimationFrame(step) : 0;
    };
    if (still) step(0);
    else this.moving = requestAnimationFrame(step);
  }

  /* -- Where things are -- */

  rowTop(depth: number): number {
    return (this.flame ? this.rows - 1 - depth : depth) * ROW - this.scroller.scrollTop;
  }

  nodeAt(x: number, y: number): number {
    const row = Math.floor((y + this.scroller.scrollTop) / ROW), depth = this.flame ? this.rows - 1 - row : row;
    return depth < 0 ? -1 : nodeAt(this.tree, depth, this.left + (x / this.width) * (this.right - this.left));
  }

  /** A node's left edge and width, as far as they are in sight. */
  span(node: number): [number, number] {
    const scale = this.width / (this.right - this.left || 1), x = (this.tree.start[node] - this.left) * scale;
    const begin = Math.max(0, x), end = Math.min(this.width, x + this.tree.total[node] * scale);
    return [begin, end - begin];
  }

  reveal(node: number): void {
    const top = this.rowTop(this.tree.depth[node]);
    if (top < 0) this.scroller.scrollTop += top;
    if (top + ROW > this.height) this.scroller.scrollTop += top + ROW - this.height;
  }

  scrollToRoot(): void {
    this.scroller.scrollTop = this.flame ? this.scroller.scrollHeight : 0;
    this.draw();
  }

  /* -- Drawing -- */

  private visibleRows(): Window {
    const first = Math.floor(this.scroller.scrollTop / ROW), last = Math.ceil((this.scroller.scrollTop + this.height) / ROW);
    const [top, bottom] = this.flame ? [this.rows - last, this.rows - first] : [first, last];
    return {left: this.left, right: this.right, width: this.width, top, bottom};
  }

  draw(): void {
    const {context} = this, labels: [number, number, number][] = [];
    context.fillStyle = this.palette.page;
    context.fillRect(0, 0, this.width, this.height);
    this.drawn = 0;
    visit(this.tree, this.visibleRows(), {
      node: (node, x, width) => {
        this.drawNode(node, x, width);
        if (Math.min(width, width + x) > LEAST_LABEL) labels.push([node, Math.max(0, x), Math.min(width + Math.min(0, x), this.width - Math.max(0, x))]);
      },
      crowd: (node, x, width) => this.fill(this.palette.crowd, node, x, width),
    });
    context.font = FONT;
    context.textBaseline = "middle";
    for (const [node, x, width] of labels) this.drawLabel(node, x, width);
    this.drawSelected();
    this.frames++;
  }

  private fill(color: string, node: number, x: number, width: number): void {
    const left = Math.max(0, x), right = Math.min(this.width, x + width);
    this.context.fillStyle = color;
    this.context.fillRect(left, this.rowTop(this.tree.depth[node]), Math.max(right - left - (width > 3 ? 1 : 0), 0.5), ROW - 1);
    this.drawn++;
  }

  private drawNode(node: number, x: number, width: number): void {
    if (this.matches) {
      this.fill(this.matches[node] ? this.palette.match : this.palette.muted, node, x, width);
      return;
    }
    this.fill(this.painter.color(node), node, x, width);
    let left = x;
    for (const {color, part} of this.painter.parts(node) ?? []) {
      this.fill(color, node, left, part * width);
      left += part * width;
    }
  }

  private textWidth(text: string): number {
    let width = this.widths.get(text);
    if (width === undefined) this.widths.set(text, (width = this.context.measureText(text).width));
    return width;
  }

  private drawLabel(node: number, x: number, width: number): void {
    const text = this.painter.label(node), room = width - 9;
    let shown = text;
    if (this.textWidth(text) > room) {
      const letters = Array.from(text), fits = Math.floor((letters.length * room) / this.textWidth(text)) - 1;
      if (fits < 2) return;
      shown = `${letters.slice(0, fits).join("")}\u2026`;
    }
    this.context.fillStyle = this.matches?.[node] ? this.palette.matchText : this.palette.text;
    this.context.fillText(shown, x + 4, this.rowTop(this.tree.depth[node]) + ROW / 2);
  }

  private drawSelected(): void {
    const [x, width] = this.span(this.selected);
    if (width <= 0 || this.selected === 0) return;
    this.context.strokeStyle = this.palette.selected;
    this.context.lineWidth = 2;
    this.context.strokeRect(x + 1, this.rowTop(this.tree.depth[this.selected]) + 1, Math.max(width - 3, 1), ROW - 3);
  }
}
