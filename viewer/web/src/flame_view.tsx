/* A tree of bytes with what a person does to it: walk, zoom, point at it. The controls around it are the
 * business of whoever shows it.
 */

import type {ComponentChildren, JSX} from "preact";
import {useEffect, useLayoutEffect, useRef, useState} from "preact/hooks";

import {FlameCanvas, type Painter} from "./flame_canvas";
import {readPalette, useScheme} from "./scheme";
import type {Tree} from "./tree";

interface FlameProps {
  id: string;
  name: string; // for those who do not see it
  tree: Tree;
  painter: Painter;
  flame?: boolean;
  matches?: Uint8Array | null;
  /** What to say of a node, beside the pointer. */
  describe(node: number): ComponentChildren;
  onSelect?(node: number): void;
  /** Set by others to have a node shown; a new object each time. */
  wanted?: {node: number} | null;
}

interface Tip {
  node: number;
  x: number;
  y: number;
}

/** Another node for a key, or null. Outward is towards the root. */
function walk(flame: FlameCanvas, key: string): number | null {
  const {tree, selected} = flame, inward = flame.flame ? "ArrowUp" : "ArrowDown", outward = flame.flame ? "ArrowDown" : "ArrowUp";
  if (key === inward) return tree.end[selected] > selected + 1 ? selected + 1 : selected;
  if (key === outward) return tree.parent[selected];
  if (selected === 0) return null;
  const above = tree.parent[selected];
  if (key === "ArrowRight") return tree.end[selected] < tree.end[above] ? tree.end[selected] : selected;
  if (key !== "ArrowLeft") return null;
  let before = above + 1;
  while (before < selected && tree.end[before] !== selected) before = tree.end[before];
  return before < selected ? before : selected;
}

export function FlameView(props: FlameProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null), scroller = useRef<HTMLDivElement>(null), spacer = useRef<HTMLDivElement>(null);
  const flame = useRef<FlameCanvas | null>(null);
  const [tip, setTip] = useState<Tip | null>(null), [selected, setSelected] = useState(0);
  const scheme = useScheme();

  useLayoutEffect(() => {
    const palette = readPalette();
    flame.current ??= new FlameCanvas(canvas.current!, scroller.current!, spacer.current!, props.painter, palette, props.tree);
    const one = flame.current, turned = one.flame !== Boolean(props.flame);
    if (one.tree !== props.tree) setSelected(0);
    one.flame = Boolean(props.flame);
    one.matches = props.matches ?? null;
    one.show(props.tree, props.painter, palette);
    if (turned) one.scrollToRoot();
    (canvas.current as HTMLCanvasElement & {flame?: FlameCanvas}).flame = one; // for tests, and the curious
  }, [props.tree, props.painter, props.flame, props.matches, scheme]);

  useEffect(() => {
    const observer = new ResizeObserver(() => flame.current?.resize());
    observer.observe(scroller.current!);
    return () => observer.disconnect();
  }, []);

  function choose(node: number): void {
    setSelected(node);
    props.onSelect?.(node);
  }

  function zoom(node: number): void {
    flame.current!.zoom(node);
    choose(node);
  }

  useEffect(() => {
    if (props.wanted && props.wanted.node >= 0) zoom(props.wanted.node);
  }, [props.wanted]);

  function select(node: number): void {
    const one = flame.current!;
    one.selected = node;
    one.reveal(node);
    if (one.span(node)[1] <= 0) zoom(one.tree.parent[node]);
    one.selected = node;
    one.draw();
    choose(node);
  }

  function onKeyDown(event: KeyboardEvent): void {
    const one = flame.current!, next = walk(one, event.key);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (next !== null) select(next);
    else if (event.key === "Enter" || event.key === " ") zoom(one.selected);
    else if (event.key === "Escape") zoom(one.tree.parent[one.focus]);
    else if (event.key === "Home") zoom(0);
    else if (event.key === "+" || event.key === "=") one.zoomAbout(one.width / 2, 0.7);
    else if (event.key === "-") one.zoomAbout(one.width / 2, 1 / 0.7);
    else return;
    event.preventDefault();
  }

  function onClick(event: MouseEvent): void {
    const node = flame.current!.nodeAt(event.offsetX, event.offsetY);
    if (node >= 0) zoom(node);
  }

  function onMove(event: MouseEvent): void {
    const node = flame.current!.nodeAt(event.offsetX, event.offsetY);
    setTip(node < 0 ? null : {node, x: event.clientX, y: event.clientY});
  }

  /* With Ctrl (or a pinch, which browsers report so) the wheel zooms; else the page scrolls as ever. */
  useEffect(() => {
    const onWheel = (event: WheelEvent) => {
      const one = flame.current!;
      if (event.ctrlKey || event.metaKey) one.zoomAbout(event.offsetX, Math.exp(event.deltaY * 0.003));
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) one.pan(event.deltaX || event.deltaY);
      else return;
      event.preventDefault();
      setTip(null);
    };
    const target = canvas.current!;
    target.addEventListener("wheel", onWheel, {passive: false});
    return () => target.removeEventListener("wheel", onWheel);
  }, []);

  return (
    <div class="flame">
      <div class="scroller" ref={scroller} onScroll={() => flame.current?.draw()}>
        <div class="spacer" ref={spacer}>
          <canvas ref={canvas} id={props.id} tabIndex={0} role="application" aria-label={props.name}
            aria-describedby={`${props.id}-keys`} onKeyDown={onKeyDown} onClick={onClick} onMouseMove={onMove}
            onMouseLeave={() => setTip(null)} />
        </div>
      </div>
      <p class="selected" aria-live="polite" id={`${props.id}-selected`}>{props.describe(Math.min(selected, props.tree.count - 1))}</p>
      <p class="quiet small keys" id={`${props.id}-keys`}>
        Click or Enter zooms in, Esc goes back, Home shows all; arrow keys walk; Ctrl and the wheel, + and {"\u2212"} zoom.
      </p>
      {tip && tip.node < props.tree.count && <TipBox tip={tip}>{props.describe(tip.node)}</TipBox>}
    </div>
  );
}

function TipBox({tip, children}: {tip: Tip; children: ComponentChildren}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const {style, offsetWidth, offsetHeight} = box.current!;
    style.left = `${Math.max(4, Math.min(tip.x + 14, window.innerWidth - offsetWidth - 8))}px`;
    const below = tip.y + 18, fits = below + offsetHeight < window.innerHeight;
    style.top = `${Math.max(4, fits ? below : tip.y - offsetHeight - 10)}px`;
  });
  return <div class="tip" role="tooltip" ref={box}>{children}</div>;
}
