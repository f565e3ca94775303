// Calls to the coordinator. The token stays in this tab's session and goes as a bearer header, which
// is why events are read with fetch: EventSource sends no headers.

const TOKEN = 'tandem.token';
const SILENCE_MS = 40_000; // The server says something at least every 15 s.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const CALL_MS = 30_000;

let unauthorized = () => {};

/** Who asks for the token when a call is refused for want of it. */
export const onUnauthorized = (handler) => { unauthorized = handler; };

export const token = () => sessionStorage.getItem(TOKEN) ?? '';

export function keepToken(text) {
  if (text) sessionStorage.setItem(TOKEN, text);
  else sessionStorage.removeItem(TOKEN);
}

/** An answer that is an error, with what the server said of it. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the coordinator answered ${status}`);
    this.status = status;
    this.mistakes = problem.errors ?? [];
  }
}

async function request(path, options) {
  const headers = new Headers(options.headers);
  if (token()) headers.set('Authorization', `Bearer ${token()}`);
  let response;
  try {
    response = await fetch(path, {...options, headers, cache: 'no-store'});
  } catch (e) {
    if (options.signal?.aborted && options.signal.reason?.name !== 'TimeoutError') throw e;
    throw new ApiError(0, {detail: 'The coordinator cannot be reached.'});
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) unauthorized();
  throw new ApiError(response.status, problem);
}

export async function call(method, path, body, headers = {}) {
  const signal = AbortSignal.timeout(CALL_MS);
  return request(path, {method, body, headers, signal});
}

export const json = async (path) => (await call('GET', path)).json();

export const text = async (path) => (await call('GET', path)).text();

/** Work that is never done twice at once: wishes while it is under way become one more time after it. */
export function oneAtATime(work) {
  let busy = null;
  let again = false;
  const repeat = async () => {
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      busy = null;
    }
  };
  return () => {
    if (busy) again = true;
    else busy = repeat();
    return busy;
  };
}

/** The messages of a text/event-stream, one at a time. */
async function* messages(stream, heard) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    heard();
    rest += value;
    const blocks = rest.split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const message = {id: null, event: 'message', data: ''};
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) message[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
      }
      if (message.data) yield {...message, data: JSON.parse(message.data)};
    }
  }
}

/**
 * Server-sent events that go on after every interruption from the last event seen.
 *
 * onEvent(type, data) hears them; onState(state, error) hears 'connecting', 'live', 'reconnecting',
 * 'ended' (isOver() was true when the server closed) and 'refused' (trying again is no use).
 */
export class Feed {
  #stopped = new AbortController();
  #wake = () => {};
  #lastId = null;

  constructor(path, {onEvent, onState, isOver = () => false}) {
    Object.assign(this, {path, onEvent, onState, isOver});
    const soon = () => { if (!document.hidden) this.#wake(); };
    const {signal} = this.#stopped;
    addEventListener('online', soon, {signal});
    document.addEventListener('visibilitychange', soon, {signal});
    this.#run();
  }

  close() {
    this.#stopped.abort();
    this.#wake();
  }

  #tell(state, error) {
    if (!this.#stopped.signal.aborted) this.onState(state, error);
  }

  async #run() {
    this.#tell('connecting');
    for (let failures = 0; !this.#stopped.signal.aborted;) {
      let lost = false;
      try {
        await this.#read(() => { failures = 0; });
        if (this.isOver()) {
          this.#tell('ended');
          return;
        }
      } catch (e) {
        lost = true;
        if (this.#stopped.signal.aborted) return;
        if ([400, 401, 403, 404].includes(e.status)) {
          this.#tell('refused', e);
          return;
        }
      }
      if (lost) this.#tell('reconnecting'); // else the server has ended it, as it does after ten minutes
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++);
      await this.#sleep(wait * (0.8 + 0.4 * Math.random()));
    }
  }

  async #read(connected) {
    const silent = new AbortController();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(new DOMException('silence', 'TimeoutError')), SILENCE_MS);
    };
    heard();
    try {
      const headers = {Accept: 'text/event-stream'};
      if (this.#lastId !== null) headers['Last-Event-ID'] = this.#lastId;
      const signal = AbortSignal.any([this.#stopped.signal, silent.signal]);
      const response = await request(this.path, {headers, signal});
      connected();
      this.#tell('live');
      for await (const message of messages(response.body, heard)) {
        if (message.id !== null) this.#lastId = message.id;
        this.onEvent(message.event, message.data);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
