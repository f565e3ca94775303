// A chart of some series over steps: uPlot with the page's colours and a legend of buttons.

import uPlot from '/web/lib/uplot/dist/uPlot.esm.js';
import {html} from '/web/lib/lit-html/lit-html.js';
import {count, number} from '/web/format.js';
import {update} from '/web/shell.js';

const SYNC = uPlot.sync('steps');
const COLOURS = 6;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  #element = document.createElement('div');
  #plot = null;
  #names = '';
  #series = [];
  #hidden = new Set();
  #at = null;
  #drawn = '';
  #resize = new ResizeObserver(() => this.#fit());
  #repaint = () => this.#build();

  /** format says a value in words. */
  constructor(title, {format = number, height = 190} = {}) {
    Object.assign(this, {title, format, height});
    this.#element.className = 'plot';
    this.#resize.observe(this.#element);
    addEventListener('themechange', this.#repaint);
  }

  close() {
    this.#resize.disconnect();
    removeEventListener('themechange', this.#repaint);
    this.#plot?.destroy();
  }

  /** series: [{name, label, points: [steps, values]}] */
  show(series) {
    this.#series = series;
    const names = series.map(({name}) => name).join();
    const last = series.map(({points: [steps]}) => `${steps.length}:${steps.at(-1)}`).join();
    if (names !== this.#names) {
      this.#names = names;
      this.#build();
    } else if (last !== this.#drawn) {
      this.#plot?.setData(this.#data());
    }
    this.#drawn = last;
  }

  #data() {
    return this.#series.length ? uPlot.join(this.#series.map(({points}) => points)) : [[]];
  }

  #fit() {
    const width = Math.floor(this.#element.clientWidth);
    if (!width) return;
    if (!this.#plot) this.#build();
    else if (this.#plot.width !== width) this.#plot.setSize({width, height: this.height});
  }

  #build() {
    const width = Math.floor(this.#element.clientWidth);
    this.#plot?.destroy();
    this.#plot = null;
    if (!width || !this.#series.length) return;
    const axis = {
      stroke: css('--muted'),
      grid: {stroke: css('--grid'), width: 1},
      ticks: {show: false},
      font: '11px system-ui, sans-serif',
    };
    const values = (plot, ticks) => ticks.map((tick) => tick === null ? '' : this.format(tick));
    const axes = [
      {...axis, values: (plot, ticks) => ticks.map((tick) => Number.isInteger(tick) ? count(tick) : ''), size: 26},
      {...axis, values, size: 52, scale: 'y'},
    ];
    this.#plot = new uPlot({
      width,
      height: this.height,
      scales: {x: {time: false}, y: {range: around}},
      axes,
      series: [{}, ...this.#series.map(({name}, i) => ({
        stroke: css(`--curve-${i % COLOURS}`),
        width: 1.6,
        spanGaps: true,
        show: !this.#hidden.has(name),
        scale: 'y',
        points: {show: (plot, index) => plot.data[index].filter((v) => v !== null && v !== undefined).length < 3, size: 5},
      }))],
      legend: {show: false},
      cursor: {sync: {key: SYNC.key}, y: false, drag: {x: true, y: false}, points: {size: 6}},
      hooks: {setCursor: [(plot) => { this.#at = plot.cursor.idx; update(); }]},
    }, this.#data(), this.#element);
  }

  #toggle(name, index) {
    if (!this.#hidden.delete(name)) this.#hidden.add(name);
    this.#plot?.setSeries(index + 1, {show: !this.#hidden.has(name)});
    update();
  }

  /** The value under the cursor, or the last one. */
  #value(index) {
    const column = this.#plot?.data[index + 1];
    for (let i = this.#at ?? (column?.length ?? 0) - 1; i >= 0; i--) {
      if (column[i] !== null && column[i] !== undefined) return column[i];
    }
    return null;
  }

  render() {
    const step = this.#at === null ? null : this.#plot?.data[0][this.#at];
    const said = this.#series.map(({label}, i) => `${label} ${this.format(this.#value(i))}`).join(', ');
    return html`
      <section class="card chart" aria-label=${this.title}>
        <div class="card-head"><h2>${this.title}</h2><span class="sub">${step ? `step ${count(step)}` : ''}</span></div>
        <div class="legend">
          ${this.#series.map(({name, label}, i) => html`
            <button class="plain" aria-pressed=${!this.#hidden.has(name)} title="Show or hide ${label}"
              @click=${() => this.#toggle(name, i)}>
              <span class="swatch curve-${i % COLOURS}" aria-hidden="true"></span>${label}
              <b>${this.format(this.#value(i))}</b></button>`)}
        </div>
        ${this.#series.length ? '' : html`<p class="empty">Nothing was reported yet.</p>`}
        <div role="img" aria-label="${this.title} by step; last: ${said}">${this.#element}</div>
      </section>`;
  }
}

/** Some air above and below; a flat line gets a scale too. */
function around(plot, low, high) {
  if (low === null || high === null) return [0, 1];
  const air = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air];
}
