// One run of TLC over the modules of this folder, in a temporary copy. TLA2TOOLS_JAR names TLC: one jar, or several with colons between.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = join(dirname(fileURLToPath(import.meta.url)), '..');
export const read = name => readFileSync(join(here, name), 'utf8');

const files = readdirSync(here).filter(name => /\.(tla|cfg)$/.test(name)).sort();

/** What is checked by searching all states, and recorded in expected.json. */
export const specification = files.filter(name => !name.startsWith('Trace'));

/** What TLC says. `changed` are files that stand beside the modules, or in place of one. */
export function run(configuration, module, changed = {}, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-tlc-'));
  try {
    for (const name of files) cpSync(join(here, name), join(folder, name));
    for (const [name, text] of Object.entries(changed)) writeFileSync(join(folder, name), text);
    const java = ['-XX:+UseParallelGC', '-cp', process.env.TLA2TOOLS_JAR, 'tlc2.TLC', '-workers', '1', '-config', configuration, module];
    const { stdout, stderr } = spawnSync('java', java, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...environment } });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
