---------------------------- MODULE QuorateRaft ----------------------------
(***************************************************************************)
(* Raft as Quorate's core does it: what is said, what is written, what is  *)
(* on disk, and what a crash leaves.  Time is not in it: whatever a clock  *)
(* would set off may happen at any moment.  The network is not in it       *)
(* either, but for what was said: that may be heard by anybody it concerns *)
(* at any later time, often or never, so loss, repetition, delay and       *)
(* reordering need no actions of their own.                                *)
(*                                                                         *)
(* Actions bear the names of the core's methods; README.md has the table.  *)
(* Source: Ongaro, "Consensus: Bridging Theory and Practice" (thesis).     *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Servers,        \* everybody who is, or may become, a member
    InitialVoters,  \* who decides at first
    Targets,        \* the sets of voters that a change of membership may aim at
    None            \* nobody

(***************************************************************************)
(* How far TLC looks.  0 switches a feature off; a trace sets no bounds.   *)
(***************************************************************************)
CONSTANTS
    PreVote,        \* TRUE: asking comes before standing
    MaxTerm,        \* elections
    MaxCommands,    \* entries that clients ask for; leaders' own come on top
    MaxWrites,      \* writes on their way to one disk; 0: a write is durable at once
    MaxRestarts, MaxChanges, MaxSnapshots, MaxReads

VARIABLES
    (* In the memory of each server; a crash takes it. *)
    role,       \* "Follower", "PreCandidate", "Candidate" or "Leader"
    term,       \* the newest term it knows of
    vote,       \* whom it voted for in that term
    log,        \* all entries, those in the snapshot too
    snapshot,   \* entries up to here are in the snapshot and cannot be sent one by one
    commit,     \* entries up to here are known to be safe for ever
    round,      \* the newest round of asking "do I still lead?"
    reads,      \* reads that wait: set of [round, index, needed]

    (* On the disk of each server. *)
    disk,       \* what a crash is sure to leave: [term, vote, log, snapshot]
    writes,     \* what is on its way there, oldest first: [disk, say]

    (* Between them. *)
    messages,   \* everything said, but AppendEntries and InstallSnapshot
    reigns,     \* for each term, what its leader has written; see Reign below

    (* What only the checker knows. *)
    granted,    \* reads that were let through: [index, needed]
    spent       \* what is used up of the bounds above

memory == <<role, term, vote, log, snapshot, commit, round, reads>>
vars == <<memory, disk, writes, messages, reigns, granted, spent>>

-----------------------------------------------------------------------------
(* Small words. *)

Min(a, b) == IF a < b THEN a ELSE b
Max(a, b) == IF a > b THEN a ELSE b
Greatest(S) == CHOOSE n \in S : \A m \in S : m <= n
Terms == 1..MaxTerm
Prefix(l, n) == SubSeq(l, 1, n)
TermAt(l, n) == IF n \in 1..Len(l) THEN l[n].term ELSE 0
LastId(l) == [term |-> TermAt(l, Len(l)), index |-> Len(l)]

\* How far two logs are the same.
Agreement(a, b) ==
    Greatest({n \in 0..Min(Len(a), Len(b)) : \A m \in 1..n : a[m] = b[m]})

\* The later last term wins, then the longer log (paper 5.4.1).
IsAtLeastAsUpToDate(a, b) ==
    a.term > b.term \/ (a.term = b.term /\ a.index >= b.index)

-----------------------------------------------------------------------------
(* Who decides.                                                            *)
(*                                                                         *)
(* What a command says plays no part here: an entry is its term and, if it *)
(* is a configuration, who votes.  `outgoing` is empty but while a change  *)
(* is under way; then each of the two sets must agree (thesis 4.3).        *)

Command(t) == [term |-> t, voters |-> {}, outgoing |-> {}]

\* Where the log's newest configuration is; 0 when it is the initial one.
ConfigurationIndex(l) == Greatest({0} \cup {n \in 1..Len(l) : l[n].voters # {}})

\* It is in force as soon as it is appended, committed or not.
Configuration(l) ==
    LET n == ConfigurationIndex(l)
    IN  IF n = 0 THEN [voters |-> InitialVoters, outgoing |-> {}]
        ELSE [voters |-> l[n].voters, outgoing |-> l[n].outgoing]

Majority(S, of) == 2 * Cardinality(S \cap of) > Cardinality(of)

IsQuorum(S, c) ==
    /\ Majority(S, c.voters)
    /\ c.outgoing # {} => Majority(S, c.outgoing)

-----------------------------------------------------------------------------
(* What leaders say.                                                       *)
(*                                                                         *)
(* A leader only appends, so all AppendEntries it can ever have sent in    *)
(* its term are pieces of the longest log it had in it, with a commit      *)
(* index no greater than the greatest it knew; and its snapshots are       *)
(* beginnings of that log.  So these messages are not kept one by one: the *)
(* reign is kept, and a follower may hear any piece of it at any time.     *)

Reign == [leaders |-> {}, log |-> <<>>, commit |-> 0, snapshot |-> 0, round |-> 0]

\* What server i says in its term from now on, given its new log, commit, ...
Reigning(i, l, c, s, r) ==
    reigns' = [reigns EXCEPT ![term[i]] =
        [leaders |-> @.leaders \cup {i}, log |-> l, commit |-> c, snapshot |-> s, round |-> r]]

-----------------------------------------------------------------------------
(* What everybody else says.                                               *)

RequestVote(i, t, l) == [kind |-> "RequestVote", from |-> i, term |-> t, last |-> LastId(l)]
RequestPreVote(i, t, l) == [kind |-> "RequestPreVote", from |-> i, term |-> t, last |-> LastId(l)]
Vote(i, to, t) == [kind |-> "Vote", from |-> i, to |-> to, term |-> t]
PreVoteFor(i, to, t) == [kind |-> "PreVote", from |-> i, to |-> to, term |-> t]
Ack(i, t, n) == [kind |-> "Ack", from |-> i, term |-> t, index |-> n]
Echo(i, t, r) == [kind |-> "Echo", from |-> i, term |-> t, round |-> r]

\* Holding n entries is holding any less, and answering a round is answering
\* those before it: only the greatest of each is kept.
IsSaidBy(m, o) ==
    \/ m.kind = "Ack" /\ o.kind = "Ack" /\ m.from = o.from /\ m.term = o.term /\ m.index < o.index
    \/ m.kind = "Echo" /\ o.kind = "Echo" /\ m.from = o.from /\ m.term = o.term /\ m.round < o.round

Heard(said) ==
    LET all == messages \cup said
    IN  {m \in all : ~\E o \in all : IsSaidBy(m, o)}

Acked(i, n) ==      \* who has told the leader i that its disk holds n entries
    {m.from : m \in {a \in messages : a.kind = "Ack" /\ a.term = term[i] /\ a.index >= n}}

Echoed(i, r) ==     \* who has told the leader i that it heard round r
    {m.from : m \in {a \in messages : a.kind = "Echo" /\ a.term = term[i] /\ a.round >= r}}

VotedFor(i, t) == {m.from : m \in {v \in messages : v.kind = "Vote" /\ v.to = i /\ v.term = t}}
PreVotedFor(i, t) == {m.from : m \in {v \in messages : v.kind = "PreVote" /\ v.to = i /\ v.term = t}}

-----------------------------------------------------------------------------
(* Disks.                                                                  *)
(*                                                                         *)
(* A step that changes term, vote, log or snapshot writes all four.  What  *)
(* becomes true with a write leaves when that write is durable; a crash    *)
(* before that means it was never said.                                    *)

\* All that the disk of i may yet come to hold.
Images(i) == {disk[i]} \cup {writes[i][k].disk : k \in 1..Len(writes[i])}

\* The entries that are on the disk and that no write under way takes off it.
Durable(i) == Greatest({n \in 0..Len(log[i]) : \A d \in Images(i) : Agreement(d.log, log[i]) >= n})

HardStateIsDurable(i) == \A d \in Images(i) : d.term = term[i] /\ d.vote = vote[i]

CanWrite(i) == MaxWrites = 0 \/ Len(writes[i]) < MaxWrites

\* Server i writes, and says something when that is durable.
Write(i, t, v, l, s, say) ==
    LET image == [term |-> t, vote |-> v, log |-> l, snapshot |-> s]
    IN  IF MaxWrites = 0
        THEN /\ disk' = [disk EXCEPT ![i] = image]
             /\ messages' = Heard(say)
             /\ UNCHANGED writes
        ELSE /\ CanWrite(i)
             /\ writes' = [writes EXCEPT ![i] = Append(@, [disk |-> image, say |-> say])]
             /\ UNCHANGED <<disk, messages>>

SayWithLastWrite(i, say) ==
    /\ writes' = [writes EXCEPT ![i][Len(writes[i])].say = @ \cup say]
    /\ UNCHANGED <<disk, messages>>

SayNow(say) ==
    /\ messages' = Heard(say)
    /\ UNCHANGED <<disk, writes>>

\* Server i writes nothing, and says what is true when all it wrote is durable.
SayWhenDurable(i, say) == IF writes[i] = <<>> THEN SayNow(say) ELSE SayWithLastWrite(i, say)

\* It says what is true already; yet nothing of a term leaves before the term is durable.
Say(i, say) == IF HardStateIsDurable(i) THEN SayNow(say) ELSE SayWithLastWrite(i, say)

\* The first n writes have reached the disk.
OnDurable(i, n) ==
    /\ n \in 1..Len(writes[i])
    /\ disk' = [disk EXCEPT ![i] = writes[i][n].disk]
    /\ writes' = [writes EXCEPT ![i] = SubSeq(@, n + 1, Len(@))]
    /\ messages' = Heard(UNION {writes[i][k].say : k \in 1..n})
    /\ UNCHANGED <<memory, reigns, granted, spent>>

-----------------------------------------------------------------------------
(* Crashes.                                                                *)
(*                                                                         *)
(* A crash may leave some of what was not flushed.  Term and vote are      *)
(* written before entries, so what survives of them may be newer; of a     *)
(* write's entries, the first few may survive.                             *)

Image(i, k) == IF k = 0 THEN disk[i] ELSE writes[i][k].disk

SurvivingLogs(i, k) ==
    IF k = 0 THEN {disk[i].log}
    ELSE {Prefix(Image(i, k).log, n) : n \in
            Max(Image(i, k).snapshot, Agreement(Image(i, k - 1).log, Image(i, k).log))..Len(Image(i, k).log)}

Restart(i, hard, k, l, c) ==
    /\ hard \in k..Len(writes[i])
    /\ l \in SurvivingLogs(i, k)
    /\ LET left == [term |-> Image(i, hard).term, vote |-> Image(i, hard).vote,
                    log |-> l, snapshot |-> Image(i, k).snapshot]
       IN  /\ c \in left.snapshot..Max(left.snapshot, Min(commit[i], Agreement(l, log[i])))
           /\ disk' = [disk EXCEPT ![i] = left]
           /\ term' = [term EXCEPT ![i] = left.term]
           /\ vote' = [vote EXCEPT ![i] = left.vote]
           /\ log' = [log EXCEPT ![i] = l]
           /\ snapshot' = [snapshot EXCEPT ![i] = left.snapshot]
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ commit' = [commit EXCEPT ![i] = c]
    /\ round' = [round EXCEPT ![i] = 0]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ writes' = [writes EXCEPT ![i] = <<>>]
    /\ spent' = [spent EXCEPT !.restarts = @ + 1]
    /\ UNCHANGED <<messages, reigns, granted>>

-----------------------------------------------------------------------------
(* Elections (thesis 3.4, 9.6).                                            *)

\* Somebody has been in a later term, and says so, if only by refusing something.
TryAdoptTerm(i, t) ==
    /\ t > term[i]
    /\ \E j \in Servers : disk[j].term >= t
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ term' = [term EXCEPT ![i] = t]
    /\ vote' = [vote EXCEPT ![i] = None]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ Write(i, t, None, log[i], snapshot[i], {})
    /\ UNCHANGED <<log, snapshot, commit, round, reigns, granted, spent>>

\* Gives up, in the same term: lost, timed out, or cut off from the others.
BecomeFollower(i) ==
    /\ role[i] # "Follower"
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ reads' = [reads EXCEPT ![i] = {}]
    /\ UNCHANGED <<term, vote, log, snapshot, commit, round, disk, writes, messages, reigns, granted, spent>>

\* Asks whether it would be elected.  Nothing changes by asking.
BecomePreCandidate(i) ==
    /\ PreVote
    /\ role[i] # "Leader"
    /\ i \in Configuration(log[i]).voters \cup Configuration(log[i]).outgoing
    /\ role' = [role EXCEPT ![i] = "PreCandidate"]
    /\ Say(i, {RequestPreVote(i, term[i] + 1, log[i])})
    /\ UNCHANGED <<term, vote, log, snapshot, commit, round, reads, reigns, granted, spent>>

\* Enters a new term and votes for itself; asks for votes when that is on disk.
BecomeCandidate(i) ==
    /\ IF PreVote
       THEN role[i] = "PreCandidate" /\ IsQuorum(PreVotedFor(i, term[i] + 1) \cup {i}, Configuration(log[i]))
       ELSE role[i] # "Leader" /\ i \in Configuration(log[i]).voters \cup Configuration(log[i]).outgoing
    /\ role' = [role EXCEPT ![i] = "Candidate"]
    /\ term' = [term EXCEPT ![i] = @ + 1]
    /\ vote' = [vote EXCEPT ![i] = i]
    /\ Write(i, term[i] + 1, i, log[i], snapshot[i], {RequestVote(i, term[i] + 1, log[i]), Vote(i, i, term[i] + 1)})
    /\ UNCHANGED <<log, snapshot, commit, round, reads, reigns, granted, spent>>

\* Who may stand is judged by the candidate's configuration, not by the voter's,
\* which may be old.
OnRequestVote(i, m) ==
    /\ m.from # i
    /\ IsAtLeastAsUpToDate(m.last, LastId(log[i]))
    /\ \/ /\ m.kind = "RequestVote" /\ m.term = term[i] /\ vote[i] = None
          /\ vote' = [vote EXCEPT ![i] = m.from]
          /\ Write(i, term[i], m.from, log[i], snapshot[i], {Vote(i, m.from, term[i])})
       \/ \* A crash may have come between the vote and its being said: say it again.
          /\ m.kind = "RequestVote" /\ m.term = term[i] /\ vote[i] = m.from
          /\ SayWhenDurable(i, {Vote(i, m.from, term[i])})
          /\ UNCHANGED vote
       \/ /\ m.kind = "RequestPreVote" /\ m.term > term[i]
          /\ Say(i, {PreVoteFor(i, m.from, m.term)})
          /\ UNCHANGED vote
    /\ UNCHANGED <<role, term, log, snapshot, commit, round, reads, reigns, granted, spent>>

\* Elected.  Counting replicas never commits an entry of an earlier term, so the
\* leader begins with an entry of its own (thesis 3.6.2).
BecomeLeader(i) ==
    /\ role[i] = "Candidate"
    /\ IsQuorum(VotedFor(i, term[i]), Configuration(log[i]))
    /\ LET l == Append(log[i], Command(term[i]))
       IN  /\ role' = [role EXCEPT ![i] = "Leader"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ Write(i, term[i], vote[i], l, snapshot[i], {})
           /\ Reigning(i, l, commit[i], snapshot[i], round[i])
    /\ UNCHANGED <<term, vote, snapshot, commit, round, reads, granted, spent>>

-----------------------------------------------------------------------------
(* The log (thesis 3.5, 3.6).                                              *)

LeaderAppends(i, entry) ==
    LET l == Append(log[i], entry)
    IN  /\ role[i] = "Leader"
        /\ log' = [log EXCEPT ![i] = l]
        /\ Write(i, term[i], vote[i], l, snapshot[i], {})
        /\ Reigning(i, l, commit[i], snapshot[i], round[i])
        /\ UNCHANGED <<role, term, vote, snapshot, commit, round, reads, granted>>

OnPropose(i) ==
    /\ LeaderAppends(i, Command(term[i]))
    /\ spent' = [spent EXCEPT !.commands = @ + 1]

\* The follower i hears entries previous+1..last of its leader's log, none if they
\* are equal, and the commit index c.
OnAppendEntries(i, previous, last, c) ==
    LET leader == reigns[term[i]]
        agree == Agreement(log[i], leader.log)
    IN
    /\ leader.leaders \ {i} # {} /\ role[i] # "Leader"
    /\ last \in 0..Len(leader.log) /\ previous \in 0..last /\ c \in 0..leader.commit
       \* What is committed needs no proof: it is in every leader's log.
    /\ Max(previous, commit[i]) <= agree
    /\ LET \* Truncate only where the logs differ: a message that comes late must
           \* not take away what a later one brought.
           l == IF last <= agree THEN log[i] ELSE Prefix(leader.log, last)
           \* No further than this very message has shown the logs to agree.
           safe == Max(commit[i], Min(c, last))
       IN  /\ role' = [role EXCEPT ![i] = "Follower"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ commit' = [commit EXCEPT ![i] = safe]
           /\ IF l # log[i]
              THEN Write(i, term[i], vote[i], l, snapshot[i], {Ack(i, term[i], last)})
              ELSE IF previous = last
              THEN \* A heartbeat is answered at once, with what is on disk by now.
                   Say(i, {Ack(i, term[i], Min(last, Durable(i)))})
              ELSE SayWhenDurable(i, {Ack(i, term[i], last)})
    /\ UNCHANGED <<term, vote, snapshot, round, reads, reigns, granted, spent>>

\* A quorum's disks hold n entries, the leader's own counted like any other, and
\* the last of them is of the leader's own term (paper Fig. 8).
AdvanceCommit(i, n) ==
    /\ role[i] = "Leader"
    /\ n \in commit[i] + 1..Len(log[i])
    /\ TermAt(log[i], n) = term[i]
    /\ IsQuorum(Acked(i, n) \cup (IF Durable(i) >= n THEN {i} ELSE {}), Configuration(log[i]))
    /\ commit' = [commit EXCEPT ![i] = n]
    /\ Reigning(i, log[i], n, snapshot[i], round[i])
    /\ UNCHANGED <<role, term, vote, log, snapshot, round, reads, disk, writes, messages, granted, spent>>

-----------------------------------------------------------------------------
(* Reads without writing (thesis 6.4).                                     *)

\* Whoever reads now must see at least what anybody may have been told by now.
Acknowledged == Greatest({0} \cup {reigns[t].commit : t \in Terms})

\* A read waits for a round that begins after it.
OnRead(i) ==
    /\ role[i] = "Leader"
    /\ reads' = [reads EXCEPT ![i] = @ \cup {[round |-> 0, index |-> 0, needed |-> Acknowledged]}]
    /\ spent' = [spent EXCEPT !.reads = @ + 1]
    /\ UNCHANGED <<role, term, vote, log, snapshot, commit, round, disk, writes, messages, reigns, granted>>

\* Asks "do I still lead?" for all that wait.  A new leader does not know how far
\* the ones before it committed until an entry of its own is.
StartReadRound(i) ==
    /\ role[i] = "Leader"
    /\ reads[i] # {} /\ \A r \in reads[i] : r.round = 0
    /\ TermAt(log[i], commit[i]) = term[i]
    /\ round' = [round EXCEPT ![i] = @ + 1]
    /\ reads' = [reads EXCEPT ![i] = {[r EXCEPT !.round = round[i] + 1, !.index = commit[i]] : r \in @}]
    /\ Reigning(i, log[i], commit[i], snapshot[i], round[i] + 1)
    /\ UNCHANGED <<role, term, vote, log, snapshot, commit, disk, writes, messages, granted, spent>>

\* Whoever is in the leader's term takes him for leader, whether his logs agree or not.
AnswerRound(i, r) ==
    /\ reigns[term[i]].leaders \ {i} # {} /\ role[i] # "Leader"
    /\ r \in 1..reigns[term[i]].round
    /\ role' = [role EXCEPT ![i] = "Follower"]
    /\ Say(i, {Echo(i, term[i], r)})
    /\ UNCHANGED <<term, vote, log, snapshot, commit, round, reads, reigns, granted, spent>>

\* A quorum has answered this round or a later one: the leader led after the reads
\* were asked.
ConfirmReads(i) ==
    /\ role[i] = "Leader"
    /\ LET done == {r \in reads[i] : r.round > 0 /\ IsQuorum(Echoed(i, r.round) \cup {i}, Configuration(log[i]))}
       IN  /\ done # {}
           /\ reads' = [reads EXCEPT ![i] = @ \ done]
           /\ granted' = granted \cup {[index |-> r.index, needed |-> r.needed] : r \in done}
    /\ UNCHANGED <<role, term, vote, log, snapshot, commit, round, disk, writes, messages, reigns, spent>>

-----------------------------------------------------------------------------
(* Membership (thesis 4.3).                                                *)

\* Old and new decide together from the moment this is appended.
EnterJoint(i, new) ==
    LET c == Configuration(log[i])
    IN  /\ new # c.voters /\ c.outgoing = {}
        /\ ConfigurationIndex(log[i]) <= commit[i]
        /\ LeaderAppends(i, [term |-> term[i], voters |-> new, outgoing |-> c.voters])
        /\ spent' = [spent EXCEPT !.changes = @ + 1]

\* The joint configuration is committed: the new voters decide alone.
LeaveJoint(i) ==
    LET c == Configuration(log[i])
    IN  /\ c.outgoing # {}
        /\ ConfigurationIndex(log[i]) <= commit[i]
        /\ LeaderAppends(i, [term |-> term[i], voters |-> c.voters, outgoing |-> {}])
        /\ UNCHANGED spent

-----------------------------------------------------------------------------
(* Snapshots (thesis 5).                                                   *)

\* A snapshot is the state that the first n entries make, so these stand for it.
TakeSnapshot(i, n) ==
    /\ n \in snapshot[i] + 1..commit[i]
    /\ snapshot' = [snapshot EXCEPT ![i] = n]
    /\ Write(i, term[i], vote[i], log[i], n, {})
    /\ IF role[i] = "Leader" THEN Reigning(i, log[i], commit[i], n, round[i]) ELSE UNCHANGED reigns
    /\ spent' = [spent EXCEPT !.snapshots = @ + 1]
    /\ UNCHANGED <<role, term, vote, log, commit, round, reads, granted>>

\* The follower i is given its leader's snapshot of n entries.  What it holds beyond
\* them stays only if the logs agree there.
InstallSnapshot(i, n) ==
    LET leader == reigns[term[i]]
    IN
    /\ leader.leaders \ {i} # {} /\ role[i] # "Leader"
    /\ n \in commit[i] + 1..leader.snapshot
    /\ LET l == IF TermAt(log[i], n) = TermAt(leader.log, n) THEN log[i] ELSE Prefix(leader.log, n)
       IN  /\ role' = [role EXCEPT ![i] = "Follower"]
           /\ log' = [log EXCEPT ![i] = l]
           /\ snapshot' = [snapshot EXCEPT ![i] = n]
           /\ commit' = [commit EXCEPT ![i] = n]
           /\ Write(i, term[i], vote[i], l, n, {Ack(i, term[i], n)})
    /\ UNCHANGED <<term, vote, round, reads, reigns, granted, spent>>

-----------------------------------------------------------------------------
(* What may happen.                                                        *)

Init ==
    /\ role = [i \in Servers |-> "Follower"]
    /\ term = [i \in Servers |-> 0]
    /\ vote = [i \in Servers |-> None]
    /\ log = [i \in Servers |-> <<>>]
    /\ snapshot = [i \in Servers |-> 0]
    /\ commit = [i \in Servers |-> 0]
    /\ round = [i \in Servers |-> 0]
    /\ reads = [i \in Servers |-> {}]
    /\ disk = [i \in Servers |-> [term |-> 0, vote |-> None, log |-> <<>>, snapshot |-> 0]]
    /\ writes = [i \in Servers |-> <<>>]
    /\ messages = {}
    /\ reigns = [t \in 0..MaxTerm |-> Reign]
    /\ granted = {}
    /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0]

\* What a follower may hear from its leader that another message would not do as well:
\* what follows the place where the logs part, with the newest commit index; and
\* late ones, of entries it has long had.
HearsEntries(i) ==
    LET leader == reigns[term[i]]
        agree == Agreement(log[i], leader.log)
    IN  \/ \E last \in agree..Len(leader.log) : OnAppendEntries(i, agree, last, leader.commit)
        \/ \E last \in 1..agree : OnAppendEntries(i, last - 1, last, 0)

Restarts(i) ==
    /\ spent.restarts < MaxRestarts
    /\ \E k \in 0..Len(writes[i]) : \E hard \in k..Len(writes[i]) : \E l \in SurvivingLogs(i, k) :
       \E c \in Image(i, k).snapshot..Max(Image(i, k).snapshot, commit[i]) : Restart(i, hard, k, l, c)

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
        \/ HearsEntries(i)
        \/ \E n \in 1..Len(log[i]) : AdvanceCommit(i, n)
        \/ spent.reads < MaxReads /\ OnRead(i)
        \/ StartReadRound(i)
        \/ \E r \in 1..reigns[term[i]].round : AnswerRound(i, r)
        \/ ConfirmReads(i)
        \/ spent.changes < MaxChanges /\ \E new \in Targets : EnterJoint(i, new)
        \/ LeaveJoint(i)
        \/ spent.snapshots < MaxSnapshots /\ \E n \in 1..commit[i] : TakeSnapshot(i, n)
        \/ \E n \in 1..reigns[term[i]].snapshot : InstallSnapshot(i, n)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must hold in every state.  The names are those of RaftInvariants.  *)

LogPointers ==
    \A i \in Servers : snapshot[i] <= commit[i] /\ commit[i] <= Len(log[i])

LogTermsBounded ==
    \A i \in Servers : \A n \in 1..Len(log[i]) :
        log[i][n].term <= term[i] /\ TermAt(log[i], n - 1) <= log[i][n].term

LeaderVotedForItself ==
    \A i \in Servers : role[i] \in {"Candidate", "Leader"} => vote[i] = i

LeaderWroteItsNoOp ==
    \A i \in Servers : role[i] = "Leader" => LastId(log[i]).term = term[i]

\* At most one leader a term.
ElectionSafety == \A t \in Terms : Cardinality(reigns[t].leaders) <= 1

\* Nobody has voted for two in one term, whatever it went through.
OneVoteATerm ==
    \A v, w \in {m \in messages : m.kind = "Vote"} :
        v.from = w.from /\ v.term = w.term => v.to = w.to

\* Two logs that have the same entry have the same before it.
LogMatching ==
    \A i, j \in Servers : \A n \in 1..Min(Len(log[i]), Len(log[j])) :
        log[i][n].term = log[j][n].term => Prefix(log[i], n) = Prefix(log[j], n)

\* What was committed in a term is in the log of every later leader.
LeaderCompleteness ==
    \A t, u \in Terms : t < u /\ reigns[u].leaders # {} =>
        Agreement(reigns[t].log, reigns[u].log) >= reigns[t].commit

\* What two servers hold to be committed at an index is the same.
StateMachineSafety ==
    \A i, j \in Servers :
        Agreement(log[i], log[j]) >= Min(commit[i], commit[j])

\* What is committed is on the disks of a majority, not only in memories.
DurableOnQuorum ==
    \A t \in Terms : LET l == Prefix(reigns[t].log, reigns[t].commit) IN
        Majority({i \in Servers : Agreement(disk[i].log, l) = Len(l)}, Configuration(l).voters)

\* Nobody has said what a crash could make untrue.
PromisesAreDurable ==
    \A m \in messages : LET d == disk[m.from] IN
        /\ m.kind \notin {"RequestPreVote", "PreVote"} => d.term >= m.term
        /\ m.kind = "Vote" /\ d.term = m.term => d.vote = m.to
        /\ m.kind = "Ack" /\ d.term = m.term => Agreement(d.log, reigns[m.term].log) >= m.index

\* A read shows at least what anybody had been told when it was asked.
NoStaleRead == \A r \in granted : r.index >= r.needed

-----------------------------------------------------------------------------
(* What must hold from one state to the next.                              *)

\* A leader only appends.
LeaderAppendOnly ==
    [][\A t \in Terms : Agreement(reigns[t].log, reigns'[t].log) = Len(reigns[t].log)]_vars

\* Terms never fall; not even after a crash below what was said.
MonotonicTerm ==
    [][\A i \in Servers : term'[i] >= IF spent'.restarts = spent.restarts THEN term[i] ELSE disk[i].term]_vars

MonotonicCommit ==
    [][\A i \in Servers : commit'[i] >= IF spent'.restarts = spent.restarts THEN commit[i] ELSE disk[i].snapshot]_vars

=============================================================================
