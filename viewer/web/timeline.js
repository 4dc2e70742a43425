/* Memory over time: traced bytes as an area, resident bytes as a line, the peak as a dot. A point is
 * [seconds, highest traced bytes, resident bytes] of the stretch that ends there.
 */

const LEFT = 70, BOTTOM = 22, TOP = 10, RIGHT = 14;

class Timeline {
  constructor() {
    this.canvas = byId("timeline");
    this.canvas.addEventListener("mousemove", (event) => this.read(event.offsetX));
    this.canvas.addEventListener("mouseleave", () => this.read(-1));
  }

  show(view, duration) {
    this.view = view;
    this.points = view.points;
    this.until = Math.max(duration, view.time, ...this.points.map((point) => point[0])) || 1;
    this.most = this.points.reduce((most, point) => Math.max(most, point[1], point[2]), view.bytes) || 1;
    this.read(-1);
    this.resize();
  }

  resize() {
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.context = prepareCanvas(this.canvas, this.width, this.height);
    this.draw();
  }

  x(seconds) {
    return LEFT + (this.width - LEFT - RIGHT) * seconds / this.until;
  }

  y(bytes) {
    return this.height - BOTTOM - (this.height - TOP - BOTTOM) * bytes / (this.most * 1.05);
  }

  /* Steps of 1, 2 or 5 (bytes: powers of two) that divide `range` into about `wanted`. */
  static step(range, wanted, base) {
    let step = base === 2 ? 2 ** Math.floor(Math.log2(range / wanted))
                          : 10 ** Math.floor(Math.log10(range / wanted));
    const factors = base === 2 ? [1, 2, 4] : [1, 2, 5, 10];
    return step * (factors.find((factor) => range / (step * factor) <= wanted) ?? 1);
  }

  drawAxes() {
    const {context} = this;
    context.font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
    context.fillStyle = color("quiet");
    context.strokeStyle = color("line");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const bytes = Timeline.step(this.most * 1.05, 4, 2);
    for (let at = 0; at <= this.most * 1.05; at += bytes) {
      const y = Math.round(this.y(at)) + 0.5;
      context.beginPath();
      context.moveTo(LEFT, y);
      context.lineTo(this.width - RIGHT, y);
      context.stroke();
      context.fillText(at ? formatBytes(at) : "0", LEFT - 8, y);
    }
    context.textAlign = "center";
    const seconds = Timeline.step(this.until, Math.max(2, this.width / 130), 10);
    for (let at = 0; at <= this.until * 0.97; at += seconds)
      context.fillText(seconds < 60 && this.until < 60 ? +at.toFixed(6) + " s" : formatTime(at),
                       this.x(at), this.height - BOTTOM / 2 + 2);
  }

  path(column) {
    this.context.beginPath();
    this.context.moveTo(this.x(0), this.y(0));
    for (const point of this.points) this.context.lineTo(this.x(point[0]), this.y(point[column]));
  }

  draw() {
    const {context} = this;
    if (!this.view || this.width < 50) return;
    context.clearRect(0, 0, this.width, this.height);
    this.drawAxes();
    if (!this.points.length) return;
    this.path(1);
    context.strokeStyle = color("traced");
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(this.x(this.points[this.points.length - 1][0]), this.y(0));
    context.fillStyle = color("traced-fill");
    context.fill();
    this.path(2);
    context.strokeStyle = color("rss");
    context.stroke();
    context.beginPath();
    context.arc(this.x(this.view.time), this.y(this.view.bytes), 4, 0, 7);
    context.fillStyle = color("peak");
    context.fill();
  }

  /* Says what the curves are at a place under the mouse; nothing when it is not over them. */
  read(x) {
    const seconds = (x - LEFT) / (this.width - LEFT - RIGHT) * this.until;
    const point = x < LEFT ? null : this.points.find((one) => one[0] >= seconds);
    byId("time-readout").textContent = point
      ? `${formatTime(point[0])}: ${formatBytes(point[1])}, RSS ${formatBytes(point[2])}` : "";
  }
}
