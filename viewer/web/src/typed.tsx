/* What became of Python's objects, by type: how they ended and how long they lived, and which went only with a collection. */

import type {JSX} from "preact";

import type {Life} from "./document";
import {FrameLink} from "./findings_view";
import type {Page} from "./model";
import {type Column, Table} from "./table";
import {endColumns, halfColumns} from "./turnover";
import {formatBytes, formatNumber} from "./units";

export type TypedView = "types" | "collected";

interface TypeLives {
  type: string;
  finalizer: number;
  bytes: number;
  life: Life;
  never: number;
}

interface Collected {
  type: string;
  finalizer: number;
  bytes: number;
  blocks: number;
  lead: number;
}

const FINALIZERS = ["", "native", "__del__"];
const EXIT = 5;

const isShown = (page: Page, process: number) => page.process < 0 || process === page.process;
const objectsOf = (row: TypeLives) => row.life[0].reduce((sum, count) => sum + count, row.never);
const atEnd = (row: TypeLives) => (row.life[0][EXIT] ?? 0) + row.never;

/** Of several processes together, there are rows of their own, the first ones. */
function typesOf(page: Page): TypeLives[] {
  const rows = page.data.turnover.types, wanted = page.process >= 0 || !rows.length ? page.process : rows[0][0];
  return rows.filter(([process]) => process === wanted).map(([, type, finalizer, bytes, life, never]) => ({type, finalizer, bytes, life, never}));
}

function collectedOf(page: Page): Collected[] {
  return page.data.turnover.collected.filter(([process]) => isShown(page, process))
    .map(([, type, finalizer, bytes, blocks, stack]) => ({type, finalizer, bytes, blocks, lead: page.frames.lead(stack)}));
}

const finalizerColumn = <Row extends {finalizer: number}>(): Column<Row> => ({title: "finalizer", value: (row) => row.finalizer, show: (row) => FINALIZERS[row.finalizer]});
const typeColumn = <Row extends {type: string}>(): Column<Row> => ({title: "type", value: (row) => row.type, show: (row) => <bdi>{row.type}</bdi>});
const bytesColumn = <Row extends {bytes: number}>(): Column<Row> => ({title: "bytes", number: true, value: (row) => row.bytes, show: (row) => formatBytes(row.bytes)});

function typeColumns(): Column<TypeLives>[] {
  return [
    bytesColumn(), typeColumn(), finalizerColumn(), {title: "objects", number: true, value: objectsOf, show: (row) => formatNumber(objectsOf(row))},
    ...endColumns<TypeLives>(), {title: "at the end", number: true, value: atEnd, show: (row) => (atEnd(row) ? formatNumber(atEnd(row)) : "")},
    ...halfColumns<TypeLives>(),
  ];
}

function collectedColumns(page: Page): Column<Collected>[] {
  const {frames} = page;
  return [
    bytesColumn(), {title: "objects", number: true, value: (row) => row.blocks, show: (row) => formatNumber(row.blocks)}, typeColumn(), finalizerColumn(),
    {title: "your line", value: (row) => (row.lead >= 0 ? frames.place(row.lead) : ""), show: (row) => (row.lead >= 0 ? <FrameLink page={page} frame={row.lead} /> : "")},
  ];
}

const NOTES: Record<TypedView, string> = {
  types: "Blocks of Python's, by the type of the object, and how they ended; at the end are those that lived until then. What the interpreter kept for the next object of the type has not ended.",
  collected: "Objects that went while the cycle collector was at work: no last reference freed them. A __del__ runs first, and may keep them.",
};

/** With so many rows, and bytes together. */
export function typedRows(page: Page, view: TypedView, wanted: string): {types: TypeLives[]; collected: Collected[]; rows: {bytes: number}[]} {
  const matches = (row: {type: string}) => !wanted || row.type.toLowerCase().includes(wanted);
  const types = view === "types" ? typesOf(page).filter(matches) : [], collected = view === "collected" ? collectedOf(page).filter(matches) : [];
  return {types, collected, rows: view === "types" ? types : collected};
}

export function TypedTable({page, view, wanted}: {page: Page; view: TypedView; wanted: string}): JSX.Element {
  const {types, collected} = typedRows(page, view, wanted);
  return (
    <>
      {view === "types" ? <Table key="types" id="types-table" name="Types" columns={typeColumns()} rows={types} /> :
        <Table key="collected" id="types-table" name="Freed by collections" columns={collectedColumns(page)} rows={collected} />}
      <p class="quiet small">{NOTES[view]}</p>
    </>
  );
}
