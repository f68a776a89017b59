// Reading requests: collect every violation, then refuse once.
import { invalidArgument, type Violation } from './errors.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export interface Checks {
  /** Records a violation unless `holds`. */
  require(holds: boolean, field: string, description: string): void;
  uuid(field: string, value: string): void;
  /** Counts characters after trimming; also refuses NUL and unpaired surrogates, which PostgreSQL cannot store. */
  text(field: string, value: string, min: number, max: number): void;
  integer(field: string, value: number | bigint, min: number, max: number): void;
  items(field: string, list: readonly unknown[], min: number, max: number): void;
}

/** Runs the checks and throws `invalidArgument` with all violations, if there are any. */
export function validate(check: (checks: Checks) => void): void {
  const violations: Violation[] = [];
  const require = (holds: boolean, field: string, description: string) => {
    if (!holds) violations.push({ field, description });
  };
  check({
    require,
    uuid: (field, value) => require(UUID.test(value), field, 'must be a UUID'),
    text: (field, value, min, max) => {
      const length = value.trim().length;
      const range = min === 0 ? `at most ${max} characters` : `${min} to ${max} characters`;
      require(length >= min && length <= max, field, `must have ${range}`);
      require(!value.includes('\0') && value.isWellFormed(), field, 'must not contain NUL or broken characters');
    },
    integer: (field, value, min, max) => require(value >= min && value <= max, field, `must be from ${min} to ${max}`),
    items: (field, list, min, max) =>
      require(list.length >= min && list.length <= max, field, `must have ${min} to ${max} items`),
  });
  if (violations.length > 0) throw invalidArgument(violations);
}
