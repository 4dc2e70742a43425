import "uplot/dist/uPlot.min.css";
import "./page.css";

import {render} from "preact";

import {App} from "./app";
import {readDocument} from "./document";

render(<App data={readDocument()} />, document.getElementById("page")!);
