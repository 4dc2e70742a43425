/* Why the memory is still there: what the peak would be without what is dead, and the table of
 * holders.
 */

/* As enum verdict numbers them: the badge's class, and its word. */
const VERDICTS = [["unknown", "may be in use"], ["dead", "dead"], ["garbage", "garbage"], ["used", "in use"]];
const VERDICT = {unknown: 0, dead: 1, garbage: 2, used: 3};
const NO_OWNER = 14; /* HOLDER_NONE */

function bar(part, whole, className) {
  const track = element("span", "track"), full = element("span", "bar" + (className ? " " + className : ""));
  full.style.width = Math.min(100, whole ? 100 * part / whole : 0) + "%";
  track.append(full);
  return track;
}

function placeText(words, place) {
  const [name, file, line] = place;
  const called = words[name].startsWith("<") ? words[name] : words[name] + "()";
  return `${called}, ${words[file].split("/").pop()}${line ? ":" + line : ""}`;
}

function showWhatIf(held) {
  const part = byId("whatif");
  part.hidden = held.released >= held.peak;
  part.replaceChildren(
    element("span", "", "peak now"), element("span", "", formatBytes(held.peak)), bar(held.peak, held.peak, "peak-now"),
    element("span", "", "peak if released"),
    element("span", "", `${formatBytes(held.released)} (${formatPercent(held.peak - held.released, held.peak)} less)`),
    bar(held.released, held.peak, "released"));
}

function aboutHolders(data, view, held) {
  const said = [];
  if (view.process < 0 && data.processCount > 1)
    said.push(`Process ${held.pid}, whose own peak was ${formatBytes(held.peak)} at ${formatTime(held.time)}.`);
  if (data.named) said.push(`As the snapshot "${data.words[held.name]}" has it, taken at ${formatTime(held.seenTime)}.`);
  said.push(`References were seen at ${formatBytes(held.seen)}` +
    (held.seen < held.peak ? `, ${formatPercent(held.peak - held.seen, held.peak)} below the peak.` : "."));
  if (held.pending)
    said.push(`${formatBytes(held.pending)} of that were being allocated` +
      (held.pendingPlace ? ` at ${placeText(data.words, held.pendingPlace)}.` : "."));
  if (held.garbage) said.push(`${formatBytes(held.garbage)} were garbage, waiting for the cycle collector.`);
  if (held.snapshots)
    said.push(`${formatCount(held.snapshots, "snapshot")} stopped the program for ${(held.pause * 1000).toFixed(1)} ms` +
      ` (${formatPercent(held.pause, data.duration)} of the run).`);
  return said.join(" ");
}

function holderNotes(data, held) {
  const notes = [], why = data.words[held.why];
  if (held.far && !data.named) notes.push("The snapshot is well below the peak: what came later is not in this table.");
  if (why) notes.push("The references could not be read: " + why);
  else if (held.shallow) notes.push("No copy of the program could be made: only what local variables refer to was seen.");
  else if (!held.complete) notes.push("The walk was cut short: some references were not seen.");
  return notes.map((text) => element("p", "note", text));
}

function isIdle(row) {
  return row.verdict === VERDICT.dead || row.verdict === VERDICT.garbage;
}

function objectCell(words, row) {
  const type = words[row.type] || "memory without a known owner";
  const cell = document.createDocumentFragment();
  cell.append(row.count > 1 ? row.count.toLocaleString("en-US") + " " + type : type);
  if (words[row.detail]) cell.append(" ", element("span", "quiet", words[row.detail]));
  return cell;
}

function waysOut(words, row) {
  const details = element("details"), list = element("ul");
  details.append(element("summary", "", row.advice.length > 1 ? "ways out" : "way out"), list);
  for (const advice of row.advice) list.append(element("li", "", words[advice]));
  return details;
}

function pathCell(words, row) {
  const cell = document.createDocumentFragment(), why = [];
  cell.append(row.root === NO_OWNER ? "no object was found that owns it"
    : row.verdict === VERDICT.garbage ? "nothing but a cycle" : words[row.path]);
  if (words[row.reason]) why.push(words[row.reason]);
  if (words[row.others]) why.push("also held by " + words[row.others]);
  if (row.place) why.push("allocated at " + placeText(words, row.place));
  for (const text of why) cell.append(element("div", "why quiet", text));
  if (row.advice.length) {
    const part = element("div", "why");
    part.append(waysOut(words, row));
    cell.append(part);
  }
  return cell;
}

function bytesCell(held, row) {
  const cell = document.createDocumentFragment();
  cell.append(formatBytes(row.bytes), bar(row.bytes, held.peak));
  return cell;
}

function holderRow(words, held, one) {
  const [className, name] = VERDICTS[one.verdict];
  const idle = isIdle(one), saves = one.saves > 0;
  const line = row([
    ["number order", String(one.number)], ["number", bytesCell(held, one)], ["object code", objectCell(words, one)],
    ["path code", pathCell(words, one)], ["", element("span", "badge " + className, name)],
    ["number", idle ? saves ? formatBytes(one.saves) : "nothing alone" : ""],
    ["number", !idle || !saves ? "" : one.released < held.peak ? formatBytes(one.released) : "as high elsewhere"]]);
  [...line.cells].forEach((cell, i) => { if (i === 5 || i === 6) cell.dataset.title = HOLDER_TITLES[i][1]; });
  return line;
}

const HOLDER_TITLES = [["number order", "no."], ["number", "bytes"], ["", "object"], ["", "held by"], ["", "verdict"],
                       ["number", "released, saves"], ["number", "peak would be"]];

function showHolders(data, view) {
  const held = data.holders[view.process < 0 ? data.treeHolders : view.process];
  byId("holders-section").hidden = !held;
  if (!held) return;
  const body = element("tbody");
  for (const one of held.rows) body.append(holderRow(data.words, held, one));
  byId("holders-about").textContent = aboutHolders(data, view, held);
  byId("holders-notes").replaceChildren(...holderNotes(data, held));
  byId("holders").replaceChildren(...(held.rows.length ? [head(HOLDER_TITLES), body] : []));
  showWhatIf(held);
  const others = held.count - held.rows.length;
  byId("holders-more").textContent = others > 0 ? `and ${formatCount(others, "other holder")}` : "";
}
