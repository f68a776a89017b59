// Wire to domain for the writing methods: every violation of every product at once.
import { type Checks, validate } from '@stoa/chassis/rpc/validate';
import type {
  Product,
  UpsertCategoriesRequest,
  UpsertProductsRequest,
  Variant,
} from '@stoa/proto/stoa/catalog/v1/catalog_pb';
import { type Category, optionProblems, type ProductDraft } from '../domain/product.ts';
import { PRICE_MINOR_MAX } from '../domain/product-filter.ts';
import { SKU_MAX } from './read-queries.ts';

const PRODUCTS_MAX = 200;
const VARIANTS_MAX = 200;
const CATEGORIES_MAX = 1000;
const CATEGORIES_OF_PRODUCT_MAX = 20;
const OPTIONS_MAX = 5;
const OPTION_VALUES_MAX = 100;
const OPTION_TEXT_MAX = 60;
const NAME_MAX = 200;
const SLUG_MAX = 120;
const DESCRIPTION_MAX = 10_000;
const URL_MAX = 2000;
const POSITION_MAX = 1_000_000;

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const SKU = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** A path on the shop's own origin or an absolute URL; anything else could run as a script in a careless storefront. */
const IMAGE_URL = /^(\/(?!\/)|https:\/\/)[^\s"'<>\\]*$/;

export function readProducts({ products }: UpsertProductsRequest, currency: string): ProductDraft[] {
  validate((checks) => {
    checks.items('products', products, 0, PRODUCTS_MAX);
    products.forEach((product, index) => {
      checkProduct(checks, `products[${index}]`, product, currency);
    });
    const ids = products.map((product) => product.id.toLowerCase());
    const skus = products.flatMap((product) => product.variants.map((variant) => variant.sku));
    checkDistinct(checks, 'products', 'id', ids);
    checkDistinct(
      checks,
      'products',
      'slug',
      products.map((product) => product.slug),
    );
    checkDistinct(checks, 'products', 'SKU', skus);
  });
  return products.map((product) => readProduct(product, currency));
}

function checkProduct(checks: Checks, at: string, product: Product, currency: string): void {
  checks.uuid(`${at}.id`, product.id);
  checkSlug(checks, `${at}.slug`, product.slug);
  checks.text(`${at}.name`, product.name, 1, NAME_MAX);
  checks.text(`${at}.description`, product.description, 0, DESCRIPTION_MAX);
  const { imageUrl } = product;
  const imageHolds = imageUrl === '' || (imageUrl.length <= URL_MAX && IMAGE_URL.test(imageUrl));
  checks.require(imageHolds, `${at}.image_url`, 'must be a path or an https URL');
  checks.items(`${at}.category_ids`, product.categoryIds, 0, CATEGORIES_OF_PRODUCT_MAX);
  product.categoryIds.forEach((id, index) => {
    checks.uuid(`${at}.category_ids[${index}]`, id);
  });
  checkOptions(checks, at, product);
  checks.items(`${at}.variants`, product.variants, 1, VARIANTS_MAX);
  product.variants.forEach((variant, index) => {
    checkVariant(checks, `${at}.variants[${index}]`, variant, product.id, currency);
  });
  for (const { variant, problem } of optionProblems(product.options, product.variants)) {
    checks.require(false, `${at}.variants[${variant}].options`, problem);
  }
}

function checkOptions(checks: Checks, at: string, { options }: Product): void {
  checks.items(`${at}.options`, options, 0, OPTIONS_MAX);
  options.forEach(({ name, values }, index) => {
    const here = `${at}.options[${index}]`;
    checks.text(`${here}.name`, name, 1, OPTION_TEXT_MAX);
    checks.items(`${here}.values`, values, 1, OPTION_VALUES_MAX);
    values.forEach((value, place) => {
      checks.text(`${here}.values[${place}]`, value, 1, OPTION_TEXT_MAX);
    });
    checkDistinct(checks, `${here}.values`, 'value', values);
  });
  checkDistinct(
    checks,
    `${at}.options`,
    'name',
    options.map((option) => option.name),
  );
}

function checkVariant(checks: Checks, at: string, variant: Variant, productId: string, currency: string): void {
  checks.require(variant.sku.length <= SKU_MAX && SKU.test(variant.sku), `${at}.sku`, 'must be letters, digits, . _ -');
  checks.text(`${at}.name`, variant.name, 0, NAME_MAX);
  const owner = variant.productId.toLowerCase();
  checks.require(owner === '' || owner === productId.toLowerCase(), `${at}.product_id`, 'must be empty or the product');
  checks.require(variant.price?.currency === currency, `${at}.price.currency`, `must be ${currency}`);
  checks.require(
    variant.price !== undefined && variant.price.minor >= 1n && variant.price.minor <= PRICE_MINOR_MAX,
    `${at}.price.minor`,
    `must be from 1 to ${PRICE_MINOR_MAX}`,
  );
}

function readProduct(product: Product, currency: string): ProductDraft {
  return {
    id: product.id.toLowerCase(),
    slug: product.slug,
    name: product.name.trim(),
    description: product.description.trim(),
    imageUrl: product.imageUrl,
    currency,
    categoryIds: [...new Set(product.categoryIds.map((id) => id.toLowerCase()))],
    options: product.options.map(({ name, values }) => ({ name, values })),
    variants: product.variants.map((variant) => ({
      sku: variant.sku,
      name: variant.name.trim(),
      options: variant.options.map(({ name, value }) => ({ name, value })),
      priceMinor: variant.price?.minor ?? 0n,
    })),
  };
}

export function readCategories({ categories }: UpsertCategoriesRequest): Category[] {
  validate((checks) => {
    checks.items('categories', categories, 0, CATEGORIES_MAX);
    categories.forEach((category, index) => {
      const at = `categories[${index}]`;
      checks.uuid(`${at}.id`, category.id);
      checkSlug(checks, `${at}.slug`, category.slug);
      checks.text(`${at}.name`, category.name, 1, NAME_MAX);
      if (category.parentId !== '') checks.uuid(`${at}.parent_id`, category.parentId);
      checks.integer(`${at}.position`, category.position, 0, POSITION_MAX);
    });
    checkDistinct(
      checks,
      'categories',
      'id',
      categories.map((category) => category.id.toLowerCase()),
    );
    checkDistinct(
      checks,
      'categories',
      'slug',
      categories.map((category) => category.slug),
    );
  });
  return categories.map(({ id, slug, name, parentId, position }) => ({
    id: id.toLowerCase(),
    slug,
    name: name.trim(),
    parentId: parentId === '' ? undefined : parentId.toLowerCase(),
    position,
  }));
}

function checkSlug(checks: Checks, field: string, slug: string): void {
  const holds = slug.length <= SLUG_MAX && SLUG.test(slug);
  checks.require(holds, field, 'must be lower-case letters and digits, in groups joined by "-"');
}

function checkDistinct(checks: Checks, field: string, what: string, values: readonly string[]): void {
  const seen = new Set<string>();
  const twice = values.find((value) => seen.size === seen.add(value).size);
  checks.require(twice === undefined, field, `names the ${what} ${twice ?? ''} twice`);
}
