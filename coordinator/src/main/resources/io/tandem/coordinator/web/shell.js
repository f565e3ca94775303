// What all views share: drawing on the next frame, the connection's state, notices, the theme.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';

let draw = () => {};
let asked = false;
const notices = [];
let connection = 'connecting';

/** Who draws the whole page. */
export const onDraw = (drawer) => { draw = drawer; };

/** Something changed: the page is drawn again, once, soon. */
export function update() {
  if (asked) return;
  asked = true;
  // A hidden page gets no frames; it still has to be right when someone looks.
  const soon = document.hidden ? (f) => setTimeout(f, 200) : requestAnimationFrame;
  soon(() => {
    asked = false;
    draw();
  });
}

export function connected(state) {
  connection = state;
  update();
}

const WORDS = {
  connecting: 'connecting',
  live: 'live',
  reconnecting: 'reconnecting …',
  ended: 'ended',
  refused: 'not connected',
};

export const connectionView = () => html`
  <span class="connection ${connection}" role="status" data-state=${connection}>
    <span class="dot" aria-hidden="true"></span>${WORDS[connection]}</span>`;

/** Says something for a few seconds, or an error until it is put away. */
export function notice(text, kind = 'info') {
  const entry = {text, kind};
  notices.push(entry);
  if (kind !== 'error') setTimeout(() => dismiss(entry), 6000);
  update();
}

function dismiss(entry) {
  const at = notices.indexOf(entry);
  if (at >= 0) notices.splice(at, 1);
  update();
}

export const noticesView = () => html`
  <div class="notices" role="log" aria-live="polite">
    ${notices.map((entry) => html`
      <div class="notice ${entry.kind}">
        <span>${entry.text}</span>
        <button class="plain" @click=${() => dismiss(entry)} aria-label="Dismiss">✕</button>
      </div>`)}
  </div>`;

/** Runs an action of the user; what goes wrong is said, not lost. */
export async function attempt(action) {
  try {
    return await action();
  } catch (e) {
    if (e.status !== 401) notice(e.message, 'error');
    return undefined;
  }
}

const THEME = 'tandem.theme';
const THEMES = ['auto', 'light', 'dark'];
export const theme = () => localStorage.getItem(THEME) ?? 'auto';

function applyTheme() {
  if (theme() === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme();
  dispatchEvent(new Event('themechange'));
}

export function nextTheme() {
  localStorage.setItem(THEME, THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  applyTheme();
  update();
}

applyTheme();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', applyTheme);

const TONES = {
  RUNNING: 'run', SUCCEEDED: 'good', FAILED: 'bad', CANCELLED: 'off', CANCELLING: 'off',
  PAUSED: 'warn', RECOVERING: 'warn',
};

export const badge = (state) => html`<span class="badge ${TONES[state] ?? 'wait'}">${state.toLowerCase()}</span>`;

export const ENDS = ['SUCCEEDED', 'FAILED', 'CANCELLED'];

export const bar = (value, most, label) => html`
  <progress max=${most || 1} .value=${Math.min(value, most || 1)} aria-label=${label}></progress>`;

/** Words in place of what is not there. */
export const empty = (words) => html`<p class="empty">${words}</p>`;

export const failure = (error) =>
  error ? html`<p class="problem" role="alert">${error.message}</p>` : nothing;
