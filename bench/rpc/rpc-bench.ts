// How fast are calls between services, compared with bare grpc-js, with connect-node and with no network at all?
//
//   node bench/rpc/rpc-bench.ts [--rounds 5] [--seconds 0.5] [--concurrency 64] [--json]
//
// Closed loop, fixed concurrency, every server in its own process. The variants take turns within each round, in an
// order that rotates, so that a busy machine disturbs all of them alike; ratios are taken within a round.
import { type ChildProcess, fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport as createConnectTransport } from '@connectrpc/connect-node';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { createClients } from '@stoa/chassis/rpc/clients';
import { createCredentialKeys, signServiceCredential } from '@stoa/chassis/rpc/credentials';
import { createGrpcTransport } from '@stoa/chassis/rpc/grpc-transport';
import { createInProcessTransport } from '@stoa/chassis/rpc/in-process-transport';
import { messageCodec } from '@stoa/chassis/rpc/messages-codec';
import { systemRuntime } from '@stoa/chassis/runtime';
import {
  CatalogService,
  GetVariantsRequestSchema,
  GetVariantsResponseSchema,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { DEADLINE_MS, PATH, REQUESTS, type RequestName } from './messages.ts';
import { stoaDispatcher } from './server.ts';

type Call = (request: (typeof REQUESTS)[RequestName]) => Promise<unknown>;

interface Variant {
  readonly name: string;
  readonly call: Call;
  readonly server?: ChildProcess;
}

interface Sample {
  readonly callsPerSecond: number;
  /** CPU microseconds of client and server for each call: steadier than throughput on a shared machine. */
  readonly cpuMicros: number;
}

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.5' },
    concurrency: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
  },
});

async function startServer(kind: string, trustKey: string): Promise<{ server: ChildProcess; address: string }> {
  const server = fork(new URL('server.ts', import.meta.url), [kind, trustKey]);
  const { port } = await answerOf<{ port: number }>(server);
  return { server, address: `127.0.0.1:${port}` };
}

function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a benchmark server ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

function rawCall(address: string): Call {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const { encode } = messageCodec(GetVariantsRequestSchema);
  const { decode } = messageCodec(GetVariantsResponseSchema);
  return (request) =>
    new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + DEADLINE_MS };
      client.makeUnaryRequest(PATH, encode, decode, request, new Metadata(), options, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
}

async function createVariants(): Promise<Variant[]> {
  const { clock, random } = systemRuntime();
  const { signingKey, trustKey } = await createCredentialKeys();
  const credential = await signServiceCredential(signingKey, ['cart']);
  const raw = await startServer('raw', trustKey);
  const stoa = await startServer('stoa', trustKey);
  const connect = await startServer('connect', trustKey);
  const stoaCall = (retries: 'app' | 'mesh'): Call => {
    const transport = createGrpcTransport({ address: stoa.address, credential });
    return createClients({ transportFor: () => transport, retries, clock, random })(CatalogService).getVariants;
  };
  const connectTransport = createConnectTransport({ baseUrl: `http://${connect.address}` });
  const connectClient = createClient(CatalogService, connectTransport);
  const local = createInProcessTransport(stoaDispatcher(trustKey), 'cart');
  return [
    { name: 'raw grpc-js', call: rawCall(raw.address), server: raw.server },
    { name: 'stoa', call: stoaCall('mesh'), server: stoa.server },
    { name: 'stoa, own retries', call: stoaCall('app'), server: stoa.server },
    {
      name: 'connect-node',
      call: (request) => connectClient.getVariants(request, { timeoutMs: DEADLINE_MS }),
      server: connect.server,
    },
    { name: 'in process', call: createClient(CatalogService, local).getVariants },
  ];
}

async function cpuOf(server: ChildProcess | undefined): Promise<number> {
  const own = process.cpuUsage();
  if (server === undefined) return own.user + own.system;
  const answer = answerOf<{ cpu: NodeJS.CpuUsage }>(server);
  server.send('cpu');
  const { cpu } = await answer;
  return own.user + own.system + cpu.user + cpu.system;
}

async function measure({ call, server }: Variant, request: RequestName, seconds: number): Promise<Sample> {
  const message = REQUESTS[request];
  const cpuBefore = await cpuOf(server);
  const start = performance.now();
  const end = start + seconds * 1000;
  let calls = 0;
  const loop = async () => {
    while (performance.now() < end) {
      await call(message);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(args.concurrency) }, loop));
  const elapsed = (performance.now() - start) / 1000;
  const cpu = (await cpuOf(server)) - cpuBefore;
  return { callsPerSecond: calls / elapsed, cpuMicros: cpu / calls };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function summary(name: string, request: RequestName, samples: readonly Sample[], baseline: readonly Sample[]) {
  const rates = samples.map(({ callsPerSecond }) => callsPerSecond);
  const ratios = samples.map((sample, round) => sample.callsPerSecond / (baseline[round] as Sample).callsPerSecond);
  const cpuRatios = samples.map((sample, round) => (baseline[round] as Sample).cpuMicros / sample.cpuMicros);
  return {
    request,
    variant: name,
    callsPerSecond: Math.round(median(rates)),
    low: Math.round(Math.min(...rates)),
    high: Math.round(Math.max(...rates)),
    cpuMicros: Number(median(samples.map(({ cpuMicros }) => cpuMicros)).toFixed(1)),
    ofRaw: Number(median(ratios).toFixed(3)),
    ofRawByCpu: Number(median(cpuRatios).toFixed(3)),
  };
}

const variants = await createVariants();
const rounds = Number(args.rounds);
const results = [];
for (const request of Object.keys(REQUESTS) as RequestName[]) {
  for (const variant of variants) await measure(variant, request, 0.5); // warm up
  const samples = new Map<Variant, Sample[]>(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(turn + round) % variants.length] as Variant;
      samples.get(variant)?.push(await measure(variant, request, Number(args.seconds)));
    }
  }
  const baseline = samples.get(variants[0] as Variant) as Sample[];
  for (const variant of variants)
    results.push(summary(variant.name, request, samples.get(variant) as Sample[], baseline));
}
if (args.json) console.log(JSON.stringify({ rounds, concurrency: Number(args.concurrency), results }, null, 2));
else console.table(results);
process.exit();
