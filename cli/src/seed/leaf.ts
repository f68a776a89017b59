// What a category of the seeded catalogue is made from: things, what they are made of, and what is said of both.
// Ten products come from each: thing and material are paired so that no pair repeats, a product line's name goes before.

/** A value of an option, the code it has in a SKU, and the price it gives in percent of the product's. */
export interface AxisValue {
  readonly value: string;
  readonly code: string;
  readonly percent: number;
}

export interface Axis {
  readonly name: string;
  readonly values: readonly AxisValue[];
  /** How many of the values each product comes in; all when left out. */
  readonly pick?: number;
}

/** A name and a sentence about it. */
export type Described = readonly [name: string, sentence: string];

export interface Leaf {
  readonly slug: string;
  readonly name: string;
  /** First part of its SKUs. */
  readonly code: string;
  /** Lowest and highest price in whole euros. */
  readonly euros: readonly [from: number, to: number];
  readonly axes: readonly Axis[];
  readonly things: readonly Described[];
  readonly materials: readonly Described[];
  readonly closings: readonly string[];
}

export interface Root {
  readonly slug: string;
  readonly name: string;
  readonly leaves: readonly Leaf[];
}

function axisValue(text: string): AxisValue {
  const [value = '', code = '', percent = '100'] = text.split('|');
  return { value, code, percent: Number(percent) };
}

/** An axis from "value|CODE" or "value|CODE|percent". */
export function axis(name: string, values: readonly string[], pick?: number): Axis {
  return { name, values: values.map(axisValue), ...(pick === undefined ? {} : { pick }) };
}

export const colours = (pick: number) =>
  axis(
    'Colour',
    ['Ink|INK', 'Moss|MOS', 'Clay|CLA', 'Oat|OAT', 'Slate|SLA', 'Rust|RUS', 'Fog|FOG', 'Plum|PLU', 'Mustard|MUS'],
    pick,
  );
