// The mesh: a row a replica, a column a shard, a cell a rank.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';

const COLOURS = 6;
const ROOMY = 8; // shards; beyond, a cell has room for its number only

export function meshView(job) {
  const {replicas, shards} = job.mesh;
  const workers = job.workers.map(({id}) => id);
  const hostOf = new Map(job.workers.flatMap(({id, ranks}) => ranks.map((rank) => [rank, id])));
  const roomy = shards <= ROOMY;
  const cell = (replica, shard) => {
    const rank = replica * shards + shard;
    const worker = hostOf.get(rank);
    const colour = worker ? `curve-${workers.indexOf(worker) % COLOURS}` : 'none';
    const said = `rank ${rank}: replica ${replica}, shard ${shard}, ${worker ?? 'no worker'}`;
    return html`<div role="cell" class="rank ${colour}" title=${said} aria-label=${said}>
      <b>${roomy ? `${replica}, ${shard}` : rank}</b></div>`;
  };
  return html`
    <section class="card" aria-label="Mesh">
      <div class="card-head"><h2>Mesh</h2>
        <span class="sub">${replicas} ${replicas === 1 ? 'replica' : 'replicas'} × ${shards} ${shards === 1 ? 'shard' : 'shards'}</span></div>
      <div class="mesh ${roomy ? '' : 'dense'}" role="table" aria-label="Ranks: a row a replica, a column a shard">
        ${Array.from({length: replicas}, (_, r) => html`
          <div role="row">${Array.from({length: shards}, (__, s) => cell(r, s))}</div>`)}
      </div>
      ${workers.length ? html`
        <ul class="hosts">${job.workers.map(({id, ranks}, i) => html`
          <li><span class="swatch curve-${i % COLOURS}" aria-hidden="true"></span><span class="id">${id}</span>
            <span class="sub">${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')}</span></li>`)}</ul>` : nothing}
    </section>`;
}
