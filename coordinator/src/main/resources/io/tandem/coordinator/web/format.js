// Numbers, times and sizes as people read them.

const plain = new Intl.NumberFormat('en', {maximumSignificantDigits: 4});
const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const DASH = '–';

const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

export const number = (x) =>
  !known(x) ? DASH
    : x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e9) ? x.toExponential(2)
    : plain.format(x);

export const count = (x) => known(x) ? whole.format(x) : DASH;

export const percent = (x, digits = 1) => known(x) ? `${(100 * x).toFixed(digits)} %` : DASH;

export const seconds = (x) =>
  !known(x) ? DASH : x >= 1 ? `${number(x)} s` : `${(1000 * x).toFixed(x < 0.01 ? 2 : 1)} ms`;

/** 41 s, 12 min 05 s, 3 h 20 min, 2 d 4 h. */
export function duration(total) {
  if (!known(total)) return DASH;
  const s = Math.max(0, Math.round(total));
  const two = (x) => String(x).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function bytes(x) {
  if (!known(x)) return DASH;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  while (x >= 1024 && i < units.length - 1) {
    x /= 1024;
    i++;
  }
  return `${i === 0 ? x : x.toFixed(x < 10 ? 1 : 0)} ${units[i]}`;
}

/** How long ago, in one unit: 5 min ago. */
export function ago(iso) {
  if (!iso) return DASH;
  const s = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  if (s < 5) return 'now';
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

export const dateTime = (iso) => iso ? new Date(iso).toLocaleString() : DASH;

export const clock = (iso) =>
  iso ? new Date(iso).toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'}) : DASH;

/** Seconds from the first moment to the second, or to now. */
export const between = (from, to) =>
  from ? ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000 : null;
