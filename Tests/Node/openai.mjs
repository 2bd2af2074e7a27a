// OpenAI's own client for Node, unmodified: OPENAI_BASE_URL and OPENAI_API_KEY are all it is told. Each check says on a line of its own, in JSON, how it went:
// {"check": "…", "error": null | "…"}. Tests/Cluster/NodeClientTests.cs starts a gateway, runs this file, and reports each check as a test.
import assert from 'node:assert/strict';
import OpenAI, { toFile } from 'openai';

const client = new OpenAI();
const model = 'fake';
const patience = 120_000; // milliseconds, on a machine that is busy
const question = (text) => [{ role: 'user', content: text }];
const line = (id, url, body) => JSON.stringify({ custom_id: id, method: 'POST', url, body: { model, ...body } });
const isPng = (base64) => Buffer.from(base64, 'base64').subarray(1, 4).toString() === 'PNG';
const upload = async (lines) => client.files.create({ file: await toFile(Buffer.from(lines.join('\n')), 'lines.jsonl'), purpose: 'batch' });

async function collect(stream) {
    const events = [];
    for await (const event of stream) events.push(event);
    return events;
}

async function linesOf(file) {
    const text = await (await client.files.content(file)).text();
    return Object.fromEntries(text.trim().split('\n').map((each) => JSON.parse(each)).map((each) => [each.custom_id, each]));
}

async function ended(batch) {
    for (const began = Date.now(); !['completed', 'failed', 'cancelled', 'expired'].includes(batch.status);) {
        assert.ok(Date.now() - began < patience, `the batch is still ${batch.status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        batch = await client.batches.retrieve(batch.id);
    }
    return batch;
}

async function drawn() {
    return Buffer.from((await client.images.generate({ model, prompt: 'a red star' })).data[0].b64_json, 'base64');
}

// A key of the gateway with limits; the client does not know of such routes.
async function keyWith(quotas) {
    const answer = await fetch(`${process.env.OPENAI_BASE_URL}/admin/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'limited', quotas }),
    });
    return (await answer.json()).key;
}

async function check(name, body) {
    let error = null;
    try {
        await body();
    } catch (failure) {
        error = `${failure.stack ?? failure}${failure.status ? ` (status ${failure.status}, request ${failure.requestID})` : ''}`;
    }
    console.log(JSON.stringify({ check: name, error }));
}

await check('models: list', async () => {
    assert.deepEqual((await collect(client.models.list())).map((each) => each.id), [model]);
});

await check('models: retrieve', async () => {
    const found = await client.models.retrieve(model);
    assert.deepEqual([found.id, found.object], [model, 'model']);
    assert.ok(found._request_id, 'the request has no id');
});

await check('images: as base64', async () => {
    const answer = await client.images.generate({
        model, prompt: 'a red star', n: 2, size: '1024x1024', quality: 'high', output_format: 'png', response_format: 'b64_json', seed: 7, negative_prompt: 'blurry',
    });
    assert.equal(answer.data.length, 2);
    assert.ok(answer.data.every((each) => isPng(each.b64_json)));
    assert.notEqual(answer.data[0].b64_json, answer.data[1].b64_json);
    assert.deepEqual([answer.size, answer.output_format], ['64x64', 'png']);
    assert.ok(answer.usage.total_tokens === answer.usage.input_tokens + answer.usage.output_tokens && answer.usage.output_tokens > 0);
});

await check('images: as address', async () => {
    const answer = await client.images.generate({ model, prompt: 'a red star', seed: 7, response_format: 'url' });
    const file = await fetch(answer.data[0].url); // without a key
    assert.deepEqual([file.status, file.headers.get('content-type')], [200, 'image/png']);
    assert.ok(isPng(Buffer.from(await file.arrayBuffer()).toString('base64')));
});

await check('images: stream with partial images', async () => {
    const events = await collect(await client.images.generate({ model, prompt: 'a red star', seed: 7, stream: true, partial_images: 2 }));
    assert.deepEqual(events.map((each) => each.type), ['image_generation.partial_image', 'image_generation.partial_image', 'image_generation.completed']);
    assert.deepEqual(events.slice(0, 2).map((each) => each.partial_image_index), [0, 1]);
    assert.ok(events.every((each) => isPng(each.b64_json)));
    assert.equal(new Set(events.map((each) => each.b64_json)).size, 3);
    assert.ok(events[2].usage.total_tokens > 0);
});

await check('images: the same under an idempotency key', async () => {
    const ask = (prompt) => client.images.generate({ model, prompt }, { headers: { 'Idempotency-Key': 'node-image' } });
    const [first, second] = await Promise.all([ask('a red star'), ask('a red star')]);
    assert.deepEqual(first, second);
    await assert.rejects(ask('a blue star'), (error) => error instanceof OpenAI.UnprocessableEntityError && error.code === 'idempotency_conflict');
});

await check('chat: plain', async () => {
    const answer = await client.chat.completions.create({ model, messages: question('Hi'), max_completion_tokens: 3, temperature: 0.5, top_p: 0.9, seed: 1 });
    assert.deepEqual([answer.object, answer.choices[0].message.content, answer.choices[0].finish_reason], ['chat.completion', 'w0 w1 w2 ', 'length']);
    assert.deepEqual([answer.usage.completion_tokens, answer.usage.total_tokens], [3, answer.usage.prompt_tokens + 3]);
});

await check('chat: stream with usage', async () => {
    const chunks = await collect(await client.chat.completions.create({
        model, messages: question('Hi'), max_tokens: 40, stream: true, stream_options: { include_usage: true },
    }));
    assert.equal(chunks.map((each) => each.choices[0]?.delta.content ?? '').join(''), [...Array(40).keys()].map((each) => `w${each} `).join(''));
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'length');
    assert.deepEqual([chunks.at(-1).choices, chunks.at(-1).usage.completion_tokens], [[], 40]);
    assert.equal(new Set(chunks.map((each) => each.id)).size, 1);
});

await check('chat: the helper for streams', async () => {
    const answer = await client.chat.completions.stream({ model, messages: question('Hi'), max_tokens: 5 }).finalChatCompletion();
    assert.equal(answer.choices[0].message.content, 'w0 w1 w2 w3 w4 ');
});

await check('chat: a picture in the request', async () => {
    const picture = `data:image/png;base64,${(await drawn()).toString('base64')}`;
    const ask = (content) => client.chat.completions.create({ model, messages: question(content), max_tokens: 2 });
    const text = { type: 'text', text: 'What is it?' };
    const one = await ask([text, { type: 'image_url', image_url: { url: picture, detail: 'high' } }]);
    const two = await ask([text, { type: 'image_url', image_url: { url: picture } }, { type: 'image_url', image_url: { url: picture } }]);
    assert.equal(one.choices[0].message.content, 'w0 w1 ');
    assert.ok(two.usage.prompt_tokens > one.usage.prompt_tokens);
});

await check('chat: a picture of a file', async () => {
    const file = await client.files.create({ file: await toFile(await drawn(), 'star.png', { type: 'image/png' }), purpose: 'vision' });
    const answer = await client.chat.completions.create({
        model, max_tokens: 2, messages: question([{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: file.id } }]),
    });
    assert.equal(answer.choices[0].message.content, 'w0 w1 ');
});

await check('chat: stop', async () => {
    const answer = await client.chat.completions.create({ model, messages: question('Hi'), max_tokens: 40, stop: ['never', 'w3'] });
    assert.deepEqual([answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.completion_tokens], ['w0 w1 w2 ', 'stop', 4]);
});

await check('chat: stop in a stream', async () => {
    const chunks = await collect(await client.chat.completions.create({ model, messages: question('Hi'), max_tokens: 40, stop: '2 w3', stream: true }));
    assert.equal(chunks.map((each) => each.choices[0]?.delta.content ?? '').join(''), 'w0 w1 w');
    assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
});

await check('chat: the same under an idempotency key', async () => {
    const ask = (stop) => client.chat.completions.create({ model, messages: question('Hi'), max_tokens: 3, stop }, { headers: { 'Idempotency-Key': 'node-chat' } });
    assert.deepEqual(await ask(null), await ask(null));
    await assert.rejects(ask('w1'), OpenAI.UnprocessableEntityError);
});

await check('responses: a text', async () => {
    const answer = await client.responses.create({
        model, input: 'Hi', instructions: 'Be brief.', max_output_tokens: 3, temperature: 0.5, top_p: 0.9, store: true, metadata: { of: 'node' }, text: { format: { type: 'text' } },
    });
    assert.deepEqual([answer.object, answer.status, answer.incomplete_details.reason, answer.output_text], ['response', 'incomplete', 'max_output_tokens', 'w0 w1 w2 ']);
    assert.deepEqual([answer.usage.output_tokens, answer.usage.total_tokens], [3, answer.usage.input_tokens + 3]);
    assert.deepEqual([answer.store, answer.instructions, answer.metadata.of], [false, 'Be brief.', 'node']);
});

await check('responses: a picture, and the answer goes back', async () => {
    const file = await client.files.create({ file: await toFile(await drawn(), 'star.png', { type: 'image/png' }), purpose: 'vision' });
    const url = `data:image/png;base64,${(await drawn()).toString('base64')}`;
    const ask = (input) => client.responses.create({ model, input, max_output_tokens: 40, stop: ['w2'] });
    const first = [{ role: 'user', content: [{ type: 'input_text', text: 'What is it?' }, { type: 'input_image', image_url: url, detail: 'auto' }] }];
    const one = await ask(first);
    assert.deepEqual([one.status, one.output_text], ['completed', 'w0 w1 ']);
    const two = await ask([...first, ...one.output, { role: 'user', content: [{ type: 'input_image', file_id: file.id, detail: 'auto' }] }]);
    assert.ok(two.usage.input_tokens > one.usage.input_tokens);
});

await check('responses: stream', async () => {
    const events = await collect(await client.responses.create({ model, input: 'Hi', max_output_tokens: 40, stop: ['w20'], stream: true }));
    assert.deepEqual([...new Set(events.map((each) => each.type))], [
        'response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta',
        'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed']);
    assert.deepEqual(events.map((each) => each.sequence_number), [...events.keys()]);
    const text = [...Array(20).keys()].map((each) => `w${each} `).join('');
    assert.equal(events.map((each) => each.delta ?? '').join(''), text);
    assert.equal(events.at(-1).response.output[0].content[0].text, text);
});

await check('responses: the helper for streams', async () => {
    const answer = await client.responses.stream({ model, input: 'Hi', max_output_tokens: 5 }).finalResponse();
    assert.deepEqual([answer.status, answer.output_text], ['incomplete', 'w0 w1 w2 w3 w4 ']);
});

await check('responses: a failure', async () => {
    await assert.rejects(client.responses.create({ model, input: 'Be sick', max_output_tokens: 3 }, { maxRetries: 0 }), OpenAI.APIError);
    const events = await collect(await client.responses.create({ model, input: 'Be sick', max_output_tokens: 3, stream: true }));
    assert.deepEqual([events.at(-1).type, events.at(-1).response.error.code], ['response.failed', 'server_error']);
});

await check('responses: what is not served is named', async () => {
    const ask = (fields) => client.responses.create({ model, input: 'Hi', ...fields });
    for (const [param, value] of Object.entries({ previous_response_id: 'resp_1', conversation: 'conv_1', background: true, tools: [{ type: 'web_search' }], include: ['message.output_text.logprobs'] }))
        await assert.rejects(ask({ [param]: value }), (error) => error instanceof OpenAI.BadRequestError && error.param === param);
    await assert.rejects(client.responses.retrieve('resp_1'), (error) => error instanceof OpenAI.NotFoundError && error.message.includes('not stored'));
    await assert.rejects(client.completions.create({ model, prompt: 'Hi' }), (error) => error instanceof OpenAI.NotFoundError && error.message.includes('/v1/chat/completions'));
});

await check('files: create, retrieve, list, content, delete', async () => {
    const text = line('a', '/v1/chat/completions', { messages: question('Hi') });
    const file = await upload([text]);
    assert.deepEqual([file.object, file.purpose, file.filename, file.bytes], ['file', 'batch', 'lines.jsonl', Buffer.byteLength(text)]);
    assert.equal((await client.files.retrieve(file.id)).id, file.id);
    assert.equal((await client.files.waitForProcessing(file.id)).id, file.id);
    assert.ok((await collect(client.files.list({ purpose: 'batch', order: 'desc', limit: 1 }))).some((each) => each.id === file.id)); // page after page
    assert.equal(await (await client.files.content(file.id)).text(), text);
    assert.deepEqual(await client.files.delete(file.id).then(({ id, deleted }) => ({ id, deleted })), { id: file.id, deleted: true });
    await assert.rejects(client.files.retrieve(file.id), OpenAI.NotFoundError);
});

await check('batches: questions, with output and errors', async () => {
    const input = await upload([
        line('good', '/v1/chat/completions', { messages: question('Hi'), max_tokens: 40, stop: ['w2'] }),
        line('bad', '/v1/chat/completions', { messages: question('Be sick'), max_tokens: 3 }),
    ]);
    const created = await client.batches.create({ input_file_id: input.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { of: 'node' } });
    assert.equal(created.object, 'batch');
    const batch = await ended(created);
    assert.deepEqual([batch.status, batch.metadata.of], ['completed', 'node']);
    assert.deepEqual(batch.request_counts, { total: 2, completed: 1, failed: 1 });
    const good = (await linesOf(batch.output_file_id)).good.response;
    assert.deepEqual([good.status_code, good.body.choices[0].message.content, good.body.choices[0].finish_reason], [200, 'w0 w1 ', 'stop']);
    const bad = (await linesOf(batch.error_file_id)).bad.response;
    assert.ok(bad.status_code >= 400 && bad.body.error.message);
});

await check('batches: pictures', async () => {
    const input = await upload([line('star', '/v1/images/generations', { prompt: 'a red star' })]);
    const batch = await ended(await client.batches.create({ input_file_id: input.id, endpoint: '/v1/images/generations', completion_window: '24h' }));
    const made = (await linesOf(batch.output_file_id)).star.response.body.data[0];
    assert.ok(isPng(Buffer.from(await (await client.files.content(made.file_id)).arrayBuffer()).toString('base64')));
});

await check('batches: wrong lines', async () => {
    const input = await upload([line('a', '/v1/images/generations', { prompt: 'p', size: 'big' })]);
    const batch = await ended(await client.batches.create({ input_file_id: input.id, endpoint: '/v1/images/generations', completion_window: '24h' }));
    assert.deepEqual([batch.status, batch.errors.data[0].line, batch.errors.data[0].param], ['failed', 1, 'body.size']);
});

await check('batches: cancel and list', async () => {
    const input = await upload([1, 2, 3].map((each) => line(`${each}`, '/v1/chat/completions', { messages: question('Hi'), max_tokens: 4000 })));
    const created = await client.batches.create({ input_file_id: input.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
    await client.batches.cancel(created.id);
    const batch = await ended(created);
    assert.equal(batch.status, 'cancelled');
    assert.ok((await collect(client.batches.list({ limit: 2 }))).some((each) => each.id === batch.id));
});

await check('errors: 400 names the parameter', async () => {
    await assert.rejects(client.images.generate({ model, prompt: 'p', n: 11 }), (error) => error instanceof OpenAI.BadRequestError
        && error.status === 400 && error.param === 'n' && error.type === 'invalid_request_error' && error.requestID.length > 0);
    await assert.rejects(client.chat.completions.create({ model, messages: question('Hi'), tools: [{ type: 'function', function: { name: 'f' } }] }),
        (error) => error instanceof OpenAI.BadRequestError && error.param === 'tools');
});

await check('errors: 401 for a wrong key', async () => {
    await assert.rejects(new OpenAI({ apiKey: 'emu3_wrong' }).models.list(), (error) => error instanceof OpenAI.AuthenticationError && error.code === 'invalid_api_key');
});

await check('errors: 404 for what is not there', async () => {
    await assert.rejects(client.models.retrieve('gpt-4o'), OpenAI.NotFoundError);
    await assert.rejects(client.files.retrieve('file-00000000000000000000000000000000'), OpenAI.NotFoundError);
    await assert.rejects(client.batches.retrieve('batch_00000000000000000000000000000000'), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ model: 'gpt-4o', messages: question('Hi') }), OpenAI.NotFoundError);
});

await check('errors: inside a stream', async () => {
    const events = client.chat.completions.create({ model, messages: question('Be sick'), max_tokens: 3, stream: true }).then(collect);
    await assert.rejects(events, OpenAI.APIError);
});

await check('errors: inside a stream of pictures', async () => {
    const events = client.images.generate({ model, prompt: 'Be sick', stream: true, partial_images: 1 }).then(collect);
    await assert.rejects(events, OpenAI.APIError);
});

await check('errors: a connection that breaks off inside a stream', async () => {
    const key = await keyWith({});
    const stream = await new OpenAI({ apiKey: key }).chat.completions.create({ model, messages: question('Hi'), max_tokens: 4000, stream: true });
    await assert.rejects(async () => {
        let isRevoked = false;
        for await (const chunk of stream) {
            if (isRevoked || !chunk.choices[0]?.delta.content) continue;
            isRevoked = true; // a gateway cuts off whatever runs under a key that is no longer valid
            await fetch(`${process.env.OPENAI_BASE_URL}/admin/keys/key_${key.slice(5, 21)}`, { method: 'DELETE', headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}` } });
        }
    });
});

await check('stop: an answer that can be finished is whole, one that cannot raises', async () => {
    const stopping = new OpenAI({ baseURL: process.env.EMU3_STOP_URL, apiKey: 'none', maxRetries: 0 });
    const ask = (max_tokens) => stopping.chat.completions.create({ model: 'simulated', messages: question('Hi'), max_tokens, stream: true });
    const [short, long] = await Promise.all([ask(200), ask(4000)]);
    const whole = collect(short);
    let count = 0;
    await assert.rejects(async () => {
        for await (const chunk of long) if (chunk.choices[0]?.delta.content && count++ === 0) process.kill(Number(process.env.EMU3_STOP_PID), 'SIGTERM');
    }, (error) => error instanceof OpenAI.APIError && error.code === 'gateway_stopping');
    assert.ok(count > 0);
    assert.equal((await whole).at(-1).choices[0].finish_reason, 'length');
});

await check('errors: 429 beyond the quota', async () => {
    const limited = new OpenAI({ apiKey: await keyWith({ images_per_hour: 1 }), maxRetries: 0 });
    await limited.images.generate({ model, prompt: 'one' });
    await assert.rejects(limited.images.generate({ model, prompt: 'two' }), (error) => error instanceof OpenAI.RateLimitError
        && error.code === 'rate_limit_exceeded' && Number(error.headers.get('retry-after')) <= 60 && error.headers.get('x-ratelimit-remaining-requests') === '0');
});

await check('retries: after the time that a 429 names', async () => {
    const limited = new OpenAI({ apiKey: await keyWith({ concurrent_streams: 1 }) }); // with its usual two retries
    const first = await limited.chat.completions.create({ model, messages: question('Hi'), max_tokens: 4000, stream: true });
    const began = Date.now();
    const second = limited.chat.completions.create({ model, messages: question('Hi'), max_tokens: 2, stream: true }).then(collect);
    setTimeout(() => first.controller.abort(), 1_000);
    const chunks = await second;
    assert.equal(chunks.map((each) => each.choices[0]?.delta.content ?? '').join(''), 'w0 w1 ');
    assert.ok(Date.now() - began >= 4_900, `it came again after ${Date.now() - began} ms, and was told 5 s`);
});

await check('retries: the next attempt joins the job that is there', async () => {
    // The client gives up on an answer that takes longer than its time limit, and sends the request again by itself.
    const answer = await client.chat.completions.create({ model, messages: question('Hi'), max_tokens: 800 }, {
        timeout: 1_500, maxRetries: 20, headers: { 'Idempotency-Key': 'node-retry' },
    });
    const again = await client.chat.completions.create({ model, messages: question('Hi'), max_tokens: 800 }, { headers: { 'Idempotency-Key': 'node-retry' } });
    assert.deepEqual([answer.id, answer.usage.completion_tokens], [again.id, 800]);
});
