// A few test images with what the teacher and the student say of them.

import {html, nothing} from '/web/lib/lit-html/lit-html.js';
import {call, json, oneAtATime} from '/web/api.js';
import {update} from '/web/shell.js';
import {count, percent} from '/web/format.js';

export class Samples {
  #samples = [];
  #urls = new Map(); // by place; the same place is the same image at every evaluation

  constructor(jobId) {
    this.path = `/v1/jobs/${jobId}/samples`;
  }

  close() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls.clear();
  }

  refresh = oneAtATime(async () => {
    const {samples} = await json(this.path);
    for (const {place, image} of samples) {
      if (!this.#urls.has(place)) {
        this.#urls.set(place, URL.createObjectURL(await (await call('GET', image)).blob()));
      }
    }
    this.#samples = samples;
    update();
  });

  render() {
    if (!this.#samples.length) return nothing;
    return html`
      <section class="card samples" aria-label="Test images">
        <div class="card-head"><h2>Test images</h2>
          <span class="sub">${this.#samples[0].teacher ? 'what teacher and student say' : 'what the model says'} at step ${count(this.#samples[0].step)}</span></div>
        <div class="pictures">${this.#samples.map((sample) => this.#figure(sample))}</div>
      </section>`;
  }

  #figure({place, label, student, teacher}) {
    return html`
      <figure>
        <img src=${this.#urls.get(place)} alt="Test image ${place}, class ${label}" width="96" height="96">
        <figcaption><b>class ${label}</b>
          ${teacher ? opinion('teacher', teacher, label) : nothing}
          ${opinion(teacher ? 'student' : 'model', student, label)}</figcaption>
      </figure>`;
  }
}

function opinion(who, said, truth) {
  const right = said.label === truth;
  return html`<span class=${right ? 'right' : 'wrong'}>
    <span class="muted">${who}</span> ${right ? '✓' : '✗'} ${said.label} <span class="muted">${percent(said.probability, 0)}</span></span>`;
}
