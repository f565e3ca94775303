// One job: where it stands, how it learns, where it runs, what happened.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {Feed, call, json, oneAtATime, text} from '/web/api.js';
import {askMesh, confirm} from '/web/dialogs.js';
import {ENDS, attempt, badge, bar, connected, empty, failure, notice, update} from '/web/shell.js';
import {ago, between, bytes, clock, count, dateTime, duration, number, percent, seconds} from '/web/format.js';
import {Chart} from '/web/chart.js';
import {Curves} from '/web/curves.js';
import {MeshView} from '/web/mesh.js';
import {Samples} from '/web/samples.js';

const EVENTS = 200;
const CURVES_MS = 2000;
const LOGS = 500;

const LABELS = {
  'loss.labeled': 'labelled', 'loss.consistency': 'consistency', 'loss.student': 'student',
  'loss.student.labeled': 'student, labelled', 'accuracy.test': 'test', 'accuracy.teacher': 'teacher',
  'feedback.spread': 'spread', 'feedback.baseline': 'baseline',
  imagesPerSecond: 'images/s', stepsPerSecond: 'steps/s',
};
const HINTS = {
  Goodput: 'Time in steps that a checkpoint holds, over the time since the job was placed',
};
const label = (name) => LABELS[name] ?? name.replace(/^phaseSeconds\./, '');

/** Which series a chart shows; the first chart that wants one gets it. */
const CHARTS = [
  {title: 'Loss', wants: (name) => name.startsWith('loss')},
  {title: 'Test accuracy', wants: (name) => name.startsWith('accuracy'), format: (x) => percent(x)},
  {title: 'Feedback', wants: (name) => name.startsWith('feedback')},
  {title: 'Images a second', wants: (name) => name === 'imagesPerSecond'},
  {title: 'Phases of a step', wants: (name) => name.startsWith('phaseSeconds.'), format: seconds, more: true},
  {title: 'Rates, norms and shares', wants: () => true, more: true},
];

export class JobView {
  tab = '#/';
  #job = null;
  #error = null;
  #events = [];
  #kind = '';
  #checkpoints = [];
  #file = null;
  #logs = null;
  #curves;
  #samples;
  #mesh;
  #charts = CHARTS.map(({title, ...options}) => ({...options, chart: new Chart(title, options)}));
  #curvesDue = null;
  #feed;

  constructor(id) {
    this.id = id;
    this.#curves = new Curves(id);
    this.#samples = new Samples(id);
    this.#mesh = new MeshView(id);
    this.#feed = new Feed(`/v1/jobs/${id}/events?progress=true&last=${EVENTS}`, {
      onEvent: (type, data) => this.#hear(type, data),
      onState: (state, error) => this.#state(state, error),
      isOver: () => ENDS.includes(this.#job?.state),
    });
  }

  get title() {
    const job = this.#job;
    if (!job) return `${this.id} · Tandem`;
    const share = job.totalSteps && !ENDS.includes(job.state) ? ` ${percent(job.step / job.totalSteps, 0)}` : '';
    return `${job.name} · ${job.state.toLowerCase()}${share} · Tandem`;
  }

  close() {
    this.#feed.close();
    clearTimeout(this.#curvesDue);
    this.#charts.forEach(({chart}) => chart.close());
    this.#samples.close();
    this.#mesh.close();
  }

  #state(state, error) {
    connected(state);
    if (error) this.#error = error;
    if (state === 'live') {
      this.#error = null;
      this.#load();
    }
    if (state === 'ended') this.#loadCurves();
    update();
  }

  async #load() {
    await attempt(async () => {
      this.#job = await json(`/v1/jobs/${this.id}`);
      update();
      await this.#loadCheckpoints();
      await this.#loadCurves();
      await this.#samples.refresh();
    });
  }

  #loadCheckpoints = oneAtATime(async () => {
    this.#checkpoints = (await json(`/v1/jobs/${this.id}/checkpoints`)).checkpoints;
    update();
  });

  async #loadCurves() {
    await this.#curves.refresh();
    const taken = new Set();
    for (const {chart, wants} of this.#charts) {
      const mine = this.#curves.names.filter((name) => !taken.has(name) && wants(name));
      mine.forEach((name) => taken.add(name));
      chart.show(mine.map((name) => ({name, label: label(name), points: this.#curves.points(name)})));
    }
    update();
  }

  #curvesSoon() {
    this.#curvesDue ??= setTimeout(() => {
      this.#curvesDue = null;
      attempt(() => this.#loadCurves());
    }, CURVES_MS);
  }

  #hear(type, data) {
    if (type === 'progress') {
      this.#job = {...data, missing: data.missing ?? (data.state === this.#job?.state ? this.#job.missing : undefined)};
      this.#curvesSoon();
      if (this.#job.state === 'RUNNING') this.#mesh.refreshSoon();
    } else {
      this.#events.unshift(data);
      this.#events.length = Math.min(this.#events.length, 5 * EVENTS);
      if (type === 'checkpoint') attempt(() => this.#loadCheckpoints());
      if (type === 'evaluation') {
        this.#curvesSoon();
        attempt(() => this.#samples.refresh());
      }
    }
    update();
  }

  async #act(wish, body) {
    await attempt(async () => {
      const answer = await call('POST', `/v1/jobs/${this.id}/${wish}`, body);
      this.#job = await answer.json();
    });
    update();
  }

  async #cancel() {
    const question = {
      title: `Cancel ${this.#job.name}?`,
      text: 'It ends after its step and cannot be resumed. Its checkpoints stay.',
      action: 'Cancel the job',
      danger: true,
    };
    if (await confirm(question)) await this.#act('cancel');
  }

  async #resume() {
    const values = await askMesh(this.#job.mesh);
    if (!values) return;
    const mesh = {replicas: Number(values.replicas), shards: Number(values.shards)};
    const same = mesh.replicas === this.#job.mesh.replicas && mesh.shards === this.#job.mesh.shards;
    await this.#act('resume', same ? undefined : JSON.stringify({mesh}));
  }

  async #delete() {
    const question = {
      title: `Forget ${this.#job.name}?`,
      text: 'Its events, curves and logs are deleted here; its files on the workers stay.',
      action: 'Forget the job',
      danger: true,
    };
    if (!await confirm(question)) return;
    await attempt(async () => {
      await call('DELETE', `/v1/jobs/${this.id}`);
      notice(`${this.#job.name} is forgotten.`);
      location.hash = '#/';
    });
  }

  async #download() {
    await attempt(async () => {
      const url = URL.createObjectURL(await (await call('GET', `/v1/jobs/${this.id}/model`)).blob());
      const link = document.createElement('a');
      link.href = url;
      link.download = `${this.#job.name}.safetensors`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  }

  async #openFile(e) {
    if (!e.target.open) return;
    this.#file = await attempt(() => text(`/v1/jobs/${this.id}/file`));
    update();
  }

  /** The whole log is read in pages; its last lines are shown. */
  async #openLogs(e) {
    if (!e.target.open) return;
    await attempt(async () => {
      let lines = [];
      for (let after = 0, more = true; more;) {
        const {logs} = await json(`/v1/jobs/${this.id}/logs?after=${after}&limit=10000`);
        lines = [...lines, ...logs].slice(-LOGS);
        more = logs.length === 10000;
        after = logs.at(-1)?.id;
      }
      this.#logs = lines;
    });
    update();
  }

  render() {
    const job = this.#job;
    if (!job) {
      return this.#error
        ? html`<div class="head"><h1>${this.id}</h1></div>${failure(this.#error)}<p><a href="#/">All jobs</a></p>`
        : empty('Loading …');
    }
    const [shown, more] = [this.#charts.filter((c) => !c.more), this.#charts.filter((c) => c.more)];
    return html`
      ${this.#head(job)}
      ${failure(this.#error)}
      ${this.#standing(job)}
      ${this.#tiles(job)}
      <div class="grid">
        ${shown.map(({chart}) => chart.render())}
        ${this.#phases(job)}
        ${this.#mesh.render(job)}
        ${this.#samples.render()}
      </div>
      <div class="grid">
        ${this.#eventsCard()}
        ${this.#checkpointsCard()}
      </div>
      <details class="card"><summary>More curves</summary><div class="grid">${more.map(({chart}) => chart.render())}</div></details>
      <details class="card" @toggle=${(e) => this.#openFile(e)}><summary>Job file</summary>
        ${this.#file === null ? empty('Loading …') : html`
          <p><a class="button" href="#/submit/${job.id}">Submit a copy</a></p>
          <pre class="file" tabindex="0" aria-label="Job file">${this.#file}</pre>`}</details>
      <details class="card" @toggle=${(e) => this.#openLogs(e)}><summary>Log</summary>
        ${this.#logs === null ? empty('Loading …')
          : this.#logs.length === 0 ? empty('The workers logged nothing of this job yet.')
          : html`<pre class="log" tabindex="0" aria-label="Log">${this.#logs.map((l) => html`<span class="muted">${clock(l.time)} ${l.worker}</span> ${l.line}\n`)}</pre>`}</details>`;
  }

  #head(job) {
    const ended = ENDS.includes(job.state);
    const stopping = job.state === 'CANCELLING';
    return html`
      <div class="head job-head">
        <div><p class="crumb"><a href="#/">Jobs</a> / <span class="id">${job.id}</span></p>
          <h1>${job.name} ${badge(job.state)}</h1></div>
        <div class="actions">
          ${!ended && !stopping && job.state !== 'PAUSED' ? html`<button @click=${() => this.#act('pause')}>Pause</button>` : nothing}
          ${job.state === 'PAUSED' ? html`<button class="primary" @click=${() => this.#resume()}>Resume</button>` : nothing}
          ${!ended && !stopping ? html`<button class="danger" @click=${() => this.#cancel()}>Cancel</button>` : nothing}
          ${job.modelPath ? html`<button class="primary" @click=${() => this.#download()}>Download student</button>` : nothing}
          ${ended ? html`<button @click=${() => this.#delete()}>Forget</button>` : nothing}
        </div>
      </div>`;
  }

  #standing(job) {
    const running = job.state === 'RUNNING';
    const took = duration(between(job.startedAt ?? job.createdAt, job.endedAt));
    const why = job.missing ?? job.reasonText;
    return html`
      <section class="card standing" aria-label="Progress">
        ${bar(job.step, job.totalSteps, 'Progress')}
        <p class="facts">
          <span><b>${count(job.step)}</b>${job.totalSteps ? html` of ${count(job.totalSteps)} steps · ${percent(job.step / job.totalSteps)}` : ' steps'}</span>
          ${running ? html`<span>ETA <b>${duration(job.etaSeconds)}</b></span>` : nothing}
          ${job.startedAt ? html`<span>${job.endedAt ? 'took' : 'for'} <b>${took}</b></span>` : nothing}
          ${job.pool ? html`<span>pool <b>${job.pool}</b></span>` : nothing}
          ${job.phase ? html`<span>phase <b>${job.phase}</b></span>` : nothing}
          ${job.attempt ? html`<span>attempt <b>${job.attempt}</b>${job.restarts ? html`, ${job.restarts} ${job.restarts === 1 ? 'restart' : 'restarts'}` : nothing}</span>` : nothing}
          <span title=${dateTime(job.createdAt)}>submitted ${ago(job.createdAt)}</span>
        </p>
        ${why ? html`<p class=${job.state === 'FAILED' ? 'problem' : 'why'}>${why}</p>` : nothing}
      </section>`;
  }

  #tiles(job) {
    const v = job.values;
    const tiles = [
      ['Test accuracy', percent(v['accuracy.test'], 2)],
      ...('accuracy.teacher' in v ? [['Teacher accuracy', percent(v['accuracy.teacher'], 2)]] : []),
      ...('loss.student' in v ? [['Student loss', number(v['loss.student'])]] : []),
      ['Labelled loss', number(v['loss.labeled'])],
      ...('feedback' in v ? [['Feedback', number(v.feedback)]] : []),
      ['Images/s', number(job.imagesPerSecond || null)],
      ['Steps/s', number(job.stepsPerSecond || null)],
      ['Goodput', percent(job.goodput)],
      ['Checkpoint', job.checkpointStep === null ? '–' : `step ${count(job.checkpointStep)}`],
    ];
    return html`<dl class="tiles">${tiles.map(([name, value]) => html`<div title=${HINTS[name] ?? nothing}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
  }

  #phases(job) {
    const phases = Object.entries(job.phaseSeconds).filter(([, s]) => s > 0).sort((a, b) => b[1] - a[1]);
    const whole = phases.reduce((sum, [, s]) => sum + s, 0);
    return html`
      <section class="card" aria-label="Where a step's time goes">
        <div class="card-head"><h2>Where a step's time goes</h2><span class="sub">${whole ? `${seconds(whole)} a step, rank 0` : ''}</span></div>
        ${whole ? html`<table class="bars"><tbody>${phases.map(([name, s]) => html`
          <tr><th scope="row">${name}</th>
            <td class="wide">${bar(s, whole, `Share of ${name}`)}</td>
            <td class="number">${seconds(s)}</td><td class="number">${percent(s / whole, 0)}</td></tr>`)}</tbody></table>`
          : empty('Nothing was reported yet.')}
      </section>`;
  }

  #eventsCard() {
    const kinds = [...new Set(this.#events.map(({type}) => type))].sort();
    const shown = this.#events.filter(({type}) => !this.#kind || type === this.#kind).slice(0, EVENTS);
    return html`
      <section class="card tall" aria-label="Events">
        <div class="card-head"><h2>Events</h2>
          <select aria-label="Kind of event" @change=${(e) => { this.#kind = e.target.value; update(); }}>
            <option value="">every kind</option>
            ${kinds.map((kind) => html`<option value=${kind} ?selected=${kind === this.#kind}>${kind}</option>`)}
          </select></div>
        ${shown.length === 0 ? empty('Nothing happened yet.') : html`
          <div class="scroll" tabindex="0" role="region" aria-label="List of events"><table class="events"><tbody>${shown.map((event) => html`
            <tr class=${event.data.level === 'error' || event.data.to === 'FAILED' || event.type === 'failure' ? 'bad' : event.data.level === 'warning' ? 'warn' : ''}>
              <td class="number" title=${dateTime(event.time)}>${clock(event.time)}</td>
              <td>${event.type}</td><td class="wide">${said(event)}</td></tr>`)}</tbody></table></div>`}
      </section>`;
  }

  #checkpointsCard() {
    return html`
      <section class="card tall" aria-label="Checkpoints">
        <div class="card-head"><h2>Checkpoints</h2><span class="sub">${this.#checkpoints.length ? 'the newest first' : ''}</span></div>
        ${this.#checkpoints.length === 0 ? empty('None was committed yet.') : html`
          <div class="scroll" tabindex="0" role="region" aria-label="List of checkpoints"><table class="events"><tbody>${this.#checkpoints.map((c) => html`
            <tr><td class="number">step ${count(c.step)}</td><td class="number">${bytes(c.bytes)}</td>
              <td class="number">${seconds(c.seconds)}</td><td title=${dateTime(c.time)}>${ago(c.time)}</td>
              <td class="wide path">${c.path}</td></tr>`)}</tbody></table></div>`}
      </section>`;
  }
}

/** An event in words. */
function said({type, data, attempt: number_}) {
  switch (type) {
    case 'state': return html`<b>${data.to?.toLowerCase()}</b> ${data.text ?? ''}`;
    case 'started': return `attempt ${number_} runs on ${data.worker} from step ${count(data.step)}`;
    case 'evaluation': return html`step ${count(data.step)}: ${Object.entries(data.values).map(([n, v]) => html`${label(n)} <b>${percent(v, 2)}</b> `)}`;
    case 'checkpoint': return `step ${count(data.step)}, ${bytes(data.bytes)} in ${seconds(data.seconds)}`;
    case 'notice': return data.text;
    case 'ended': return `${data.worker}: ${data.outcome.toLowerCase().replaceAll('_', ' ')} after step ${count(data.step)} ${data.text}`;
    case 'failure': return `attempt ${number_} failed, noticed after ${seconds(data.detectionSeconds)}`;
    case 'recovery': return `attempt ${number_} trains ${seconds(data.recoverySeconds)} after attempt ${data.failedAttempt} failed`;
    case 'mesh': return `${data.from} → ${data.to}`;
    default: return JSON.stringify(data);
  }
}
