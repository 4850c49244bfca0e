"""Makes requests reach the trade, and counts what answered them.

Requests drawn at random alone name stores that are not there. So half of those that fit the document
name what was put there before, and take most of their body from the document's own example. Drawn from
the seed: the same run sends the same requests.
"""

import atexit
import collections
import json
import os
import random

import schemathesis

SEED = os.environ["GALLERIA_API_SEED"]
COUNTS = os.environ["GALLERIA_API_COUNTS"]
with open(os.environ["GALLERIA_API_KNOWN"], encoding="utf-8") as file:
    # By template of a path and name of a parameter; and by name of a member of a body.
    KNOWN = json.load(file)

# Sent as it is drawn: each line is JSON, the whole is text.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")

chance = random.Random(SEED)
answers = collections.Counter()
sent = 0


@schemathesis.hook
def before_call(context, case, kwargs):
    global sent
    sent += 1
    case.body = whole(case.body)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    key = case.headers.get("Idempotency-Key") if case.headers else None
    # A key drawn at random is short and comes again; now and then that is what is wanted.
    if key is not None and chance.random() < 0.9:
        case.headers["Idempotency-Key"] = f"{key[:150]}-{sent}"
    if chance.random() < 0.5:
        for name in case.path_parameters or {}:
            known = KNOWN["paths"].get(f"{case.path} {name}")
            if known:
                case.path_parameters[name] = chance.choice(known)
        if isinstance(case.body, dict):
            case.body = mixed(case)


def whole(value):
    """Whole numbers as clients write them. JSON Schema holds 1.0 for an integer; the host does not:
    money is never floating point, not even in how it is written."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


def mixed(case):
    """The example, with a few members as they were drawn."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    if not isinstance(example, dict):
        return case.body
    body = dict(example)
    for name, value in case.body.items():
        if chance.random() < 0.2:
            body[name] = value
    if "id" in body and chance.random() < 0.9:
        body["id"] = f"drawn-{sent}"
    for name, known in KNOWN["members"].items():
        if name in body and chance.random() < 0.8:
            body[name] = chance.choice(known)
    return body


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{response.status_code // 100}xx"] += 1


@atexit.register
def tell():
    with open(COUNTS, "w", encoding="utf-8") as file:
        json.dump(answers, file)
