import { type RequestTarget, Resource } from 'zerohop';
import { architectures, findRival, type Rival } from '../shop/rivals.ts';
import { assetUrl } from './assets.ts';
import { type Html, html } from './html.ts';
import { type Page, respondOr } from './layout.ts';

/** GET /compare?rival=http://localhost:9928&name=microservices: this shop beside itself on another architecture. */
export class ComparePage extends Resource {
  static override path = '/compare';
  static override hidden = true;

  static override get(target: RequestTarget): Promise<Response> {
    const rival = findRival({ rival: target.get('rival') ?? null, name: target.get('name') ?? null });
    return respondOr(async () => comparePage(rival));
  }
}

function comparePage(rival: Rival | undefined): Page {
  return {
    title: 'One shop, two architectures',
    isPrivate: true,
    frames: rival ? [rival.origin] : [],
    main: html`<div class="compare"${rival && html` data-compare`}>
<p class="eyebrow">The same pages, the same bytes</p>
<h1>One shop, two architectures</h1>
${rival ? html`<p class="lead">Both sides are asked for the same page in turn, from this browser. What differs is what has to happen behind the address.</p>${duel(rival)}` : howToStart}
</div>`,
  };
}

const howToStart = html`<div class="notice compare-none" data-no-rival>
  <p>This shop runs in one process. To see it beside the same shop as microservices and as a monolith, start all three from the repository:</p>
  <pre><code>npm run compare</code></pre>
  <p>It prints the address to open. That needs PostgreSQL (Debian: <code>apt-get install postgresql</code>).</p>
  <p>Another server of yours that answers <code>/Home/</code>, <code>/Plp/…</code> and <code>/Pdp/…</code> and serves the shop’s files: <code>/compare?rival=http://localhost:PORT</code></p>
</div>`;

const choices = [
  ['home', 'Home', '/Home/'],
  ['listing', 'A category', '/Plp/c-02?sort=price'],
  ['product', 'A product', '/Pdp/p-0001'],
] as const;

function duel(rival: Rival): Html {
  return html`<form class="compare-controls" data-controls>
  <fieldset class="segments"><legend class="sr">Page</legend>${choices.map(
    ([id, label, path]) =>
      html`<label><input type="radio" name="page" value="${id}" data-path="${path}"${id === 'product' && html` checked`}><span>${label}</span></label>`,
  )}</fieldset>
  <button class="button" type="submit" data-run>Start</button>
</form>
<p class="compare-verdict" role="status" data-verdict>Press start: 100 requests to each side.</p>
<div class="compare-sides">
${side('here', { name: 'unified', origin: '' })}
${side('there', rival)}
</div>
<section class="section" aria-labelledby="served">
  <div class="compare-served">
    <h2 id="served">The page itself</h2>
    <form data-switch><fieldset class="segments"><legend class="sr">Served by</legend>
      <label><input type="radio" name="side" value="here" checked><span>${architectures.unified.title}</span></label>
      <label><input type="radio" name="side" value="there"><span>${architectures[rival.name].title}${rival.name === 'unified' && ' (the other)'}</span></label>
    </fieldset></form>
  </div>
  <p class="hint" role="status" data-served></p>
  <ul class="grid compare-page" data-page></ul>
</section>
<script src="${assetUrl('compare.js')}" defer></script>`;
}

function side(id: 'here' | 'there', { name, origin }: Rival): Html {
  const { title, processes, hops } = architectures[name];
  return html`<section class="compare-side compare-${id}" data-side="${id}" data-title="${title}" data-origin="${origin}" data-hops="${JSON.stringify(hops)}" data-processes="${processes}" aria-label="${title}${id === 'there' && ', the rival'}">
  <h2>${title}</h2>
  <p class="hint">${processes}${origin !== '' && html` at ${origin}`}</p>
  <dl class="compare-figures">
    <div><dt>p50</dt><dd data-figure="p50">–</dd></div>
    <div><dt>p95</dt><dd data-figure="p95">–</dd></div>
    <div><dt>hops</dt><dd data-figure="hops">–</dd></div>
    <div><dt>answered</dt><dd data-figure="count">0</dd></div>
  </dl>
  <svg class="compare-chart" viewBox="0 0 400 160" preserveAspectRatio="none" role="img" aria-label="Latency of each request" data-chart></svg>
  <p class="compare-scale"><span>1st request</span> <span data-scale></span> <span>100th</span></p>
  <iframe title="Requests to ${title}" class="compare-frame" tabindex="-1" aria-hidden="true"></iframe>
</section>`;
}
