// Checks the specification without TLC, in a second: every module parses, the hashes in expected.json are those of the current files, and the text that
// each planted bug replaces occurs exactly once.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';

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

for (const { bug, find } of JSON.parse(read('planted.json'))) {
  const times = read('QuorateRaft.tla').split(find).length - 1;
  if (times !== 1) errors.push(`planted.json: the text that "${bug}" replaces occurs ${times} times, not once`);
}

errors.forEach(error => console.error(error));
console.log(`specification: ${modules.length} modules parse, ${Object.keys(sha256).length} hashes: ${errors.length === 0 ? 'ok' : 'FAILED'}`);
process.exit(errors.length === 0 ? 0 : 1);
