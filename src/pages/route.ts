// Which site and rule a request is for.

import { normalPath } from './key.ts';
import type { Rule, Site } from './types.ts';

export interface Route {
  readonly site: Site;
  /** Undefined: no rule matches; the request is passed on. */
  readonly rule: Rule | undefined;
}

/** @param sites the closest fit first, as `readSites` gives them */
export function routeOf(sites: readonly Site[], host: string, path: string): Route | undefined {
  for (const site of sites) {
    if (site.host !== undefined && site.host !== host) continue;
    if (site.path !== '' && path !== site.path && !path.startsWith(`${site.path}/`)) continue;
    // The rule sees the path the origin gets, so that no spelling of it slips past a rule.
    const normal = normalPath(path);
    return { site, rule: site.rules.find(({ matches }) => matches(normal)) };
  }
  return undefined;
}
