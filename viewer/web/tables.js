/* The tables below the graph. */

const KIND_NAMES = ["heap", "Python object", "mapped pages"];

function row(cells) {
  const line = element("tr");
  for (const [className, content] of cells) {
    const cell = element("td", className);
    cell.append(content);
    line.append(cell);
  }
  return line;
}

function head(titles) {
  const line = element("tr");
  for (const [className, text] of titles) {
    const cell = element("th", className, text);
    cell.scope = "col";
    line.append(cell);
  }
  const part = element("thead");
  part.append(line);
  return part;
}

function siteRow(graph, view, site, several) {
  const [frame, kind, bytes, blocks, pid] = site;
  const link = element("button", "", graph.name(frame));
  link.type = "button";
  link.title = "show in the graph";
  link.addEventListener("click", () => {
    graph.zoom(frame);
    graph.canvas.focus();
    graph.canvas.scrollIntoView({block: "center"});
  });
  const cells = [["number", formatBytes(bytes)], ["number", formatPercent(bytes, view.bytes)],
                 ["number", blocks.toLocaleString("en-US")], ["", KIND_NAMES[kind]]];
  if (several) cells.push(["number", String(pid)]);
  cells.push(["code", link], ["code", graph.place(frame, false)], ["code source", graph.source(frame)]);
  return row(cells);
}

function showSites(graph, view, several) {
  const titles = [["number", "bytes"], ["number", "of peak"], ["number", "blocks"], ["", "kind"]];
  if (several) titles.push(["number", "process"]);
  titles.push(["", "function"], ["", "place"], ["", "line"]);
  const body = element("tbody");
  let shown = 0;
  for (const site of view.sites) {
    body.append(siteRow(graph, view, site, several));
    shown += site[2];
  }
  byId("sites").replaceChildren(head(titles), body);
  const others = view.siteCount - view.sites.length;
  byId("more-sites").textContent =
    others > 0 ? `and ${formatCount(others, "other site")}, together ${formatBytes(view.bytes - shown)}` : "";
}

function outcome(process) {
  if (process.flags & 4) return "still running";
  if (!(process.flags & 16)) return "unknown";
  return process.signal ? "signal " + process.signal : "status " + process.status;
}

function showProcesses(data) {
  if (data.processes.length < 2) return;
  const body = element("tbody");
  const order = [...data.processes].sort((a, b) => b.tree - a.tree || b.peak - a.peak);
  for (const one of order)
    body.append(row([["number", String(one.pid)], ["number", formatBytes(one.tree)],
                     ["number", formatBytes(one.peak)], ["number", formatTime(one.time)],
                     ["number", one.rss ? formatBytes(one.rss) : ""], ["", data.words[one.python]],
                     ["", outcome(one)], ["code", data.words[one.command]]]));
  byId("processes").replaceChildren(
    head([["number", "process"], ["number", "at the tree's peak"], ["number", "own peak"], ["number", "at"],
          ["number", "highest RSS"], ["", "Python"], ["", "exit"], ["", "command"]]), body);
  byId("process-section").hidden = false;
}
