"""Runs the forms of one program on the reference engine, one after the other.

Reads a job as JSON from standard input:
    {"forms": [{"text": "(f)", "run": true}], "keep_going": false, "skip": [], "seconds": 60,
     "modules": "/folder/of/modules"}
Writes a JSON line before and after each form:
    {"begin": 0}
    {"index": 0, "results": ["1"], "printed": ["a line"]}  or  {"index": 0, "raised": "why"}
A form after which nothing is written has ended this process.  A form that the run does
not reach is not mentioned.
"""

import json
import os
import signal
import sys
import tempfile

import hyperon


def is_error(text):
    return text == "(Error)" or text.startswith("(Error ")


def run_form(metta, form):
    """Each form is a run of its own in the same space, so that an error ends that run only."""
    try:
        lists = metta.run(("! " if form["run"] else "") + form["text"])
    except Exception as failure:
        return {"raised": str(failure)}
    return {"results": [str(atom) for results in lists for atom in results]}


def take_printed(capture):
    sys.stdout.flush()
    capture.seek(0)
    text = capture.read().decode()
    capture.seek(0)
    capture.truncate()
    return text.split("\n")[:-1]


def main():
    job = json.load(sys.stdin)
    # The engine writes to file descriptor 1, so that is what has to be captured.
    report = os.fdopen(os.dup(1), "w")
    capture = tempfile.TemporaryFile()
    os.dup2(capture.fileno(), 1)
    # A runaway program ends this process.
    signal.alarm(job["seconds"])
    environment = hyperon.Environment.custom_env(working_dir=job["modules"], is_test=True)
    metta = hyperon.MeTTa(env_builder=environment)
    for index, form in enumerate(job["forms"]):
        if index in job["skip"]:
            continue
        print(json.dumps({"begin": index}), file=report, flush=True)
        answer = run_form(metta, form)
        answer["index"] = index
        answer["printed"] = take_printed(capture)
        print(json.dumps(answer), file=report, flush=True)
        if not job["keep_going"] and any(map(is_error, answer.get("results", []))):
            break


main()
