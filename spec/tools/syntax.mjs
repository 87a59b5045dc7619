// What can be said of the specification without TLC, in a second: every module parses, expected.json was recorded from these very files, and every
// planted bug still finds the line it changes.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = name => readFileSync(join(folder, name), 'utf8');
const files = readdirSync(folder).filter(name => /\.(tla|cfg)$/.test(name)).sort();
const isCounted = name => !name.startsWith('Trace');   // those with counts in expected.json
const complaints = [];

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(createRequire(import.meta.url).resolve('@tlaplus/tree-sitter-tlaplus/tree-sitter-tlaplus.wasm')));

function complainOf(node, name) {
  if (node.isError || node.isMissing) {
    const { row, column } = node.startPosition;
    complaints.push(`${name}:${row + 1}:${column + 1}: ${node.isMissing ? `${node.type} is missing` : 'this is no TLA+'}`);
  } else if (node.hasError) {
    node.children.forEach(child => complainOf(child, name));
  }
}

const modules = files.filter(name => name.endsWith('.tla'));
for (const name of modules) complainOf(parser.parse(read(name)).rootNode, name);

const { sha256 } = JSON.parse(read('expected.json'));
for (const name of new Set([...files.filter(isCounted), ...Object.keys(sha256)])) {
  const is = files.includes(name) ? createHash('sha256').update(read(name)).digest('hex') : 'gone';
  if (sha256[name] !== is) complaints.push(`${name}: expected.json was recorded from another version of it; record anew (spec/README.md)`);
}

for (const { bug, find } of JSON.parse(read('planted.json'))) {
  const times = read('QuorateRaft.tla').split(find).length - 1;
  if (times !== 1) complaints.push(`planted.json: "${bug}" finds its line ${times} times`);
}

complaints.forEach(complaint => console.error(complaint));
console.log(`specification: ${modules.length} modules parse, ${Object.keys(sha256).length} hashes: ${complaints.length === 0 ? 'ok' : 'FAILED'}`);
process.exit(complaints.length === 0 ? 0 : 1);
