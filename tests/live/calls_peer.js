// SPDX-License-Identifier: BSD-2-Clause
// calls_peer.py for @grpc/grpc-js: the same server, and a client of the same steps.
// usage: NODE_PATH=… node calls_peer.js server SOCKET | client SOCKET SCRIPT
"use strict";
const fs = require("fs");
const readline = require("readline");
const grpc = require("@grpc/grpc-js");

const SERVICE = "live.Calls";
const same = (b) => b;
const method = (name, requestStream, responseStream) => ({
  path: `/${SERVICE}/${name}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same,
  responseSerialize: same, responseDeserialize: same,
});
const service = {
  Unary: method("Unary", false, false),
  ServerStream: method("ServerStream", false, true),
  ClientStream: method("ClientStream", true, false),
  BothStreams: method("BothStreams", true, true),
  SlowStream: method("SlowStream", false, true),
  LargeMetadata: method("LargeMetadata", false, false),
  Missing: method("Missing", false, false),
};

function unary(call, reply) {
  const text = call.request.toString();
  if (text.startsWith("fail "))
    reply({ code: grpc.status[text.slice(5)], details: "as you wish: 100 % " + text.slice(5) });
  else if (text.startsWith("sleep "))
    setTimeout(() => reply(null, Buffer.from("slept")), Number(text.slice(6)) * 1000);
  else
    reply(null, Buffer.concat([call.request, call.request]));
}

function largeMetadata(call, reply) {
  const head = new grpc.Metadata(), tail = new grpc.Metadata();
  head.set("x-large", "v".repeat(12000));
  tail.set("x-trailing", "t".repeat(12000));
  call.sendMetadata(head);
  reply(null, Buffer.from("ok"), tail);
}

function serve(sock) {
  const server = new grpc.Server({ "grpc.max_metadata_size": 1 << 20 });
  const { Missing, ...known } = service;
  server.addService(known, {
    Unary: unary,
    LargeMetadata: largeMetadata,
    ServerStream(call) {
      for (let i = 0; i < Number(call.request.toString()); i++)
        call.write(Buffer.from(`item ${i}`));
      call.end();
    },
    ClientStream(call, reply) {
      let sum = 0;
      call.on("data", (b) => { sum += b.length; });
      call.on("end", () => reply(null, Buffer.from(String(sum))));
    },
    BothStreams(call) {
      call.on("data", (b) => call.write(b));
      call.on("end", () => call.end());
    },
    SlowStream(call) { call.write(Buffer.from("first")); },
  });
  server.bindAsync("unix:" + sock, grpc.ServerCredentials.createInsecure(), (e) => {
    if (e) throw e;
  });
  process.stdin.on("data", () => {});
  process.stdin.on("end", () => server.tryShutdown(() => process.exit(0)));
}

function oneCall(client, step) {
  return new Promise((done) => {
    const meta = new grpc.Metadata(), options = {}, answers = [];
    for (const [k, v] of step.metadata || []) meta.set(k, v);
    if (step.timeout) options.deadline = Date.now() + step.timeout * 1000;
    const start = process.hrtime.bigint();
    let status = null, ended = false, call;
    const finish = () => {
      if (!status || !ended) return;
      done({ method: `${SERVICE}/${step.method}`, status: grpc.status[status.code],
             message: status.code ? status.details : "", answers: answers.length,
             seconds: Number(process.hrtime.bigint() - start) / 1e9,
             answer: answers.length ? answers[answers.length - 1].toString() : null });
    };
    const unaryDone = (e, answer) => { if (answer) answers.push(answer); ended = true; finish(); };
    const [from, to] = step.kind.split("_");
    const request = from === "unary" ? [Buffer.from(step.request)] : [];
    call = to === "unary" ? client[step.method](...request, meta, options, unaryDone)
      : client[step.method](...request, meta, options);
    if (to === "stream") {
      call.on("data", (b) => {
        answers.push(b);
        if (step.cancel_after === answers.length) call.cancel();
      });
      call.on("end", () => { ended = true; finish(); });
      call.on("error", () => { ended = true; finish(); });
    }
    call.on("status", (s) => { status = s; finish(); });
    if (from === "stream") {
      for (const r of step.request) call.write(Buffer.from(r));
      call.end();
    }
  });
}

async function runSteps(sock, steps) {
  const Client = grpc.makeGenericClientConstructor(service, SERVICE);
  const plain = new Client("unix:" + sock, grpc.credentials.createInsecure(),
    { "grpc.max_metadata_size": 1 << 20 });
  const packed = new Client("unix:" + sock, grpc.credentials.createInsecure(),
    { "grpc.default_compression_algorithm": 2 });
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (const step of steps) {
    if (step === "wait") {
      console.log("waiting");
      await lines.next();
      continue;
    }
    for (let i = 0; i < (step.times || 1); i++)
      console.log(JSON.stringify(await oneCall(step.gzip ? packed : plain, step)));
  }
  plain.close();
  packed.close();
  process.exit(0);
}

if (process.argv[2] === "server")
  serve(process.argv[3]);
else
  runSteps(process.argv[3], JSON.parse(fs.readFileSync(process.argv[4])));
