// Tells code from comments and literals, for rules that must not be fooled by prose. A scanner and not a parser:
// TypeScript 7 has no library to parse with, and the rules need no more. Offsets stay those of the source.

export interface Scan {
  /** The source with comments and the contents of literals blanked; quotes, line breaks and `${…}` code stay. */
  readonly code: string;
  readonly comments: readonly Comment[];
}

export interface Comment {
  readonly start: number;
  readonly text: string;
}

/** After one of these words a slash begins a regular expression. */
const beforeOperand = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof default'.split(' '),
);

export function scan(source: string): Scan {
  const state: State = { source, out: [], at: 0, comments: [] };
  readCode(state, false);
  return { code: state.out.join(''), comments: state.comments };
}

interface State {
  readonly source: string;
  readonly out: string[];
  at: number;
  readonly comments: Comment[];
}

/** Reads up to the end, or in a template up to the brace that closes its `${`. */
function readCode(state: State, inTemplate: boolean): void {
  const { source } = state;
  let depth = 0;
  let lastToken = '';
  while (state.at < source.length) {
    const char = source[state.at] as string;
    const next = source[state.at + 1];
    if (char === '/' && (next === '/' || next === '*')) {
      readComment(state, next);
      continue;
    }
    if (inTemplate && char === '}' && depth === 0) return;
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    if (char === "'" || char === '"') readQuoted(state, char);
    else if (char === '`') readTemplate(state);
    else if (char === '/' && startsRegExp(lastToken)) readRegExp(state);
    else if (/[\w$]/.test(char)) {
      lastToken = readWord(state);
      continue;
    } else copy(state, 1);
    if (!/\s/.test(char)) lastToken = char;
  }
}

function readComment(state: State, kind: '/' | '*'): void {
  const { source, at } = state;
  const close = kind === '/' ? source.indexOf('\n', at) : source.indexOf('*/', at + 2);
  const end = close < 0 ? source.length : kind === '/' ? close : close + 2;
  state.comments.push({ start: at, text: source.slice(at, end) });
  blank(state, end);
}

function readWord(state: State): string {
  const start = state.at;
  let end = start;
  while (end < state.source.length && /[\w$]/.test(state.source[end] as string)) end += 1;
  copy(state, end - start);
  return state.source.slice(start, end);
}

function readQuoted(state: State, quote: string): void {
  copy(state, 1);
  let end = state.at;
  while (end < state.source.length && state.source[end] !== quote && state.source[end] !== '\n') {
    end += state.source[end] === '\\' ? 2 : 1;
  }
  blank(state, Math.min(end, state.source.length));
  copy(state, 1);
}

function readTemplate(state: State): void {
  copy(state, 1);
  let end = state.at;
  while (end < state.source.length && state.source[end] !== '`') {
    if (state.source[end] === '$' && state.source[end + 1] === '{') {
      blank(state, end);
      copy(state, 2);
      readCode(state, true);
      copy(state, 1);
      end = state.at;
    } else {
      end += state.source[end] === '\\' ? 2 : 1;
    }
  }
  blank(state, Math.min(end, state.source.length));
  copy(state, 1);
}

function readRegExp(state: State): void {
  copy(state, 1);
  let inClass = false;
  let end = state.at;
  while (end < state.source.length && state.source[end] !== '\n') {
    const char = state.source[end];
    if (char === '[') inClass = true;
    if (char === ']') inClass = false;
    if (char === '/' && !inClass) break;
    end += char === '\\' ? 2 : 1;
  }
  blank(state, Math.min(end, state.source.length));
  copy(state, 1);
}

/** A slash after a value divides, after anything else it begins a regular expression. */
function startsRegExp(lastToken: string): boolean {
  if (beforeOperand.has(lastToken)) return true;
  return !/[\w$)\]'"`]$/.test(lastToken);
}

function copy(state: State, length: number): void {
  state.out.push(state.source.slice(state.at, state.at + length));
  state.at += length;
}

function blank(state: State, end: number): void {
  state.out.push(state.source.slice(state.at, end).replace(/[^\n]/g, ' '));
  state.at = end;
}
