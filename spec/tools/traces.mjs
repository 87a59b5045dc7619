// Checks traces of real cores (docs/formats/trace.md) against the specification: TLC must accept each unmodified trace and reject each deliberately altered one.
import { readFileSync } from 'node:fs';
import { run } from './run.mjs';

const linesMax = Number(process.env.TRACE_LINES ?? 600);   // TLC takes twenty seconds for 600

/** Returns null when the trace is a behaviour of the specification, else the place where it stops being one. */
function rejectionOf(lines) {
  const output = run('Trace.cfg', 'Trace.tla', { 'trace.ndjson': lines.map(line => JSON.stringify(line)).join('\n') + '\n' }, { TRACE: 'trace.ndjson' });
  if (output.includes('No error has been found')) return null;
  if (!/Deadlock reached|is violated/.test(output)) throw new Error(`TLC neither accepted nor rejected the trace:\n${output.slice(-3000)}`);
  const at = [...output.matchAll(/^\/\\ line = (\d+)/gm)].at(-1)[1];
  const phase = [...output.matchAll(/^\/\\ phase = "(\w+)"/gm)].at(-1)[1];
  return `line ${at}, ${output.match(/(\w+) is violated/)?.[1] ?? `at "${phase}"`}`;
}

const messages = line => [...line.send ?? [], ...line.hold?.messages ?? []];
const message = (line, wanted) => messages(line).find(wanted);

// Each function changes one thing in a line, and returns false when the line has no such thing.
const alterations = {
  'a leader commits one entry more than a quorum holds': ({ state }) => state?.role === 'Leader' && state.commit < state.last && ++state.commit > 0,
  'a follower acknowledges one entry more': line => {
    const reply = message(line, m => m.type === 'AppendEntriesReply' && m.accepted && m.index > 0);
    return reply !== undefined && ++reply.index > 0;
  },
  'a vote is for another candidate': ({ state, append }) => append?.hardState?.vote > 0 && state.role === 'Follower' && (state.vote = state.vote === 1 ? 2 : 1) > 0,
  'the last entry has another term': ({ state }) => state?.last > 0 && ++state.lastTerm > 0,
  'a message has a term that its sender has not entered': line => {
    const append = message(line, m => m.type === 'AppendEntries');
    return append !== undefined && ++append.term > 0;
  },
  'a leader sends an entry that it does not have': line => {
    const append = message(line, m => m.type === 'AppendEntries' && m.entries?.length > 0);
    return append !== undefined && ++append.entries[0][0] > 0;
  },
  'more entries are durable than were written': ({ event, state }) => event === 'Durable' && (state.durable = state.last + 1) > 0,
  'a read is granted at a lower index than it waited for': ({ reads }) => reads?.[0]?.index > 1 && --reads[0].index > 0,
  'a snapshot contains an entry that is not committed': ({ event, state, last }) => event === 'SnapshotSaved' && (last[1] = state.snapshot = state.commit + 1) > 0,
  'a snapshot is installed that no member took': ({ restore, state }) => restore !== undefined && (restore[1] = state.snapshot = ++state.commit) > 0,
  'leadership is transferred by a request with another last entry': line => {
    const request = message(line, m => m.type === 'TimeoutNow');
    return request !== undefined && ++request.lastIndex > 0;
  },
  'a member starts without an entry that it had flushed': ({ event, state }) => event === 'Start' && state.last > 0 && state.last-- > 0,
};

/**
 * Returns the trace with one change, in the last line that `alter` accepts; null if there is none. The last line of each member is not altered: a state that
 * the next step would reach anyway, such as a commit index one step early, can be detected only by a later line of that member.
 */
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
  const rejection = rejectionOf(lines);
  failed += rejection === null ? 0 : 1;
  console.log(`${file}: ${lines.length} lines ${rejection === null ? 'ok' : `FAILED: not a behaviour of the specification from ${rejection}`}`);

  for (const [what, alter] of Object.entries(rejection === null ? alterations : {})) {
    const other = altered(lines, alter);
    const where = other && rejectionOf(other);
    failed += other && where === null ? 1 : 0;
    console.log(`  ${what}: ${other === null ? 'nothing to alter' : where === null ? 'FAILED: accepted' : `rejected, ${where}`}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
