// Runs TLC once over a temporary copy of the modules in spec/. TLA2TOOLS_JAR is TLC's class path: one jar, or several separated by colons.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = join(dirname(fileURLToPath(import.meta.url)), '..');
export const read = name => readFileSync(join(here, name), 'utf8');

const files = readdirSync(here).filter(name => /\.(tla|cfg)$/.test(name)).sort();

/** The files whose state spaces TLC searches completely; expected.json records their hashes and counts. */
export const specification = files.filter(name => !name.startsWith('Trace'));

/** Returns the output of TLC. `changed` maps names to texts of files that are added to the modules or replace one. */
export function run(configuration, module, changed = {}, environment = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'quorate-tlc-'));
  try {
    for (const name of files) cpSync(join(here, name), join(directory, name));
    for (const [name, text] of Object.entries(changed)) writeFileSync(join(directory, name), text);
    const java = ['-XX:+UseParallelGC', '-cp', process.env.TLA2TOOLS_JAR, 'tlc2.TLC', '-workers', '1', '-config', configuration, module];
    const { stdout, stderr } = spawnSync('java', java, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...environment } });
    return stdout + stderr;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
