/* The graph of call stacks: a caller above what it calls (or below, as a flame), as wide as its bytes.
 *
 * Frames come as columns (viewer/page.c), a parent always before its children. Only the rows in sight
 * are drawn, because a stack can be deeper than any canvas is high.
 */

const KIND = {root: 0, process: 1, user: 2, library: 3, thread: 4, none: 5, rest: 6};
const KIND_COLORS = ["rest", "process", "user", "library", "thread", "rest", "rest"];
const ROW = 22;

class Graph {
  constructor(words, onSelect) {
    this.words = words;
    this.onSelect = onSelect;
    this.canvas = byId("graph");
    this.scroller = byId("scroller");
    this.spacer = byId("spacer");
    this.flame = false;
    this.query = "";
    this.listen();
  }

  /* Shows other frames, from the start. */
  show(view) {
    this.frames = view.frames;
    this.bytes = view.bytes;
    this.layOut();
    this.focus = 0;
    this.selected = 0;
    this.search(this.query);
    this.resize();
    this.scrollToRoot();
  }

  layOut() {
    const {parent, total} = this.frames, count = parent.length;
    this.start = new Float64Array(count);
    this.depth = new Uint32Array(count);
    this.children = Array.from({length: count}, () => []);
    const cursor = new Float64Array(count);
    for (let i = 1; i < count; i++) {
      const above = parent[i];
      this.start[i] = cursor[above];
      cursor[above] += total[i];
      cursor[i] = this.start[i];
      this.depth[i] = this.depth[above] + 1;
      this.children[above].push(i);
    }
  }

  /* Rows down to the deepest frame that is wide enough to be seen, as it is zoomed. */
  countRows() {
    const {total} = this.frames, least = total[this.focus] / 300, waiting = [this.focus];
    let deepest = 0;
    while (waiting.length) {
      const i = waiting.pop();
      deepest = Math.max(deepest, this.depth[i]);
      for (const child of this.children[i]) if (total[child] >= least) waiting.push(child);
    }
    return deepest + 1;
  }

  name(i) {
    const kind = this.frames.kind[i], name = this.words[this.frames.name[i]];
    if (kind === KIND.root) return "all";
    if (kind === KIND.none) return "no stack known";
    if (kind === KIND.thread) return 'thread "' + name + '"';
    return kind === KIND.process || kind === KIND.rest || name.startsWith("<") ? name : name + "()";
  }

  place(i, whole) {
    const file = this.words[whole ? this.frames.file[i] : this.frames.brief[i]];
    return file ? file + (this.frames.line[i] ? ":" + this.frames.line[i] : "") : "";
  }

  source(i) {
    return this.words[this.frames.source[i]].trim();
  }

  resize() {
    this.rows = this.countRows();
    this.width = this.scroller.clientWidth;
    this.height = Math.min(this.rows * ROW, Math.max(ROW * 6, Math.round(window.innerHeight * 0.68)));
    this.spacer.style.height = this.rows * ROW + "px";
    this.canvas.style.height = this.height + "px";
    this.context = prepareCanvas(this.canvas, this.width, this.height);
    this.draw();
  }

  scrollToRoot() {
    this.scroller.scrollTop = this.flame ? this.scroller.scrollHeight : 0;
    this.draw();
  }

  /* Top of a row inside the canvas. */
  rowTop(depth) {
    return (this.flame ? this.rows - 1 - depth : depth) * ROW - this.scroller.scrollTop;
  }

  /* A frame's left edge and width in the canvas, as it is zoomed. */
  span(i) {
    const {total} = this.frames;
    const scale = this.width / (total[this.focus] || 1);
    const left = Math.max(0, (this.start[i] - this.start[this.focus]) * scale);
    const right = Math.min(this.width,
                           (this.start[i] + total[i] - this.start[this.focus]) * scale);
    return [left, right - left];
  }

  draw() {
    if (!this.frames) return;
    const palette = KIND_COLORS.map(color);
    this.colors = {palette, page: color("panel"), text: color("frame-text"), match: color("match"),
                   selected: color("selected")};
    this.context.clearRect(0, 0, this.width, this.height);
    this.context.font = "13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    this.context.textBaseline = "middle";
    const waiting = [0];
    while (waiting.length) {
      const i = waiting.pop(), [left, width] = this.span(i);
      if (width < 0.4) continue;
      const top = this.rowTop(this.depth[i]);
      if (top > -ROW && top < this.height) this.drawFrame(i, left, top, width);
      if (this.flame ? top > -ROW : top < this.height)
        for (const child of this.children[i]) waiting.push(child);
    }
  }

  drawFrame(i, left, top, width) {
    const {context, colors} = this, matched = this.matched && this.matched[i];
    context.globalAlpha = this.query && !matched ? 0.35 : this.isAbove(i) ? 0.6 : 1;
    context.fillStyle = matched ? colors.match : colors.palette[this.frames.kind[i]];
    context.fillRect(left, top + 1, Math.max(width - 1, 0.5), ROW - 1);
    context.globalAlpha = 1;
    if (i === this.selected) {
      context.strokeStyle = colors.selected;
      context.lineWidth = 2;
      context.strokeRect(left + 1, top + 2, Math.max(width - 3, 1), ROW - 3);
    }
    if (width > 30) this.drawLabel(i, left, top, width, matched);
  }

  drawLabel(i, left, top, width, matched) {
    const {context} = this, room = width - 10;
    let text = this.name(i);
    const place = this.place(i, false);
    if (place && context.measureText(text + "  " + place).width < room) text += "  " + place;
    if (context.measureText(text).width > room) {
      const letters = Array.from(text);
      let fits = Math.floor(letters.length * room / context.measureText(text).width);
      while (fits > 0 && context.measureText(letters.slice(0, fits).join("") + "\u2026").width > room) fits--;
      if (fits < 2) return;
      text = letters.slice(0, fits).join("") + "\u2026";
    }
    context.fillStyle = matched ? "#ffffff" : this.colors.text;
    context.fillText(text, left + 5, top + ROW / 2 + 1);
  }

  /* A caller of the frame that is zoomed into. */
  isAbove(i) {
    return this.depth[i] < this.depth[this.focus];
  }

  /* The frame at a point of the canvas, or -1. */
  at(x, y) {
    const row = Math.floor((y + this.scroller.scrollTop) / ROW);
    const depth = this.flame ? this.rows - 1 - row : row;
    let i = 0;
    while (i >= 0 && this.depth[i] < depth) {
      i = this.children[i].find((child) => {
        const [left, width] = this.span(child);
        return width > 0 && x >= left && x < left + width;
      }) ?? -1;
    }
    return i;
  }

  select(i) {
    this.selected = i;
    const top = this.rowTop(this.depth[i]);
    if (top < 0) this.scroller.scrollTop += top;
    if (top + ROW > this.height) this.scroller.scrollTop += top + ROW - this.height;
    this.draw();
    this.onSelect(i);
  }

  zoom(i) {
    if (this.frames.kind[i] === KIND.rest) return;
    this.focus = i;
    this.resize();
    this.select(i);
  }

  reset() {
    this.zoom(0);
    this.scrollToRoot();
  }

  flip() {
    this.flame = !this.flame;
    this.scrollToRoot();
    return this.flame;
  }

  /* Marks what matches; the number of frames and the bytes below them, none counted twice. */
  search(query) {
    const wanted = query.trim().toLowerCase(), {parent, total} = this.frames;
    this.query = wanted;
    this.matched = null;
    if (!wanted) return null;
    const hits = this.words.map((word) => word.toLowerCase().includes(wanted));
    const inside = new Uint8Array(parent.length);
    this.matched = new Uint8Array(parent.length);
    let count = 0, bytes = 0;
    for (let i = 1; i < parent.length; i++) {
      const hit = hits[this.frames.name[i]] || hits[this.frames.file[i]];
      inside[i] = inside[parent[i]];
      if (!hit || this.frames.kind[i] === KIND.rest) continue;
      this.matched[i] = 1;
      count++;
      if (!inside[i]) bytes += total[i];
      inside[i] = 1;
    }
    return {count, bytes};
  }

  /* The next frame at the same depth, to the right (1) or left (-1). */
  neighbour(i, step) {
    const brothers = this.children[this.frames.parent[i]];
    return brothers[brothers.indexOf(i) + step] ?? i;
  }

  key(event) {
    const inward = this.flame ? "ArrowUp" : "ArrowDown", outward = this.flame ? "ArrowDown" : "ArrowUp";
    const i = this.selected;
    if (event.key === inward) this.select(this.children[i][0] ?? i);
    else if (event.key === outward) this.select(this.frames.parent[i]);
    else if (event.key === "ArrowRight") this.select(this.neighbour(i, 1));
    else if (event.key === "ArrowLeft") this.select(this.neighbour(i, -1));
    else if (event.key === "Enter" || event.key === " ") this.zoom(i);
    else if (event.key === "Escape") this.zoom(this.frames.parent[this.focus]);
    else if (event.key === "Home") this.reset();
    else return;
    /* walking out of what is zoomed into zooms out */
    if (this.span(this.selected)[1] <= 0) this.zoom(this.frames.parent[this.selected]);
    event.preventDefault();
  }

  listen() {
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("click", (event) => {
      const i = this.at(event.offsetX, event.offsetY);
      if (i >= 0) this.zoom(i);
    });
    this.canvas.addEventListener("mousemove", (event) => {
      const i = this.at(event.offsetX, event.offsetY);
      if (i < 0) hideTip();
      else showTip(event, describe(this, i));
    });
    this.canvas.addEventListener("mouseleave", hideTip);
    this.scroller.addEventListener("scroll", () => this.draw());
  }
}

/* What is known about a frame, as elements. */
function describe(graph, i) {
  const total = graph.frames.total[i], lines = document.createDocumentFragment();
  lines.append(element("strong", "", graph.name(i)), "  " + formatBytes(total) + ", " +
               formatPercent(total, graph.bytes) + " of the peak");
  const place = graph.place(i, true), source = graph.source(i);
  if (place) lines.append("\n", element("span", "place", place));
  if (source) lines.append("\n", element("code", "", source));
  return lines;
}

function showTip(event, content) {
  const tip = byId("tip");
  tip.replaceChildren(content);
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18;
  const top = below + tip.offsetHeight < window.innerHeight ? below : event.clientY - tip.offsetHeight - 10;
  tip.style.left = Math.max(left, 4) + "px";
  tip.style.top = Math.max(top, 4) + "px";
}

function hideTip() {
  byId("tip").hidden = true;
}
