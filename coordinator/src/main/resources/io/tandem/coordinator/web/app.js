// The page: which view is shown, and what surrounds it. The address after # names the view.

import {html, render} from '/web/lib/lit-html/lit-html.js';
import {keepToken, onUnauthorized, token} from '/web/api.js';
import {askToken} from '/web/dialogs.js';
import {connectionView, nextTheme, noticesView, onDraw, theme, update} from '/web/shell.js';
import {JobsView} from '/web/jobs.js';
import {JobView} from '/web/job.js';
import {WorkersView} from '/web/workers.js';
import {SubmitView} from '/web/submit.js';

const ROUTES = [
  [/^#\/jobs\/([\w.-]+)$/, (id) => new JobView(id)],
  [/^#\/workers$/, () => new WorkersView()],
  [/^#\/submit(?:\/([\w.-]+))?$/, (id) => new SubmitView(id)],
  [/.*/, () => new JobsView()],
];
const TABS = [['#/', 'Jobs'], ['#/workers', 'Workers'], ['#/submit', 'Submit']];

const root = document.getElementById('app');
let view = null;
let isFirst = true;

function open() {
  view?.close();
  for (const [pattern, create] of ROUTES) {
    const match = pattern.exec(location.hash);
    if (match) {
      view = create(match[1]);
      break;
    }
  }
  draw();
  if (!isFirst) {
    scrollTo(0, 0);
    document.getElementById('main').focus({preventScroll: true});
  }
  isFirst = false;
}

const current = (href) => view.tab === href ? 'page' : 'false';

function draw() {
  document.title = view.title;
  render(html`
    <a class="skip" href="#main" @click=${skip}>Skip to content</a>
    <header class="top">
      <a class="brand" href="#/"><img src="/web/icon.svg" alt="" width="22" height="22">Tandem</a>
      <nav aria-label="Views">
        ${TABS.map(([href, name]) => html`<a href=${href} aria-current=${current(href)}>${name}</a>`)}
      </nav>
      <span class="spacer"></span>
      ${connectionView()}
      ${token() ? html`<button class="plain" @click=${forget}>Forget token</button>` : ''}
      <button class="plain" @click=${nextTheme} title="Light, dark, or as the system says">
        <span aria-hidden="true">◐ </span><span class="label">Theme: </span>${theme()}</button>
    </header>
    <main id="main" tabindex="-1">${view.render()}</main>
    ${noticesView()}`, root);
  view.drawn?.();
}

function skip(e) {
  e.preventDefault();
  document.getElementById('main').focus();
}

function forget() {
  keepToken('');
  open();
}

onUnauthorized(async () => {
  const refused = token();
  const given = await askToken(refused !== '');
  if (given) {
    keepToken(given);
    open();
  }
});
onDraw(draw);
addEventListener('hashchange', open);
setInterval(() => { if (!document.hidden) update(); }, 1000); // ages and ETAs
open();
