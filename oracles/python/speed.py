"""dkimpy and pyspf at work: reads a job as JSON, does it, answers one object as JSON.

A job holds message (octets are characters up to U+00FF), ip, sender, helo and receiver; address and port of the DNS server;
cached, which says whether answers are kept; and messages, how often the message is authenticated. The answer holds the
seconds that this took, by the wall and by this process, as wall and cpu. Neither library has DMARC.
"""

import json
import sys
import time

import dkim
import dns.resolver
import spf

job = json.load(sys.stdin)
message = job["message"].encode("latin-1")
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = [job["address"]]
resolver.port = job["port"]
resolver.cache = dns.resolver.LRUCache() if job["cached"] else None
dns.resolver.default_resolver = resolver


def authenticate():
    result, _ = spf.check2(i=job["ip"], s=job["sender"], h=job["helo"], receiver=job["receiver"])
    signed = dkim.verify(message)
    chain, _, why = dkim.arc_verify(message)
    if (result, signed, chain) != ("pass", True, dkim.CV_Pass):
        sys.exit(f"spf {result}, dkim {signed}, arc {chain} ({why})")


for _ in range(1 + job["messages"] // 10):
    authenticate()
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(job["messages"]):
    authenticate()
print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))
