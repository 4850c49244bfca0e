"""Directs generated requests at existing resources, and counts the responses.

A purely random request names resources that do not exist. So half of the valid requests use ids of the sample
data and most of the example body of the document. All choices depend on the seed: the same seed sends the same
requests.
"""

import atexit
import collections
import json
import os
import random
import re

import schemathesis

# The pattern of a decimal with many digits. Identifiers have fewer digits or other characters.
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]{1,18}|-?[1-9][0-9]{18,}")

SEED = os.environ["GALLERIA_API_SEED"]
COUNTS = os.environ["GALLERIA_API_COUNTS"]
with open(os.environ["GALLERIA_API_KNOWN"], encoding="utf-8") as file:
    # Values by path template and parameter, and by field of a body.
    KNOWN = json.load(file)

# Sent as generated: each line is JSON, the body is text.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")

rng = random.Random(SEED)
responses = collections.Counter()
sent = 0


@schemathesis.hook
def before_call(context, case, kwargs):
    global sent
    sent += 1
    case.body = integers(case.body)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    case.body = decimals(case.body)
    key = case.headers.get("Idempotency-Key") if case.headers else None
    # A generated key is short and repeats. In one of ten requests that is intended.
    if key is not None and rng.random() < 0.9:
        case.headers["Idempotency-Key"] = f"{key[:150]}-{sent}"
    if rng.random() < 0.5:
        for name in case.path_parameters or {}:
            known = KNOWN["paths"].get(f"{case.path} {name}")
            if known:
                case.path_parameters[name] = rng.choice(known)
        if isinstance(case.body, dict):
            case.body = from_example(case)


def integers(value):
    """Writes integral floats as integers. For JSON Schema 1.0 is an integer. The host rejects it, because money
    must never be a floating-point number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [integers(item) for item in value]
    if isinstance(value, dict):
        return {name: integers(item) for name, item in value.items()}
    return value


def decimals(value):
    """Shortens decimals of more than 18 digits. The digits of a decimal must fit into 64 bits, which a pattern
    cannot express. The tests of the host cover longer ones."""
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        while sum(c.isdigit() for c in value) > 18:
            value = value[:-1]
        return value.removesuffix(".")
    if isinstance(value, list):
        return [decimals(item) for item in value]
    if isinstance(value, dict):
        return {name: decimals(item) for name, item in value.items()}
    return value


def from_example(case):
    """Returns the example with some of the generated fields."""
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    example = content.get("application/json", {}).get("example")
    if not isinstance(example, dict):
        return case.body
    body = dict(example)
    for name, value in case.body.items():
        if rng.random() < 0.2:
            body[name] = value
    if "id" in body and rng.random() < 0.9:
        body["id"] = f"generated-{sent}"
    for name, known in KNOWN["members"].items():
        if name in body and rng.random() < 0.8:
            body[name] = rng.choice(known)
    return body


@schemathesis.hook
def after_call(context, case, response):
    responses[f"{response.status_code // 100}xx"] += 1


@atexit.register
def write_counts():
    with open(COUNTS, "w", encoding="utf-8") as file:
        json.dump(responses, file)
