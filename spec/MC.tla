---------------------------------- MODULE MC ----------------------------------
(* QuorateRaft for TLC: servers that differ by nothing but their name may    *)
(* change places, and states that differ only by that are one.               *)
EXTENDS QuorateRaft, TLC

CONSTANTS
    Alike,      \* servers that may change places
    First       \* who leads at first, where it begins with a leader

Symmetry == Permutations(Alike)

(* To look further: First was elected in term 1, and everybody holds its     *)
(* no-op and knows that it is committed.                                     *)
Elected ==
    LET l == <<Command(1)>>
    IN  /\ role = [i \in Servers |-> IF i = First THEN "Leader" ELSE "Follower"]
        /\ term = [i \in Servers |-> 1]
        /\ vote = [i \in Servers |-> First]
        /\ log = [i \in Servers |-> l]
        /\ snapshot = [i \in Servers |-> 0]
        /\ commit = [i \in Servers |-> 1]
        /\ round = [i \in Servers |-> 0]
        /\ reads = [i \in Servers |-> {}]
        /\ disk = [i \in Servers |-> [term |-> 1, vote |-> First, log |-> l, snapshot |-> 0]]
        /\ writes = [i \in Servers |-> <<>>]
        /\ messages = {RequestVote(First, 1, <<>>)}
                        \cup {Vote(i, First, 1) : i \in Servers}
                        \cup {Ack(i, 1, 1) : i \in Servers \ {First}}
        /\ reigns = [t \in 0..MaxTerm |->
                IF t = 1 THEN [Reign EXCEPT !.leaders = {First}, !.log = l, !.commit = 1] ELSE Reign]
        /\ granted = {}
        /\ spent = [commands |-> 0, restarts |-> 0, changes |-> 0, snapshots |-> 0, reads |-> 0]
===============================================================================
