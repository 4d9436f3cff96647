kb(zero, n(z)).
kb(next, (n(X) -> n(s(X)))).
kb(base, (n(Y) -> add(z, Y, Y))).
kb(step, (add(X, Y, Z) -> add(s(X), Y, s(Z)))).
kb(swap, (add(X, Y, Z) -> (n(X) -> add(Y, X, Z)))).
nat(0, z) :- !.
nat(N, s(M)) :- K is N - 1, nat(K, M).
prove(_, Proof, Claim) :- kb(Proof, Claim).
prove(s(D), p(Rule, Premise), Claim) :-
    prove(D, Rule, (Needed -> Claim)),
    prove(D, Premise, Needed).
main :-
    nat({n}, D),
    findall(P, prove(D, P, add(_, _, s(s(s(s(z)))))), All),
    length(All, Count), print(Count), nl.
