// What a connector in JavaScript needs beside the contract: texts out of pieces, requests with
// sensible defaults, failures, and a reader for configurations that finds every problem at once.
// Copy it beside your connector; it depends on nothing but `cordon:connector`.
//
// A connector must be deterministic, and here it is whether it wants or not: there is no clock
// and no randomness. `Date.now()` is the moment of the build for ever, and `Math.random()` gives
// every run the same numbers. Use neither.

import { notSent, send as sendRequest } from 'cordon:connector/http@0.1.0';

// Texts

/** A piece: an identity's kind, or a key of the credentials that the configuration names. */
export const placeholder = (name) => ({ tag: 'placeholder', val: name });

/** A piece: a key of the connection's credentials. */
export const secret = (name) => ({ tag: 'secret', val: name });

/** A piece: a value by its number, for example a cursor that `response.value` gave. */
export const value = (id) => ({ tag: 'value', val: id });

const literal = (text) => ({ tag: 'literal', val: String(text) });

/**
 * A text: text`${origin}/people?email=${placeholder('email')}`. Strings and numbers stand as they
 * are; the host escapes everything else for its place, and nothing here does.
 */
export function text(strings, ...parts) {
  const pieces = [];
  strings.forEach((string, index) => {
    if (string !== '') pieces.push(literal(string));
    if (index < parts.length) {
      const part = parts[index];
      pieces.push(typeof part === 'object' ? part : literal(part));
    }
  });
  return pieces;
}

// Requests

/**
 * A request that checks certificates, counts 200 as its only success, retries no status and drops
 * the body of the answer. `label`, `method` and `url` must be given; anything else can be.
 * Define a request once and use it for the plan and for sending: the host compares the two.
 */
export const request = (definition) => ({
  headers: [],
  body: undefined,
  bind: [],
  verifyTls: true,
  idempotent: undefined,
  success: [200],
  retryStatuses: [],
  maxAttempts: undefined,
  responseBody: 'discard',
  ...definition,
});

/** The request as part of a plan. Without an action it is one that `test` sends. */
export const planned = (pointer, action, request, wanted) => ({
  pointer,
  action,
  wanted,
  whenMissing: 'fail',
  request,
});

/**
 * Sends a request for these identities; the response, or nothing in a dry run, in which the host
 * has noted the request and sent none. Whatever goes wrong is a failure of the run.
 */
export function send(request, ...bind) {
  try {
    return sendRequest({ ...request, bind });
  } catch (thrown) {
    const error = errorOf(thrown);
    if (error.tag === 'unreachable' && notSent()) return undefined;
    const code = error.tag === 'missing-placeholder' ? error.tag : 'query-failed';
    const which = error.val === undefined ? '' : `: ${error.val}`;
    throw new Failure(code, `${error.tag}${which}`, request.label);
  }
}

/** What an upstream says in the place of an object for "there is none". */
export const NO_DATA = ['null', 'missing'];

/**
 * What `read` takes out of a response, as in shaped('people', () => response.records('/items')).
 * A document of another shape is a failure of the run; but nothing, when `none` has that shape, as
 * in shaped('member', () => response.object('/member'), NO_DATA).
 */
export function shaped(label, read, none = []) {
  try {
    return read();
  } catch (thrown) {
    const { expected, found, offset, size } = errorOf(thrown);
    if (none.includes(found)) return undefined;
    const where = `at byte ${offset} of ${size}`;
    throw new Failure('malformed-response', `expected ${expected}, found ${found} ${where}`, label);
  }
}

/**
 * Gives a response or records back to the host, which limits how many a run may hold. What is
 * returned in an outcome must not be given back.
 */
export function release(handle) {
  handle[Symbol.dispose ?? Symbol.for('dispose')]();
}

/** The error that an imported function answered. Anything else thrown is a mistake in the code. */
function errorOf(thrown) {
  if (thrown?.payload === undefined) throw thrown;
  return thrown.payload;
}

// Outcomes

/** The end of a run that did not work. Thrown, it becomes the contract's `failure`. */
export class Failure extends Error {
  /** `detail` holds names, statuses, sizes and positions, never a value. */
  constructor(code, detail, label) {
    super(detail);
    this.payload = { code, label, detail };
  }
}

/** The outcome of a run that is done: finished('records', pages), finished('done'). */
export const finished = (finding, val) => ({
  tag: 'finished',
  val: { finding: { tag: finding, val }, skipped: [] },
});

// Configurations

/** Problems as they are found: all at once, each with its JSON pointer, none repeating a value. */
export class Problems {
  list = [];

  error(code, pointer, message) {
    this.list.push({ severity: 'error', code, pointer, column: undefined, message });
  }

  get any() {
    return this.list.length > 0;
  }

  /** The document, which must be a JSON object. */
  parse(document) {
    let parsed;
    try {
      parsed = JSON.parse(document);
    } catch {
      this.error('invalid_json', '', 'This is not JSON.');
      return undefined;
    }
    return this.#typed(parsed, 'object', '');
  }

  /** A field of an object, if it is there and of this type: 'object', 'string', 'number'. */
  optional(object, pointer, name, type) {
    if (object === undefined || !Object.hasOwn(object, name)) return undefined;
    return this.#typed(object[name], type, pointerTo(pointer, name));
  }

  /** The same of a field that must be there. */
  required(object, pointer, name, type) {
    if (object !== undefined && !Object.hasOwn(object, name)) {
      this.error('missing_field', pointerTo(pointer, name), `The field "${name}" is required.`);
    }
    return this.optional(object, pointer, name, type);
  }

  /** Every field of an object must be one of these. */
  only(object, pointer, known) {
    for (const name of Object.keys(object ?? {})) {
      if (known.includes(name)) continue;
      const message = `This field is not known; known here: ${known.join(', ')}.`;
      this.error('unknown_field', pointerTo(pointer, name), message);
    }
  }

  #typed(value, type, pointer) {
    const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
    if (found === type) return value;
    this.error('wrong_type', pointer, `This must be ${WORDS[type]}, and is ${WORDS[found]}.`);
    return undefined;
  }
}

const WORDS = {
  object: 'an object',
  array: 'an array',
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
};

const pointerTo = (pointer, name) =>
  `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
