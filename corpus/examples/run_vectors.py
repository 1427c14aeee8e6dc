#!/usr/bin/env python3
"""Loads and lints the vectors of the NATS route protocol, and plays them on a parser.

    run_vectors.py                       lint only
    run_vectors.py [--dialect D] [--chapter C] CMD...
                                         play the vectors on the parser that CMD starts

The parser reads one JSON object a line and answers each by one line:

    {"id": "...", "dialect": "srv-2.15", "connect_first": false, "mode": [], "chunks": ["525320", "..."]}
    {"ops": [{"op": "RS+", "account": "$G", "subject": "vector.foo"}], "error": "", "token": ""}

Python's standard library is enough. README.md describes vectors, operations and errors.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIALECTS = ["doc-2.0", "srv-2.1", "srv-2.5", "srv-2.10", "srv-2.12.15", "srv-2.15"]
CONNECT_FIRST = ["srv-2.12.15", "srv-2.15"]
LIVE = ["effect:interest", "effect:removal", "effect:delivery", "effect:pong", "ignored", "soft_error",
        "reject_text", "reject_silent", "incomplete"]


def load():
    register = json.loads((ROOT / "requirements.json").read_text("utf-8"))
    known = {row["id"] for row in register["requirements"]}
    vectors = []
    for path in sorted((ROOT / "vectors").glob("*.json")):
        for vector in json.loads(path.read_text("utf-8")):
            vector["file"] = path.name
            vectors.append(vector)
    return known, vectors


def unhex(text):
    return bytes.fromhex(text.replace(" ", ""))


def input_of(vector):
    if "in_hex" in vector:
        return unhex(vector["in_hex"])
    if "in_parts" in vector:
        return b"".join(part["text"].encode() * part["times"] for part in vector["in_parts"])
    return vector["in"].encode("ascii")


def lint(known, vectors):
    seen, faults = set(), []
    for v in vectors:
        def fault(text):
            faults.append(f"{v['file']}: {v['id']}: {text}")
        if v["id"] in seen:
            fault("id is there twice")
        seen.add(v["id"])
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", v["id"]):
            fault("id is not words joined by -")
        for row in v["requirements"]:
            if row not in known:
                fault(f"requirement {row} is not in the register")
        if sum(form in v for form in ("in", "in_hex", "in_parts")) != 1:
            fault("give one of in, in_hex and in_parts")
        elif not input_of(v):
            fault("the input is empty")
        want = v["want"]
        if ("live" in want) == ("live_reason" in want):
            fault("give live, or live_reason")
        for dialect, word in want.get("live", {}).items():
            if word not in LIVE or dialect not in DIALECTS + ["*"]:
                fault(f"live: {dialect}: {word}")
    return faults


def plain(op):
    """An operation without members that say nothing, its payload in bytes."""
    op = {k: v for k, v in op.items() if v not in ("", 0, [], None)}
    if "payload_hex" in op:
        op["payload"] = unhex(op.pop("payload_hex"))
    elif "payload" in op:
        op["payload"] = op["payload"].encode()
    return op


def outcome(result):
    return [plain(op) for op in result.get("ops") or []], result.get("error") or "", result.get("token") or ""


def chunkings(data):
    """The input whole, byte by byte, and cut once at every place; a long one whole and cut at eight places."""
    yield [data]
    long = len(data) > 2048
    if not long:
        yield [data[i:i + 1] for i in range(len(data))]
    for cut in range(1, len(data), len(data) // 8 if long else 1):
        yield [data[:cut], data[cut:]]


def play(parser, vector, dialect):
    want = outcome(vector["want"])
    gate = vector.get("stage") == "greeted" and dialect in CONNECT_FIRST
    for chunks in chunkings(input_of(vector)):
        request = {"id": vector["id"], "dialect": dialect, "connect_first": gate, "mode": vector.get("mode", []),
                   "chunks": [chunk.hex() for chunk in chunks]}
        parser.stdin.write(json.dumps(request) + "\n")
        parser.stdin.flush()
        answer = parser.stdout.readline()
        if not answer:
            raise SystemExit(f"the parser ended at {vector['id']}")
        got = outcome(json.loads(answer))
        if got != want:
            return f"{vector['file']}: {vector['id']} ({dialect}, {len(chunks)} chunks)\n  want {want}\n  got  {got}"
    return None


def main():
    arguments = argparse.ArgumentParser(description="lint the vectors, or play them on a parser")
    arguments.add_argument("--dialect", choices=DIALECTS, action="append", help="may be repeated; all when left out")
    arguments.add_argument("--chapter", help="one file of vectors, named without .json; all when left out")
    arguments.add_argument("parser", nargs=argparse.REMAINDER, metavar="CMD...", help="the parser to start")
    options = arguments.parse_args()
    known, vectors = load()
    faults = lint(known, vectors)
    played = 0
    if options.parser and not faults:
        with subprocess.Popen(options.parser, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parser:
            for vector in (v for v in vectors if options.chapter in (None, v["file"].removesuffix(".json"))):
                for dialect in options.dialect or DIALECTS:
                    if dialect in vector.get("dialects", DIALECTS):
                        played += 1
                        fault = play(parser, vector, dialect)
                        faults += [fault] if fault else []
    print("\n".join(faults + [f"{len(vectors)} vectors, {played} played, {len(faults)} faults"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
