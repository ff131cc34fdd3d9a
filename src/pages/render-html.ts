// What a rendered page says of itself, and the page without its scripts: HTML in, HTML out.

/**
 * Without what runs: scripts, handlers in attributes, addresses that are code, and what is fetched ahead for scripts alone. Data for search
 * engines stays.
 */
export function withoutScripts(html: string): string {
  return new HTMLRewriter()
    .on('script', {
      element(script) {
        if (script.getAttribute('type')?.trim().toLowerCase() !== 'application/ld+json') script.remove();
      },
    })
    .on('link', {
      element(link) {
        const rel = (link.getAttribute('rel') ?? '').toLowerCase().split(/\s+/);
        const isForScripts = link.getAttribute('as')?.toLowerCase() === 'script';
        if (rel.includes('modulepreload') || (isForScripts && (rel.includes('preload') || rel.includes('prefetch'))))
          link.remove();
      },
    })
    .on('*', {
      element(element) {
        for (const [name, value] of [...element.attributes])
          if (/^on/i.test(name) || (takesAddress.test(name) && isCode(value))) element.removeAttribute(name);
      },
    })
    .transform(html);
}

const takesAddress = /^(href|action|formaction|src|xlink:href)$/i;

/** Browsers leave out blanks and control characters when they read the scheme. */
function isCode(address: string): boolean {
  return /^javascript:/i.test([...address].filter((character) => character > ' ').join(''));
}

/**
 * `<meta name="prerender-status-code" content="404">`: the status a page gives itself that its origin answers with 200, as apps do that find out
 * in the browser what is there. No other status than 404 and 410 counts.
 */
export function statusSaid(html: string): number | undefined {
  let status: number | undefined;
  new HTMLRewriter()
    .on('meta', {
      element(meta) {
        const said = meta.getAttribute('content')?.trim();
        if (meta.getAttribute('name')?.toLowerCase() === 'prerender-status-code' && (said === '404' || said === '410'))
          status = Number(said);
      },
    })
    .transform(html);
  return status;
}

/** A Link header without what is fetched ahead for scripts; undefined: nothing is left. */
export function linksWithoutScripts(header: string): string | undefined {
  const links = header.split(/,(?=\s*<)/).filter((link) => {
    const isPreload = /;\s*rel\s*=\s*"?[^";,]*\b(preload|prefetch)\b/i.test(link);
    return !/\bmodulepreload\b/i.test(link) && !(isPreload && /;\s*as\s*=\s*"?script\b/i.test(link));
  });
  return links.length === 0 ? undefined : links.join(',').trim();
}
