// A job's time series: the past thinned by the server, then every point as it comes.

import {call, json, oneAtATime} from '/web/api.js';

const POINTS = 400;
const MOST = 4000; // of one series; then all are thinned anew

/** Steps that a later attempt went over again are what that attempt says. */
class Curve {
  attempts = [];
  steps = [];
  values = [];

  add(attempt, step, value) {
    for (let last = this.steps.length - 1; last >= 0; last--) {
      if (this.steps[last] < step) break;
      if (this.attempts[last] > attempt) return; // told late
      this.steps.pop();
      this.values.pop();
      this.attempts.pop();
    }
    this.attempts.push(attempt);
    this.steps.push(step);
    this.values.push(value);
  }
}

export class Curves {
  #byName = new Map();
  #newest = null;

  constructor(jobId) {
    this.path = `/v1/jobs/${jobId}`;
  }

  /** Fetches what is new. */
  refresh = oneAtATime(() => this.#fetch());

  async #fetch() {
    const longest = Math.max(0, ...[...this.#byName.values()].map((curve) => curve.steps.length));
    if (this.#newest === null || longest > MOST) {
      const {curves, newest} = await json(`${this.path}/curves?points=${POINTS}`);
      this.#byName.clear();
      for (const [name, {attempt, step, value}] of Object.entries(curves)) {
        step.forEach((s, i) => this.#curve(name).add(attempt[i], s, value[i]));
      }
      this.#newest = newest;
      return;
    }
    const {metrics} = await (await call('GET', `${this.path}/metrics?from=${this.#newest + 1}&limit=10000`)).json();
    for (const {name, attempt, step, value, time} of metrics) {
      this.#curve(name).add(attempt, step, value);
      this.#newest = Math.max(this.#newest, Date.parse(time));
    }
  }

  #curve(name) {
    let curve = this.#byName.get(name);
    if (!curve) this.#byName.set(name, curve = new Curve());
    return curve;
  }

  get names() {
    return [...this.#byName.keys()].sort();
  }

  /** [steps, values] */
  points(name) {
    const {steps, values} = this.#byName.get(name);
    return [steps, values];
  }
}
