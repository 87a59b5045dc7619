---------------------------- MODULE QuorateRaft ----------------------------
(***************************************************************************)
(* Raft as implemented by Quorate's core: which messages are sent, what is *)
(* written, what is on disk, and what a crash leaves there.                *)
(*                                                                         *)
(* Time is not modelled: every action that a timer triggers may happen at  *)
(* any moment.  The network is not modelled either, except for the set of  *)
(* messages that were sent: any server a message concerns may receive it   *)
(* at any later time, any number of times or never.  So loss, duplication, *)
(* delay and reordering need no actions of their own.                      *)
(*                                                                         *)
(* Actions have the names of the core's methods; README.md has the table.  *)
(* Source: Ongaro, "Consensus: Bridging Theory and Practice" (thesis).     *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Servers,        \* all servers that are, or may become, members
    InitialVoters,  \* the voters of the initial configuration
    Targets,        \* the sets of voters that a membership change may propose
    None            \* no server

(***************************************************************************)
(* Bounds for TLC.  0 disables a feature; Trace.tla sets no bounds.        *)
(***************************************************************************)
CONSTANTS
    PreVote,        \* TRUE: a pre-vote precedes each candidacy
    MaxTerm,        \* the highest term, and so the number of elections
    MaxCommands,    \* entries that clients propose; the leaders' no-ops are not counted
    MaxWrites,      \* pending writes of one server; 0: a write is durable at once
    MaxRestarts, MaxChanges, MaxSnapshots, MaxReads, MaxTransfers

VARIABLES
    (* In the memory of each server; lost in a crash. *)
    role,       \* "Follower", "PreCandidate", "Candidate" or "Leader"
    term,       \* the latest term the server knows of
    vote,       \* the server it voted for in that term
    log,        \* all entries, including those that only the snapshot represents
    commit,     \* entries up to this index are known to be committed
    round,      \* the latest read round (leadership confirmation) that it started as leader
    reads,      \* pending reads: set of [round, index, needed]

    (* On the disk of each server. *)
    disk,       \* what certainly survives a crash: [term, vote, log]
    writes,     \* pending writes, oldest first: [disk, msgs]
    snapshot,   \* the newest snapshot on the disk, which is durable, represents the entries up to this index

    (* Between servers. *)
    messages,   \* every message sent, except AppendEntries
    termLogs,   \* for each term, what its leader has written; see EmptyTermLog below
    snapshots,  \* every snapshot that was ever durable: the term and index of its last entry

    (* Ghost state: no server sees it. *)
    granted,    \* reads that were granted: [index, needed]
    spent       \* how much of the bounds above is used up

memory == <<role, term, vote, log, commit, round, reads>>
files == <<snapshot, snapshots>>
vars == <<memory, disk, writes, files, messages, termLogs, granted, spent>>

-----------------------------------------------------------------------------
(* Helpers. *)

Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b
Greatest(S) == CHOOSE n \in S : \A m \in S : m <= n
Terms == 1..MaxTerm
Prefix(l, n) == SubSeq(l, 1, n)
TermAt(l, n) == IF n \in 1..Len(l) THEN l[n].term ELSE 0
LastId(l) == [term |-> TermAt(l, Len(l)), index |-> Len(l)]

\* The length of the longest common prefix of two logs.
Agreement(a, b) ==
    Greatest({n \in 0..Min(Len(a), Len(b)) : \A m \in 1..n : a[m] = b[m]})

\* The log with the later last term is more up-to-date, then the longer log (paper 5.4.1).
IsAtLeastAsUpToDate(a, b) ==
    a.term > b.term \/ (a.term = b.term /\ a.index >= b.index)

-----------------------------------------------------------------------------
(* Configurations and quorums.                                             *)
(*                                                                         *)
(* The content of a command is not modelled: an entry is its term and, if  *)
(* it is a configuration, its voters.  `outgoing` is empty except during a *)
(* membership change; then a quorum needs a majority of each of the two    *)
(* sets (thesis 4.3).                                                      *)

Command(t) == [term |-> t, voters |-> {}, outgoing |-> {}]

\* The index of the log's latest configuration; 0 for the initial one.
ConfigurationIndex(l) == Greatest({0} \cup {n \in 1..Len(l) : l[n].voters # {}})

\* A configuration is in force as soon as it is appended, committed or not.
Configuration(l) ==
    LET n == ConfigurationIndex(l)
    IN  IF n = 0 THEN [voters |-> InitialVoters, outgoing |-> {}]
        ELSE [voters |-> l[n].voters, outgoing |-> l[n].outgoing]

Majority(S, of) == 2 * Cardinality(S \cap of) > Cardinality(of)

IsQuorum(S, c) ==
    /\ Majority(S, c.voters)
    /\ c.outgoing # {} => Majority(S, c.outgoing)

-----------------------------------------------------------------------------
(* Messages of leaders.                                                    *)
(*                                                                         *)
(* A leader only appends.  So every AppendEntries that it can have sent in *)
(* its term is a piece of the longest log it had in that term, with a      *)
(* commit index up to the highest one it had.  Therefore these messages    *)
(* are not stored one by one: the term's log is stored, and a follower may *)
(* receive any piece of it at any time.                                    *)

EmptyTermLog == [leaders |-> {}, log |-> <<>>, commit |-> 0, round |-> 0]

\* Records what server i may send as leader of its term from now on: log, commit index
\* and read round.
UpdateTermLog(i, l, c, r) ==
    termLogs' = [termLogs EXCEPT ![term[i]] =
        [leaders |-> @.leaders \cup {i}, log |-> l, commit |-> c, round |-> r]]

-----------------------------------------------------------------------------
(* All other messages.                                                     *)

RequestVote(i, t, l) == [kind |-> "RequestVote", from |-> i, term |-> t, last |-> LastId(l)]
RequestPreVote(i, t, l) == [kind |-> "RequestPreVote", from |-> i, term |-> t, last |-> LastId(l)]
Vote(i, to, t) == [kind |-> "Vote", from |-> i, to |-> to, term |-> t]
PreVoteFor(i, to, t) == [kind |-> "PreVote", from |-> i, to |-> to, term |-> t]
Ack(i, t, n) == [kind |-> "Ack", from |-> i, term |-> t, index |-> n]
Echo(i, t, r) == [kind |-> "Echo", from |-> i, term |-> t, round |-> r]
TimeoutNow(i, to, t, n) == [kind |-> "TimeoutNow", from |-> i, to |-> to, term |-> t, index |-> n]

\* Message o implies message m.  An acknowledgement of n entries is also one of any
\* fewer, and a reply to a round also one to every earlier round: only the greatest
\* of each is kept.
IsImpliedBy(m, o) ==
    \/ m.kind = "Ack" /\ o.kind = "Ack" /\ m.from = o.from /\ m.term = o.term /\ m.index < o.index
    \/ m.kind = "Echo" /\ o.kind = "Echo" /\ m.from = o.from /\ m.term = o.term /\ m.round < o.round

AddMessages(msgs) ==
    LET all == messages \cup msgs
    IN  {m \in all : ~\E o \in all : IsImpliedBy(m, o)}

Acked(i, n) ==      \* the servers that have acknowledged to the leader i that n entries are durable
    {m.from : m \in {a \in messages : a.kind = "Ack" /\ a.term = term[i] /\ a.index >= n}}

Echoed(i, r) ==     \* the servers that have replied to round r of the leader i
    {m.from : m \in {a \in messages : a.kind = "Echo" /\ a.term = term[i] /\ a.round >= r}}

VotedFor(i, t) == {m.from : m \in {v \in messages : v.kind = "Vote" /\ v.to = i /\ v.term = t}}
PreVotedFor(i, t) == {m.from : m \in {v \in messages : v.kind = "PreVote" /\ v.to = i /\ v.term = t}}

-----------------------------------------------------------------------------
(* Disks.                                                                  *)
(*                                                                         *)
(* A step that changes term, vote or log writes all three.  A message      *)
(* whose content depends on a write is sent when that write is durable;    *)
(* after a crash before that it was never sent.                            *)
(*                                                                         *)
(* A snapshot is a file of its own.  It is durable before the server takes *)
(* notice of it, and replaces the log only if that lacks its last entry.   *)

\* Every image that the disk of i may hold now or after its pending writes.
Images(i) == {disk[i]} \cup {writes[i][k].disk : k \in 1..Len(writes[i])}

\* What a restart of i makes of the log l on its disk: log[i] has the entries of the snapshot.
WithSnapshot(i, l) ==
    IF TermAt(l, snapshot[i]) = TermAt(log[i], snapshot[i]) THEN l ELSE Prefix(log[i], snapshot[i])

\* The number of entries that are on the disk, in the log or the snapshot, and that no
\* pending write removes.
Durable(i) ==
    Greatest({n \in 0..Len(log[i]) : \A d \in Images(i) : Agreement(WithSnapshot(i, d.log), log[i]) >= n})

HardStateIsDurable(i) == \A d \in Images(i) : d.term = term[i] /\ d.vote = vote[i]

CanWrite(i) == MaxWrites = 0 \/ Len(writes[i]) < MaxWrites

\* Server i writes, and sends msgs when the write is durable.
Write(i, t, v, l, msgs) ==
    LET image == [term |-> t, vote |-> v, log |-> l]
    IN  IF MaxWrites = 0
        THEN /\ disk' = [disk EXCEPT ![i] = image]
             /\ messages' = AddMessages(msgs)
             /\ UNCHANGED writes
        ELSE /\ CanWrite(i)
             /\ writes' = [writes EXCEPT ![i] = Append(@, [disk |-> image, msgs |-> msgs])]
             /\ UNCHANGED <<disk, messages>>

SendWithLastWrite(i, msgs) ==
    /\ writes' = [writes EXCEPT ![i][Len(writes[i])].msgs = @ \cup msgs]
    /\ UNCHANGED <<disk, messages>>

SendNow(msgs) ==
    /\ messages' = AddMessages(msgs)
    /\ UNCHANGED <<disk, writes>>

\* Server i writes nothing, and sends msgs when its last pending write is durable.
SendWhenDurable(i, msgs) == IF writes[i] = <<>> THEN SendNow(msgs) ELSE SendWithLastWrite(i, msgs)

\* The content of msgs needs no further write.  But no message of a term is sent before term
\* and vote are durable.
Send(i, msgs) == IF HardStateIsDurable(i) THEN SendNow(msgs) ELSE SendWithLastWrite(i, msgs)

\* The first n pending writes become durable.
OnDurable(i, n) ==
    /\ n \in 1..Len(writes[i])
    /\ disk' = [disk EXCEPT ![i] = writes[i][n].disk]
    /\ writes' = [writes EXCEPT ![i] = SubSeq(@, n + 1, Len(@))]
    /\ messages' = AddMessages(UNION {writes[i][k].msgs : k \in 1..n})
    /\ UNCHANGED <<memory, files, termLogs, granted, spent>>

-----------------------------------------------------------------------------
(* Crashes.                                                                *)
(*                                                                         *)
(* A crash may leave some of what was not flushed.  Term and vote are      *)
(* written before entries, so the surviving term and vote may be newer     *)
(* than the surviving entries; of the entries of one write, a prefix may   *)
(* survive.  If what survives lacks the last entry of the snapshot, then   *)
(* the restart replaces the log by the snapshot, and enters its term: no   *)
(* vote of that term was sent, as the term was not durable.                *)

Image(i, k) == IF k = 0 THEN disk[i] ELSE writes[i][k].disk

SurvivingLogs(i, k) ==
    IF k = 0 THEN {WithSnapshot(i, disk[i].log)}
    ELSE {WithSnapshot(i, Prefix(Image(i, k).log, n)) : n \in
            Agreement(Image(i, k - 1).log, Image(i, k).log)..Len(Image(i, k).log)}

Restart(i, hard, k, l, c) ==
    /\ hard \in k..Len(writes[i])
    /\ l \in SurvivingLogs(i, k)
    /\ c \in snapshot[i]..Max(snapshot[i], Min(commit[i], Agreement(l, log[i])))
    /\ LET read == Image(i, hard)
           t == Max(read.term, TermAt(l, snapshot[i]))
           v == IF t > read.term THEN None ELSE read.vote
       IN  /\ disk' = [disk EXCEPT ![i] = [term |-> t, vote |-> v, log |-> l]]
           /\ term' = [term EXCEPT ![i] = t]
           /\ vote' = [vote EXCEPT ![i] = v]
           /\ log' = [log EXCEPT ![i] = l]
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ commit' = [commit EXCEPT ![i] = c]
    /\ round' = [round EXCEPT ![i] = 0]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ writes' = [writes EXCEPT ![i] = <<>>]
    /\ spent' = [spent EXCEPT !.restarts = @ + 1]
    /\ UNCHANGED <<files, messages, termLogs, granted>>

-----------------------------------------------------------------------------
(* Elections (thesis 3.4, 9.6).                                            *)

\* Some server has reached term t, and a message of that term, even a rejection, arrives here.
TryAdoptTerm(i, t) ==
    /\ t > term[i]
    /\ \E j \in Servers : disk[j].term >= t
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ term' = [term EXCEPT ![i] = t]
    /\ vote' = [vote EXCEPT ![i] = None]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ Write(i, t, None, log[i], {})
    /\ UNCHANGED <<log, commit, round, termLogs, files, granted, spent>>

\* Steps down in the same term: lost the election, timed out, or isolated.
BecomeFollower(i) ==
    /\ role[i] # "Follower"
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ UNCHANGED <<term, vote, log, commit, round, disk, writes, messages, termLogs, files, granted, spent>>

\* Requests pre-votes: would a quorum vote for it?  No term or vote changes.
BecomePreCandidate(i) ==
    /\ PreVote
    /\ role[i] # "Leader"
    /\ i \in Configuration(log[i]).voters \cup Configuration(log[i]).outgoing
    /\ role' = [role EXCEPT ![i] = "PreCandidate"]
    /\ Send(i, {RequestPreVote(i, term[i] + 1, log[i])})
    /\ UNCHANGED <<term, vote, log, commit, round, reads, termLogs, files, granted, spent>>

\* Enters a new term and votes for itself; requests votes when that is durable.
Campaign(i) ==
    /\ role' = [role EXCEPT ![i] = "Candidate"]
    /\ term' = [term EXCEPT ![i] = @ + 1]
    /\ vote' = [vote EXCEPT ![i] = i]
    /\ Write(i, term[i] + 1, i, log[i], {RequestVote(i, term[i] + 1, log[i]), Vote(i, i, term[i] + 1)})
    /\ UNCHANGED <<log, commit, round, reads, termLogs, files, granted>>

BecomeCandidate(i) ==
    /\ IF PreVote
       THEN role[i] = "PreCandidate" /\ IsQuorum(PreVotedFor(i, term[i] + 1) \cup {i}, Configuration(log[i]))
       ELSE role[i] # "Leader" /\ i \in Configuration(log[i]).voters \cup Configuration(log[i]).outgoing
    /\ Campaign(i)
    /\ UNCHANGED spent

\* Eligibility is decided by the candidate's configuration, not by the voter's, which
\* may be stale.
OnRequestVote(i, m) ==
    /\ m.from # i
    /\ IsAtLeastAsUpToDate(m.last, LastId(log[i]))
    /\ \/ /\ m.kind = "RequestVote" /\ m.term = term[i] /\ vote[i] = None
          /\ vote' = [vote EXCEPT ![i] = m.from]
          /\ Write(i, term[i], m.from, log[i], {Vote(i, m.from, term[i])})
       \/ \* A crash may have happened after the vote became durable and before it was sent: send it again.
          /\ m.kind = "RequestVote" /\ m.term = term[i] /\ vote[i] = m.from
          /\ SendWhenDurable(i, {Vote(i, m.from, term[i])})
          /\ UNCHANGED vote
       \/ /\ m.kind = "RequestPreVote" /\ m.term > term[i]
          /\ Send(i, {PreVoteFor(i, m.from, m.term)})
          /\ UNCHANGED vote
    /\ UNCHANGED <<role, term, log, commit, round, reads, termLogs, files, granted, spent>>

\* Wins the election.  Counting replicas never commits an entry of an earlier term, so
\* the leader first appends a no-op of its own term (thesis 3.6.2).
BecomeLeader(i) ==
    /\ role[i] = "Candidate"
    /\ IsQuorum(VotedFor(i, term[i]), Configuration(log[i]))
    /\ LET l == Append(log[i], Command(term[i]))
       IN  /\ role' = [role EXCEPT ![i] = "Leader"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ Write(i, term[i], vote[i], l, {})
           /\ UpdateTermLog(i, l, commit[i], round[i])
    /\ UNCHANGED <<term, vote, commit, round, reads, files, granted, spent>>

-----------------------------------------------------------------------------
(* The log (thesis 3.5, 3.6).                                              *)

LeaderAppends(i, entry) ==
    LET l == Append(log[i], entry)
    IN  /\ role[i] = "Leader"
        /\ log' = [log EXCEPT ![i] = l]
        /\ Write(i, term[i], vote[i], l, {})
        /\ UpdateTermLog(i, l, commit[i], round[i])
        /\ UNCHANGED <<role, term, vote, commit, round, reads, files, granted>>

OnPropose(i) ==
    /\ LeaderAppends(i, Command(term[i]))
    /\ spent' = [spent EXCEPT !.commands = @ + 1]

\* The follower i receives entries previous+1..last of its leader's log, none if
\* previous = last, and the commit index c.
OnAppendEntries(i, previous, last, c) ==
    LET leader == termLogs[term[i]]
        agree == Agreement(log[i], leader.log)
    IN
    /\ leader.leaders \ {i} # {} /\ role[i] # "Leader"
    /\ last \in 0..Len(leader.log) /\ previous \in 0..last /\ c \in 0..leader.commit
       \* Committed entries need no consistency check: they are in every leader's log.
    /\ Max(previous, commit[i]) <= agree
    /\ LET \* Truncate only where the logs conflict: a delayed message must not remove
           \* entries that a later message appended.
           l == IF last <= agree THEN log[i] ELSE Prefix(leader.log, last)
           \* Commit no further than this message has shown the logs to match.
           safe == Max(commit[i], Min(c, last))
       IN  /\ role' = [role EXCEPT ![i] = "Follower"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ commit' = [commit EXCEPT ![i] = safe]
           /\ IF l # log[i]
              THEN Write(i, term[i], vote[i], l, {Ack(i, term[i], last)})
              ELSE IF previous = last
              THEN \* The reply to a heartbeat is sent at once and acknowledges only durable entries.
                   Send(i, {Ack(i, term[i], Min(last, Durable(i)))})
              ELSE SendWhenDurable(i, {Ack(i, term[i], last)})
    /\ UNCHANGED <<term, vote, round, reads, termLogs, files, granted, spent>>

\* n entries are durable on a quorum, where the leader counts like any other server, and
\* the last of them is of the leader's own term (paper Fig. 8).
AdvanceCommit(i, n) ==
    /\ role[i] = "Leader"
    /\ n \in commit[i] + 1..Len(log[i])
    /\ TermAt(log[i], n) = term[i]
    /\ IsQuorum(Acked(i, n) \cup (IF Durable(i) >= n THEN {i} ELSE {}), Configuration(log[i]))
    /\ commit' = [commit EXCEPT ![i] = n]
    /\ UpdateTermLog(i, log[i], n, round[i])
    /\ UNCHANGED <<role, term, vote, log, round, reads, disk, writes, messages, files, granted, spent>>

-----------------------------------------------------------------------------
(* Leadership transfer (thesis 3.10).                                      *)

\* The leader i requests that j, which holds the whole log, becomes a candidate at once.
ContinueTransfer(i, j) ==
    /\ role[i] = "Leader"
    /\ j \in Acked(i, Len(log[i])) \ {i}
    /\ Send(i, {TimeoutNow(i, j, term[i], Len(log[i]))})
    /\ spent' = [spent EXCEPT !.transfers = @ + 1]
    /\ UNCHANGED <<memory, termLogs, files, granted>>

\* The server i becomes a candidate without a pre-vote, unless the request is old.
OnTimeoutNow(i, m) ==
    /\ m.to = i /\ m.term = term[i] /\ m.index = Len(log[i])
    /\ role[i] = "Follower"
    /\ i \in Configuration(log[i]).voters \cup Configuration(log[i]).outgoing
    /\ Campaign(i)
    /\ UNCHANGED spent

-----------------------------------------------------------------------------
(* Linearizable reads without log writes: ReadIndex (thesis 6.4).          *)

\* A read that starts now must return at least what may have been acknowledged to any
\* client by now.
Acknowledged == Greatest({0} \cup {termLogs[t].commit : t \in Terms})

\* A read waits for a round that starts after the read.
OnRead(i) ==
    /\ role[i] = "Leader"
    /\ reads' = [reads EXCEPT ![i] = @ \cup {[round |-> 0, index |-> 0, needed |-> Acknowledged]}]
    /\ spent' = [spent EXCEPT !.reads = @ + 1]
    /\ UNCHANGED <<role, term, vote, log, commit, round, disk, writes, messages, termLogs, files, granted>>

\* Starts one round that confirms leadership for all pending reads.  A new leader does
\* not know its predecessors' commit index until an entry of its own term is committed.
StartReadRound(i) ==
    /\ role[i] = "Leader"
    /\ reads[i] # {} /\ \A r \in reads[i] : r.round = 0
    /\ TermAt(log[i], commit[i]) = term[i]
    /\ round' = [round EXCEPT ![i] = @ + 1]
    /\ reads' = [reads EXCEPT ![i] = {[r EXCEPT !.round = round[i] + 1, !.index = commit[i]] : r \in @}]
    /\ UpdateTermLog(i, log[i], commit[i], round[i] + 1)
    /\ UNCHANGED <<role, term, vote, log, commit, disk, writes, messages, files, granted, spent>>

\* Every server in the leader's term follows it, whether their logs match or not.
AnswerRound(i, r) ==
    /\ termLogs[term[i]].leaders \ {i} # {} /\ role[i] # "Leader"
    /\ r \in 1..termLogs[term[i]].round
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ Send(i, {Echo(i, term[i], r)})
    /\ UNCHANGED <<term, vote, log, commit, round, reads, termLogs, files, granted, spent>>

\* A quorum has replied to this round or a later one: the leader was still leader after
\* the reads arrived.
ConfirmReads(i) ==
    /\ role[i] = "Leader"
    /\ LET done == {r \in reads[i] : r.round > 0 /\ IsQuorum(Echoed(i, r.round) \cup {i}, Configuration(log[i]))}
       IN  /\ done # {}
           /\ reads' = [reads EXCEPT ![i] = @ \ done]
           /\ granted' = granted \cup {[index |-> r.index, needed |-> r.needed] : r \in done}
    /\ UNCHANGED <<role, term, vote, log, commit, round, disk, writes, messages, termLogs, files, spent>>

-----------------------------------------------------------------------------
(* Membership (thesis 4.3).                                                *)

\* From the moment this is appended, a quorum needs majorities of old and new voters.
EnterJoint(i, new) ==
    LET c == Configuration(log[i])
    IN  /\ new # c.voters /\ c.outgoing = {}
        /\ ConfigurationIndex(log[i]) <= commit[i]
        /\ LeaderAppends(i, [term |-> term[i], voters |-> new, outgoing |-> c.voters])
        /\ spent' = [spent EXCEPT !.changes = @ + 1]

\* The joint configuration is committed: the new voters alone form quorums.
LeaveJoint(i) ==
    LET c == Configuration(log[i])
    IN  /\ c.outgoing # {}
        /\ ConfigurationIndex(log[i]) <= commit[i]
        /\ LeaderAppends(i, [term |-> term[i], voters |-> c.voters, outgoing |-> {}])
        /\ UNCHANGED spent

-----------------------------------------------------------------------------
(* Snapshots (thesis 5).                                                   *)
(*                                                                         *)
(* A snapshot is the state after a prefix of the log that is committed.    *)
(* So it is valid whichever server took it and under every later leader,   *)
(* and any server may send it to any other.  Files are never removed from  *)
(* `snapshots`: one that is being sent may arrive much later.              *)
(*                                                                         *)
(* The leader of the last entry's term must have committed that entry.     *)
(* Otherwise, a server that installs the snapshot and is in no later term  *)
(* may follow a deposed leader that lacks the entry.  A server knows it if *)
(* the entry is of its current term.                                       *)

TakeSnapshot(i, n) ==
    /\ n \in snapshot[i] + 1..commit[i]
    /\ n <= termLogs[TermAt(log[i], n)].commit
    /\ snapshot' = [snapshot EXCEPT ![i] = n]
    /\ snapshots' = snapshots \cup {[term |-> TermAt(log[i], n), index |-> n]}
    /\ spent' = [spent EXCEPT !.snapshots = @ + 1]
    /\ UNCHANGED <<memory, disk, writes, messages, termLogs, granted>>

\* The snapshot s is durable on the disk of server i, where another server took it.  The
\* entries after it are kept only if the log matches it.  Nothing is acknowledged: the
\* reply to the leader's next message does that.
InstallSnapshot(i, s) ==
    /\ s \in snapshots /\ role[i] # "Leader"
    /\ s.index > commit[i]
    /\ s.term <= term[i]
    /\ LET l == IF TermAt(log[i], s.index) = s.term THEN log[i] ELSE Prefix(termLogs[s.term].log, s.index)
       IN  /\ role' = [role EXCEPT ![i] = "Follower"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ commit' = [commit EXCEPT ![i] = s.index]
           /\ snapshot' = [snapshot EXCEPT ![i] = s.index]
           /\ IF l # log[i] THEN Write(i, term[i], vote[i], l, {}) ELSE UNCHANGED <<disk, writes, messages>>
    /\ UNCHANGED <<term, vote, round, reads, termLogs, snapshots, granted, spent>>

-----------------------------------------------------------------------------
(* Init and Next.                                                          *)

Init ==
    /\ role = [i \in Servers |-> "Follower"]
    /\ term = [i \in Servers |-> 0]
    /\ vote = [i \in Servers |-> None]
    /\ log = [i \in Servers |-> <<>>]
    /\ commit = [i \in Servers |-> 0]
    /\ round = [i \in Servers |-> 0]
    /\ reads = [i \in Servers |-> {}]
    /\ disk = [i \in Servers |-> [term |-> 0, vote |-> None, log |-> <<>>]]
    /\ writes = [i \in Servers |-> <<>>]
    /\ snapshot = [i \in Servers |-> 0]
    /\ messages = {}
    /\ termLogs = [t \in 0..MaxTerm |-> EmptyTermLog]
    /\ snapshots = {}
    /\ granted = {}
    /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]

\* The AppendEntries that a follower may receive, without those whose effect another one
\* also has: the entries after the last matching one, with the latest commit index; and
\* delayed messages, with one entry that the follower already has.
ReceiveEntries(i) ==
    LET leader == termLogs[term[i]]
        agree == Agreement(log[i], leader.log)
    IN  \/ \E last \in agree..Len(leader.log) : OnAppendEntries(i, agree, last, leader.commit)
        \/ \E last \in 1..agree : OnAppendEntries(i, last - 1, last, 0)

Restarts(i) ==
    /\ spent.restarts < MaxRestarts
    /\ \E k \in 0..Len(writes[i]) : \E hard \in k..Len(writes[i]) : \E l \in SurvivingLogs(i, k) :
       \E c \in snapshot[i]..commit[i] : Restart(i, hard, k, l, c)

Next ==
    \E i \in Servers :
        \/ \E n \in 1..Len(writes[i]) : OnDurable(i, n)
        \/ Restarts(i)
        \/ \E t \in Terms : TryAdoptTerm(i, t)
        \/ role[i] = "Leader" /\ BecomeFollower(i)
        \/ term[i] < MaxTerm /\ BecomePreCandidate(i)
        \/ term[i] < MaxTerm /\ BecomeCandidate(i)
        \/ \E m \in {r \in messages : r.kind \in {"RequestVote", "RequestPreVote"}} : OnRequestVote(i, m)
        \/ BecomeLeader(i)
        \/ spent.commands < MaxCommands /\ OnPropose(i)
        \/ ReceiveEntries(i)
        \/ \E n \in 1..Len(log[i]) : AdvanceCommit(i, n)
        \/ spent.reads < MaxReads /\ OnRead(i)
        \/ StartReadRound(i)
        \/ \E r \in 1..termLogs[term[i]].round : AnswerRound(i, r)
        \/ ConfirmReads(i)
        \/ spent.changes < MaxChanges /\ \E new \in Targets : EnterJoint(i, new)
        \/ LeaveJoint(i)
        \/ spent.snapshots < MaxSnapshots /\ \E n \in 1..Len(log[i]) : TakeSnapshot(i, n)
        \/ \E s \in snapshots : InstallSnapshot(i, s)
        \/ spent.transfers < MaxTransfers /\ \E j \in Servers : ContinueTransfer(i, j)
        \/ term[i] < MaxTerm /\ \E m \in {r \in messages : r.kind = "TimeoutNow"} : OnTimeoutNow(i, m)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Invariants of every state.  The names are those of RaftInvariants.      *)

LogPointers ==
    \A i \in Servers : snapshot[i] <= commit[i] /\ commit[i] <= Len(log[i])

LogTermsBounded ==
    \A i \in Servers : \A n \in 1..Len(log[i]) :
        log[i][n].term <= term[i] /\ TermAt(log[i], n - 1) <= log[i][n].term

LeaderVotedForItself ==
    \A i \in Servers : role[i] \in {"Candidate", "Leader"} => vote[i] = i

LeaderWroteItsNoOp ==
    \A i \in Servers : role[i] = "Leader" => LastId(log[i]).term = term[i]

\* At most one leader per term.
ElectionSafety == \A t \in Terms : Cardinality(termLogs[t].leaders) <= 1

\* No server votes for two candidates in one term, whatever crashes it went through.
OneVoteATerm ==
    \A v, w \in {m \in messages : m.kind = "Vote"} :
        v.from = w.from /\ v.term = w.term => v.to = w.to

\* Two logs with the same entry at an index are identical up to that index.
LogMatching ==
    \A i, j \in Servers : \A n \in 1..Min(Len(log[i]), Len(log[j])) :
        log[i][n].term = log[j][n].term => Prefix(log[i], n) = Prefix(log[j], n)

\* An entry committed in a term is in the log of every later leader.  And a leader has
\* every entry that a server in its term knows to be committed, from whichever source.
LeaderCompleteness ==
    /\ \A t, u \in Terms : t < u /\ termLogs[u].leaders # {} =>
        Agreement(termLogs[t].log, termLogs[u].log) >= termLogs[t].commit
    /\ \A i \in Servers : termLogs[term[i]].leaders # {} =>
        Agreement(termLogs[term[i]].log, log[i]) >= commit[i]

\* No two servers have different committed entries at the same index.
StateMachineSafety ==
    \A i, j \in Servers :
        Agreement(log[i], log[j]) >= Min(commit[i], commit[j])

\* Committed entries are on the disks of a majority, not only in memory.
DurableOnQuorum ==
    \A t \in Terms : LET l == Prefix(termLogs[t].log, termLogs[t].commit) IN
        Majority({i \in Servers : Agreement(WithSnapshot(i, disk[i].log), l) = Len(l)}, Configuration(l).voters)

\* No crash can make the content of a sent message untrue.
SentStateIsDurable ==
    \A m \in messages : LET d == disk[m.from] IN
        /\ m.kind \notin {"RequestPreVote", "PreVote"} => d.term >= m.term
        /\ m.kind = "Vote" /\ d.term = m.term => d.vote = m.to
        /\ m.kind = "Ack" /\ d.term = m.term =>
            Agreement(WithSnapshot(m.from, d.log), termLogs[m.term].log) >= m.index

\* A read returns at least what had been acknowledged to any client when the read arrived.
NoStaleRead == \A r \in granted : r.index >= r.needed

-----------------------------------------------------------------------------
(* Properties of every step.                                               *)

\* A leader only appends to its log.
LeaderAppendOnly ==
    [][\A t \in Terms : Agreement(termLogs[t].log, termLogs'[t].log) = Len(termLogs[t].log)]_vars

\* Terms never decrease; a crash does not take a term below the durable one.
MonotonicTerm ==
    [][\A i \in Servers : term'[i] >= IF spent'.restarts = spent.restarts THEN term[i] ELSE disk[i].term]_vars

MonotonicCommit ==
    [][\A i \in Servers : commit'[i] >= IF spent'.restarts = spent.restarts THEN commit[i] ELSE snapshot[i]]_vars

=============================================================================
