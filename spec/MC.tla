---------------------------------- MODULE MC ----------------------------------
(* QuorateRaft for TLC, with symmetry: servers that are interchangeable may  *)
(* be permuted, and states that differ only by such a permutation are one.   *)
EXTENDS QuorateRaft, TLC

CONSTANTS
    SymmetricServers,   \* servers that may be permuted
    InitialLeader       \* the leader of term 1 in configurations that start with Elected

Symmetry == Permutations(SymmetricServers)

(* An initial state that lets the same number of states reach further:       *)
(* InitialLeader leads term 1, and every server has its no-op and knows that *)
(* it is committed.                                                          *)
Elected ==
    LET l == <<Command(1)>>
    IN  /\ role = [i \in Servers |-> IF i = InitialLeader THEN "Leader" ELSE "Follower"]
        /\ term = [i \in Servers |-> 1]
        /\ vote = [i \in Servers |-> InitialLeader]
        /\ log = [i \in Servers |-> l]
        /\ commit = [i \in Servers |-> 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> 1, vote |-> InitialLeader, log |-> l]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ snapshot = [i \in Servers |-> 0]
        /\ messages = {RequestVote(InitialLeader, 1, <<>>)}
                        \cup {Vote(i, InitialLeader, 1) : i \in Servers}
                        \cup {Ack(i, 1, 1) : i \in Servers \ {InitialLeader}}
        /\ termLogs = [t \in 0..MaxTerm |->
                IF t = 1 THEN [EmptyTermLog EXCEPT !.leaders = {InitialLeader}, !.log = l, !.commit = 1] ELSE EmptyTermLog]
        /\ snapshots = {}
        /\ granted = {}
        /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]

(* Elected, and a command that InitialLeader and one follower hold: the      *)
(* leader has committed it, and no other server knows that.                  *)
CommandCommitted ==
    LET s1 == InitialLeader
        s2 == CHOOSE i \in Servers \ {s1} : TRUE
        l == <<Command(1), Command(1)>>
        logs == [i \in Servers |-> IF i \in {s1, s2} THEN l ELSE <<Command(1)>>]
    IN  /\ role = [i \in Servers |-> IF i = s1 THEN "Leader" ELSE "Follower"]
        /\ term = [i \in Servers |-> 1]
        /\ vote = [i \in Servers |-> s1]
        /\ log = logs
        /\ commit = [i \in Servers |-> IF i = s1 THEN 2 ELSE 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> 1, vote |-> s1, log |-> logs[i]]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ snapshot = [i \in Servers |-> 0]
        /\ messages = {RequestVote(s1, 1, <<>>)}
                        \cup {Vote(i, s1, 1) : i \in Servers}
                        \cup {Ack(i, 1, Len(logs[i])) : i \in Servers \ {s1}}
        /\ termLogs = [t \in 0..MaxTerm |->
                IF t = 1 THEN [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = l, !.commit = 2] ELSE EmptyTermLog]
        /\ snapshots = {}
        /\ granted = {}
        /\ spent = [commands |-> 1, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]

(* The initial state of paper Fig. 8, as far as its part (c), with two of    *)
(* three servers instead of three of five: s1 led term 1 and s2 led term 2,  *)
(* and the no-op of each is on its own disk alone.  s1 has just been elected *)
(* in term 3 with the vote of s3, whose log is empty; s2 does not know of it *)
(* yet.  So s1 may replicate its no-op of term 1 to s3, which makes a quorum *)
(* but commits nothing: s2, whose last entry is of term 2, can still win     *)
(* term 4 with the vote of s3.                                               *)
Figure8 ==
    LET s1 == InitialLeader
        s2 == CHOOSE i \in Servers \ {s1} : TRUE
        s3 == CHOOSE i \in Servers \ {s1, s2} : TRUE
        first == <<Command(1)>>
        second == <<Command(2)>>
        l == <<Command(1), Command(3)>>
        terms == (s1 :> 3) @@ (s2 :> 2) @@ (s3 :> 3)
        votes == (s1 :> s1) @@ (s2 :> s2) @@ (s3 :> s1)
        logs == (s1 :> l) @@ (s2 :> second) @@ (s3 :> <<>>)
    IN  /\ role = (s1 :> "Leader") @@ (s2 :> "Leader") @@ (s3 :> "Follower")
        /\ term = terms
        /\ vote = votes
        /\ log = logs
        /\ commit = [i \in Servers |-> 0]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> terms[i], vote |-> votes[i], log |-> logs[i]]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ snapshot = [i \in Servers |-> 0]
        /\ messages = {RequestVote(s1, 1, <<>>), Vote(s1, s1, 1), Vote(s3, s1, 1),
                       RequestVote(s2, 2, <<>>), Vote(s2, s2, 2), Vote(s3, s2, 2),
                       RequestVote(s1, 3, first), Vote(s1, s1, 3), Vote(s3, s1, 3)}
        /\ termLogs = [t \in 0..MaxTerm |->
                CASE t = 1 -> [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = first]
                  [] t = 2 -> [EmptyTermLog EXCEPT !.leaders = {s2}, !.log = second]
                  [] t = 3 -> [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = l]
                  [] OTHER -> EmptyTermLog]
        /\ snapshots = {}
        /\ granted = {}
        /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]

(* s1 led term 1 and replicated a command to no server, before s2 was        *)
(* elected in term 2 and committed its no-op with s3, which is in place of   *)
(* that command.  s1 knows nothing of this: its log must be replaced.        *)
Diverged ==
    LET s1 == InitialLeader
        s2 == CHOOSE i \in Servers \ {s1} : TRUE
        l == <<Command(1), Command(2)>>
        lost == <<Command(1), Command(1)>>
        logs == [i \in Servers |-> IF i = s1 THEN lost ELSE l]
        terms == [i \in Servers |-> IF i = s1 THEN 1 ELSE 2]
        votes == [i \in Servers |-> IF i = s1 THEN s1 ELSE s2]
    IN  /\ role = [i \in Servers |-> IF i \in {s1, s2} THEN "Leader" ELSE "Follower"]
        /\ term = terms
        /\ vote = votes
        /\ log = logs
        /\ commit = [i \in Servers |-> IF i = s2 THEN 2 ELSE 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> terms[i], vote |-> votes[i], log |-> logs[i]]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ snapshot = [i \in Servers |-> 0]
        /\ messages = {RequestVote(s1, 1, <<>>), RequestVote(s2, 2, <<Command(1)>>)}
                        \cup {Vote(i, s1, 1) : i \in Servers}
                        \cup {Vote(i, s2, 2) : i \in Servers \ {s1}}
                        \cup {Ack(i, 1, 1) : i \in Servers \ {s1}}
                        \cup {Ack(i, 2, 2) : i \in Servers \ {s1, s2}}
        /\ termLogs = [t \in 0..MaxTerm |->
                CASE t = 1 -> [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = lost, !.commit = 1]
                  [] t = 2 -> [EmptyTermLog EXCEPT !.leaders = {s2}, !.log = l, !.commit = 2]
                  [] OTHER -> EmptyTermLog]
        /\ snapshots = {}
        /\ granted = {}
        /\ spent = [commands |-> 1, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]

(* Five servers: s1 led term 1 and was elected again in term 3 with the      *)
(* votes of s4 and s5, and has committed its command of term 1 with the      *)
(* no-op of term 3.  s2 was elected in term 2 before that, with the votes of *)
(* the others, and its no-op is in place of that command.  s3 follows it.    *)
Deposed ==
    LET s1 == InitialLeader
        s2 == CHOOSE i \in Servers \ {s1} : TRUE
        s3 == CHOOSE i \in Servers \ {s1, s2} : TRUE
        newer == Servers \ {s2, s3}
        first == <<Command(1)>>
        second == <<Command(1), Command(2)>>
        third == <<Command(1), Command(1), Command(3)>>
        logs == [i \in Servers |-> IF i = s2 THEN second ELSE IF i = s3 THEN first ELSE third]
        terms == [i \in Servers |-> IF i \in newer THEN 3 ELSE 2]
        votes == [i \in Servers |-> IF i \in newer THEN s1 ELSE s2]
    IN  /\ role = [i \in Servers |-> IF i \in {s1, s2} THEN "Leader" ELSE "Follower"]
        /\ term = terms
        /\ vote = votes
        /\ log = logs
        /\ commit = [i \in Servers |-> IF i \in newer THEN 3 ELSE 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> terms[i], vote |-> votes[i], log |-> logs[i]]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ snapshot = [i \in Servers |-> 0]
        /\ messages = {RequestVote(s1, 1, <<>>), RequestVote(s2, 2, first), RequestVote(s1, 3, <<Command(1), Command(1)>>)}
                        \cup {Vote(i, s1, 1) : i \in Servers}
                        \cup {Vote(i, s2, 2) : i \in Servers \ {s1}}
                        \cup {Vote(i, s1, 3) : i \in newer}
                        \cup {Ack(i, 1, 1) : i \in Servers \ {s1}}
                        \cup {Ack(i, 3, 3) : i \in newer \ {s1}}
        /\ termLogs = [t \in 0..MaxTerm |->
                CASE t = 1 -> [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = <<Command(1), Command(1)>>, !.commit = 1]
                  [] t = 2 -> [EmptyTermLog EXCEPT !.leaders = {s2}, !.log = second]
                  [] t = 3 -> [EmptyTermLog EXCEPT !.leaders = {s1}, !.log = third, !.commit = 3]
                  [] OTHER -> EmptyTermLog]
        /\ snapshots = {}
        /\ granted = {}
        /\ spent = [commands |-> 1, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0, transfers |-> 0]
===============================================================================
