"""dkimpy as a judge and as a signer: reads one request a line as JSON, answers one object a line as JSON.

A request holds message (octets are characters up to U+00FF) and now, in seconds. With records (texts by name) the first
signature is verified: the answer holds passed and why. With sign (selector, domain, key, algorithm, forms, fields, length)
the message is signed: the answer holds field. If dkimpy itself fails, the answer holds error.
"""

import io
import json
import logging
import sys

import dkim

log = io.StringIO()
logger = logging.getLogger("judge")
logger.addHandler(logging.StreamHandler(log))
logger.setLevel(logging.INFO)


def verify(message, records):
    def lookup(name, timeout=5):
        text = records.get(name.decode("latin-1").rstrip(".").lower())
        return None if text is None else text.encode("latin-1")

    log.seek(0)
    log.truncate()
    try:
        passed = dkim.DKIM(message, logger=logger).verify(dnsfunc=lookup)
        return {"passed": bool(passed), "why": log.getvalue().strip()}
    except dkim.DKIMException as error:
        return {"passed": False, "why": f"{type(error).__name__}: {error}"}


def sign(message, wanted):
    signer = dkim.DKIM(message)
    signer.should_not_sign = set()
    field = signer.sign(
        wanted["selector"].encode(),
        wanted["domain"].encode(),
        wanted["key"].encode(),
        signature_algorithm=wanted["algorithm"].encode(),
        canonicalize=tuple(form.encode() for form in wanted["forms"]),
        include_headers=[name.encode() for name in wanted["fields"]],
        length=wanted["length"],
    )
    return {"field": field.decode("latin-1")}


def answer(request):
    dkim.time.time = lambda: request["now"]
    message = request["message"].encode("latin-1")
    if "sign" in request:
        return sign(message, request["sign"])
    return verify(message, request["records"])


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:  # Whatever it is, it is a verdict on dkimpy.
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
