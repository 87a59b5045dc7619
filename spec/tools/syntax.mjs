// Checks the specification without TLC, in a second: every module parses, the hashes in expected.json are those of the current files, the text that each
// planted bug replaces occurs exactly once, and the table of docs/testing/specification.md has each condition of each action.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';
import { conditionsOf } from './conditions.mjs';

const directory = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = name => readFileSync(join(directory, name), 'utf8');
const files = readdirSync(directory).filter(name => /\.(tla|cfg)$/.test(name)).sort();
const isCounted = name => !name.startsWith('Trace');   // files whose counts are in expected.json
const errors = [];

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(createRequire(import.meta.url).resolve('@tlaplus/tree-sitter-tlaplus/tree-sitter-tlaplus.wasm')));

function collectErrors(node, name) {
  if (node.isError || node.isMissing) {
    const { row, column } = node.startPosition;
    errors.push(`${name}:${row + 1}:${column + 1}: ${node.isMissing ? `${node.type} is missing` : 'not valid TLA+'}`);
  } else if (node.hasError) {
    node.children.forEach(child => collectErrors(child, name));
  }
}

const modules = files.filter(name => name.endsWith('.tla'));
for (const name of modules) collectErrors(parser.parse(read(name)).rootNode, name);

const { sha256 } = JSON.parse(read('expected.json'));
for (const name of new Set([...files.filter(isCounted), ...Object.keys(sha256)])) {
  const actual = files.includes(name) ? createHash('sha256').update(read(name)).digest('hex') : 'missing';
  if (sha256[name] !== actual) errors.push(`${name}: expected.json was recorded from another version of this file; record it again with TLC (spec/README.md)`);
}

const planted = JSON.parse(read('planted.json'));
for (const { bug, find, configuration, constants = {} } of planted) {
  const times = read('QuorateRaft.tla').split(find).length - 1;
  if (times !== 1) errors.push(`planted.json: the text that "${bug}" replaces occurs ${times} times, not once`);
  for (const name of Object.keys(constants)) {
    if (!new RegExp(`^ *${name} = `, 'm').test(read(`${configuration}.cfg`))) errors.push(`planted.json: "${bug}": ${configuration} has no constant ${name}`);
  }
}

/** The rows of the table of conditions: the operator, its conditions, and the planted bug that removes them or the reason why none does. */
function rowsOfTable() {
  const lines = readFileSync(join(directory, '../docs/testing/specification.md'), 'utf8').split('\n');
  const from = lines.findIndex(line => line.startsWith('| operator | condition |'));
  const length = lines.slice(from).findIndex(line => !line.startsWith('|'));
  return lines.slice(from + 2, from + length).map(line => line.slice(1, -1).split('|').map(cell => cell.trim()))
    .map(([operator, conditions, why]) => ({
      operator: operator.replaceAll('`', ''), conditions: [...conditions.matchAll(/`([^`]+)`/g)].map(([, text]) => text), why }));
}

const withoutSpaces = text => text.replace(/\s+/g, '');
const rows = rowsOfTable();
const documented = rows.flatMap(({ operator, conditions }) => conditions.map(condition => `${operator}: ${condition}`));
const conditions = conditionsOf(parser.parse(read('QuorateRaft.tla')).rootNode).map(([operator, condition]) => `${operator}: ${condition}`);
for (let i = 0; i < Math.max(documented.length, conditions.length); i++) {
  if (documented[i] === conditions[i]) continue;
  errors.push(`docs/testing/specification.md: condition ${i + 1} of QuorateRaft.tla is ${conditions[i]}, the table has ${documented[i]}`);
  break;
}

for (const { operator, conditions, why } of rows) {
  const bug = why.match(/^planted: (.+)$/)?.[1];
  const find = bug && planted.find(one => one.bug === bug)?.find;
  if (!why || (bug && !find)) errors.push(`docs/testing/specification.md: ${operator}: neither a bug of planted.json nor a reason: ${why}`);
  for (const condition of find ? conditions : []) {
    if (!withoutSpaces(find).includes(withoutSpaces(condition))) errors.push(`planted.json: "${bug}" does not change ${operator}: ${condition}`);
  }
}

errors.forEach(error => console.error(error));
console.log(`specification: ${modules.length} modules parse, ${Object.keys(sha256).length} hashes, ${conditions.length} conditions: ${errors.length === 0 ? 'ok' : 'FAILED'}`);
process.exit(errors.length === 0 ? 0 : 1);
