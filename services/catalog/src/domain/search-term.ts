// Shapes what a shopper typed into the parts of a text query. The whole is read by websearch_to_tsquery (words joined
// by AND, "quoted phrases", or, -excluded). Besides, the last word may be unfinished: then the words before it must
// match and it must begin some word. A product is found by either.

export interface SearchTerm {
  readonly whole: string;
  /** The words before the last one; empty when there is only one, or no prefix. */
  readonly head: string;
  /** The last word, letters and digits only and hence safe in to_tsquery; empty when it must not match as a prefix. */
  readonly prefix: string;
}

/** One letter would begin a large part of all words. */
const PREFIX_MIN = 2;

export function shapeSearchTerm(term: string): SearchTerm {
  const whole = term.trim().replace(/\s+/g, ' ');
  const words = whole.split(' ');
  const last = words.at(-1) ?? '';
  const head = words.slice(0, -1).join(' ');
  const plain = [...last].length >= PREFIX_MIN && /^[\p{L}\p{N}]+$/u.test(last);
  // "shirt or trou" means either word; AND-ing the last one to the rest would mean something else.
  const alternatives = words.some((word) => word.toLowerCase() === 'or');
  const insideQuotes = head.split('"').length % 2 === 0;
  return plain && !alternatives && !insideQuotes
    ? { whole, head, prefix: last.toLowerCase() }
    : { whole, head: '', prefix: '' };
}
