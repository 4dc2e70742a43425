import "uplot/dist/uPlot.min.css";
import "./page.css";

import {render} from "preact";

import {App} from "./app";
import {DiffApp} from "./diff/app";
import type {DiffDocument} from "./diff/document";
import {type PageDocument, readDocument} from "./document";

const data = readDocument(), page = document.getElementById("page")!;
if (data.schema === "holdfast.diff-page/1") render(<DiffApp data={data as DiffDocument} />, page);
else render(<App data={data as PageDocument} />, page);
