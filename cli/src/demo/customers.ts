// A few registered customers whom many purchases share. Access tokens last ten minutes; they are renewed in time, by
// one request however many purchases wait for it.
import type { Failure, Result } from './graphql.ts';
import { type Patience, withPatience } from './patience.ts';
import type { Storefront, Tokens } from './storefront.ts';

export interface Customer {
  readonly email: string;
  accessToken(): Promise<Result<{ readonly token: string }>>;
}

const RENEW_AFTER_MS = 8 * 60_000;
const PASSWORD = 'a long demo password';

export interface Registered {
  readonly customers: readonly Customer[];
  /** Why there are fewer than asked for. */
  readonly failure: Failure | undefined;
}

/** Registers customers whose addresses nobody else has: `run` makes them unique. Ends early when one is refused. */
export async function registerCustomers(
  storefront: Storefront,
  run: string,
  count: number,
  patience: Patience,
): Promise<Registered> {
  const customers: Customer[] = [];
  for (let n = 1; n <= count; n++) {
    const email = `demo-${run}-${n}@example.test`;
    const answer = await withPatience(() => register(storefront, email, `Demo Customer ${n}`), patience);
    if (!answer.ok) return { customers, failure: answer };
    customers.push(createCustomer(storefront, email, answer.tokens));
  }
  return { customers, failure: undefined };
}

/** May be repeated: when the answer to an earlier try was lost, the account is there and signs in. */
async function register(storefront: Storefront, email: string, name: string): Promise<Result<{ tokens: Tokens }>> {
  const answer = await storefront.register({ email, name, password: PASSWORD });
  if (answer.ok || answer.code !== 'EMAIL_TAKEN') return answer;
  return storefront.login({ email, password: PASSWORD });
}

function createCustomer(storefront: Storefront, email: string, first: Tokens): Customer {
  let tokens = first;
  let issuedAt = performance.now();
  let renewal: Promise<Result<{ tokens: Tokens }>> | undefined;
  /** A renewal whose answer was lost has spent the refresh token: then only signing in again helps. */
  const renew = async () => {
    const refreshed = await storefront.refresh(tokens.refreshToken);
    return refreshed.ok ? refreshed : storefront.login({ email, password: PASSWORD });
  };
  return {
    email,
    async accessToken() {
      if (performance.now() - issuedAt < RENEW_AFTER_MS) return { ok: true, token: tokens.accessToken };
      renewal ??= renew().finally(() => {
        renewal = undefined;
      });
      const answer = await renewal;
      if (!answer.ok) return answer;
      if (answer.tokens !== tokens) {
        tokens = answer.tokens;
        issuedAt = performance.now();
      }
      return { ok: true, token: tokens.accessToken };
    },
  };
}
