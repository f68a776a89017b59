// The network between processes: every directed link has a latency, may lose requests and answers, stall, or be cut.
// A call goes to one of the replicas that host the service, through the same chain of steps as from a real network.
import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import type { Dispatcher } from '@stoa/chassis/rpc/dispatcher';
import { createInProcessTransport } from '@stoa/chassis/rpc/in-process-transport';
import { methodPolicy } from '@stoa/chassis/rpc/policy';
import type { Kernel } from '../kernel/kernel.ts';
import type { Rng } from '../kernel/random.ts';
import { type Incarnation, never } from './process.ts';

export interface NetworkOdds {
  readonly requestLost: number;
  /** The handler ran; its answer is lost. */
  readonly answerLost: number;
  readonly stall: number;
  readonly stallMaxMs: number;
  readonly latencyMaxMs: number;
}

export const NO_NETWORK_FAULTS: NetworkOdds = {
  requestLost: 0,
  answerLost: 0,
  stall: 0,
  stallMaxMs: 0,
  latencyMaxMs: 2,
};

/** A process that can be called. */
export interface Reachable {
  readonly process: Incarnation;
  readonly dispatcher: Dispatcher;
}

type Arguments = Parameters<Transport['unary']>;

export class Network {
  odds: NetworkOdds = NO_NETWORK_FAULTS;
  /** Directed links that let nothing through, as "from>to". */
  readonly cut = new Set<string>();
  readonly #kernel: Kernel;
  readonly #rng: Rng;
  readonly #replicas: (service: string) => readonly Reachable[];
  readonly #count: (fault: string) => void;

  constructor(
    kernel: Kernel,
    rng: Rng,
    replicas: (service: string) => readonly Reachable[],
    count: (fault: string) => void,
  ) {
    this.#kernel = kernel;
    this.#rng = rng;
    this.#replicas = replicas;
    this.#count = count;
  }

  /** The way from a process to a service elsewhere. */
  transport(from: Incarnation, caller: string, service: string): Transport & { readonly network: true } {
    return {
      network: true,
      unary: (...args: Arguments) => this.#call(from, caller, service, args) as never,
      stream: () => Promise.reject(new ConnectError('no streams here', Code.Unimplemented)),
    };
  }

  #delay(): number {
    const { stall, stallMaxMs, latencyMaxMs } = this.odds;
    if (!this.#rng.chance(stall)) return this.#rng.between(0.1, latencyMaxMs);
    this.#count('net: stall');
    return this.#rng.between(0, stallMaxMs);
  }

  #call(from: Incarnation, caller: string, service: string, args: Arguments): Promise<unknown> {
    if (!from.enter()) return never();
    const [method, signal, timeoutMs] = args;
    if (signal?.aborted) return Promise.reject(new ConnectError('the call was cancelled', Code.Canceled));
    const deadlineMs = timeoutMs ?? methodPolicy(method).deadlineMs ?? 5000;
    const server = new AbortController();
    const what = `${service}.${method.name}`;
    return new Promise((resolve, reject) => {
      let ended = false;
      const end = (finish: () => void) => {
        if (ended) return;
        ended = true;
        timer.cancel();
        signal?.removeEventListener('abort', cancel);
        finish();
      };
      const fail = (text: string, code: Code) => end(() => reject(new ConnectError(text, code)));
      const cancel = () => {
        fail('the call was cancelled', Code.Canceled);
        server.abort();
      };
      const timer = from.later(deadlineMs, `deadline ${what}`, () => {
        fail('the deadline has passed', Code.DeadlineExceeded);
        server.abort();
      });
      signal?.addEventListener('abort', cancel);
      this.#send({ from, caller, service, what, args, deadlineMs, signal: server.signal, end, resolve, reject, fail });
    });
  }

  #send(call: {
    from: Incarnation;
    caller: string;
    service: string;
    what: string;
    args: Arguments;
    deadlineMs: number;
    signal: AbortSignal;
    end: (finish: () => void) => void;
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
    fail: (text: string, code: Code) => void;
  }): void {
    const { from, caller, service, what, args, deadlineMs, signal, end, resolve, reject, fail } = call;
    const unavailable = () =>
      from.later(this.#rng.between(0.1, 2), `refused ${what}`, () => fail('connection refused', Code.Unavailable));
    const replicas = this.#replicas(service);
    if (replicas.length === 0) return void unavailable();
    const { process: to, dispatcher } = this.#rng.pick(replicas);
    const passes = (a: string, b: string, lost: number, name: string) => {
      if (this.cut.has(`${a}>${b}`)) return false;
      if (!this.#rng.chance(lost)) return true;
      this.#count(name);
      return false;
    };
    if (!passes(from.name, to.name, this.odds.requestLost, 'net: request lost')) return;
    const answer = (finish: () => void) => {
      if (!passes(to.name, from.name, this.odds.answerLost, 'net: answer lost')) return;
      from.later(this.#delay(), `answer ${what}`, () => end(finish));
    };
    const died = () => void unavailable();
    to.onDeath.add(died);
    const arrive = () => {
      const [method, , , header, input] = args;
      createInProcessTransport(dispatcher, caller)
        .unary(method, signal, deadlineMs, header, input as Message)
        .then(
          (response) => to.deliver(() => answer(() => resolve(response))),
          (error) => to.deliver(() => answer(() => reject(error))),
        )
        .finally(() => to.onDeath.delete(died));
    };
    this.#kernel.schedule(this.#delay(), to.name, `request ${what}`, () => {
      if (to.life === 'dead') unavailable();
      else to.deliver(arrive);
    });
  }
}
