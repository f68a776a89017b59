// GET /images/products/<slug>.svg: a drawn picture for products that have no photograph. Drawing needs the product's
// name and category, so the first request for a slug asks the catalog; the picture is then kept.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBoundedMap } from '@stoa/chassis/rpc/two-generations';
import type { Clients } from '../graphql/clients.ts';
import { BUDGET_MS, guestHeaders, type RequestFacts } from '../graphql/context.ts';
import { orUndefined } from '../graphql/loaders.ts';
import { productPicture } from '../pictures/picture.ts';
import { type HttpProblem, send, sendProblem } from './respond.ts';

const PATH = /^\/images\/products\/([a-z0-9][a-z0-9-]{0,99})\.svg$/;
const PICTURES_MAX = 1_000;

const NOT_FOUND: HttpProblem = { status: 404, code: 'NOT_FOUND', message: 'there is no such picture' };
const WRONG_METHOD: HttpProblem = {
  status: 405,
  code: 'METHOD_NOT_ALLOWED',
  message: 'use GET',
  headers: { allow: 'GET, HEAD' },
};
const UNAVAILABLE: HttpProblem = { status: 503, code: 'UNAVAILABLE', message: 'the picture cannot be drawn right now' };

export type PictureEndpoint = (
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  facts: RequestFacts,
) => Promise<void>;

export function createPictureEndpoint(clients: Clients): PictureEndpoint {
  const pictures = createBoundedMap<string>(PICTURES_MAX);
  const draw = async (slug: string, facts: RequestFacts): Promise<string | undefined> => {
    const call = { headers: guestHeaders(facts), signal: facts.signal, timeoutMs: BUDGET_MS };
    const answer = await orUndefined(clients.catalog.getProduct({ by: { case: 'slug', value: slug } }, call));
    if (answer?.product === undefined) return undefined;
    const { name, categoryIds } = answer.product;
    const { categories } = await clients.catalog.listCategories({}, call);
    const category = categories.find(({ id }) => categoryIds.includes(id));
    return productPicture(slug, name, category?.slug ?? '');
  };
  return async (path, request, response, facts) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendProblem(response, WRONG_METHOD, facts.traceId);
    const slug = PATH.exec(path)?.[1];
    if (slug === undefined) return sendProblem(response, NOT_FOUND, facts.traceId);
    let picture = pictures.get(slug);
    if (picture === undefined) {
      try {
        picture = await draw(slug, facts);
      } catch {
        return sendProblem(response, UNAVAILABLE, facts.traceId);
      }
      if (picture === undefined) return sendProblem(response, NOT_FOUND, facts.traceId);
      pictures.set(slug, picture);
    }
    // An SVG may be opened as a page of its own; it may style itself and nothing else.
    response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
    response.setHeader('cross-origin-resource-policy', 'cross-origin');
    response.setHeader('cache-control', 'public, max-age=3600');
    send(response, 200, 'image/svg+xml; charset=utf-8', picture);
  };
}
