// Product pictures for catalogues that have none: an SVG drawn from the product's slug, name and category. The same
// product gets the same picture on every machine, and two products of a category differ in colour, ground and backdrop.
// It holds no script, no font and no reference to anything outside itself; of what comes from outside only the name is
// put into it, escaped. One motif a category: flat shapes around the middle of a 400 x 400 canvas.

interface Tones {
  readonly main: string;
  readonly dark: string;
  readonly light: string;
}

type Motif = (tones: Tones) => string;

const path = (d: string, fill: string) => `<path d="${d}" fill="${fill}"/>`;
const line = (d: string, stroke: string, width = 4) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
const dot = (x: number, y: number, r: number, fill: string) => `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}"/>`;
/** [x, y, width, height, corner radius] */
const box = ([x, y, width, height, r = 0]: readonly number[], fill: string) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${r}" fill="${fill}"/>`;
const turned = (degrees: number, shapes: string) => `<g transform="rotate(${degrees} 200 200)">${shapes}</g>`;

const SHORT_SLEEVES =
  'M163 112 Q200 142 237 112 L262 122 Q284 132 296 158 L314 198 L270 220 L260 200 V304 H140 V200 L130 220 L86 198 L104 158 Q116 132 138 122 Z';
const LONG_SLEEVES =
  'M165 108 Q200 132 235 108 L264 120 Q284 130 291 156 L322 276 L284 290 L260 208 V306 H140 V208 L116 290 L78 276 L109 156 Q116 130 136 120 Z';

const motifs: Readonly<Record<string, Motif>> = {
  't-shirts': ({ main, dark, light }) =>
    path(SHORT_SLEEVES, main) + line('M163 112 Q200 142 237 112', dark, 8) + box([218, 176, 28, 32, 4], light),
  shirts: ({ main, dark, light }) =>
    path(LONG_SLEEVES, main) +
    path('M165 108 L200 126 L180 162 L152 122 Z M235 108 L200 126 L220 162 L248 122 Z', light) +
    line('M200 128 V304', dark, 3) +
    [166, 202, 238, 274].map((y) => dot(200, y, 4, light)).join('') +
    box([216, 186, 30, 34, 3], dark),
  knitwear: ({ main, dark, light }) =>
    path(LONG_SLEEVES, main) +
    line('M166 110 Q200 136 234 110', dark, 12) +
    box([140, 290, 120, 16], dark) +
    [184, 214, 244]
      .map((y) => line(`M148 ${y} l13 -11 l13 11 l13 -11 l13 11 l13 -11 l13 11 l13 -11 l13 11`, light))
      .join(''),
  jackets: ({ main, dark, light }) =>
    path(LONG_SLEEVES, main) +
    path('M165 108 Q200 128 235 108 L228 152 L200 132 L172 152 Z', dark) +
    line('M200 134 V304', light, 5) +
    box([150, 232, 38, 46, 4], dark) +
    box([212, 232, 38, 46, 4], dark) +
    line('M150 242 H188 M212 242 H250', light, 3),
  ceramics: ({ main, dark, light }) =>
    path('M150 98 H198 L193 132 Q236 168 232 222 Q228 296 174 298 Q120 296 116 222 Q112 168 155 132 Z', main) +
    path('M150 98 H198 L196 112 H152 Z', dark) +
    line('M119 206 Q174 228 230 206', light, 6) +
    path('M228 246 H320 Q318 298 274 298 Q230 298 228 246 Z', dark) +
    line('M234 262 Q274 274 315 262', light, 4),
  lighting: ({ main, dark, light }) =>
    path('M128 222 L84 330 H316 L272 222 Z', `${light}66`) +
    line('M200 40 V128', dark, 5) +
    path('M112 222 Q116 128 200 128 Q284 128 288 222 Z', main) +
    box([184, 116, 32, 18, 6], dark) +
    path('M168 222 Q170 252 200 252 Q230 252 232 222 Z', light),
  blankets: ({ main, dark, light }) =>
    box([92, 238, 216, 58, 26], dark) +
    box([92, 182, 216, 58, 26], main) +
    box([92, 126, 216, 58, 26], light) +
    line('M132 130 V180 M150 130 V180', dark, 5) +
    line('M132 186 V236 M150 186 V236', light, 5) +
    line('M132 242 V292 M150 242 V292', main, 5),
  seating: ({ main, dark, light }) =>
    line('M142 96 V214 M258 96 V214', dark, 12) +
    box([134, 104, 132, 34, 12], main) +
    box([134, 150, 132, 18, 9], light) +
    box([120, 204, 160, 26, 13], main) +
    line('M136 230 L122 312 M264 230 L278 312', dark, 12) +
    line('M131 272 H269', dark, 6),
  knives: ({ main, dark, light }) =>
    turned(
      -38,
      path('M60 182 H236 V226 Q126 226 60 182 Z', '#cfd6dc') +
        line('M66 184 H234', '#a9b3bc', 4) +
        box([232, 176, 14, 56, 4], dark) +
        box([244, 182, 104, 36, 16], main) +
        [266, 296, 326].map((x) => dot(x, 200, 5, light)).join(''),
    ),
  cookware: ({ main, dark, light }) =>
    box([58, 196, 48, 20, 10], dark) +
    box([294, 196, 48, 20, 10], dark) +
    path('M92 176 H308 V246 Q308 296 258 296 H142 Q92 296 92 246 Z', main) +
    path('M84 176 Q100 130 200 130 Q300 130 316 176 Z', dark) +
    dot(200, 120, 16, light) +
    line('M118 214 V244 Q120 266 138 268', light, 6),
  coffee: ({ main, dark, light }) =>
    path('M128 128 L140 96 H260 L272 128 V304 Q272 312 264 312 H136 Q128 312 128 304 Z', main) +
    path('M128 128 L140 96 H260 L272 128 Z', dark) +
    dot(200, 218, 48, light) +
    `<g transform="rotate(28 200 218)"><ellipse cx="200" cy="218" rx="20" ry="29" fill="${dark}"/>${line('M200 190 Q188 206 200 218 Q212 230 200 246', light, 4)}</g>`,
  tea: ({ main, dark, light }) =>
    line('M170 96 q-14 18 0 36 t0 36 M206 84 q-14 20 0 40 t0 40 M242 96 q-14 18 0 36 t0 36', light, 7) +
    line('M286 206 Q336 204 328 242 Q320 272 272 268', dark, 12) +
    path('M104 188 H300 Q300 282 230 290 H174 Q104 282 104 188 Z', main) +
    path('M104 188 H300 L299 204 H105 Z', dark) +
    box([96, 296, 216, 14, 7], dark),
  backpacks: ({ main, dark, light }) =>
    line('M168 116 Q168 78 200 78 Q232 78 232 116', dark, 10) +
    box([96, 220, 40, 72, 14], dark) +
    box([264, 220, 40, 72, 14], dark) +
    path('M122 164 Q122 104 200 104 Q278 104 278 164 V286 Q278 310 254 310 H146 Q122 310 122 286 Z', main) +
    box([144, 216, 112, 74, 14], dark) +
    line('M144 238 H256', light, 4) +
    path('M122 170 Q122 104 200 104 Q278 104 278 170 Q278 194 200 194 Q122 194 122 170 Z', light) +
    box([191, 178, 18, 34, 5], dark),
  bottles: ({ main, dark, light }) =>
    box([174, 66, 52, 42, 10], dark) +
    path(
      'M180 108 H220 V124 Q250 138 250 172 V296 Q250 316 230 316 H170 Q150 316 150 296 V172 Q150 138 180 124 Z',
      main,
    ) +
    box([150, 196, 100, 60], light) +
    line('M168 176 V184 M168 270 V292', light, 7) +
    dot(200, 226, 14, main),
  tents: ({ main, dark, light }) =>
    dot(296, 108, 26, light) +
    path('M48 300 Q120 214 200 258 Q280 206 352 300 Z', `${dark}44`) +
    path('M188 118 L70 300 H320 Z', main) +
    path('M188 118 L146 300 H232 Z', dark) +
    path('M188 158 L176 300 H232 Z', light) +
    line('M188 118 L182 100 M188 118 L198 102', dark, 5) +
    line('M52 302 H348', dark, 6),
  lanterns: ({ main, dark, light }) =>
    dot(200, 212, 108, `${light}55`) +
    line('M144 146 Q144 68 200 68 Q256 68 256 146', dark, 8) +
    path('M152 146 L166 118 H234 L248 146 Z', main) +
    box([158, 146, 84, 124, 12], light) +
    path('M200 172 Q228 208 216 234 Q200 254 184 234 Q172 208 200 172 Z', main) +
    line('M158 150 V266 M242 150 V266', dark, 7) +
    path('M142 268 H258 L268 306 H132 Z', main),
  notebooks: ({ main, dark, light }) =>
    turned(
      -8,
      box([136, 100, 152, 212, 10], dark) +
        box([128, 96, 150, 208, 6], light) +
        box([116, 90, 152, 212, 10], main) +
        box([116, 90, 28, 212, 10], dark) +
        box([168, 130, 78, 44, 5], light) +
        line('M180 146 H234 M180 158 H216', dark, 3) +
        box([236, 90, 10, 212], dark),
    ),
  pens: ({ main, dark, light }) =>
    line('M84 306 q28 -26 52 -6 t54 -4 t50 2', dark, 5) +
    turned(
      -48,
      box([186, 60, 30, 74, 10], dark) +
        box([216, 70, 8, 62, 4], light) +
        box([184, 128, 34, 118, 4], main) +
        box([184, 150, 34, 8], light) +
        path('M184 246 H218 L206 292 H196 Z', light) +
        line('M201 258 V290', dark, 3),
    ),
  'desk-trays': ({ main, dark, light }) =>
    path('M118 138 H282 L268 96 H132 Z', light) +
    path('M84 138 H108 V166 H292 V138 H316 V190 H84 Z', main) +
    path('M84 204 H108 V232 H292 V204 H316 V256 H84 Z', dark) +
    path('M84 270 H108 V292 H292 V270 H316 V312 H84 Z', main) +
    line('M124 150 H276 M124 216 H276', light, 8),
  headphones: ({ main, dark, light }) =>
    line('M110 222 Q108 100 200 100 Q292 100 290 222', dark, 16) +
    line('M124 190 Q132 116 200 116 Q268 116 276 190', light, 6) +
    box([88, 200, 54, 98, 26], main) +
    box([258, 200, 54, 98, 26], main) +
    box([128, 208, 26, 82, 13], dark) +
    box([246, 208, 26, 82, 13], dark),
};

/** For categories that have no motif of their own. */
const parcel: Motif = ({ main, dark, light }) =>
  path('M200 104 L304 152 V264 L200 312 L96 264 V152 Z', main) +
  path('M200 104 L304 152 L200 200 L96 152 Z', light) +
  path('M200 200 L304 152 V264 L200 312 Z', dark) +
  line('M148 128 L252 176 V214', main, 8);

interface Palette {
  /** Upper left and lower right of the ground. */
  readonly grounds: readonly (readonly string[])[];
  readonly tones: readonly Tones[];
}

function palette(grounds: readonly string[], tones: readonly string[]): Palette {
  const tonesOf = (text: string) => {
    const [main = '', dark = '', light = ''] = text.split(' ');
    return { main, dark, light };
  };
  return { grounds: grounds.map((text) => text.split(' ')), tones: tones.map(tonesOf) };
}

const cloth = palette(
  ['#f6efe6 #e9d9c6', '#eef1ea #d7e0d0', '#f3ecec #e2d0d0'],
  [
    '#4a5d78 #2c3a50 #c9d3e0',
    '#a65b43 #743a2a #f0d3c4',
    '#6f7f5a #465238 #dbe3c9',
    '#8a5a7a #5b3850 #ead3e3',
    '#c2963f #856423 #f7e7c0',
  ],
);
const hearth = palette(
  ['#f7f1ea #ead8c8', '#f0f0ee #d9dad6', '#f8ece2 #eccfb8'],
  ['#b8694a #7a402a #f3d7c6', '#5f7a7c #3a4e50 #cfe0e0', '#d0a24c #8c6826 #fbecc8', '#6b5b50 #43382f #e0d5cb'],
);
const pantry = palette(
  ['#f4f2e8 #e0dcc4', '#eef3ef #cfdfd4', '#f7efe8 #e8d3c2'],
  ['#47705c #2a4638 #d2e6da', '#7d4f38 #4f2f20 #ecd5c4', '#59626e #363d47 #d9dee5', '#b4503f #762f24 #f5cfc6'],
);
const trail = palette(
  ['#e9f0ee #c6d9d4', '#edf1f4 #ccd8e1', '#f4f0e4 #e2d8b8'],
  ['#3f6f68 #244641 #cfe5df', '#c4703c #83451f #f8dcc5', '#46658a #2a3f5a #cfdded', '#8a8140 #595325 #ece7c0'],
);
const desk = palette(
  ['#f1f0f4 #d9d6e3', '#f4f1ea #e2d9c7', '#ecf1f2 #cddbde'],
  ['#5a5480 #383456 #dad7ee', '#3f7280 #254752 #cee4e9', '#a8674a #6e3f2b #f1d9cb', '#4d4f57 #2d2f35 #d7d8dd'],
);

const palettes: Readonly<Record<string, Palette>> = {
  ...among(cloth, 'clothing t-shirts shirts knitwear jackets'),
  ...among(hearth, 'home ceramics lighting blankets seating'),
  ...among(pantry, 'kitchen knives cookware coffee tea'),
  ...among(trail, 'outdoors backpacks bottles tents lanterns'),
  ...among(desk, 'study notebooks pens desk-trays headphones'),
};

function among(shared: Palette, slugs: string): Record<string, Palette> {
  return Object.fromEntries(slugs.split(' ').map((slug) => [slug, shared]));
}

const backdrops: readonly string[] = [
  '<circle cx="200" cy="204" r="150" fill="#fff" opacity=".5"/>',
  '<path d="M64 340 V196 A136 136 0 0 1 336 196 V340 Z" fill="#fff" opacity=".5"/>',
  '<rect x="62" y="62" width="276" height="276" rx="48" fill="#fff" opacity=".45"/>',
  '<g fill="#fff" opacity=".5"><circle cx="262" cy="146" r="104"/><circle cx="136" cy="256" r="88"/></g>',
];

/** FNV-1a: spreads slugs that differ in one letter, and needs nothing of the platform. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

function pick<T>(list: readonly T[], slug: string, what: string): T {
  return list[hashOf(`${what} ${slug}`) % list.length] as T;
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');

/** The picture as an SVG document. An unknown category gets the parcel. */
export function productPicture(slug: string, name: string, categorySlug: string): string {
  const { grounds, tones: choices } = Object.hasOwn(palettes, categorySlug) ? (palettes[categorySlug] ?? desk) : desk;
  const motif = Object.hasOwn(motifs, categorySlug) ? (motifs[categorySlug] ?? parcel) : parcel;
  const [from, to] = pick(grounds, slug, 'ground');
  const tones = pick(choices, slug, 'tones');
  const title = escaped(name);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="${from}"/>`,
    `<stop offset="1" stop-color="${to}"/></linearGradient></defs>`,
    '<rect width="400" height="400" fill="url(#g)"/>',
    pick(backdrops, slug, 'backdrop'),
    '<ellipse cx="200" cy="322" rx="118" ry="11" fill="#000" opacity=".08"/>',
    motif(tones),
    '</svg>\n',
  ].join('');
}
