// The mesh: a row a replica, a column a shard, a cell a rank with how long its steps take.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {json} from '/web/api.js';
import {attempt, bar, update} from '/web/shell.js';
import {percent, seconds} from '/web/format.js';

const COLOURS = 6;
const ROOMY = 8; // shards; beyond, a cell has room for its number and a bar only
const REFRESH_MS = 2000;

export class MeshView {
  #times = new Map(); // by rank
  #due = null;

  constructor(jobId) {
    this.path = `/v1/jobs/${jobId}/ranks`;
  }

  close() {
    clearTimeout(this.#due);
  }

  /** Something happened: the times are asked for again, soon and once. */
  refreshSoon() {
    this.#due ??= setTimeout(() => attempt(async () => {
      this.#due = null;
      const {ranks} = await json(this.path);
      this.#times = new Map(ranks.map((time) => [time.rank, time]));
      update();
    }), this.#times.size ? REFRESH_MS : 0);
  }

  render(job) {
    const {replicas, shards} = job.mesh;
    const workers = job.workers.map(({id}) => id);
    const hosts = new Map(job.workers.flatMap(({id, ranks}) => ranks.map((rank) => [rank, id])));
    const roomy = shards <= ROOMY;
    const running = job.state === 'RUNNING';
    const cell = (replica, shard) => {
      const rank = replica * shards + shard;
      const host = hosts.get(rank);
      const colour = host ? `curve-${workers.indexOf(host) % COLOURS}` : 'none';
      const time = running ? this.#times.get(rank) : undefined;
      const said = `rank ${rank}: replica ${replica}, shard ${shard}, ${host ?? 'no worker'}${words(time)}`;
      return html`<div role="cell" class="rank ${colour}" title=${said} aria-label=${said}>
        <b>${rank}</b>${time ? html`
          ${roomy ? html`<span class="time">${seconds(time.stepSeconds)}</span>` : nothing}
          ${bar(busy(time), time.stepSeconds, 'Share of the step not waiting')}
          ${roomy ? html`<span class="sub">waits ${percent(waiting(time), 0)}</span>` : nothing}` : nothing}</div>`;
    };
    return html`
      <section class="card" aria-label="Mesh">
        <div class="card-head"><h2>Mesh</h2>
          <span class="sub">${replicas} ${replicas === 1 ? 'replica' : 'replicas'} × ${shards} ${shards === 1 ? 'shard' : 'shards'}</span></div>
        <div class="mesh ${roomy ? '' : 'dense'}" role="table" aria-label="Ranks: a row a replica, a column a shard">
          ${Array.from({length: replicas}, (_, r) => html`
            <div role="row">${Array.from({length: shards}, (__, s) => cell(r, s))}</div>`)}
        </div>
        ${running && this.#times.size ? this.#slowest() : nothing}
        ${workers.length ? html`
          <ul class="hosts">${job.workers.map(({id, ranks}, i) => html`
            <li><span class="swatch curve-${i % COLOURS}" aria-hidden="true"></span><span class="id">${id}</span>
              <span class="sub">${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}</span></li>`)}</ul>` : nothing}
      </section>`;
  }

  /** Steps are equally long where ranks wait for each other; who works longest is waited for. */
  #slowest() {
    const times = [...this.#times.values()].sort((a, b) => busy(b) - busy(a));
    const [most, least] = [times[0], times.at(-1)];
    return html`<p class="sub">The bar is the share of a step that is not waiting.
      ${times.length > 1 ? html`Busiest: rank <b>${most.rank}</b>, ${seconds(busy(most))}; least busy:
        rank <b>${least.rank}</b>, ${seconds(busy(least))}.` : nothing}</p>`;
  }
}

const busy = (time) => Math.max(0, time.stepSeconds - time.waitSeconds);
const waiting = (time) => time.stepSeconds ? Math.min(1, time.waitSeconds / time.stepSeconds) : 0;

function words(time) {
  if (!time) return '';
  const whom = time.waitsFor === null ? '' : `, most for rank ${time.waitsFor}`;
  return `; a step takes ${seconds(time.stepSeconds)}, of which it waits ${seconds(time.waitSeconds)}${whom}`;
}
