-------------------------------- MODULE Trace --------------------------------
(***************************************************************************)
(* Checks that a trace of real cores (docs/formats/trace.md) is a          *)
(* behaviour of QuorateRaft.  Each line of the trace is one step of one    *)
(* core, which corresponds to zero or more actions of one server, at most  *)
(* one of each kind and always in the same order: the phases below.  The   *)
(* content of the line decides which actions are taken.  At the end of the *)
(* line the server's state must equal the core's, and the specification    *)
(* must have sent every message that the core sent.                        *)
(*                                                                         *)
(* A trace that is not a behaviour ends in a deadlock; `line` and `phase`  *)
(* in its last state give the place.  README.md has the command.           *)
(***************************************************************************)
EXTENDS QuorateRaft, Json, IOUtils, TLC

Lines == ndJsonDeserialize(IOEnv.TRACE)

Members == {Lines[1].members[n] : n \in 1..Len(Lines[1].members)}
Field(r, name, otherwise) == IF name \in DOMAIN r THEN r[name] ELSE otherwise
TermsOfTrace == Greatest({0} \cup {Lines[n].state.term : n \in {n \in 1..Len(Lines) : "state" \in DOMAIN Lines[n]}})
NoServer == 0
Unbounded == 1000000

VARIABLES
    line,   \* the line of the trace that is being checked
    phase,  \* the next phase of that line
    tokens  \* for each pending write, the token of the real core's append that contains it

allVars == <<vars, line, phase, tokens>>

-----------------------------------------------------------------------------
(* The content of a line. *)

current == Lines[line]
i == current.node
core == current.state      \* the core after the step
IsStep == "state" \in DOMAIN current
Sent == Field(current, "send", <<>>)
Held == IF "hold" \in DOMAIN current THEN current.hold.messages ELSE <<>>
Out(type) == {(Sent \o Held)[n] : n \in {n \in 1..Len(Sent \o Held) : (Sent \o Held)[n].type = type}}
Received == Field(current, "received", [type |-> "", term |-> 0])
IsFromLeader == Received.type = "AppendEntries" /\ Received.term = core.term
LastOf(append) == append.previous[2] + Len(Field(append, "entries", <<>>))

GrantedAt ==
    LET own == Field(current, "reads", <<>>)
    IN  {own[n].index : n \in {n \in 1..Len(own) : "index" \in DOMAIN own[n]}}
            \cup {m.index : m \in {r \in Out("ReadIndexReply") : r.granted}}

-----------------------------------------------------------------------------
(* The phases of a line. *)

BecomesCandidate == core.role = "Candidate" /\ core.term = term[i] + 1
IsStart == current.event = "Start"

\* The last index of a snapshot that is durable, and of which the core is notified in this line; 0: none.  A core
\* starts with the newest one, whether it was notified or not.
FileIndex ==
    CASE IsStart /\ core.snapshot > snapshot[i] -> core.snapshot
      [] current.event = "SnapshotSaved" /\ current.last[2] > snapshot[i] -> current.last[2]
      [] "restore" \in DOMAIN current -> current.restore[2]
      [] OTHER -> 0

IsInstalled == current.event # "SnapshotSaved" /\ FileIndex > commit[i]

FileTerm ==
    IF \E j \in Servers : commit[j] >= FileIndex
    THEN TermAt(log[CHOOSE j \in Servers : commit[j] >= FileIndex], FileIndex)
    ELSE 0

FileId == [term |-> FileTerm, index |-> FileIndex]

\* In phase now the action is taken if the line requires it; otherwise the phase is skipped.
Then(now, next, isRequired, action) ==
    /\ phase = now
    /\ phase' = next
    /\ IF isRequired THEN action ELSE UNCHANGED vars
    /\ UNCHANGED <<line, tokens>>

Ends == Then("begin", "term", IsInstalled /\ role[i] # "Follower", BecomeFollower(i)) /\ IsStart

CoreStarts ==
    /\ phase = "restart"
    /\ \E k \in 0..Len(writes[i]) : \E hard \in k..Len(writes[i]) : \E l \in SurvivingLogs(i, k) :
        /\ LastId(l) = [term |-> core.lastTerm, index |-> core.last]
        /\ Restart(i, hard, k, l, core.commit)
        /\ term'[i] = core.term /\ vote'[i] = core.vote   \* of all states that a crash can leave, the one this core has started from
    /\ tokens' = [tokens EXCEPT ![i] = <<>>]
    /\ phase' = "match"
    /\ UNCHANGED line

BecomesDurable ==
    LET n == Cardinality({k \in 1..Len(tokens[i]) : tokens[i][k] <= current.token})
    IN  /\ phase = "begin" /\ current.event = "Durable"
        /\ IF n > 0 THEN OnDurable(i, n) ELSE UNCHANGED vars
        /\ tokens' = [tokens EXCEPT ![i] = SubSeq(@, n + 1, Len(@))]
        /\ phase' = "prevote"
        /\ UNCHANGED line

Begins == Then("begin", "prevote", FALSE, FALSE) /\ current.event \notin {"Start", "Durable"}

IsTarget == Received.type = "TimeoutNow" /\ BecomesCandidate   \* of a transfer of leadership

RequestsPreVotes == Then("prevote", "term",
    IF role[i] = "PreCandidate"
    THEN \E m \in Out("RequestVote") : m.preVote
    ELSE (BecomesCandidate /\ ~IsTarget) \/ core.role = "PreCandidate",
    BecomePreCandidate(i))

EntersTerm == Then("term", "peer",
    IF IsStart THEN IsInstalled /\ FileTerm > term[i] ELSE core.term > term[i],
    CASE IsStart -> TryAdoptTerm(i, FileTerm)
      [] IsTarget -> \E m \in messages :
            /\ m = TimeoutNow(Received.from, i, Received.term, Received.lastIndex)
            /\ OnTimeoutNow(i, m)
      [] BecomesCandidate /\ ~IsTarget -> BecomeCandidate(i)
      [] OTHER -> TryAdoptTerm(i, core.term))

\* A snapshot may be sent before the core of the server that took it is notified.
IsTakenElsewhere == Then("peer", "file", IsInstalled /\ FileId \notin snapshots, \E j \in Servers : TakeSnapshot(j, FileIndex))

HasFile == Then("file", IF IsStart THEN "restart" ELSE "receive",
    FileIndex > 0, IF IsInstalled THEN InstallSnapshot(i, FileId) ELSE TakeSnapshot(i, FileIndex))

\* A server that is sent no entries, because its leader lacks them, replies what it knows to be committed.
RepliesCommit == Field(Received, "needsSnapshot", FALSE) /\ LastOf(Received) < commit[i]

Receives ==
    IF IsFromLeader
    THEN Then("receive", "reply", \E m \in Out("AppendEntriesReply") : m.accepted,
            IF RepliesCommit
            THEN OnAppendEntries(i, commit[i], commit[i], Received.commit)
            ELSE OnAppendEntries(i, Received.previous[2], LastOf(Received), Received.commit))
    ELSE Then("receive", "reply", Received.type = "RequestVote" /\ \E m \in Out("RequestVoteReply") : m.granted,
            \E m \in messages :
                /\ m.kind = IF Field(Received, "preVote", FALSE) THEN "RequestPreVote" ELSE "RequestVote"
                /\ m.from = Received.from /\ m.term = Received.term
                /\ m.last = [term |-> Received.lastEntry[1], index |-> Received.lastEntry[2]]
                /\ OnRequestVote(i, m))

AnswersRound == Then("reply", "lead", IsFromLeader /\ Field(Received, "round", 0) > 0, AnswerRound(i, Received.round))

BecomesLeader == Then("lead", "append", core.role = "Leader" /\ role[i] # "Leader", BecomeLeader(i))

Appends ==
    IF core.role = "Leader" /\ Len(log[i]) < core.last
    THEN Then("append", "append", TRUE, OnPropose(i))
    ELSE Then("append", "commit", FALSE, FALSE)

Commits == Then("commit", "transfer", core.role = "Leader" /\ commit[i] < core.commit, AdvanceCommit(i, core.commit))

Transfers == Then("transfer", "read", Out("TimeoutNow") # {}, \E m \in Out("TimeoutNow") : ContinueTransfer(i, m.to))

\* A new leader takes over the reads that it had forwarded.  The trace does not show whether there were
\* any, so one pending read is always assumed.
Reads == Then("read", "round",
    core.role = "Leader" /\ (current.event = "Read" \/ Received.type = "ReadIndexRequest" \/ (LastId(log[i]).index > 0 /\ reads[i] = {})),
    OnRead(i))

StartsRound == Then("round", "confirm",
    core.role = "Leader" /\ ((\E m \in Out("AppendEntries") : m.round > round[i]) \/ (GrantedAt # {} /\ \A r \in reads[i] : r.round = 0)),
    StartReadRound(i))

Confirms == Then("confirm", "follow",
    core.role = "Leader" /\ GrantedAt # {},
    ConfirmReads(i) /\ \A n \in GrantedAt : \E r \in reads[i] \ reads'[i] : r.index = n)

Follows == Then("follow", "match", core.role = "Follower" /\ role[i] # "Follower", BecomeFollower(i))

-----------------------------------------------------------------------------
(* The end of a line. *)

StatesMatch ==
    /\ role[i] = core.role /\ term[i] = core.term /\ vote[i] = core.vote
    /\ LastId(log[i]) = [term |-> core.lastTerm, index |-> core.last]
    /\ commit[i] = core.commit
    /\ core.snapshot <= snapshot[i]   \* a snapshot is durable before the core is notified of it
    /\ core.durable <= Durable(i)

\* All messages that have been sent, or that server i will send when its writes are durable.
SentOrPending == messages \cup UNION {writes[i][k].msgs : k \in 1..Len(writes[i])}

IsSpecified(m) == \E o \in SentOrPending : m = o \/ IsImpliedBy(m, o)

IsPartOfTermLog(append) ==
    LET leader == termLogs[append.term]
        entries == Field(append, "entries", <<>>)
    IN  /\ append.term \in DOMAIN termLogs
        /\ i \in leader.leaders
        /\ LastOf(append) <= Len(leader.log)
        /\ append.commit <= leader.commit
        /\ append.round <= leader.round
        /\ TermAt(leader.log, append.previous[2]) = append.previous[1]
        /\ \A n \in 1..Len(entries) : TermAt(leader.log, entries[n][2]) = entries[n][1]

AllSentIsSpecified ==
    /\ \A m \in Out("AppendEntries") : IsPartOfTermLog(m)
    /\ \A m \in Out("RequestVote") :
        IsSpecified(IF m.preVote THEN RequestPreVote(i, m.term, log[i]) ELSE RequestVote(i, m.term, log[i]))
    /\ \A m \in Out("RequestVoteReply") :
        m.granted => IsSpecified(IF m.preVote THEN PreVoteFor(i, m.to, m.term) ELSE Vote(i, m.to, m.term))
    /\ \A m \in Out("AppendEntriesReply") :
        /\ m.accepted /\ m.index > 0 => IsSpecified(Ack(i, m.term, m.index))
        /\ m.round > 0 => IsSpecified(Echo(i, m.term, m.round))
    /\ \A m \in Out("TimeoutNow") : IsSpecified(TimeoutNow(i, m.to, m.term, m.lastIndex))

\* A server that is not leader grants a read only at the index, and only after, the leader has granted it.
FollowerGrantsMatchLeader ==
    core.role # "Leader" /\ GrantedAt # {} =>
        Received.type = "ReadIndexReply" /\ Received.granted /\ GrantedAt = {Received.index}

\* A message that the core sends at once does not wait for a write in the specification either.
SentAtOnceIsSpecified ==
    \A n \in 1..Len(Sent) : LET m == Sent[n] IN
        /\ m.type = "RequestVoteReply" /\ m.granted /\ ~m.preVote => Vote(i, m.to, m.term) \in messages
        /\ m.type = "AppendEntriesReply" /\ m.accepted /\ m.index > 0 =>
            \E o \in messages : o = Ack(i, m.term, m.index) \/ IsImpliedBy(Ack(i, m.term, m.index), o)

Matches ==
    /\ phase = "match"
    /\ StatesMatch /\ AllSentIsSpecified /\ SentAtOnceIsSpecified /\ FollowerGrantsMatchLeader
    /\ tokens' = [tokens EXCEPT ![i] = @ \o [n \in 1..Len(writes[i]) - Len(@) |-> current.append.token]]
    /\ line' = line + 1
    /\ phase' = "begin"
    /\ UNCHANGED vars

SkipsLine ==   \* the line is not the step of a core
    /\ ~IsStep
    /\ line' = line + 1
    /\ UNCHANGED <<vars, phase, tokens>>

-----------------------------------------------------------------------------

TraceInit == Init /\ line = 2 /\ phase = "begin" /\ tokens = [j \in Servers |-> <<>>]

TraceNext ==
    IF line > Len(Lines) THEN UNCHANGED allVars
    ELSE IF ~IsStep THEN SkipsLine
    ELSE \/ Ends \/ CoreStarts \/ BecomesDurable \/ Begins
         \/ RequestsPreVotes \/ EntersTerm \/ IsTakenElsewhere \/ HasFile \/ Receives \/ AnswersRound
         \/ BecomesLeader \/ Appends \/ Commits \/ Transfers
         \/ Reads \/ StartsRound \/ Confirms \/ Follows
         \/ Matches

TraceSpec == TraceInit /\ [][TraceNext]_allVars
==============================================================================
