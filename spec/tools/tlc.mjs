// Runs TLC on every configuration of this folder and holds what it says to expected.json; --record writes that file instead.
// With --planted it runs the bugs of planted.json, each of which TLC must refuse. TLA2TOOLS_JAR names TLC; ../check.sh calls this.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here, read, run, specification } from './run.mjs';

const recorded = join(here, 'expected.json');
const hash = name => createHash('sha256').update(read(name)).digest('hex');

/** TLC's answer to one configuration, with a module changed before if that is asked for. */
function check(configuration, change = text => text) {
  const said = run(`${configuration}.cfg`, 'MC.tla', { 'QuorateRaft.tla': change(read('QuorateRaft.tla')) });
  const [, generated, distinct] = said.match(/^(\d+) states generated, (\d+) distinct states found/m) ?? [];
  const [, depth] = said.match(/^The depth of the complete state graph search is (\d+)/m) ?? [];
  const violated = said.match(/(?:Invariant|Action property) (\w+) is violated|Temporal property (\w+)/);
  const error = violated?.slice(1).find(name => name) ?? (said.includes('No error has been found') ? null : said.slice(-2000));
  const version = said.match(/^TLC2 Version (\S+)/m)?.[1];
  return { result: { generated: Number(generated), distinct: Number(distinct), depth: Number(depth) }, error, version };
}

const configurations = specification.filter(name => name.endsWith('.cfg') && name.startsWith('MC')).map(name => name.slice(0, -4));

function checkAll(record) {
  const expected = record ? { configurations: {} } : JSON.parse(readFileSync(recorded, 'utf8'));
  let failed = 0;
  for (const configuration of configurations) {
    const { result, error, version } = check(configuration);
    const is = JSON.stringify(result);
    const wanted = JSON.stringify(expected.configurations[configuration]);
    const verdict = error ? `FAILED: ${error}` : record || is === wanted ? 'ok' : `FAILED: expected ${wanted}`;
    failed += verdict === 'ok' ? 0 : 1;
    console.log(`${configuration}: ${is} ${verdict}`);
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
  let survived = 0;
  for (const { bug, find, replace, configuration } of JSON.parse(read('planted.json'))) {
    const { result, error } = check(configuration, text => text.replace(find, () => replace));
    survived += error ? 0 : 1;
    console.log(`${bug}: ${error ? `refused by ${error} in ${configuration} after ${result.distinct} states` : 'SURVIVED'}`);
  }
  return survived;
}

const failed = process.argv.includes('--planted') ? checkPlanted() : checkAll(process.argv.includes('--record'));
process.exit(failed === 0 ? 0 : 1);
