// The registered workers and what they host.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {repeat} from '/web/lib/lit-html/directives/repeat.js';
import {Feed, json, oneAtATime} from '/web/api.js';
import {bar, connected, empty, failure, update} from '/web/shell.js';
import {ago, bytes, count, dateTime} from '/web/format.js';

const HEARTBEATS_MS = 5000; // Events tell no heartbeats.

export class WorkersView {
  tab = '#/workers';
  title = 'Workers · Tandem';
  #workers = null;
  #error = null;
  #load = oneAtATime(async () => {
    try {
      this.#workers = (await json('/v1/workers')).workers;
      this.#error = null;
    } catch (e) {
      this.#error = e;
    }
    update();
  });
  #timer = setInterval(() => { if (!document.hidden) this.#load(); }, HEARTBEATS_MS);
  #feed = new Feed('/v1/changes', {
    onEvent: (type) => { if (type.startsWith('worker')) this.#load(); },
    onState: (state) => {
      connected(state);
      if (state === 'live') this.#load();
    },
  });

  close() {
    clearInterval(this.#timer);
    this.#feed.close();
  }

  render() {
    const workers = this.#workers;
    const sum = (key) => workers.reduce((total, worker) => total + worker[key], 0);
    return html`
      <div class="head">
        <h1>Workers</h1>
        ${workers ? html`<p class="summary"><span><b>${count(workers.length)}</b> registered</span>
          <span><b>${count(sum('usedSlots'))}</b> of <b>${count(sum('slots'))}</b> slots in use</span></p>` : nothing}
      </div>
      ${failure(this.#error)}
      ${!workers ? (this.#error ? nothing : empty('Loading …'))
        : workers.length === 0 ? html`<p class="empty">No worker has registered. Start one:
            <code>tandem worker --slots 4 --coordinator HOST:PORT</code></p>`
        : this.#table(workers)}`;
  }

  #table(workers) {
    const sorted = [...workers].sort((a, b) => a.host.localeCompare(b.host) || a.id.localeCompare(b.id));
    return html`
      <table class="cards">
        <thead><tr>
          <th scope="col">Worker</th><th scope="col">State</th><th scope="col">Slots</th><th scope="col">Pool</th><th scope="col">Device</th>
          <th scope="col" class="number">Cores</th><th scope="col" class="number">Memory</th>
          <th scope="col">Jobs</th><th scope="col" class="number">Heartbeat</th><th scope="col" class="number">Registered</th>
        </tr></thead>
        <tbody>${repeat(sorted, (worker) => worker.id, (worker) => this.#row(worker))}</tbody>
      </table>`;
  }

  #row(worker) {
    return html`
      <tr data-worker=${worker.id}>
        <td class="wide"><b>${worker.host}</b><span class="id">${worker.id}</span></td>
        <td class="state">${worker.leaving ? html`<span class="badge warn">leaving</span>` : html`<span class="badge ${worker.usedSlots ? 'run' : 'good'}">${worker.usedSlots ? 'busy' : 'free'}</span>`}
          <span class="sub">version ${worker.version}</span></td>
        <td class="progress">${bar(worker.usedSlots, worker.slots, `Slots of ${worker.id} in use`)}
          <span class="sub">${worker.usedSlots} of ${worker.slots} in use</span></td>
        <td data-label="Pool">${worker.pool}</td>
        <td data-label="Device">${worker.device}</td>
        <td class="number" data-label="Cores">${worker.processors}</td>
        <td class="number" data-label="Memory">${bytes(worker.memoryBytes)}</td>
        <td data-label="Jobs">${worker.jobs.length
          ? worker.jobs.map((id) => html`<a class="id" href="#/jobs/${id}">${id}</a> `) : '–'}</td>
        <td class="number" data-label="Heartbeat">${ago(worker.heartbeatAt)}</td>
        <td class="number" data-label="Registered" title=${dateTime(worker.registeredAt)}>${ago(worker.registeredAt)}</td>
      </tr>`;
  }
}
