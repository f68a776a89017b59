// Clothing of the seeded catalogue.
import { axis, colours, type Root } from './leaf.ts';

const sizes = axis('Size', ['S|S', 'M|M', 'L|L', 'XL|XL']);

export const clothing: Root = {
  slug: 'clothing',
  name: 'Clothing',
  leaves: [
    {
      slug: 't-shirts',
      name: 'T-Shirts',
      code: 'TEE',
      euros: [19, 49],
      axes: [sizes, colours(1)],
      things: [
        ['Crew Tee', 'A plain tee that sits right at the shoulder and keeps its collar flat.'],
        ['Pocket Tee', 'A relaxed tee with one chest pocket, stitched twice at the corners.'],
        ['Long Sleeve Tee', 'A long sleeve layer with ribbed cuffs that stay where you push them.'],
        ['Boxy Tee', 'Cut wide and a little short, for wearing loose over anything high-waisted.'],
        ['Striped Tee', 'Breton stripes, knitted in rather than printed on, so they never crack.'],
      ],
      materials: [
        ['Organic Cotton', 'The jersey is 180 g organic cotton, combed for a smooth hand.'],
        ['Slub Cotton', 'Slub yarn gives the cloth an uneven, airy texture that hides creases.'],
        ['Hemp', 'Hemp and cotton in equal parts: cool in summer, and stronger wet than dry.'],
        ['Merino', 'Fine merino of 17.5 micron, which goes for days between washes.'],
      ],
      closings: [
        'Wash at 30 degrees and dry on the line.',
        'Pre-shrunk, so the size you try is the size you keep.',
        'Side seams are taped so that the body never twists.',
      ],
    },
    {
      slug: 'shirts',
      name: 'Shirts',
      code: 'SHIRT',
      euros: [59, 119],
      axes: [sizes, colours(1)],
      things: [
        ['Oxford Shirt', 'A button-down with a soft roll in the collar, as good with a tie as without one.'],
        ['Camp Shirt', 'An open collar, a straight hem and short sleeves for the warm half of the year.'],
        ['Work Shirt', 'Two flap pockets and triple-stitched seams, built on a pattern from the 1940s.'],
        ['Band Collar Shirt', 'A collarless shirt with a short placket that layers under any knit.'],
        ['Overshirt', 'Heavy enough to be a jacket, cut to be worn open over a tee.'],
      ],
      materials: [
        ['Linen', 'Woven from European linen that is washed once, so the first wear feels like the tenth.'],
        ['Chambray', 'Indigo chambray that pales along the seams and tells where it has been.'],
        ['Brushed Cotton', 'The cotton is brushed on both sides and holds warmth like flannel.'],
        ['Poplin', 'Crisp two-ply poplin that irons in a minute and keeps its line all day.'],
      ],
      closings: [
        'Buttons are corozo nut, sewn on with a shank.',
        'A spare button hides inside the side seam.',
        'Best ironed while still a little damp.',
      ],
    },
    {
      slug: 'knitwear',
      name: 'Knitwear',
      code: 'KNIT',
      euros: [79, 189],
      axes: [sizes, colours(1)],
      things: [
        ['Crew Jumper', 'A classic jumper, knitted in one piece with no seam to rub.'],
        ['Cardigan', 'Five buttons, two deep pockets and a hem that does not ride up.'],
        ['Roll Neck', 'A close roll neck that folds twice and never sags.'],
        ['Fisherman Jumper', 'Full cardigan stitch, thick enough for a wind off the sea.'],
        ['Knitted Vest', 'A V-neck vest for the weeks when a jumper is too much and a shirt too little.'],
      ],
      materials: [
        ['Lambswool', 'Scottish lambswool, spun slightly oily so that it sheds a light rain.'],
        ['Alpaca', 'Baby alpaca from Peru, lighter than wool at the same warmth.'],
        ['Cotton', 'Long-staple cotton in a waffle stitch, for those whom wool makes itch.'],
        ['Recycled Wool', 'Wool regained from old knitwear and spun anew, sorted by colour instead of dyed.'],
      ],
      closings: [
        'Wash by hand, dry flat, and it will outlast you.',
        'A hank of mending yarn comes with it.',
        'Air it overnight instead of washing it.',
      ],
    },
    {
      slug: 'jackets',
      name: 'Jackets',
      code: 'JACKET',
      euros: [129, 319],
      axes: [sizes, colours(1)],
      things: [
        ['Chore Jacket', 'Three patch pockets, no lining, and room for a jumper underneath.'],
        ['Rain Parka', 'Taped seams, a hood that turns with the head, and vents under the arms.'],
        ['Bomber', 'Ribbed at the hem and cuffs, with a pen pocket on the sleeve.'],
        ['Quilted Jacket', 'Diamond quilting over a thin layer of warmth that packs into its own pocket.'],
        ['Trucker Jacket', 'Short, pointed at the yoke, and better every year you wear it.'],
      ],
      materials: [
        ['Waxed Cotton', 'Waxed cotton that can be re-proofed at home with a tin and a hairdryer.'],
        ['Canvas', 'A 12 ounce canvas, stiff at first and yours after a month.'],
        ['Ripstop', 'Ripstop with a grid woven in, so that a snag stays a snag.'],
        ['Boiled Wool', 'Boiled wool that needs no hem and turns away wind and drizzle.'],
      ],
      closings: [
        'Zips by YKK; repairs are free for five years.',
        'The hood and the hem adjust from inside the pockets.',
        'Cut to be worn over one layer, or two for those who size up.',
      ],
    },
  ],
};
