"""Runs generated programs on the reference engine.

Reads one program a line, as JSON:
    {"forms": [["(= (f) 1)", false], ["(f)", true]], "seconds": 10, "attempt": 0}
Writes one line for each: the answers of the forms, and how the process that ran them ended.
    {"answers": [{"results": [], "printed": []}, {"results": ["1"], "printed": []}], "signal": 0}
A form that the engine refuses answers {"raised": "why"}.

A program runs in a process of its own, split off from this one, which has the engine loaded: what
it does or breaks is gone with it.
"""

import json
import os
import resource
import signal
import sys

import hyperon

MEMORY_BYTES = 4 << 30


def new_runner():
    return hyperon.MeTTa(env_builder=hyperon.Environment.test_env())


def take_printed(capture):
    sys.stdout.flush()
    text = os.pread(capture, os.fstat(capture).st_size, 0).decode()
    os.ftruncate(capture, 0)
    os.lseek(capture, 0, os.SEEK_SET)
    return text.split("\n")[:-1]


def run_program(runner, job, report):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The engine writes to file descriptor 1, so that is what has to be captured.
    capture = os.memfd_create("printed")
    os.dup2(capture, 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # Its hash tables draw their order from a counter: another attempt meets another order.
    for _ in range(job["attempt"]):
        runner = new_runner()
    signal.alarm(job["seconds"])
    for text, run in job["forms"]:
        try:
            lists = runner.run(("! " if run else "") + text)
            answer = {"results": [str(atom) for results in lists for atom in results]}
        except Exception as failure:
            answer = {"raised": str(failure)}
        answer["printed"] = take_printed(capture)
        os.write(report, (json.dumps(answer) + "\n").encode())


def split_off(runner, job):
    reading, report = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        run_program(runner, job, report)
        os._exit(0)
    os.close(report)
    with os.fdopen(reading) as answers:
        lines = answers.read().splitlines()
    _, status = os.waitpid(child, 0)
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return {"answers": [json.loads(line) for line in lines], "signal": ended}


def main():
    runner = new_runner()
    for line in sys.stdin:
        print(json.dumps(split_off(runner, json.loads(line))), flush=True)


main()
