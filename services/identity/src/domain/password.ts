// What may be a password. Length is all that is asked for (NIST SP 800-63B): composition rules make passwords worse.

const MIN = 8;
/** Bounds the work of one hash. */
const MAX = 128;

/** The form that is hashed: one and the same however the keyboard composed its accents. */
export function normalizePassword(text: string): string {
  return text.normalize('NFKC');
}

/** Whether a new password is acceptable; counted in characters, spaces included. */
export function isAcceptablePassword(text: string): boolean {
  const { length } = [...normalizePassword(text.slice(0, 4 * MAX))];
  return text.length <= 4 * MAX && length >= MIN && length <= MAX && text.isWellFormed();
}

/** Whether it is worth comparing at all: nobody can have chosen anything longer. */
export function isPresentablePassword(text: string): boolean {
  return text.length > 0 && text.length <= 4 * MAX && text.isWellFormed();
}
