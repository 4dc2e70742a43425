/* A table of any length: sorted by any column, and only the rows in sight are elements. */

import type {ComponentChildren, JSX} from "preact";
import {useEffect, useMemo, useRef, useState} from "preact/hooks";

export interface Column<Row> {
  title: string;
  number?: boolean;
  value(row: Row): number | string;
  show(row: Row): ComponentChildren;
}

interface TableProps<Row> {
  id: string;
  name: string;
  columns: Column<Row>[];
  rows: Row[];
  sorted?: number; // column to begin with
}

const ROW_HEIGHT = 32, AROUND = 10, HEIGHT = 460;

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

export function Table<Row>({id, name, columns, rows, sorted = 0}: TableProps<Row>): JSX.Element {
  const [order, setOrder] = useState({column: sorted, down: true}), [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const list = useMemo(() => {
    const {value} = columns[order.column], sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => sign * compare(value(a), value(b)));
  }, [rows, order]);
  useEffect(() => {
    box.current!.scrollTop = 0;
    setTop(0);
  }, [list]);
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - AROUND), last = Math.min(list.length, first + Math.ceil(HEIGHT / ROW_HEIGHT) + 2 * AROUND);

  function sortBy(column: number): void {
    setOrder({column, down: column === order.column ? !order.down : Boolean(columns[column].number)});
  }

  return (
    <div class="wide" ref={box} tabIndex={0} role="region" aria-label={`Table: ${name}`} style={{maxHeight: `${HEIGHT}px`}}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <table id={id} aria-rowcount={list.length + 1}>
        <thead>
          <tr>
            {columns.map((column, i) => (
              <th scope="col" class={column.number ? "number" : ""} aria-sort={i === order.column ? (order.down ? "descending" : "ascending") : "none"}>
                <button type="button" class="sort" onClick={() => sortBy(i)}>{column.title}<span aria-hidden="true">{i === order.column ? (order.down ? " \u25be" : " \u25b4") : ""}</span></button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <tr class="gap" aria-hidden="true" style={{height: `${first * ROW_HEIGHT}px`}} />}
          {list.slice(first, last).map((row, i) => (
            <tr aria-rowindex={first + i + 2}>{columns.map((column) => <td class={column.number ? "number" : ""}>{column.show(row)}</td>)}</tr>
          ))}
          {last < list.length && <tr class="gap" aria-hidden="true" style={{height: `${(list.length - last) * ROW_HEIGHT}px`}} />}
        </tbody>
      </table>
    </div>
  );
}
