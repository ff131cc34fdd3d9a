// In a frame of the comparison, from the server that is measured: asks it for a page when told to, and says how long that took. Both sides are
// measured by this, each from its own origin, so that neither has to allow the other anything.

const pages = /^\/(Home\/|Plp\/c-\d+(\?sort=[a-z-]+)?|Pdp\/p-\d+)$/;

addEventListener('message', async ({ data, source, origin }) => {
  if (source !== parent || typeof data?.path !== 'string' || !pages.test(data.path)) return;
  source.postMessage({ id: data.id, ...(await ask(data.path)) }, origin);
});
parent.postMessage({ ready: true }, '*');

/** From the request's first byte to the answer's last, as the browser's network has it: without the wait for this script's turn. */
function measured() {
  const entry = performance.getEntriesByType('resource').at(-1);
  performance.clearResourceTimings();
  return entry && entry.requestStart > 0 ? entry.responseEnd - entry.requestStart : undefined;
}

async function ask(path) {
  const started = performance.now();
  try {
    const response = await fetch(path, { cache: 'no-store' });
    const text = await response.text();
    const ms = measured() ?? performance.now() - started;
    return response.ok ? { ms, text } : { ms, failure: `status ${response.status}` };
  } catch {
    return { ms: performance.now() - started, failure: 'no answer' };
  }
}
