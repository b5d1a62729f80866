// The connector `contacts`; ../README.md says what it does. No value of a person passes through
// this code: it composes requests out of names and numbers, and hands on what the host holds.

import { makeRecords } from 'cordon:connector/handles@0.1.0';
import {
  Failure,
  NO_DATA,
  Problems,
  finished,
  placeholder,
  planned,
  release,
  request,
  secret,
  send,
  shaped,
  text,
  value,
} from './cordon.js';

/** Of the whole connection, as every configuration here is. */
const CONFIG_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['config'],
  properties: {
    config: {
      type: 'object',
      required: ['origin'],
      additionalProperties: false,
      properties: {
        origin: { type: 'string', description: 'Where the API is: https://contacts.example.' },
        page_size: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
        max_pages: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
        profile: { type: 'boolean', default: false },
      },
    },
  },
};

const ORIGIN = /^https?:\/\/[^\s\/?#@{}\\]+$/;

// Requests: defined once, for the plan and for sending

const HEADERS = [['Authorization', text`Bearer ${secret('api_key')}`]];
const COMMON = { headers: HEADERS, retryStatuses: [429, 503] };

const ping = ({ origin }) =>
  request({ ...COMMON, label: 'test/ping', method: 'GET', url: text`${origin}/v1/ping` });

const firstPage = ({ origin, pageSize }) =>
  request({
    ...COMMON,
    label: 'access/contacts',
    method: 'GET',
    url: text`${origin}/v1/contacts?email=${placeholder('email')}&limit=${pageSize}`,
    success: [200, 404],
    responseBody: 'records',
  });

// The host knows the cursor, this code its number. It goes back only to where it came from.
const nextPage = (config, cursor) => {
  const first = firstPage(config);
  return {
    ...first,
    label: 'access/contacts/next',
    url: [...first.url, ...text`&cursor=${value(cursor)}`],
    success: [200],
  };
};

const profile = ({ origin }) =>
  request({
    ...COMMON,
    label: 'access/profile',
    method: 'GET',
    url: text`${origin}/v1/profile?email=${placeholder('email')}`,
    success: [200, 404],
    responseBody: 'records',
  });

const deletion = ({ origin }) =>
  request({
    ...COMMON,
    label: 'delete/contact',
    method: 'DELETE',
    url: text`${origin}/v1/contacts?email=${placeholder('email')}`,
    success: [204, 404],
  });

const ids = ({ origin }) =>
  request({
    ...COMMON,
    label: 'identifiers/contact_id',
    method: 'GET',
    url: text`${origin}/v1/contacts/ids?email=${placeholder('email')}`,
    success: [200, 404],
    responseBody: 'records',
  });

// The configuration

/** What stands in the configuration; usable when no problem was found. */
function read(document, problems) {
  const config = problems.required(problems.parse(document), '', 'config', 'object');
  problems.only(config, '/config', ['origin', 'page_size', 'max_pages', 'profile']);
  const origin = problems.required(config, '/config', 'origin', 'string');
  if (origin !== undefined && !ORIGIN.test(origin)) {
    problems.error('invalid_value', '/config/origin', 'Write https://host, without a path.');
  }
  return {
    origin,
    pageSize: wholeNumber(config, 'page_size', 100, 50, problems),
    maxPages: wholeNumber(config, 'max_pages', 1000, 100, problems),
    profile: problems.optional(config, '/config', 'profile', 'boolean') ?? false,
  };
}

function wholeNumber(config, name, most, usual, problems) {
  const number = problems.optional(config, '/config', name, 'number');
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number <= most)) {
    problems.error('invalid_value', `/config/${name}`, `Write a whole number from 1 to ${most}.`);
  }
  return number ?? usual;
}

/** The same in a run: `validate` has found no problem in it. */
function sound(document) {
  const problems = new Problems();
  const config = read(document, problems);
  if (problems.any) throw new Failure('invalid-config', problems.list[0].message);
  return config;
}

// Runs

function access(config, emails, mayRead) {
  const pages = emails.flatMap((email) => listing(config, email));
  // With the grant to read, what the API has deleted is left out; without, nothing is looked at.
  const listed = mayRead ? pages.map(living).filter(Boolean) : pages;
  return finished('records', config.profile ? [...listed, ...profiles(config, emails)] : listed);
}

/** One object a person, for those who have one. */
function profiles(config, emails) {
  const query = profile(config);
  return emails.flatMap((email) => {
    const response = send(query, email);
    if (response === undefined || response.status() === 404) return [];
    const found = shaped(query.label, () => response.object('/profile'), NO_DATA);
    release(response);
    return found ?? [];
  });
}

/** The pages of one person. */
function listing(config, email) {
  const pages = [];
  let query = firstPage(config);
  for (;;) {
    const response = send(query, email);
    if (response === undefined || response.status() === 404) return pages;
    const { label } = query;
    pages.push(shaped(label, () => response.records('/items')));
    const cursor = shaped(label, () => response.value('/next_cursor'));
    release(response);
    if (cursor === undefined) return pages;
    query = nextPage(config, cursor);
    if (pages.length >= config.maxPages) {
      throw new Failure('query-failed', `more than ${config.maxPages} pages`, query.label);
    }
  }
}

/** A page without its tombstones; nothing when nothing is left. */
function living(page) {
  const texts = Array.from({ length: page.count() }, (_, index) => page.read(index));
  const left = texts.filter((object) => JSON.parse(object).deleted !== true);
  if (left.length === texts.length && left.length > 0) return page;
  release(page);
  if (left.length === 0) return undefined;
  // The texts as they were: a large number would not survive JSON.parse and JSON.stringify.
  return makeRecords(`[${left.join(',')}]`);
}

function erase(config, emails) {
  const responses = emails.map((email) => send(deletion(config), email));
  const deleted = responses.some((response) => response?.status() === 204);
  return finished(deleted ? 'done' : 'nothing-found');
}

function identify(config, emails, wanted) {
  if (wanted !== 'contact_id') throw new Failure('unsupported', 'only contact_id can be found');
  const query = ids(config);
  const found = emails.flatMap((email) => {
    const response = send(query, email);
    if (response === undefined || response.status() === 404) return [];
    return shaped(query.label, () => response.records('/ids').identities());
  });
  return finished('identities', numbers(found));
}

/** The query that an action begins with. */
const LABELS = {
  access: 'access/contacts',
  delete: 'delete/contact',
  identifiers: 'identifiers/contact_id',
};

const numbers = (identities) => identities.map(({ id }) => id);

// What the component exports

export const connector = {
  describe: () => ({
    connectorType: 'contacts',
    category: 'crm',
    displayName: 'Contacts',
    actions: ['access', 'delete', 'identifiers'],
    configSchema: JSON.stringify(CONFIG_SCHEMA),
    policySchema: undefined,
    reads: ['responses'],
  }),

  validate(draft) {
    const problems = new Problems();
    const config = read(draft.config, problems);
    if (problems.any) return { problems: problems.list, plan: [], egress: [] };
    const wants = (action) => draft.actions.includes(action);
    const plan = [planned('/config/origin', undefined, ping(config))];
    const egress = [];
    if (wants('access')) {
      plan.push(planned('/config/origin', 'access', firstPage(config)));
      if (config.profile) plan.push(planned('/config/origin', 'access', profile(config)));
      // A page after the first holds a cursor and cannot be planned.
      const { origin } = config;
      egress.push({ origin, pathPrefix: '/v1/contacts', methods: ['GET'], secrets: ['api_key'] });
    }
    if (wants('delete')) plan.push(planned('/config/origin', 'delete', deletion(config)));
    if (wants('identifiers')) {
      plan.push(planned('/config/origin', 'identifiers', ids(config), 'contact_id'));
    }
    return { problems: [], plan, egress };
  },

  test(document) {
    send(ping(sound(document)));
  },

  run(task) {
    const config = sound(task.config);
    const label = LABELS[task.action];
    if (label === undefined) throw new Failure('unsupported', `nothing to do for ${task.action}`);
    const known = task.identities.filter(({ kind }) => kind === 'email');
    if (known.length === 0) throw new Failure('missing-placeholder', 'no email', label);
    switch (task.action) {
      case 'access':
        return access(config, numbers(known), task.reads.includes('responses'));
      case 'delete':
        return erase(config, numbers(known));
      default:
        return identify(config, numbers(known.filter(({ fresh }) => fresh)), task.wanted);
    }
  },
};
