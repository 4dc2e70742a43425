/* A reference cycle, drawn as a ring. */

import type {JSX} from "preact";

const WIDTH = 360, HEIGHT = 170, MOST = 24;

function shortened(text: string): string {
  const letters = Array.from(text);
  return letters.length > MOST ? `${letters.slice(0, MOST - 1).join("")}\u2026` : text;
}

export function Cycle({cycle}: {cycle: string[]}): JSX.Element | null {
  const count = cycle.length;
  if (count === 0) return null;
  const at = (i: number): [number, number] => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    return [WIDTH / 2 + Math.cos(angle) * 92, HEIGHT / 2 + Math.sin(angle) * 62];
  };
  const arrow = (i: number) => {
    const [x1, y1] = at(i), [x2, y2] = at((i + 1) % count), bend = count === 2 ? 0.45 : 0.16;
    const [cx, cy] = [(x1 + x2) / 2 - (y1 - y2) * bend, (y1 + y2) / 2 + (x1 - x2) * bend];
    const back = Math.hypot(x2 - cx, (y2 - cy) * 2.4) || 1, stop = Math.min(0.5, 30 / back);
    return `M ${x1} ${y1} Q ${cx} ${cy} ${x2 - (x2 - cx) * stop} ${y2 - (y2 - cy) * stop}`;
  };
  const itself = count === 1, height = itself ? 120 : HEIGHT;
  return (
    <figure class="cycle">
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={`Cycle: ${[...cycle, cycle[0]].join(" refers to ")}`}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" /></marker>
        </defs>
        {itself ? <path class="arrow" d={`M ${WIDTH / 2 - 14} 34 C 100 130 260 130 ${WIDTH / 2 + 14} 36`} /> : cycle.map((_, i) => <path class="arrow" d={arrow(i)} />)}
        {cycle.map((text, i) => {
          const [x, y] = at(i), shown = shortened(text), width = shown.length * 6.9 + 18;
          return <g><rect x={x - width / 2} y={y - 12} width={width} height="24" rx="6" /><text x={x} y={y + 4}>{shown}</text></g>;
        })}
      </svg>
    </figure>
  );
}
