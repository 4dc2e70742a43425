/* Puts the page together from its data. */

function fact(name, value) {
  const pair = element("div");
  pair.append(element("dt", "", name), element("dd", "", value));
  return pair;
}

function sumOf(processes, field) {
  return processes.reduce((sum, process) => sum + process[field], 0);
}

function showFacts(data, view) {
  const facts = [fact("peak", formatBytes(view.bytes)), fact("at", formatTime(view.time))];
  const meant = view.process < 0 ? data.processes : data.processes.slice(view.process, view.process + 1);
  if (view.rss) facts.push(fact("RSS then", formatBytes(view.rss)));
  if (view.process < 0 && data.processCount > 1) facts.push(fact("process images", String(data.processCount)));
  const apart = [["arena", "Python's arenas"], ["reserved", "reserved, not counted"],
                 ["file", "file mappings, not counted"], ["shared", "shared memory, not counted"]];
  for (const [field, name] of apart)
    if (sumOf(meant, field)) facts.push(fact(name, formatBytes(sumOf(meant, field))));
  const waited = sumOf(meant, "wait");
  if (waited >= 0.01) facts.push(fact("waited for the tracer", formatTime(waited)));
  byId("facts").replaceChildren(...facts);
}

function showHead(data) {
  const versions = new Set(data.processes.map((one) => data.words[one.python]).filter(Boolean));
  const ended = data.signal ? `killed by signal ${data.signal}` : `exit status ${data.status}`;
  byId("command").textContent = data.command;
  byId("outcome").textContent = [`${ended} after ${formatTime(data.duration)}`,
    ...[...versions].map((version) => "Python " + version)].join(", ");
  const warnings = data.warnings.map((number) => data.words[number]);
  const lost = sumOf(data.processes, "dropped");
  if (lost) warnings.push(`${formatCount(lost, "event")} could not be recorded, so these figures are wrong`);
  if (!data.complete) warnings.push("holdfast did not see the end of every process");
  byId("warnings").replaceChildren(...warnings.map((text) => element("p", "note", text)));
  byId("origin").textContent = `${data.words[data.writer]} on ${data.words[data.host]}` +
    (data.started ? ", " + new Date(data.started * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC" : "");
}

function start() {
  const data = JSON.parse(byId("data").textContent);
  const graph = new Graph(data.words, (i) => byId("detail").replaceChildren(describe(graph, i)));
  const timeline = new Timeline(), select = byId("view"), search = byId("search");
  let view;

  function showMatches(found) {
    byId("matches").textContent = found
      ? `${formatCount(found.count, "frame")}, ${formatBytes(found.bytes)}, ${formatPercent(found.bytes, view.bytes)}` : "";
  }

  function showView(number) {
    view = data.views[number];
    showFacts(data, view);
    showHolders(data, view);
    timeline.show(view, data.duration);
    graph.show(view);
    showMatches(graph.search(search.value));
    graph.draw();
    byId("detail").replaceChildren(describe(graph, 0));
    showSites(graph, view, number === 0 && data.processes.length > 1 && data.views.length > 1);
  }

  function redraw() {
    graph.resize();
    timeline.resize();
  }

  data.views.forEach((one, number) => select.append(new Option(one.label, number)));
  byId("view-label").hidden = data.views.length < 2;
  select.addEventListener("change", () => showView(select.selectedIndex));
  search.addEventListener("input", () => {
    showMatches(graph.search(search.value));
    graph.draw();
  });
  byId("flip").addEventListener("click", () => byId("flip").setAttribute("aria-pressed", graph.flip()));
  byId("reset").addEventListener("click", () => graph.reset());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    event.preventDefault();
    search.focus();
  });
  window.addEventListener("resize", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  showHead(data);
  showProcesses(data);
  showView(0);
}

start();
