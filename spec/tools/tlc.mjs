// Runs TLC on every configuration in spec/ and compares the counts with expected.json; --record writes that file instead.
// With --planted it introduces the bugs of planted.json one at a time, and TLC must find a violation for each.
// TLA2TOOLS_JAR is TLC's class path; ../check.sh calls this program.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here, read, run, specification } from './run.mjs';

const recorded = join(here, 'expected.json');
const hash = name => createHash('sha256').update(read(name)).digest('hex');

/** TLC's result for one configuration; `change` may modify QuorateRaft.tla first, and `constants` replaces values of the configuration. */
function check(configuration, change = text => text, constants = {}) {
  const bounds = Object.entries(constants).reduce(
    (text, [name, value]) => text.replace(new RegExp(`^( *${name} = ).*$`, 'm'), `$1${value}`), read(`${configuration}.cfg`));
  const output = run(`${configuration}.cfg`, 'MC.tla', { 'QuorateRaft.tla': change(read('QuorateRaft.tla')), [`${configuration}.cfg`]: bounds });
  const [, generated, distinct] = output.match(/^(\d+) states generated, (\d+) distinct states found/m) ?? [];
  const [, depth] = output.match(/^The depth of the complete state graph search is (\d+)/m) ?? [];
  const violated = output.match(/(?:Invariant|Action property) (\w+) is violated|Temporal property (\w+)/);
  const error = violated?.slice(1).find(name => name) ?? (output.includes('No error has been found') ? null : output.slice(-2000));
  const version = output.match(/^TLC2 Version (\S+)/m)?.[1];
  return { result: { generated: Number(generated), distinct: Number(distinct), depth: Number(depth) }, error, version };
}

const configurations = specification.filter(name => name.endsWith('.cfg') && name.startsWith('MC')).map(name => name.slice(0, -4));

function checkAll(record) {
  const expected = record ? { configurations: {} } : JSON.parse(readFileSync(recorded, 'utf8'));
  let failed = 0;
  for (const configuration of configurations) {
    const { result, error, version } = check(configuration);
    const actual = JSON.stringify(result);
    const wanted = JSON.stringify(expected.configurations[configuration]);
    const verdict = error ? `FAILED: ${error}` : record || actual === wanted ? 'ok' : `FAILED: expected ${wanted}`;
    failed += verdict === 'ok' ? 0 : 1;
    console.log(`${configuration}: ${actual} ${verdict}`);
    expected.configurations[configuration] = result;
    expected.tlc = version;
  }
  if (record && failed === 0) {
    const { configurations: counts, tlc } = expected;
    const build = process.env.TLC_BUILD ?? 'unknown';
    const javaVersion = spawnSync('java', ['-version'], { encoding: 'utf8' }).stderr.match(/"(.*?)"/)[1];
    writeFileSync(recorded, JSON.stringify({
      tlc, build, java: javaVersion, date: new Date().toISOString().slice(0, 10),
      command: 'java -XX:+UseParallelGC -cp $TLA2TOOLS_JAR tlc2.TLC -workers 1 -config NAME.cfg MC.tla',
      sha256: Object.fromEntries(specification.map(name => [name, hash(name)])),
      configurations: counts,
    }, null, 2) + '\n');
  }
  return failed;
}

function checkPlanted() {
  let undetected = 0;
  for (const { bug, find, replace, configuration, constants } of JSON.parse(read('planted.json'))) {
    const started = Date.now();
    const { result, error } = check(configuration, text => text.replace(find, () => replace), constants);
    undetected += error ? 0 : 1;
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`${bug}: ${error ? `detected by ${error} in ${configuration} after ${result.distinct} states` : 'NOT DETECTED'} (${seconds} s)`);
  }
  return undetected;
}

const failed = process.argv.includes('--planted') ? checkPlanted() : checkAll(process.argv.includes('--record'));
process.exit(failed === 0 ? 0 : 1);
