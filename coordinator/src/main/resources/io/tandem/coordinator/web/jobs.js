// All jobs: state, progress, ETA; sorted and filtered.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {live} from '/web/lib/lit-html/directives/live.js';
import {repeat} from '/web/lib/lit-html/directives/repeat.js';
import {Feed, json} from '/web/api.js';
import {ENDS, attempt, badge, bar, connected, empty, failure, update} from '/web/shell.js';
import {ago, between, count, dateTime, duration, number, percent} from '/web/format.js';

const PAGE = 100;
const LARGEST_PAGE = 1000;
const REFRESH_MS = 60_000; // Jobs that others deleted are not told by events.
const STATES = ['QUEUED', 'PLACING', 'RUNNING', 'RECOVERING', 'PAUSED', 'CANCELLING', ...ENDS];

const share = (job) => job.totalSteps ? job.step / job.totalSteps : 0;

const COLUMNS = [
  {key: 'name', label: 'Job', value: (job) => job.name.toLowerCase()},
  {key: 'state', label: 'State', value: (job) => STATES.indexOf(job.state)},
  {key: 'progress', label: 'Progress', value: share},
  {key: 'eta', label: 'ETA', value: (job) => job.etaSeconds ?? Infinity, number: true},
  {key: 'rate', label: 'Images/s', value: (job) => job.state === 'RUNNING' ? job.imagesPerSecond : -1, number: true},
  {key: 'accuracy', label: 'Test accuracy', value: (job) => job.values['accuracy.test'] ?? -1, number: true},
  {key: 'mesh', label: 'Mesh', value: (job) => job.mesh.replicas * job.mesh.shards, number: true},
  {key: 'submitted', label: 'Submitted', value: (job) => Date.parse(job.createdAt), number: true},
];

export class JobsView {
  tab = '#/';
  title = 'Jobs · Tandem';
  #jobs = new Map();
  #totals = null;
  #cursor = null;
  #wanted = PAGE; // jobs to be shown, of those that there are
  #isLoaded = false;
  #error = null;
  #changed = new Map(); // since the list was asked for
  #words = '';
  #state = '';
  #sort = {key: 'submitted', down: true};
  #asked = 0;

  constructor() {
    this.#feed = new Feed('/v1/changes', {
      onEvent: (type, data) => this.#hear(type, data),
      onState: (state) => {
        connected(state);
        if (state === 'live') this.#load();
      },
    });
    this.#timer = setInterval(() => this.#load(), REFRESH_MS);
    addEventListener('keydown', this.#key);
  }

  #feed;
  #timer;

  close() {
    this.#feed.close();
    clearInterval(this.#timer);
    removeEventListener('keydown', this.#key);
  }

  #hear(type, data) {
    if (type === 'job') {
      this.#changed.set(data.id, data);
      if (this.#isLoaded) this.#jobs.set(data.id, data);
    } else if (type === 'totals') {
      this.#totals = data;
    }
    update();
  }

  /** As many of the newest as are wanted; what changed meanwhile is newer than the answers. */
  async #load() {
    const asked = ++this.#asked;
    this.#changed.clear();
    const found = new Map();
    let cursor = null;
    try {
      do {
        const query = new URLSearchParams({limit: Math.min(LARGEST_PAGE, this.#wanted - found.size)});
        if (this.#state) query.set('state', this.#state);
        if (cursor) query.set('cursor', cursor);
        const {jobs, nextCursor} = await json(`/v1/jobs?${query}`);
        if (asked !== this.#asked) return;
        jobs.forEach((job) => found.set(job.id, job));
        cursor = nextCursor;
      } while (cursor && found.size < this.#wanted);
      this.#changed.forEach((job) => found.set(job.id, job));
      this.#jobs = found;
      this.#cursor = cursor;
      this.#isLoaded = true;
      this.#error = null;
    } catch (e) {
      if (asked === this.#asked) this.#error = e;
    }
    update();
  }

  #key = (e) => {
    if (e.key === '/' && !/INPUT|TEXTAREA|SELECT/.test(e.target.tagName)) {
      e.preventDefault();
      document.getElementById('filter').focus();
    }
  };

  #shown() {
    const words = this.#words.toLowerCase().split(/\s+/).filter(Boolean);
    const column = COLUMNS.find(({key}) => key === this.#sort.key);
    const way = this.#sort.down ? -1 : 1;
    return [...this.#jobs.values()]
      .filter((job) => !this.#state || job.state === this.#state)
      .filter((job) => {
        const text = `${job.name} ${job.id} ${job.state} ${job.mesh.replicas}x${job.mesh.shards}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort((a, b) => {
        const [x, y] = [column.value(a), column.value(b)];
        return (x < y ? -1 : x > y ? 1 : 0) * way || Date.parse(b.createdAt) - Date.parse(a.createdAt);
      });
  }

  #sortBy(key) {
    const down = this.#sort.key === key ? !this.#sort.down : key !== 'name';
    this.#sort = {key, down};
    update();
  }

  #more() {
    this.#wanted += PAGE;
    return this.#load();
  }

  #choose(state) {
    this.#state = state;
    this.#wanted = PAGE;
    return this.#load();
  }

  #move(e) {
    const step = {ArrowDown: 1, ArrowUp: -1}[e.key];
    if (!step || !e.target.matches('a.row')) return;
    e.preventDefault();
    const links = [...e.currentTarget.querySelectorAll('a.row')];
    links[links.indexOf(e.target) + step]?.focus();
  }

  render() {
    const shown = this.#shown();
    return html`
      <div class="head">
        <h1>Jobs</h1>
        ${this.#totals ? this.#summary() : nothing}
      </div>
      <div class="tools">
        <input id="filter" type="search" placeholder="Filter by name, id, state, mesh  ( / )" aria-label="Filter jobs"
          .value=${live(this.#words)} @input=${(e) => { this.#words = e.target.value; update(); }}>
        <select aria-label="State" @change=${(e) => attempt(() => this.#choose(e.target.value))}>
          <option value="">every state</option>
          ${STATES.map((state) => html`<option value=${state}>${state.toLowerCase()}</option>`)}
        </select>
        <select class="narrow" aria-label="Sort by" @change=${(e) => this.#sortBy(e.target.value)}>
          ${COLUMNS.map(({key, label}) => html`<option value=${key} ?selected=${key === this.#sort.key}>by ${label.toLowerCase()}</option>`)}
        </select>
        <button class="narrow" aria-label=${this.#sort.down ? 'Descending' : 'Ascending'} @click=${() => this.#sortBy(this.#sort.key)}>${this.#sort.down ? '↓' : '↑'}</button>
      </div>
      ${failure(this.#error)}
      ${!this.#isLoaded ? (this.#error ? nothing : empty('Loading …'))
        : shown.length === 0 ? this.#nothing() : this.#table(shown)}
      ${this.#cursor ? html`
        <p class="more">${count(this.#jobs.size)} jobs are loaded, older ones are not searched.
          <button @click=${() => this.#more()}>Load more</button></p>` : nothing}`;
  }

  #summary() {
    const {jobs, slots, usedSlots, workers} = this.#totals;
    const running = jobs.RUNNING ?? 0;
    const waiting = (jobs.QUEUED ?? 0) + (jobs.PLACING ?? 0) + (jobs.RECOVERING ?? 0);
    return html`<p class="summary">
      <span><b>${count(running)}</b> running</span> <span><b>${count(waiting)}</b> waiting</span>
      <span><b>${count(usedSlots)}</b> of <b>${count(slots)}</b> slots in use on
        <a href="#/workers"><b>${count(workers)}</b> ${workers === 1 ? 'worker' : 'workers'}</a></span></p>`;
  }

  #nothing() {
    return this.#jobs.size || this.#state
      ? empty('No job fits the filter.')
      : html`<p class="empty">No job yet. <a href="#/submit">Submit the first one.</a></p>`;
  }

  #table(jobs) {
    return html`
      <table class="jobs cards">
        <thead><tr>${COLUMNS.map((column) => this.#heading(column))}</tr></thead>
        <tbody @keydown=${(e) => this.#move(e)}>
          ${repeat(jobs, (job) => job.id, (job) => this.#row(job))}
        </tbody>
      </table>`;
  }

  #heading({key, label, number}) {
    const mine = this.#sort.key === key;
    const order = mine ? (this.#sort.down ? 'descending' : 'ascending') : 'none';
    return html`<th scope="col" aria-sort=${order} class=${number ? 'number' : ''}>
      <button class="plain" @click=${() => this.#sortBy(key)}>${label}<span class="arrow" aria-hidden="true">${mine ? (this.#sort.down ? '↓' : '↑') : ''}</span></button></th>`;
  }

  #row(job) {
    const open = (e) => {
      if (!e.target.closest('a') && getSelection().isCollapsed) location.hash = `#/jobs/${job.id}`;
    };
    const accuracy = job.values['accuracy.test'];
    const running = job.state === 'RUNNING';
    const wait = job.missing ?? (job.state === 'FAILED' ? job.reason.toLowerCase().replaceAll('_', ' ') : '');
    return html`
      <tr @click=${open} data-job=${job.id}>
        <td class="wide"><a class="row" href="#/jobs/${job.id}">${job.name}</a><span class="id">${job.id}</span></td>
        <td class="state">${badge(job.state)}${wait ? html`<span class="sub">${wait}</span>` : nothing}</td>
        <td class="progress">${bar(job.step, job.totalSteps, `Progress of ${job.name}`)}
          <span class="sub">${job.totalSteps ? html`${count(job.step)} of ${count(job.totalSteps)} · ${percent(share(job), 0)}` : 'not begun'}</span></td>
        <td class="number" data-label="ETA">${running ? duration(job.etaSeconds)
          : job.endedAt ? html`<span class="sub">took ${duration(between(job.startedAt ?? job.createdAt, job.endedAt))}</span>` : '–'}</td>
        <td class="number" data-label="Images/s">${running ? number(job.imagesPerSecond) : '–'}</td>
        <td class="number" data-label="Test accuracy">${percent(accuracy)}</td>
        <td class="number" data-label="Mesh">${job.mesh.replicas} × ${job.mesh.shards}</td>
        <td class="number" data-label="Submitted" title=${dateTime(job.createdAt)}>${ago(job.createdAt)}</td>
      </tr>`;
  }
}
