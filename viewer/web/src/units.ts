/* Numbers as people read them; the same as the text report writes. */

export function formatBytes(bytes: number): string {
  const sign = bytes < 0 ? "\u2212" : "";
  let value = Math.abs(bytes);
  if (value < 1024) return sign + (value === 1 ? "1 byte" : `${value} bytes`);
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  for (value /= 1024; value >= 1023.5 && unit < 5; unit++) value /= 1024;
  return `${sign}${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** Not more than a hundredth below: told as one figure. */
export function isNear(bytes: number, other: number): boolean {
  return bytes >= other - other / 100;
}

export function formatBounds(least: number, most: number): string {
  return isNear(least, most) ? formatBytes(most) : `${formatBytes(least)} to ${formatBytes(most)}`;
}

export function formatTime(seconds: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds / 60) % 60)} min`;
}

export function formatPercent(part: number, whole: number): string {
  return `${(whole ? (100 * part) / whole : 0).toFixed(1)} %`;
}

export function formatNumber(count: number): string {
  return count.toLocaleString("en-US");
}

export function formatCount(count: number, noun: string, nouns = `${noun}s`): string {
  return `${formatNumber(count)} ${count === 1 ? noun : nouns}`;
}
