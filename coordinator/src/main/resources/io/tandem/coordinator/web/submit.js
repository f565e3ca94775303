// The form for a new job: an editor in which the server's mistakes stand at their lines.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {live} from '/web/lib/lit-html/directives/live.js';
import {ApiError, call, text} from '/web/api.js';
import {attempt, connected, notice, update} from '/web/shell.js';

const CHECK_MS = 400;
const AGAIN_MS = 3000;
const DRAFT = 'tandem.draft';
const EXAMPLE = `name: fashion
mesh: {replicas: 1, shards: 2}
data:
  format: idx
  path: /data/fashion-mnist
  imageHeight: 28
  imageWidth: 28
  channels: 1
  classes: 10
  labeledPerClass: 40
model: {family: wide-resnet, depth: 10, width: 1}
algorithm: {name: meta-pseudo-labels}
training: {steps: 2000, labeledBatch: 16, unlabeledBatch: 64}
evaluation: {every: 200}
checkpoint: {every: 200}
`;

export class SubmitView {
  tab = '#/submit';
  title = 'Submit · Tandem';
  #text = sessionStorage.getItem(DRAFT) ?? EXAMPLE;
  #mistakes = [];
  #verdict = 'checking';
  #due = null;
  #checks = 0;
  #sending = false;
  #key = newKey();

  constructor(copied) {
    if (copied) this.#copy(copied);
    else this.#check();
  }

  close() {
    clearTimeout(this.#due);
    this.#checks++;
  }

  async #copy(id) {
    await attempt(async () => this.#edit(await text(`/v1/jobs/${id}/file`)));
    this.#check();
  }

  #edit(value) {
    this.#text = value;
    this.#key = newKey();
    sessionStorage.setItem(DRAFT, value);
    clearTimeout(this.#due);
    if (!this.#forbidden) { // else every pause in typing would be refused, and written down
      this.#verdict = 'checking';
      this.#due = setTimeout(() => this.#check(), CHECK_MS);
    }
    update();
  }

  async #check() {
    clearTimeout(this.#due);
    if (this.#forbidden) return;
    const check = ++this.#checks;
    try {
      await call('POST', '/v1/jobs?dryRun=true', this.#text);
      if (check !== this.#checks) return;
      this.#mistakes = [];
      this.#verdict = 'good';
      connected('live');
    } catch (e) {
      if (check !== this.#checks) return;
      this.#refused(e);
    }
    update();
  }

  #refused(e) {
    if (!(e instanceof ApiError)) throw e;
    this.#mistakes = [...e.mistakes].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
    this.#verdict = e.mistakes.length ? 'bad' : 'unknown';
    this.#why = e.message;
    connected(e.status === 0 || e.status >= 500 ? 'reconnecting' : 'live');
    this.#forbidden = e.status === 403;
    const passes = e.status === 0 || e.status === 429 || e.status >= 500;
    if (this.#verdict === 'unknown' && passes) this.#due = setTimeout(() => this.#check(), AGAIN_MS);
  }

  #why = '';
  #forbidden = false;

  async #submit(e) {
    e?.preventDefault();
    if (this.#sending) return;
    this.#sending = true;
    this.#checks++;
    update();
    try {
      // The same key again, after a lost answer or a double click, is the same job.
      const answer = await call('POST', '/v1/jobs', this.#text, {'Idempotency-Key': this.#key});
      const job = await answer.json();
      sessionStorage.removeItem(DRAFT);
      notice(`${job.name} is submitted as ${job.id}.`);
      location.hash = `#/jobs/${job.id}`;
    } catch (error) {
      this.#refused(error);
      if (this.#mistakes.length) this.#go(this.#mistakes[0].line ?? 1);
    } finally {
      this.#sending = false;
    }
    update();
  }

  async #open(e) {
    const [file] = e.target.files;
    e.target.value = '';
    if (!file) return;
    if (file.size > 1 << 20) notice(`${file.name} has ${file.size} bytes; a job file has at most 1 MiB.`, 'error');
    else this.#edit(await file.text());
  }

  /** Puts the cursor on that line. */
  #go(line) {
    const area = document.getElementById('job-file');
    const lines = this.#text.split('\n');
    const from = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1] ?? '').length);
  }

  #keys(e) {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) this.#submit(e);
  }

  render() {
    const lines = this.#text.split('\n');
    const at = new Map();
    for (const mistake of this.#mistakes) {
      if (mistake.line) at.set(mistake.line, [...(at.get(mistake.line) ?? []), mistake]);
    }
    return html`
      <div class="head"><h1>Submit a job</h1></div>
      <form @submit=${(e) => this.#submit(e)}>
        <div class="editor">
          <ol class="lines" aria-hidden="true">${lines.map((line, i) => {
            const mine = at.get(i + 1);
            return html`<li class=${mine ? 'bad' : ''}><span class="ghost">${line}</span>${mine
              ? html`<span class="lens">${mine.map(short).join('; ')}</span>` : nothing}</li>`;
          })}</ol>
          <textarea id="job-file" spellcheck="false" autocapitalize="off" autocomplete="off" wrap="off"
            aria-label="Job file, YAML or JSON" aria-describedby="verdict" aria-invalid=${this.#mistakes.length > 0}
            rows=${Math.max(12, lines.length + 1)} .value=${live(this.#text)}
            @input=${(e) => this.#edit(e.target.value)} @keydown=${(e) => this.#keys(e)} @scroll=${follow}></textarea>
        </div>
        <div class="actions submit-actions">
          <button type="submit" class="primary" ?disabled=${this.#sending}>Submit</button>
          <label class="button">Open a file …<input class="visually-hidden" type="file" accept=".yaml,.yml,.json" @change=${(e) => this.#open(e)}></label>
          <span class="sub">Ctrl+Enter submits</span>
        </div>
      </form>
      <div id="verdict" role="status">${this.#said()}</div>
      ${this.#mistakes.length ? html`<ul class="mistakes">${this.#mistakes.map((m) => html`
        <li>${m.line ? html`<button class="plain" @click=${() => this.#go(m.line)}>line ${m.line}</button>` : html`<span></span>`}
          <span><b>${m.path || 'the file'}</b>: given ${m.given}; allowed: ${m.allowed}</span></li>`)}</ul>` : nothing}`;
  }

  #said() {
    const n = this.#mistakes.length;
    switch (this.#verdict) {
      case 'good': return html`<p class="verdict good">The coordinator accepts this job file.</p>`;
      case 'bad': return html`<p class="verdict bad">${n} ${n === 1 ? 'mistake' : 'mistakes'}</p>`;
      case 'unknown': return html`<p class="verdict bad">${this.#forbidden ? `Nothing can be submitted with this token: ${this.#why}.` : this.#why}</p>`;
      default: return html`<p class="verdict">Checking …</p>`;
    }
  }
}

const short = ({path, given, allowed}) =>
  given === 'nothing' ? `${path.split('.').at(-1)} is missing: ${allowed}` : `given ${given}; allowed: ${allowed}`;

/** Line numbers and messages go along when the text is scrolled sideways. */
function follow(e) {
  e.target.previousElementSibling.scrollLeft = e.target.scrollLeft;
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('');
}
