// What a person sees at a path that nothing answers. Programs get the runtime's own 404.

import { server } from 'zerohop';
import { Refusal } from '../shop/refusal.ts';
import { refusalResponse } from './layout.ts';

server.http(
  (request, next) =>
    request.headers.get('accept')?.includes('text/html')
      ? refusalResponse(new Refusal(404, 'There is no such page. It may have moved, or the address has a slip in it.'))
      : next(request),
  { name: 'missing', before: false },
);
