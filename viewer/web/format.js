/* Numbers as people read them, and elements whose text is only ever text. */

function formatBytes(bytes) {
  if (bytes < 1024) return bytes === 1 ? "1 byte" : bytes + " bytes";
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes / 1024, unit = 0;
  for (; value >= 1023.5 && unit < 5; unit++) value /= 1024;
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " " + units[unit];
}

function formatTime(seconds) {
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (seconds < 60) return seconds.toFixed(2) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + two(seconds % 60) + " s";
  return Math.floor(seconds / 3600) + " h " + two(seconds / 60 % 60) + " min";
}

function formatPercent(part, whole) {
  return (whole ? 100 * part / whole : 0).toFixed(1) + " %";
}

function formatCount(count, noun) {
  return count.toLocaleString("en-US") + " " + noun + (count === 1 ? "" : "s");
}

function byId(id) {
  return document.getElementById(id);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/* The page's own colours, which change with the scheme. */
function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/* A canvas as sharp as the screen, sized in CSS pixels. */
function prepareCanvas(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
