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
        /\ snapshot = [i \in Servers |-> 0]
        /\ commit = [i \in Servers |-> 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> 1, vote |-> InitialLeader, log |-> l, snapshot |-> 0]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ messages = {RequestVote(InitialLeader, 1, <<>>)}
                        \cup {Vote(i, InitialLeader, 1) : i \in Servers}
                        \cup {Ack(i, 1, 1) : i \in Servers \ {InitialLeader}}
        /\ termLogs = [t \in 0..MaxTerm |->
                IF t = 1 THEN [EmptyTermLog EXCEPT !.leaders = {InitialLeader}, !.log = l, !.commit = 1] ELSE EmptyTermLog]
        /\ granted = {}
        /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0]
===============================================================================
