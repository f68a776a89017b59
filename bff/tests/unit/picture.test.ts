import { describe, expect, it } from 'vitest';
import { productPicture } from '../../src/pictures/picture.ts';

const tags = (svg: string) => [...svg.matchAll(/<(\w+)/g)].map((match) => match[1]);

describe('a product picture', () => {
  it('is the same for the same product', () => {
    const draw = () => productPicture('harlow-linen-shirt', 'Harlow Linen Shirt', 'shirts');
    expect(draw()).toBe(draw());
  });

  it('shows the category, and a parcel where the category has no motif', () => {
    const of = (category: string) => productPicture('x', 'X', category);
    expect(new Set(['shirts', 'tents', 'pens', 'unknown'].map(of)).size).toBe(4);
    // Names that every object inherits are no categories.
    for (const odd of ['', 'constructor', '__proto__', 'toString']) expect(of(odd)).toBe(of('unknown'));
  });

  it('differs between products of one category', () => {
    const pictures = Array.from({ length: 10 }, (_, index) => productPicture(`mug-${index}`, 'Mug', 'ceramics'));
    expect(new Set(pictures).size).toBeGreaterThan(5);
  });

  it('takes nothing from a name but text', () => {
    const svg = productPicture('x', `"><script>alert('1')</script>&`, 'tea');
    expect(svg).toContain('&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;');
    expect(tags(svg)).not.toContain('script');
    expect(svg).not.toMatch(/href|url\((?!#g\))/);
  });
});
