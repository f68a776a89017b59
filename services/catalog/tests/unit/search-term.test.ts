import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shapeSearchTerm } from '../../src/domain/search-term.ts';

describe('a search term', () => {
  it('matches its last word as the beginning of a word', () => {
    expect(shapeSearchTerm('  Linen   SHI ')).toEqual({ whole: 'Linen SHI', head: 'Linen', prefix: 'shi' });
    expect(shapeSearchTerm('lin')).toEqual({ whole: 'lin', head: '', prefix: 'lin' });
  });

  it.each([
    ['a single letter', 'linen s'],
    ['an excluded word', 'linen -wool'],
    ['a word inside quotes', '"linen shi'],
    ['the end of a phrase', '"linen shirt"'],
    ['a word with an operator of to_tsquery', "linen shirt:*|x'"],
    ['an alternative', 'shirt or trou'],
    ['an alternative that is still open', 'shirt OR'],
    ['a hyphenated word', 't-shirt'],
  ])('with %s at its end has no prefix', (_, term) => {
    expect(shapeSearchTerm(term)).toEqual({ whole: term, head: '', prefix: '' });
  });

  it('may exclude or quote before its last word', () => {
    expect(shapeSearchTerm('-wool "winter coat" blu')).toEqual({
      whole: '-wool "winter coat" blu',
      head: '-wool "winter coat"',
      prefix: 'blu',
    });
  });

  it('never puts anything but letters and digits into a prefix', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (term) => {
        expect(shapeSearchTerm(term).prefix).toMatch(/^([\p{L}\p{N}\p{M}]{2,})?$/u);
      }),
    );
  });
});
