-------------------------------- MODULE Trace --------------------------------
(***************************************************************************)
(* Whether a trace of real cores (docs/formats/trace.md) is a behaviour of *)
(* QuorateRaft.  Each line of it is a step of one core, and so some        *)
(* actions of one server, at most one of each kind and always in the same  *)
(* order: the phases below.  What the line says decides which are taken;   *)
(* at its end the server must be what the line says the core is, and all   *)
(* that the core said must have been said.                                 *)
(*                                                                         *)
(* A trace that is no behaviour ends in a deadlock, in whose last state    *)
(* `line` and `phase` say where.  README.md has the command.               *)
(***************************************************************************)
EXTENDS QuorateRaft, Json, IOUtils, TLC

Lines == ndJsonDeserialize(IOEnv.TRACE)

Members == {Lines[1].members[n] : n \in 1..Len(Lines[1].members)}
Field(r, name, otherwise) == IF name \in DOMAIN r THEN r[name] ELSE otherwise
TermsOfTrace == Greatest({0} \cup {Lines[n].state.term : n \in {n \in 1..Len(Lines) : "state" \in DOMAIN Lines[n]}})
Nobody == 0
Unbounded == 1000000

VARIABLES
    line,   \* the line that is being followed
    phase,  \* how far it has been
    tokens  \* for each write under way, the append of the real core that it is part of

allVars == <<vars, line, phase, tokens>>

-----------------------------------------------------------------------------
(* What a line says. *)

here == Lines[line]
i == here.node
core == here.state      \* the core after the step
IsStep == "state" \in DOMAIN here
Sent == Field(here, "send", <<>>)
Held == IF "hold" \in DOMAIN here THEN here.hold.messages ELSE <<>>
Out(type) == {(Sent \o Held)[n] : n \in {n \in 1..Len(Sent \o Held) : (Sent \o Held)[n].type = type}}
Received == Field(here, "received", [type |-> "", term |-> 0])
IsFromLeader == Received.type = "AppendEntries" /\ Received.term = core.term
LastOf(append) == append.previous[2] + Len(Field(append, "entries", <<>>))

GrantedAt ==
    LET own == Field(here, "reads", <<>>)
    IN  {own[n].index : n \in {n \in 1..Len(own) : "index" \in DOMAIN own[n]}}
            \cup {m.index : m \in {r \in Out("ReadIndexReply") : r.granted}}

-----------------------------------------------------------------------------
(* The phases of a line. *)

Stands == core.role = "Candidate" /\ core.term = term[i] + 1

\* In each phase something happens if its time has come; else it is passed over.
Then(now, next, happens, action) ==
    /\ phase = now
    /\ phase' = next
    /\ IF happens THEN action ELSE UNCHANGED vars
    /\ UNCHANGED <<line, tokens>>

StartsAnew ==
    /\ phase = "begin" /\ here.event = "Start"
    /\ \E k \in 0..Len(writes[i]) : \E hard \in k..Len(writes[i]) : \E l \in SurvivingLogs(i, k) :
        /\ LastId(l) = [term |-> core.lastTerm, index |-> core.last]
        /\ Restart(i, hard, k, l, core.commit)
        /\ term'[i] = core.term /\ vote'[i] = core.vote   \* of all that a crash can leave, what it has left
    /\ tokens' = [tokens EXCEPT ![i] = <<>>]
    /\ phase' = "match"
    /\ UNCHANGED line

BecomesDurable ==
    LET n == Cardinality({k \in 1..Len(tokens[i]) : tokens[i][k] <= here.token})
    IN  /\ phase = "begin" /\ here.event = "Durable"
        /\ IF n > 0 THEN OnDurable(i, n) ELSE UNCHANGED vars
        /\ tokens' = [tokens EXCEPT ![i] = SubSeq(@, n + 1, Len(@))]
        /\ phase' = "ask"
        /\ UNCHANGED line

Begins == Then("begin", "ask", FALSE, FALSE) /\ here.event \notin {"Start", "Durable"}

Asks == Then("ask", "term",
    IF role[i] = "PreCandidate" THEN \E m \in Out("RequestVote") : m.preVote ELSE Stands \/ core.role = "PreCandidate",
    BecomePreCandidate(i))

EntersTerm == Then("term", "hear", core.term > term[i], IF Stands THEN BecomeCandidate(i) ELSE TryAdoptTerm(i, core.term))

Hears ==
    IF IsFromLeader
    THEN Then("hear", "answer", \E m \in Out("AppendEntriesReply") : m.accepted,
            OnAppendEntries(i, Received.previous[2], LastOf(Received), Received.commit))
    ELSE Then("hear", "answer", Received.type = "RequestVote" /\ \E m \in Out("RequestVoteReply") : m.granted,
            \E m \in messages :
                /\ m.kind = IF Field(Received, "preVote", FALSE) THEN "RequestPreVote" ELSE "RequestVote"
                /\ m.from = Received.from /\ m.term = Received.term
                /\ m.last = [term |-> Received.lastEntry[1], index |-> Received.lastEntry[2]]
                /\ OnRequestVote(i, m))

Answers == Then("answer", "lead", IsFromLeader /\ Field(Received, "round", 0) > 0, AnswerRound(i, Received.round))

Leads == Then("lead", "append", core.role = "Leader" /\ role[i] # "Leader", BecomeLeader(i))

Appends ==
    IF core.role = "Leader" /\ Len(log[i]) < core.last
    THEN Then("append", "append", TRUE, OnPropose(i))
    ELSE Then("append", "commit", FALSE, FALSE)

Commits == Then("commit", "read", core.role = "Leader" /\ commit[i] < core.commit, AdvanceCommit(i, core.commit))

\* A new leader takes over reads that it had forwarded; that it did cannot be seen, so one is always let wait.
Reads == Then("read", "round",
    core.role = "Leader" /\ (here.event = "Read" \/ Received.type = "ReadIndexRequest" \/ (LastId(log[i]).index > 0 /\ reads[i] = {})),
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

AreTheSame ==
    /\ role[i] = core.role /\ term[i] = core.term /\ vote[i] = core.vote
    /\ LastId(log[i]) = [term |-> core.lastTerm, index |-> core.last]
    /\ commit[i] = core.commit /\ snapshot[i] = core.snapshot
    /\ core.durable <= Durable(i)

\* All that server i has said, or will say when its writes are durable.
SaidOrHeld == messages \cup UNION {writes[i][k].say : k \in 1..Len(writes[i])}

WasSaid(m) == \E o \in SaidOrHeld : m = o \/ IsSaidBy(m, o)

IsPiece(append) ==
    LET leader == reigns[append.term]
        entries == Field(append, "entries", <<>>)
    IN  /\ append.term \in DOMAIN reigns
        /\ i \in leader.leaders
        /\ LastOf(append) <= Len(leader.log)
        /\ append.commit <= leader.commit
        /\ append.round <= leader.round
        /\ TermAt(leader.log, append.previous[2]) = append.previous[1]
        /\ \A n \in 1..Len(entries) : TermAt(leader.log, entries[n][2]) = entries[n][1]

AllWasSaid ==
    /\ \A m \in Out("AppendEntries") : IsPiece(m)
    /\ \A m \in Out("RequestVote") :
        WasSaid(IF m.preVote THEN RequestPreVote(i, m.term, log[i]) ELSE RequestVote(i, m.term, log[i]))
    /\ \A m \in Out("RequestVoteReply") :
        m.granted => WasSaid(IF m.preVote THEN PreVoteFor(i, m.to, m.term) ELSE Vote(i, m.to, m.term))
    /\ \A m \in Out("AppendEntriesReply") :
        /\ m.accepted /\ m.index > 0 => WasSaid(Ack(i, m.term, m.index))
        /\ m.round > 0 => WasSaid(Echo(i, m.term, m.round))

\* Who does not lead lets through what the leader has let through, and not before.
GrantedAsToldByTheLeader ==
    core.role # "Leader" /\ GrantedAt # {} =>
        Received.type = "ReadIndexReply" /\ Received.granted /\ GrantedAt = {Received.index}

\* What leaves at once was said at once.
SentWasSaid ==
    \A n \in 1..Len(Sent) : LET m == Sent[n] IN
        /\ m.type = "RequestVoteReply" /\ m.granted /\ ~m.preVote => Vote(i, m.to, m.term) \in messages
        /\ m.type = "AppendEntriesReply" /\ m.accepted /\ m.index > 0 =>
            \E o \in messages : o = Ack(i, m.term, m.index) \/ IsSaidBy(Ack(i, m.term, m.index), o)

Matches ==
    /\ phase = "match"
    /\ AreTheSame /\ AllWasSaid /\ SentWasSaid /\ GrantedAsToldByTheLeader
    /\ tokens' = [tokens EXCEPT ![i] = @ \o [n \in 1..Len(writes[i]) - Len(@) |-> here.append.token]]
    /\ line' = line + 1
    /\ phase' = "begin"
    /\ UNCHANGED vars

Passes ==   \* no core's step
    /\ ~IsStep
    /\ line' = line + 1
    /\ UNCHANGED <<vars, phase, tokens>>

-----------------------------------------------------------------------------

TraceInit == Init /\ line = 2 /\ phase = "begin" /\ tokens = [j \in Servers |-> <<>>]

TraceNext ==
    IF line > Len(Lines) THEN UNCHANGED allVars
    ELSE IF ~IsStep THEN Passes
    ELSE \/ StartsAnew \/ BecomesDurable \/ Begins
         \/ Asks \/ EntersTerm \/ Hears \/ Answers
         \/ Leads \/ Appends \/ Commits
         \/ Reads \/ StartsRound \/ Confirms \/ Follows
         \/ Matches

TraceSpec == TraceInit /\ [][TraceNext]_allVars
==============================================================================
