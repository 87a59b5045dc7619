// Follows traces of real cores (docs/formats/trace.md) through the specification: TLC must accept each as it is, and refuse it when it was altered on purpose.
import { readFileSync } from 'node:fs';
import { run } from './run.mjs';

const linesMax = 600;   // twenty seconds of TLC

/** Null when the trace is a behaviour of the specification, else where it stops being one. */
function refusal(lines) {
  const said = run('Trace.cfg', 'Trace.tla', { 'trace.ndjson': lines.map(line => JSON.stringify(line)).join('\n') + '\n' }, { TRACE: 'trace.ndjson' });
  if (said.includes('No error has been found')) return null;
  if (!/Deadlock reached|is violated/.test(said)) throw new Error(`TLC did not come to an answer:\n${said.slice(-3000)}`);
  const at = [...said.matchAll(/^\/\\ line = (\d+)/gm)].at(-1)[1];
  const phase = [...said.matchAll(/^\/\\ phase = "(\w+)"/gm)].at(-1)[1];
  return `line ${at}, ${said.match(/(\w+) is violated/)?.[1] ?? `at "${phase}"`}`;
}

const messages = line => [...line.send ?? [], ...line.hold?.messages ?? []];
const message = (line, wanted) => messages(line).find(wanted);

// Each takes a line and changes one thing in it; false when there is nothing of the kind.
const alterations = {
  'a leader commits one entry more than a quorum holds': ({ state }) => state?.role === 'Leader' && state.commit < state.last && ++state.commit > 0,
  'a follower acknowledges one entry more': line => {
    const reply = message(line, m => m.type === 'AppendEntriesReply' && m.accepted && m.index > 0);
    return reply !== undefined && ++reply.index > 0;
  },
  'a vote goes to another': ({ state, append }) => append?.hardState?.vote > 0 && state.role === 'Follower' && (state.vote = state.vote === 1 ? 2 : 1) > 0,
  'the last entry is of another term': ({ state }) => state?.last > 0 && ++state.lastTerm > 0,
  'a message claims a term that its sender is not in': line => {
    const append = message(line, m => m.type === 'AppendEntries');
    return append !== undefined && ++append.term > 0;
  },
  'an entry is sent that the leader does not have': line => {
    const append = message(line, m => m.type === 'AppendEntries' && m.entries?.length > 0);
    return append !== undefined && ++append.entries[0][0] > 0;
  },
  'more is durable than was written': ({ event, state }) => event === 'Durable' && (state.durable = state.last + 1) > 0,
  'a read is granted at an older index than it waited for': ({ reads }) => reads?.[0]?.index > 1 && --reads[0].index > 0,
  'a member starts without what it had flushed': ({ event, state }) => event === 'Start' && state.last > 0 && state.last-- > 0,
};

/** The trace with one thing changed, in the last line that has such a thing and is not its member's last: what a leader says of itself may be true a moment too early. */
function altered(lines, alter) {
  for (let at = lines.length - 1; at > 0; at--) {
    if (!lines.slice(at + 1).some(later => later.node === lines[at].node && later.state)) continue;
    const line = structuredClone(lines[at]);
    if (alter(line)) return lines.with(at, line);
  }
  return null;
}

let failed = 0;
for (const file of process.argv.slice(2)) {
  const lines = readFileSync(file, 'utf8').split('\n', linesMax).filter(line => line !== '').map(line => JSON.parse(line));
  const said = refusal(lines);
  failed += said === null ? 0 : 1;
  console.log(`${file}: ${lines.length} lines ${said === null ? 'ok' : `FAILED: no behaviour of the specification from ${said}`}`);

  for (const [what, alter] of Object.entries(said === null ? alterations : {})) {
    const other = altered(lines, alter);
    const answer = other && refusal(other);
    failed += other && answer === null ? 1 : 0;
    console.log(`  ${what}: ${other === null ? 'nothing to alter' : answer === null ? 'FAILED: accepted' : `refused, ${answer}`}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
