"""pyspf as a judge: reads one case a line as JSON, answers one verdict a line as JSON.

A case holds ip, sender, helo, receiver, time and zone; the zone maps names in lower case to their records, which are pairs
of a type and its data, and to the word TIMEOUT for types that get no answer. Octets of texts are characters up to U+00FF.

A verdict holds result, explanation (null when the domain gives none) and detail (what is wrong, if anything is); or error,
when pyspf itself fails.
"""

import json
import sys

import spf

DEFAULT = "the words of the receiver"
zone = {}


def lookup(name, qtype, tcpfallback=True, timeout=30):
    name = str(name).rstrip(".").lower()
    records = zone.get(name, [])
    if [qtype, "TIMEOUT"] in records:
        raise spf.TempError("DNS timeout")
    answers = []
    for rtype, data in records:
        if rtype != qtype:
            continue
        if rtype == "TXT":
            data = [data.encode("latin-1")]
        elif rtype == "MX":
            data = tuple(data)
        answers.append(((name, rtype), data))
    return answers


def judge(case):
    zone.clear()
    zone.update(case["zone"])
    query = spf.query(i=case["ip"], s=case["sender"], h=case["helo"], receiver=case["receiver"])
    query.t = case["time"]
    query.set_default_explanation(DEFAULT)
    result, _, explanation = query.check()
    explained = result == "fail" and explanation != DEFAULT
    detail = explanation if result in ("permerror", "temperror") else ""
    return {"result": result, "explanation": explanation if explained else None, "detail": detail}


spf.DNSLookup = lookup
for line in sys.stdin:
    try:
        verdict = judge(json.loads(line))
    except Exception as error:  # Whatever it is, it is a verdict on pyspf.
        verdict = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(verdict), flush=True)
