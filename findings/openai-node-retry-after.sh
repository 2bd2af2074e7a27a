#!/usr/bin/env bash
# OpenAI's client for Node and Retry-After.
#
# Versions: npm openai 7.55.0.
# Behaviour: a Retry-After of more than 60 s is neither waited for nor taken as "don't repeat": the client falls back to its own short backoff (0.5 to 8 s)
#   and is back at once, so a server that asks for more time is asked more often. At 60 s exactly the header is honoured. (OpenAI's client for Python draws
#   the line at 120 s.) A server should never send more than 60.
# Output seen:
#   Retry-After: 60 waited: true
#   Retry-After: 61 waited: false, back within 3 s: true
# Exits non-zero when the output is another.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
npm init -y >/dev/null && npm install --no-audit --no-fund --ignore-scripts openai@7.55.0 >/dev/null
cat >check.mjs <<'JS'
import http from 'node:http';
import OpenAI from 'openai';
async function secondsUntilRepeat(retryAfter, patience) {
    const times = [];
    let repeated;
    const again = new Promise((resolve) => { repeated = resolve; });
    const server = http.createServer((request, response) => {
        times.push(Date.now());
        if (times.length > 1) repeated();
        response.writeHead(429, { 'Retry-After': retryAfter, 'Content-Type': 'application/json' }).end('{"error":{"message":"full","type":"rate_limit_error"}}');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.address().port}/v1`, apiKey: 'none', maxRetries: 1 });
    client.models.list().catch(() => {});
    await Promise.race([again, new Promise((resolve) => setTimeout(resolve, patience))]);
    server.closeAllConnections();
    server.close();
    return times.length > 1 ? (times[1] - times[0]) / 1000 : Infinity;
}
const [honoured, ignored] = await Promise.all([secondsUntilRepeat('60', 5000), secondsUntilRepeat('61', 5000)]);
console.log(`Retry-After: 60 waited: ${honoured > 4}`);
console.log(`Retry-After: 61 waited: ${ignored > 4}, back within 3 s: ${ignored < 3}`);
process.exit(0);
JS
seen=$(node check.mjs)
echo "$seen"
[ "$seen" = "Retry-After: 60 waited: true
Retry-After: 61 waited: false, back within 3 s: true" ]
