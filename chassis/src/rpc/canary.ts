// The pin to a canary: `x-stoa-canary` on an HTTP request, a call or a message. It travels as the trace context does.

/** Pins to whatever canary there is. */
const ALWAYS = 'always';
const PIN = /^[a-z]{1,40}$/;

/** A pin as it came from outside; empty when it is none: a service's name or 'always' is all that it may say. */
export function readPin(value: string | readonly string[] | undefined): string {
  return typeof value === 'string' && PIN.test(value) ? value : '';
}

/** Whether a pin means the canary of this service. */
export function isPinned(pin: string | undefined, service: string): boolean {
  return pin === service || pin === ALWAYS;
}
