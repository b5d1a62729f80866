// Makes the component: node build.mjs WIT OUTPUT [--wasi]. Without --wasi every feature of the
// JavaScript runtime that needs WASI is left out, and the component imports the contract and
// nothing else. With it there is a clock that only ticks and nothing else to be had: leave it.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { componentize } from '@bytecodealliance/componentize-js';

const [witPath, output, option] = process.argv.slice(2);
const needWasi = ['random', 'stdio', 'clocks', 'http', 'fetch-event'];

const { component } = await componentize({
  sourcePath: fileURLToPath(new URL('connector.js', import.meta.url)),
  witPath,
  worldName: 'plugin',
  disableFeatures: option === '--wasi' ? [] : needWasi,
});
await mkdir(dirname(output), { recursive: true });
await writeFile(output, component);
