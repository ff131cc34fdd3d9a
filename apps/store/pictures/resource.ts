import { type RequestTarget, Resource } from 'zerohop';
import { Refusal } from '../shop/refusal.ts';
import { drawPicture } from './draw.ts';

/** GET /pictures/mug/terracotta-417.svg: a product picture, drawn from its name. */
export class Pictures extends Resource {
  static override cacheable = true;
  static override path = '/pictures/:drawing/:look';
  static override description = 'Product pictures as SVG.';

  static override get(target: RequestTarget): Response {
    const { drawing = '', look = '' } = target.params;
    const svg = drawPicture(drawing, look.replace(/\.svg$/, ''));
    if (svg === undefined) throw new Refusal(404, `There is no picture ${drawing}/${look}.`);
    return new Response(svg, {
      headers: { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=604800, immutable' },
    });
  }
}
