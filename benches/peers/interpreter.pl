lookup(Name, bind(Key, Value, Rest), R) :-
    ( Name == Key -> R = Value ; lookup(Name, Rest, R) ).
assign(Name, New, bind(Key, Value, Rest), R) :-
    (   Name == Key
    ->  R = bind(Key, New, Rest)
    ;   R = bind(Key, Value, More), assign(Name, New, Rest, More)
    ).
value(lit(N), _, N).
value(var(Name), Env, V) :- lookup(Name, Env, V).
value(plus(A, B), Env, V) :- value(A, Env, X), value(B, Env, Y), V is X + Y.
value(minus(A, B), Env, V) :- value(A, Env, X), value(B, Env, Y), V is X - Y.
value(times(A, B), Env, V) :- value(A, Env, X), value(B, Env, Y), V is X * Y.
value(mod(A, B), Env, V) :- value(A, Env, X), value(B, Env, Y), V is X mod Y.
value(less(A, B), Env, V) :-
    value(A, Env, X), value(B, Env, Y), ( X < Y -> V = true ; V = false ).
run(skip, Env, Env).
run(set(Name, E), Env, R) :- value(E, Env, V), assign(Name, V, Env, R).
run(seq(A, B), Env, R) :- run(A, Env, Mid), run(B, Mid, R).
run(if(E, A, B), Env, R) :- value(E, Env, V), ( V == true -> run(A, Env, R) ; run(B, Env, R) ).
run(while(E, Body), Env, R) :-
    value(E, Env, V),
    ( V == true -> run(Body, Env, Mid), run(while(E, Body), Mid, R) ; R = Env ).
program(while(less(lit(0), var(n)),
    seq(if(less(mod(var(n), lit(3)), lit(1)),
           set(odd, plus(var(odd), times(var(n), lit(2)))),
           set(sum, mod(plus(var(sum), times(var(n), var(n))), lit(10007)))),
        set(n, minus(var(n), lit(1)))))).
main :-
    program(P),
    run(P, bind(sum, 0, bind(odd, 0, bind(n, {n}, empty))), End),
    lookup(sum, End, S), lookup(odd, End, O), format("(~w ~w)~n", [S, O]).
